"""The mistakes that people make in these layers, each a whole wrong implementation.

Every module holds ``<op>_forward`` and ``<op>_backward`` with one mistake in one of
them or in both, and shares what is right with :mod:`cnnpy.reference`. They serve to
test the judge, and to name what a learner's code does: where an implementation gives
what a mistake gives, that is the mistake. How it shows, its cause and its mend stand
in the module's docstring. Where people write the same mistake in several ways that give
other results, ``OTHER_WAYS`` holds each as a whole, under what it does otherwise.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["MISTAKES", "Mistake"]


@dataclass(frozen=True)
class Mistake:
    """A mistake: how it shows, where it comes from, how it is mended.

    Parameters
    ----------
    name : str
        Its name, that of its module.
    op : str
        The op that it is made in.

    Examples
    --------
    >>> mistake = MISTAKES["mean_squared_error_forgets_the_factor_2"]
    >>> out, cache = mistake.forward(np.array([1.0, 2.0]), np.array([0.0, 4.0]))
    >>> mistake.backward(np.float64(1.0), cache)  # (1, -2) would be right
    array([ 0.5, -1. ])
    >>> mistake.mend
    'Compute dout * 2 * (x - target) / x.size.'
    """

    name: str
    op: str

    @property
    def module(self) -> str:
        """Name the module that makes it."""
        return f"{__name__}.{self.name}"

    @property
    def forward(self) -> Callable[..., tuple[Any, Any]]:
        """Give the forward pass."""
        forward: Callable[..., tuple[Any, Any]] = getattr(self._load(), f"{self.op}_forward")
        return forward

    @property
    def backward(self) -> Callable[[Any, Any], Any]:
        """Give the backward pass."""
        backward: Callable[[Any, Any], Any] = getattr(self._load(), f"{self.op}_backward")
        return backward

    @property
    def made_in(self) -> tuple[str, ...]:
        """Name the passes that it is made in: those that its module writes itself."""
        passes = {"forward": self.forward, "backward": self.backward}
        return tuple(name for name, f in passes.items() if f.__module__ == self.module)

    @property
    def other_ways(self) -> Mapping[str, tuple[Any, ...]]:
        """Give the ways in which it is also written, where there are several.

        By what differs: forward, backward, and the names of the mistakes that are made with it.
        """
        ways: Mapping[str, tuple[Any, ...]] = getattr(self._load(), "OTHER_WAYS", {})
        return ways

    @property
    def shows(self) -> str:
        """Say in a sentence what is wrong with the results."""
        return self._paragraph(0)

    @property
    def cause(self) -> str:
        """Say in a sentence where it comes from."""
        return self._paragraph(1).removeprefix("Cause: ")

    @property
    def mend(self) -> str:
        """Say in a sentence what to write instead."""
        return self._paragraph(2).removeprefix("Mend: ")

    def _load(self) -> Any:
        return importlib.import_module(self.module)

    def _paragraph(self, k: int) -> str:
        return " ".join(self._load().__doc__.split("\n\n")[k].split())


_KNOWN: dict[str, tuple[str, ...]] = {
    "conv2d": (
        "crops_dx_by_one",
        "empties_dx_at_padding_0",
        "pads_by_one",
        "pads_every_axis",
        "swaps_the_paddings",
        "takes_the_kernel_for_square",
        "takes_the_image_for_square",
        "confuses_height_and_width",
        "forgets_the_stride_in_backward",
        "overwrites_dx",
        "flips_the_filter",
        "forgets_the_bias",
        "averages_db",
        "keeps_dw_of_the_last_image",
        "writes_dx_into_x",
        "returns_float64",
        "sees_the_first_image_only",
        "squeezes_the_output",
        "drops_the_last_row",
        "ignores_dilation",
        "ignores_groups",
        "takes_the_output_for_square",
        "rounds_the_size_up",
        "rounds_the_size_to_the_nearest",
        "forgets_the_stride_in_forward",
        "forgets_the_stride_along_w",
        "adds_the_bias_for_each_channel",
        "keeps_the_last_channel_only",
        "returns_dx_with_the_padding",
        "flips_the_filter_in_backward",
        "takes_the_kernel_for_3x3_in_backward",
        "overwrites_dw",
        "averages_dw",
        "takes_dw_from_the_unpadded_images",
        "keeps_db_of_the_last_image",
        "keeps_the_pixels_in_db",
        "sees_the_first_channel_only_in_dw",
        "counts_columns_by_the_kernels_height",
        "adds_once_for_repeated_indices",
        "crops_dx_from_one",
        "walks_the_unpadded_image",
        "empties_x_at_padding_0",
        "confuses_the_kernels_sides_in_backward",
        "confuses_the_outputs_sides_in_backward",
        "counts_outputs_along_the_height",
        "squeezes_away_a_single_filter",
        "walks_to_the_edge",
        "counts_a_padding_that_is_always_one",
        "walks_the_image_in_backward",
        "keeps_dx_of_the_last_image",
        "takes_dw_from_images_padded_by_one",
        "crops_dx_by_half_the_kernel",
        "forgets_the_rest_in_dx",
        "gives_dw_the_rest",
        "forgets_x_at_padding_0",
        "empties_dout_at_kernel_1",
        "swaps_the_kernels_sides",
        "takes_the_kernel_for_square_in_backward",
        "places_outputs_by_the_size",
        "keeps_x_emptied_at_padding_0",
        "strides_over_the_kernel_in_dw",
        "writes_x_to_an_empty_slice",
        "exchanges_the_loops",
        "exchanges_the_images_sides",
    ),
    "conv_transpose2d": (
        "forgets_output_padding",
        "crops_one_side_only",
        "flips_the_filter",
    ),
    "max_pool2d": (
        "gives_every_tie_the_gradient",
        "overwrites_the_whole_window",
        "counts_windows_by_their_size",
        "divides_the_place_by_the_height",
        "overwrites_where_windows_overlap",
        "ignores_the_stride",
        "takes_the_stride_for_the_window",
        "steps_by_the_window",
        "confuses_height_and_width",
        "takes_the_image_for_square",
        "drops_the_last_row",
        "pads_with_zeros",
        "starts_from_zero",
        "rounds_the_size_up",
        "rounds_the_size_to_the_nearest",
        "takes_the_output_for_square",
        "divides_the_rest_by_the_height",
        "counts_places_along_the_height",
        "swaps_row_and_column",
        "forgets_the_stride_in_forward",
        "forgets_the_stride_in_backward",
        "walks_to_the_edge",
        "takes_the_maximum_over_all_channels",
        "counts_columns_by_the_windows_height",
        "adds_once_for_repeated_indices",
        "counts_outputs_along_the_height",
        "swaps_the_windows_sides",
        "confuses_the_windows_sides_in_backward",
        "confuses_the_outputs_sides_in_backward",
        "takes_the_window_for_square",
        "places_outputs_by_the_window",
        "takes_the_window_for_2x2_in_backward",
        "writes_dx_into_x",
        "ends_windows_by_their_size",
        "leaves_the_window_out_of_the_size",
        "shares_a_mask_among_windows",
        "takes_the_output_for_square_in_backward",
        "places_outputs_by_the_size",
        "takes_the_column_by_the_height",
        "exchanges_the_images_sides",
        "exchanges_the_loops",
        "finds_row_and_column_apart",
        "looks_for_the_maximum_everywhere",
    ),
    "avg_pool2d": (
        "forgets_to_divide_in_backward",
        "overwrites_where_windows_overlap",
        "ignores_count_include_pad",
        "ignores_the_stride",
        "leaves_the_padding_out",
        "takes_the_output_for_square",
        "adds_once_for_repeated_indices",
    ),
    "global_avg_pool2d": ("forgets_to_divide_in_backward",),
    "linear": (
        "averages_db",
        "transposes_dw",
        "forgets_the_bias",
        "averages_dw",
        "keeps_the_batch_axis_of_db",
        "sums_db_over_the_outputs",
        "squeezes_db",
    ),
    "flatten": ("loses_the_order",),
    "relu": (
        "writes_into_dout",
        "writes_into_x",
        "passes_the_gradient_at_zero",
        "gates_by_the_gradient",
        "passes_the_gradient_everywhere",
        "weighs_by_its_output",
        "counts_on_two_axes",
    ),
    "relu6": (
        "forgets_the_ceiling_in_backward",
        "passes_the_gradient_at_the_kinks",
    ),
    "leaky_relu": ("forgets_the_slope_in_backward",),
    "sigmoid": ("takes_the_slope_at_x",),
    "tanh": ("forgets_the_square",),
    "gelu": ("ignores_approximate",),
    "silu": ("forgets_the_product_rule",),
    "hard_swish": ("forgets_the_product_rule",),
    "softmax": (
        "without_the_shift",
        "ignores_the_axis",
        "takes_the_diagonal_only",
        "forgets_keepdims",
        "normalises_over_everything",
    ),
    "log_softmax": ("takes_the_log_of_zero",),
    "softmax_cross_entropy": (
        "sums_over_the_batch",
        "forgets_n_in_backward",
        "ignores_label_smoothing",
        "without_the_shift",
        "takes_log_sum_exp_without_the_shift",
        "takes_the_log_of_zero",
        "forgets_n_in_forward",
        "forgets_the_label_in_backward",
        "adds_a_small_number",
        "adds_a_small_number_to_the_sum",
        "clips_the_probability",
        "normalises_over_the_batch",
        "forgets_keepdims",
    ),
    "hinge": (
        "counts_the_right_class",
        "forgets_the_right_class_in_backward",
        "forgets_n_in_backward",
        "forgets_n_in_forward",
        "pushes_the_right_class_once",
        "forgets_the_margin",
    ),
    "mean_squared_error": ("forgets_the_factor_2",),
    "batch_norm": (
        "divides_by_n_minus_1",
        "adds_eps_to_the_spread",
        "ignores_eps",
        "divides_by_the_batch_only",
        "over_the_batch_axis_only",
        "reverses_the_momentum",
        "keeps_the_biased_variance",
        "uses_the_batch_in_inference",
        "takes_the_statistics_for_constants",
        "adds_eps_to_the_spread_in_inference",
        "ignores_eps_in_inference",
        "keeps_eps_in_running_var",
        "forgets_the_running_statistics",
        "updates_the_running_statistics_in_inference",
        "forgets_gamma_in_dx",
        "forgets_the_mean_in_dx",
        "forgets_the_variance_in_dx",
        "averages_dgamma_and_dbeta",
        "keeps_the_batch_axis_of_dgamma",
        "reshapes_without_the_transpose",
        "keeps_its_own_share_of_the_mean_only",
        "adds_eps_twice",
        "ignores_the_eps_given",
        "ignores_eps_in_backward",
        "takes_beta_for_gamma",
        "adds_eps_to_the_spread_in_training",
        "halves_the_variance_in_dx",
        "doubles_the_variance_in_dx",
        "takes_sums_for_means_in_dx",
        "normalises_each_image",
        "shares_the_running_statistics",
        "adds_eps_to_running_var_in_inference",
        "forgets_gamma_and_beta_in_inference",
        "subtracts_beta_in_inference",
        "reshapes_back_without_the_transpose",
        "forgets_the_root_in_inference",
        "keeps_the_spread_in_running_var",
        "reshapes_after_another_transpose",
    ),
    "layer_norm": (
        "over_the_batch_axis",
        "ignores_eps",
        "takes_gamma_out_of_the_means",
        "forgets_gamma_in_dx",
        "adds_eps_to_the_spread",
        "divides_by_n_minus_1",
        "averages_over_the_batch_in_dx",
        "sums_dgamma_over_the_features",
        "keeps_the_batch_axis_of_dgamma",
        "adds_eps_twice",
        "ignores_the_eps_given",
        "ignores_eps_in_backward",
        "takes_beta_for_gamma",
        "halves_the_variance_in_dx",
        "doubles_the_variance_in_dx",
        "takes_sums_for_means_in_dx",
        "divides_by_the_batch_in_dx",
    ),
    "group_norm": (
        "deals_the_channels_out",
        "ignores_eps",
        "takes_gamma_out_of_the_means",
        "forgets_gamma_in_dx",
        "normalises_each_pixel",
        "normalises_each_channel",
        "normalises_over_the_batch",
        "squeezes_the_spread",
        "adds_eps_to_the_spread",
        "adds_eps_twice",
        "ignores_the_eps_given",
        "ignores_eps_in_backward",
        "takes_beta_for_gamma",
        "halves_the_variance_in_dx",
        "doubles_the_variance_in_dx",
        "takes_sums_for_means_in_dx",
        "reshapes_without_the_transpose",
    ),
    "dropout": (
        "forgets_to_scale",
        "takes_p_for_the_share_that_stays",
        "forgets_the_mask_in_backward",
        "forgets_to_scale_in_backward",
        "scales_in_inference",
        "keeps_what_is_to_be_dropped",
        "draws_from_the_normal_distribution",
        "counts_on_two_axes",
        "drops_nothing",
    ),
    "add": ("hands_out_one_array_twice",),
    "concat": ("swaps_the_parts",),
    "pad2d": (
        "repeats_the_edge_in_reflect",
        "drops_the_border_in_backward",
    ),
    "upsample_nearest2d": ("overwrites_in_backward",),
}

MISTAKES = {
    f"{op}_{what}": Mistake(f"{op}_{what}", op) for op, known in _KNOWN.items() for what in known
}
"""Every mistake by its name."""
