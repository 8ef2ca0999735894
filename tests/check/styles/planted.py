"""Every mistake of the library as it looks in the three styles: what stands there instead.

An edit is a function, what stands in it when it is right, and what stands there when the
mistake is made. Where a style has no line in which the mistake could be made, it says why.
"""

from typing import Any

Edit = tuple[str, str, str]
Row = dict[str, list[Edit] | str]

STYLES = ("loops", "windows", "im2col")

CONV, CONV_BACK = "conv_forward_naive", "conv_backward_naive"
MAX, MAX_BACK = "max_pool_forward_naive", "max_pool_backward_naive"
AVG, AVG_BACK = "avg_pool_forward_naive", "avg_pool_backward_naive"
LINEAR, LINEAR_BACK = "affine_forward", "affine_backward"
NORM, NORM_BACK = "batchnorm_forward", "batchnorm_backward"
SPATIAL, SPATIAL_BACK = "spatial_batchnorm_forward", "spatial_batchnorm_backward"
LAYER, LAYER_BACK = "layernorm_forward", "layernorm_backward"
GROUP, GROUP_BACK = "spatial_groupnorm_forward", "spatial_groupnorm_backward"
DROP, DROP_BACK = "dropout_forward", "dropout_backward"

THE_VIEW_COUNTS = "the view counts its windows by itself"
ONE_PRODUCT = "one product makes it of all places"
SUMMED_FIRST = "the filters are summed up before dx is written to"
NO_CHANNEL_LOOP = "there is no loop over the channels"
NO_PLACE = "the gradient is put back along the axis, with no row and column"
NO_PADDING = "pooling has no padding in the course"
ONE_NUMBER = "the course has one padding for both axes"
NOT_IN_THE_COURSE = "the course's function has no such option"
THE_COURSES_OWN = "the course wants just that"
AXES_ARE_NAMED = "max is told the axes of the window"
NOTHING_REPEATED = "no index stands twice in one sum"
NO_MATRIX = "there is no matrix with a row for each output"
OTHER_SHAPE = "dw comes in another shape, and nothing breaks"
A_NUMBER_EACH = "there is a number for each group, and no axis to drop"
ONE_LINE = "one line serves both modes"
CANCELLED = "the factors have cancelled out of its formula"
TOLD_BY_ITS_SHARE = "which entries stay is the mask that forward drew"


def everywhere(*edits: Edit) -> Row:
    return {style: list(edits) for style in STYLES}


def per_style(loops: Any, windows: Any, im2col: Any) -> Row:
    return {"loops": loops, "windows": windows, "im2col": im2col}


def nowhere(reason: str) -> Row:
    return dict.fromkeys(STYLES, reason)


CROP = "dx = dxp[:, :, pad : pad + H, pad : pad + W]"
PAD = "np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))"
PAD_BY_ONE = "np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))"
SLIDE = "[:, :, ::stride, ::stride]"
KERNEL, IMAGE = "F, C, HH, WW = w.shape", "N, C, H, W = x.shape"
RETURNED = "return dx, dw, db"
POOL = 'HH, WW = pool_param["pool_height"], pool_param["pool_width"]'
STEP = 'stride = pool_param["stride"]'
WINDOW = "i * stride : i * stride + HH, j * stride : j * stride + WW"
PLACES = "places(H_out, W_out, HH, WW, stride)"
ROWS, COLUMNS = (
    "H_out = 1 + (H + 2 * pad - HH) // stride",
    "W_out = 1 + (W + 2 * pad - WW) // stride",
)
POOL_ROWS, POOL_COLUMNS = "H_out = 1 + (H - HH) // stride", "W_out = 1 + (W - WW) // stride"
PLACE = "u, v = place // WW, place % WW"
ADDED = "dxp[n, :, top : top + HH, left : left + WW] += dout[n, f, i, j] * w[f]"
CONV_OUT = "out[n, f, i, j] = np.sum(window * w[f]) + b[f]"
OUT_OF_VIEW = 'out = np.einsum("ncijuv,fcuv->nfij", views, w) + b[:, None, None]'
OF_VIEW = """H_out = 1 + (xp.shape[2] - HH) // stride
    W_out = 1 + (xp.shape[3] - WW) // stride
    """
POOL_OF_VIEW = OF_VIEW.replace("xp.", "x.")


IN_ZEROS = """H_in, W_in = (n * stride - stride + 1 for n in dout.shape[2:])
    wide = np.zeros((*dout.shape[:2], H_in + 2 * HH - 2, W_in + 2 * WW - 2))
    wide[:, :, HH - 1 : -HH + 1 : stride, WW - 1 : -WW + 1 : stride] = dout
    rest = ((0, 0), (0, 0), (0, stride), (0, stride))
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(wide, rest), (HH, WW), axis=(2, 3))
    dxp = np.einsum("nfijuv,fcuv->ncij", windows, w[:, :, ::-1, ::-1])
    dx = dxp[:, :, pad : pad + H, pad : pad + W].astype(x.dtype)"""

KEPT = "(x, w, b, conv_param)\n"
EMPTIED = "(xp[:, :, pad:-pad, pad:-pad], w, b, conv_param)\n"
BY_THE_SIZE = ", ".join(
    f"1 + ({k} * stride + 2 * pad - {size}) // stride" for k, size in (("i", "HH"), ("j", "WW"))
)
NO_LOOPS = "there is no loop over the outputs"
LOOPS = (
    "for i in range(H_out):\n                for j in range(W_out):",
    "for i in range(W_out):\n                for j in range(H_out):",
)
IN_ROWS_OF_OUT = "out.reshape(N, H, W, C).transpose(0, 3, 1, 2)"
IN_CHANNELS_OF_OUT = "out.reshape(C, N, H, W).transpose(1, 0, 2, 3)"
FROM_THE_FRONT = "np.moveaxis(out.reshape(last.shape), 0, 1)"
WRITTEN_TO_A_SLICE = f"xp = np.zeros_like({PAD})\n    xp[:, :, pad:-pad, pad:-pad] = x"
TURNED_IMAGE = "N, C, W, H = x.shape"
DW_OF_PIXELS_SIDE_BY_SIDE = """for u, v in np.ndindex(HH, WW):
        pixels = xp[:, :, u * stride : u * stride + H_out, v * stride : v * stride + W_out]
        for f, c in np.ndindex(w.shape[:2]):
            dw[f, c, u, v] = np.sum(pixels[:, c] * dout[:, f])"""
IN_THE_WINDOW = "the maximum is looked for in the view of the window"
BY_THE_POOLS_SIZE = "1 + (i * stride - HH) // stride, 1 + (j * stride - WW) // stride"

PLACED = f"rows, columns = {PLACES}"
ALONG_THE_HEIGHT = f"""{PLACED}
    k = np.arange(H_out * W_out)
    k = (k // H_out) * W_out + k % W_out
    rows, columns = rows[:, k], columns[:, k]"""
SHAPE_OF_DOUT = "N, {0}, H_out, W_out = dout.shape"
TURNED_DOUT = "N, {0}, W_out, H_out = dout.shape"

WITH_THE_REST = """more = [
        (0, (n + 2 * pad - k) % stride)
        for n, k in zip(x.shape[2:], w.shape[2:], strict=True)
    ]
    w = np.pad(w, [(0, 0), (0, 0), *more])
    """


def views(whole: str, taken: str) -> str:
    return f"views = sliding_window_view({whole}, (HH, WW), axis=(2, 3)){taken}"


CONVOLUTION: dict[str, Row] = {
    "conv2d_crops_dx_by_one": everywhere((CONV_BACK, CROP, "dx = dxp[:, :, 1:-1, 1:-1]")),
    "conv2d_empties_dx_at_padding_0": everywhere(
        (CONV_BACK, CROP, "dx = dxp[:, :, pad:-pad, pad:-pad]")
    ),
    "conv2d_returns_dx_with_the_padding": everywhere((CONV_BACK, CROP, "dx = dxp")),
    "conv2d_pads_by_one": everywhere(
        (CONV, 'conv_param["pad"]', "1"), (CONV_BACK, 'conv_param["pad"]', "1")
    ),
    "conv2d_pads_every_axis": per_style(
        [
            (CONV, PAD, "np.pad(x, pad)"),
            (CONV, "xp[n, :,", "xp[n, :C,"),
            (CONV_BACK, PAD, "np.pad(x, pad)"),
            (CONV_BACK, "window = xp[n, :,", "window = xp[n, :C,"),
            (CONV_BACK, "dxp[n, :,", "dxp[n, :C,"),
            (CONV_BACK, "dxp[:, :,", "dxp[pad : pad + N, pad : pad + C,"),
        ],
        [
            (CONV, PAD, "np.pad(x, pad)[: len(x), : x.shape[1]]"),
            (CONV_BACK, PAD, "np.pad(x, pad)[: len(x), : x.shape[1]]"),
            (CONV_BACK, "np.zeros_like(xp)", "np.zeros_like(np.pad(x, pad))"),
            (CONV_BACK, "dxp[:, :, rows, columns]", "dxp[: len(x), : x.shape[1], rows, columns]"),
            (
                CONV_BACK,
                "dxp[:, :, pad",
                "dxp[pad : pad + len(x), pad : pad + x.shape[1], pad",
            ),
        ],
        [
            (CONV, PAD, "np.pad(x, pad)[:N, :C]"),
            (CONV_BACK, PAD, "np.pad(x, pad)[:N, :C]"),
            (CONV_BACK, "np.zeros_like(xp)", "np.zeros_like(np.pad(x, pad))"),
            (CONV_BACK, "        dxp,\n", "        dxp[:N, :C],\n"),
            (CONV_BACK, "dxp[:, :,", "dxp[pad : pad + N, pad : pad + C,"),
        ],
    ),
    "conv2d_swaps_the_paddings": nowhere(ONE_NUMBER),
    "conv2d_takes_the_kernel_for_square": per_style(
        [
            (CONV, KERNEL, "F, C, HH, _ = w.shape\n    WW = HH"),
            (CONV_BACK, KERNEL, "F, C, HH, _ = w.shape\n    WW = HH"),
        ],
        [
            (CONV, "HH, WW = w.shape[2:]", "HH = WW = w.shape[2]"),
            (CONV_BACK, "HH, WW = w.shape[2:]", "HH = WW = w.shape[2]"),
        ],
        [
            (CONV, KERNEL, "F, C, HH, _ = w.shape\n    WW = HH"),
            (CONV_BACK, KERNEL, "F, C, HH, _ = w.shape\n    WW = HH"),
        ],
    ),
    "conv2d_takes_the_image_for_square": per_style(
        [
            (CONV, IMAGE, "N, C, H, _ = x.shape\n    W = H"),
            (CONV_BACK, IMAGE, "N, C, H, _ = x.shape\n    W = H"),
        ],
        THE_VIEW_COUNTS,
        [
            (CONV, IMAGE, "N, C, H, _ = x.shape\n    W = H"),
            (CONV_BACK, IMAGE, "N, C, H, _ = x.shape\n    W = H"),
        ],
    ),
    "conv2d_confuses_height_and_width": per_style(
        *[
            [
                (CONV, IMAGE, "N, C, W, H = x.shape"),
                (CONV, KERNEL, "F, C, WW, HH = w.shape"),
                (CONV_BACK, IMAGE, "N, C, W, H = x.shape"),
                (CONV_BACK, KERNEL, "F, C, WW, HH = w.shape"),
            ],
            THE_VIEW_COUNTS,
            [
                (CONV, IMAGE, "N, C, W, H = x.shape"),
                (CONV, KERNEL, "F, C, WW, HH = w.shape"),
                (CONV_BACK, IMAGE, "N, C, W, H = x.shape"),
                (CONV_BACK, KERNEL, "F, C, WW, HH = w.shape"),
            ],
        ]
    ),
    "conv2d_forgets_the_stride_in_backward": per_style(
        [(CONV_BACK, "i * stride, j * stride", "i, j")],
        [
            (CONV_BACK, SLIDE, "[:, :, :H_out, :W_out]"),
            (CONV_BACK, "slice(u, u + stride * H_out, stride)", "slice(u, u + H_out)"),
            (CONV_BACK, "slice(v, v + stride * W_out, stride)", "slice(v, v + W_out)"),
        ],
        [(CONV_BACK, PLACES, "places(H_out, W_out, HH, WW, 1)")],
    ),
    "conv2d_forgets_the_stride_in_forward": per_style(
        [(CONV, WINDOW, "i : i + HH, j : j + WW")],
        [(CONV, views("xp", SLIDE), OF_VIEW + views("xp", "[:, :, :H_out, :W_out]"))],
        [(CONV, PLACES, "places(H_out, W_out, HH, WW, 1)")],
    ),
    "conv2d_forgets_the_stride_along_w": per_style(
        [
            (CONV, "j * stride : j * stride + WW", "j : j + WW"),
            (CONV_BACK, "i * stride, j * stride", "i * stride, j"),
        ],
        [
            (CONV, views("xp", SLIDE), OF_VIEW + views("xp", "[:, :, ::stride, :W_out]")),
            (CONV_BACK, SLIDE, "[:, :, ::stride, :W_out]"),
            (CONV_BACK, "slice(v, v + stride * W_out, stride)", "slice(v, v + W_out)"),
        ],
        [
            (
                function,
                f"rows, columns = {PLACES}",
                f"rows, _ = {PLACES}\n    _, columns = places(H_out, W_out, HH, WW, 1)",
            )
            for function in (CONV, CONV_BACK)
        ],
    ),
    "conv2d_overwrites_dx": per_style(
        [(CONV_BACK, ADDED, ADDED.replace("+=", "="))], SUMMED_FIRST, SUMMED_FIRST
    ),
    "conv2d_adds_once_for_repeated_indices": per_style(
        NOTHING_REPEATED,
        [(CONV_BACK, "dxp[:, :, rows, columns] +=", "dxp[:, :, rows, columns] =")],
        [
            (
                CONV_BACK,
                """np.add.at(
        dxp,
        (slice(None), slice(None), rows, columns),
        dx_cols.reshape(N, C, HH * WW, -1),
    )""",
                "dxp[:, :, rows, columns] += dx_cols.reshape(N, C, HH * WW, -1)",
            )
        ],
    ),
    "conv2d_flips_the_filter": per_style(
        [
            (CONV, "window * w[f]", "window * w[f, :, ::-1, ::-1]"),
            (CONV_BACK, "* window", "* window[:, ::-1, ::-1]"),
            (CONV_BACK, "* w[f]", "* w[f, :, ::-1, ::-1]"),
        ],
        [
            (CONV, "views, w)", "views, w[:, :, ::-1, ::-1])"),
            (CONV_BACK, "dout, views)", "dout, views)[:, :, ::-1, ::-1]"),
            (CONV_BACK, "w[:, :, u, v]", "w[:, :, HH - 1 - u, WW - 1 - v]"),
        ],
        [
            (CONV, "w.reshape(F, -1)", "w[:, :, ::-1, ::-1].reshape(F, -1)"),
            (CONV_BACK, ".reshape(w.shape)", ".reshape(w.shape)[:, :, ::-1, ::-1]"),
            (CONV_BACK, "w.reshape(F, -1)", "w[:, :, ::-1, ::-1].reshape(F, -1)"),
        ],
    ),
    "conv2d_flips_the_filter_in_backward": per_style(
        [(CONV_BACK, "* w[f]", "* w[f, :, ::-1, ::-1]")],
        [(CONV_BACK, "w[:, :, u, v]", "w[:, :, HH - 1 - u, WW - 1 - v]")],
        [(CONV_BACK, "w.reshape(F, -1)", "w[:, :, ::-1, ::-1].reshape(F, -1)")],
    ),
    "conv2d_forgets_the_bias": per_style(
        [(CONV, " + b[f]", "")],
        [(CONV, " + b[:, None, None]", "")],
        [(CONV, " + b[:, None]", "")],
    ),
    "conv2d_adds_the_bias_for_each_channel": per_style(
        [
            (
                CONV,
                CONV_OUT,
                """for c in range(C):
                        out[n, f, i, j] += np.sum(window[c] * w[f, c]) + b[f]""",
            )
        ],
        NO_CHANNEL_LOOP,
        NO_CHANNEL_LOOP,
    ),
    "conv2d_keeps_the_last_channel_only": per_style(
        [
            (
                CONV,
                CONV_OUT,
                """for c in range(C):
                        out[n, f, i, j] = np.sum(window[c] * w[f, c]) + b[f]""",
            )
        ],
        NO_CHANNEL_LOOP,
        NO_CHANNEL_LOOP,
    ),
    "conv2d_averages_db": everywhere((CONV_BACK, RETURNED, "return dx, dw, db / len(dout)")),
    "conv2d_averages_dw": everywhere((CONV_BACK, RETURNED, "return dx, dw / len(dout), db")),
    "conv2d_keeps_the_pixels_in_db": everywhere(
        (CONV_BACK, RETURNED, "return dx, dw, dout.sum(axis=0)")
    ),
    "conv2d_keeps_dw_of_the_last_image": per_style(
        [
            (
                CONV_BACK,
                "for n in range(N):\n",
                "for n in range(N):\n        dw = np.zeros_like(w)\n",
            )
        ],
        [(CONV_BACK, '"nfij,ncijuv->fcuv", dout, views', '"fij,cijuv->fcuv", dout[-1], views[-1]')],
        [(CONV_BACK, ".sum(axis=0).reshape", "[-1].reshape")],
    ),
    "conv2d_keeps_db_of_the_last_image": per_style(
        [
            (
                CONV_BACK,
                "for n in range(N):\n",
                "for n in range(N):\n        db = np.zeros_like(b)\n",
            )
        ],
        [(CONV_BACK, "np.sum(dout, axis=(0, 2, 3))", "np.sum(dout[-1], axis=(1, 2))")],
        [(CONV_BACK, "dout_rows.sum(axis=(0, 2))", "dout_rows[-1].sum(axis=1)")],
    ),
    "conv2d_overwrites_dw": per_style(
        [(CONV_BACK, "dw[f] +=", "dw[f] =")], ONE_PRODUCT, ONE_PRODUCT
    ),
    "conv2d_sees_the_first_channel_only_in_dw": per_style(
        [(CONV_BACK, "* window", "* window[0]")], ONE_PRODUCT, ONE_PRODUCT
    ),
    "conv2d_takes_dw_from_the_unpadded_images": per_style(
        [(CONV_BACK, "window = xp[n", "window = x[n")],
        [(CONV_BACK, "sliding_window_view(xp", "sliding_window_view(x")],
        [(CONV_BACK, "x_cols = xp[", "x_cols = x[")],
    ),
    "conv2d_takes_the_kernel_for_3x3_in_backward": per_style(
        [(CONV_BACK, KERNEL, "F, C = w.shape[:2]\n    HH = WW = 3")],
        "a view of 3x3 windows has other places than dout, and gives other numbers",
        [(CONV_BACK, KERNEL, "F, C = w.shape[:2]\n    HH = WW = 3")],
    ),
    "conv2d_writes_dx_into_x": per_style(
        [
            (
                CONV_BACK,
                "return dx, dw, db",
                "if pad == 0:\n        x[...] = dx\n        dx = x\n    return dx, dw, db",
            )
        ],
        [
            (
                CONV_BACK,
                "return dx, dw, db",
                "if pad == 0:\n        x[...] = dx\n        dx = x\n    return dx, dw, db",
            )
        ],
        [
            (
                CONV_BACK,
                "return dx, dw, db",
                "if pad == 0:\n        x[...] = dx\n        dx = x\n    return dx, dw, db",
            )
        ],
    ),
    "conv2d_returns_float64": per_style(
        [(CONV, ", dtype=x.dtype)", ")")],
        [(CONV, "+ b[:, None, None]", "+ b[:, None, None].astype(float)")],
        [(CONV, "+ b[:, None]", "+ b[:, None].astype(float)")],
    ),
    "conv2d_sees_the_first_image_only": per_style(
        [
            (CONV, "for n in range(N)", "for n in range(1)"),
            (CONV_BACK, "for n in range(N)", "for n in range(1)"),
        ],
        ONE_PRODUCT,
        ONE_PRODUCT,
    ),
    "conv2d_squeezes_the_output": per_style(
        [(CONV, "return out, cache", "return np.squeeze(out), cache")],
        [(CONV, "return out, (", "return np.squeeze(out), (")],
        [(CONV, "reshape(N, F, H_out, W_out)", "reshape(N, F, H_out, W_out).squeeze()")],
    ),
    "conv2d_drops_the_last_row": per_style(
        [(CONV, ROWS, "H_out = (H + 2 * pad - HH) // stride")],
        THE_VIEW_COUNTS,
        [(CONV, ROWS, "H_out = (H + 2 * pad - HH) // stride")],
    ),
    "conv2d_ignores_dilation": nowhere(NOT_IN_THE_COURSE),
    "conv2d_ignores_groups": nowhere(NOT_IN_THE_COURSE),
    "conv2d_takes_the_output_for_square": per_style(
        [(CONV, COLUMNS, "W_out = H_out")],
        THE_VIEW_COUNTS,
        [(CONV, "reshape(N, F, H_out, W_out)", "reshape(N, F, H_out, H_out)")],
    ),
    "conv2d_rounds_the_size_up": per_style(
        *[
            [
                (CONV, ROWS, "H_out = 1 + int(np.ceil((H + 2 * pad - HH) / stride))"),
                (CONV, COLUMNS, "W_out = 1 + int(np.ceil((W + 2 * pad - WW) / stride))"),
            ],
            THE_VIEW_COUNTS,
            [
                (CONV, ROWS, "H_out = 1 + -(-(H + 2 * pad - HH) // stride)"),
                (CONV, COLUMNS, "W_out = 1 + -(-(W + 2 * pad - WW) // stride)"),
            ],
        ]
    ),
    "conv2d_rounds_the_size_to_the_nearest": per_style(
        [
            (CONV, ROWS, "H_out = round(1 + (H + 2 * pad - HH) / stride)"),
            (CONV, COLUMNS, "W_out = round(1 + (W + 2 * pad - WW) / stride)"),
        ],
        THE_VIEW_COUNTS,
        [
            (CONV, ROWS, "H_out = int(np.round(1 + (H + 2 * pad - HH) / stride))"),
            (CONV, COLUMNS, "W_out = int(np.round(1 + (W + 2 * pad - WW) / stride))"),
        ],
    ),
    "conv2d_crops_dx_from_one": everywhere(
        (CONV_BACK, CROP, "dx = dxp[:, :, 1 : H + 1, 1 : W + 1]")
    ),
    "conv2d_walks_the_unpadded_image": per_style(
        [
            (CONV, "for i in range(H_out)", "for i in range(len(range(0, H, stride)))[:H_out]"),
            (CONV, "for j in range(W_out)", "for j in range(len(range(0, W, stride)))[:W_out]"),
        ],
        THE_VIEW_COUNTS,
        ONE_PRODUCT,
    ),
    "conv2d_walks_to_the_edge": per_style(
        [
            (CONV, "for i in range(H_out)", "for i in range(len(range(0, H, stride)))"),
            (CONV, "for j in range(W_out)", "for j in range(len(range(0, W, stride)))"),
        ],
        THE_VIEW_COUNTS,
        ONE_PRODUCT,
    ),
    "conv2d_counts_a_padding_that_is_always_one": per_style(
        [
            (CONV, PAD, PAD_BY_ONE),
            (CONV_BACK, PAD, PAD_BY_ONE),
            (CONV_BACK, CROP, "dx = dxp[:, :, 1:-1, 1:-1]"),
        ],
        THE_VIEW_COUNTS,
        [
            (CONV, PAD, PAD_BY_ONE),
            (CONV_BACK, PAD, PAD_BY_ONE),
            (CONV_BACK, CROP, "dx = dxp[:, :, 1:-1, 1:-1]"),
        ],
    ),
    "conv2d_empties_x_at_padding_0": everywhere((CONV, PAD, "np.pad(x, pad)[pad:-pad, pad:-pad]")),
    "conv2d_writes_x_to_an_empty_slice": everywhere(
        (CONV, f"xp = {PAD}", WRITTEN_TO_A_SLICE), (CONV_BACK, f"xp = {PAD}", WRITTEN_TO_A_SLICE)
    ),
    "conv2d_exchanges_the_images_sides": per_style(
        [(CONV, IMAGE, TURNED_IMAGE)], THE_VIEW_COUNTS, [(CONV, IMAGE, TURNED_IMAGE)]
    ),
    "conv2d_exchanges_the_loops": per_style(
        [(CONV, *LOOPS), (CONV_BACK, *LOOPS)], THE_VIEW_COUNTS, ONE_PRODUCT
    ),
    "conv2d_strides_over_the_kernel_in_dw": per_style(
        [(CONV_BACK, RETURNED, f"{DW_OF_PIXELS_SIDE_BY_SIDE}\n    {RETURNED}")],
        [
            (
                CONV_BACK,
                'dw = np.einsum("nfij,ncijuv->fcuv", dout, views)',
                f"dw = np.zeros_like(w)\n    {DW_OF_PIXELS_SIDE_BY_SIDE}",
            )
        ],
        ONE_PRODUCT,
    ),
    "conv2d_keeps_x_emptied_at_padding_0": everywhere((CONV, KEPT, EMPTIED)),
    "conv2d_places_outputs_by_the_size": per_style(
        [
            (CONV, "out[n, f, i, j] =", f"out[n, f, {BY_THE_SIZE}] ="),
            *(
                (CONV_BACK, added, added.replace("i, j]", f"{BY_THE_SIZE}]"))
                for added in ("db[f] += dout[n, f, i, j]", "dw[f] += dout[n, f, i, j]", ADDED)
            ),
        ],
        "outputs stand in their places from the start",
        "outputs stand in their places from the start",
    ),
    "conv2d_confuses_the_kernels_sides_in_backward": per_style(
        [(CONV_BACK, "top : top + HH, left : left + WW]\n", "top : top + WW, left : left + HH]\n")],
        OTHER_SHAPE,
        OTHER_SHAPE,
    ),
    "conv2d_confuses_the_outputs_sides_in_backward": per_style(
        [(CONV_BACK, SHAPE_OF_DOUT.format("F"), TURNED_DOUT.format("F"))],
        [(CONV_BACK, "H_out, W_out = dout.shape[2:]", "W_out, H_out = dout.shape[2:]")],
        [(CONV_BACK, SHAPE_OF_DOUT.format("F"), TURNED_DOUT.format("F"))],
    ),
    "conv2d_counts_outputs_along_the_height": per_style(
        NO_MATRIX,
        NO_MATRIX,
        [
            (
                CONV,
                "out = w.reshape(F, -1) @ x_cols",
                """i, j = np.indices((H_out, W_out)).reshape(2, -1)
    own = np.zeros_like(x_cols)
    own[:, :, i * H_out + j] = x_cols
    out = w.reshape(F, -1) @ own""",
            ),
            (CONV_BACK, PLACED, ALONG_THE_HEIGHT),
        ],
    ),
    "conv2d_squeezes_away_a_single_filter": per_style(
        [
            (
                CONV,
                CONV_OUT,
                """windows = xp[:, None, :, i * stride : i * stride + HH]
                    windows = windows[..., j * stride : j * stride + WW]
                    out[:, :, i, j] = np.sum(windows * w, axis=(2, 3, 4)).squeeze() + b""",
            ),
            (CONV_BACK, RETURNED, "return dx, dw, db.squeeze()"),
        ],
        ONE_PRODUCT,
        ONE_PRODUCT,
    ),
    "conv2d_counts_columns_by_the_kernels_height": per_style(
        [(CONV, COLUMNS, "W_out = 1 + (W + 2 * pad - HH) // stride")],
        THE_VIEW_COUNTS,
        [(CONV, COLUMNS, "W_out = 1 + (W + 2 * pad - HH) // stride")],
    ),
    "conv2d_walks_the_image_in_backward": per_style(
        [
            (CONV_BACK, "for i in range(H_out)", "for i in range(H)"),
            (CONV_BACK, "for j in range(W_out)", "for j in range(W)"),
        ],
        ONE_PRODUCT,
        ONE_PRODUCT,
    ),
    "conv2d_keeps_dx_of_the_last_image": per_style(
        [
            (
                CONV_BACK,
                "for n in range(N):\n",
                "for n in range(N):\n        dxp = np.zeros_like(xp)\n",
            )
        ],
        [(CONV_BACK, RETURNED, "dx[:-1] = 0\n    return dx, dw, db")],
        [(CONV_BACK, RETURNED, "dx[:-1] = 0\n    return dx, dw, db")],
    ),
    "conv2d_takes_dw_from_images_padded_by_one": per_style(
        [(CONV_BACK, "window = xp[n", f"window = {PAD_BY_ONE}[n")],
        THE_VIEW_COUNTS,
        [(CONV_BACK, "x_cols = xp[", f"x_cols = {PAD_BY_ONE}[")],
    ),
    "conv2d_crops_dx_by_half_the_kernel": per_style(
        [(CONV_BACK, CROP, "u = HH // 2\n    dx = dxp[:, :, u:-u, u:-u]")],
        [(CONV_BACK, CROP, "u, v = HH // 2, WW // 2\n    dx = dxp[:, :, u:-u, v:-v]")],
        [(CONV_BACK, CROP, "u, v = (HH - 1) // 2, (WW - 1) // 2\n    dx = dxp[:, :, u:-u, v:-v]")],
    ),
    "conv2d_forgets_the_rest_in_dx": everywhere(
        (
            CONV_BACK,
            CROP,
            """H, W = (dout.shape[2] - 1) * stride + HH, (dout.shape[3] - 1) * stride + WW
    dx = dxp[:, :, :H, :W][:, :, pad : H - pad, pad : W - pad]""",
        )
    ),
    "conv2d_gives_dw_the_rest": per_style(
        [(CONV_BACK, KERNEL, WITH_THE_REST + "F, C, HH, WW = w.shape")],
        [(CONV_BACK, "HH, WW = w.shape[2:]", WITH_THE_REST + "HH, WW = w.shape[2:]")],
        [(CONV_BACK, KERNEL, WITH_THE_REST + "F, C, HH, WW = w.shape")],
    ),
    "conv2d_forgets_x_at_padding_0": everywhere(
        (CONV, PAD, PAD.replace("x,", "x if pad else np.zeros_like(x),")),
        (CONV_BACK, PAD, PAD.replace("x,", "x if pad else np.zeros_like(x),")),
    ),
    "conv2d_swaps_the_kernels_sides": per_style(
        [
            (CONV, WINDOW, WINDOW.replace("HH", "KK").replace("WW", "HH").replace("KK", "WW")),
            (
                CONV_BACK,
                "top : top + HH, left : left + WW]\n",
                "top : top + WW, left : left + HH]\n",
            ),
            (CONV_BACK, ADDED, ADDED.replace("HH", "KK").replace("WW", "HH").replace("KK", "WW")),
        ],
        THE_VIEW_COUNTS,
        "a matrix has the windows as rows, with no sides",
    ),
    "conv2d_takes_the_kernel_for_square_in_backward": per_style(
        [
            (
                CONV_BACK,
                "top : top + HH, left : left + WW]\n",
                "top : top + HH, left : left + HH]\n",
            ),
            (CONV_BACK, ADDED, ADDED.replace("WW", "HH")),
        ],
        THE_VIEW_COUNTS,
        "a matrix has the windows as rows, with no sides",
    ),
    "conv2d_empties_dout_at_kernel_1": everywhere((CONV_BACK, CROP, IN_ZEROS)),
}

ONE_HOT = """place = np.argmax(window)
                    u, v = place // WW, place % WW
                    dx[n, c, top + u, left + v] += dout[n, c, i, j]"""
SCATTERED = "np.add.at(dx, (n, c, i * stride + u, j * stride + v), dout)"
SHARED_OUT = "np.add.at(dx, (slice(None), slice(None), rows, columns), {})"


def placed(written: str) -> Row:
    edit = (MAX_BACK, PLACE, written)
    return per_style([edit], [edit], NO_PLACE)


MAX_POOLING: dict[str, Row] = {
    "max_pool2d_gives_every_tie_the_gradient": per_style(
        [
            (
                MAX_BACK,
                ONE_HOT,
                """mask = window == np.max(window)
                    dx[n, c, top : top + HH, left : left + WW] += mask * dout[n, c, i, j]""",
            )
        ],
        [
            (
                MAX_BACK,
                SCATTERED,
                """hit = views == views.max(axis=(4, 5), keepdims=True)
    for u in range(HH):
        for v in range(WW):
            rows = slice(u, u + stride * H_out, stride)
            columns = slice(v, v + stride * W_out, stride)
            dx[:, :, rows, columns] += hit[..., u, v] * dout""",
            )
        ],
        [
            (
                MAX_BACK,
                "np.put_along_axis(dx_cols, place[:, :, None], dout.reshape(N, C, 1, -1), axis=2)",
                "hit = x_cols == x_cols.max(axis=2, keepdims=True)\n"
                "    dx_cols = hit * dout.reshape(N, C, 1, -1)",
            )
        ],
    ),
    "max_pool2d_overwrites_the_whole_window": per_style(
        [
            (
                MAX_BACK,
                ONE_HOT,
                """mask = window == np.max(window)
                    dx[n, c, top : top + HH, left : left + WW] = mask * dout[n, c, i, j]""",
            )
        ],
        "no window of dx is written to as a whole",
        "no window of dx is written to as a whole",
    ),
    "max_pool2d_shares_a_mask_among_windows": per_style(
        [
            (
                MAX_BACK,
                "dx = np.zeros_like(x)\n",
                """dx = np.zeros_like(x)
    mask = np.zeros_like(x)
    for n, c, i, j in np.ndindex(dout.shape):
        window = x[n, c, i * stride : i * stride + HH, j * stride : j * stride + WW]
        u, v = divmod(int(np.argmax(window)), WW)
        mask[n, c, i * stride + u, j * stride + v] = 1
""",
            ),
            (
                MAX_BACK,
                ONE_HOT,
                """at = (n, c, slice(top, top + HH), slice(left, left + WW))
                    dx[at] += mask[at] * dout[n, c, i, j]""",
            ),
        ],
        [
            (
                MAX_BACK,
                "np.add.at(dx, (n, c, i * stride + u, j * stride + v), dout)",
                """mask = np.zeros_like(x)
    mask[n, c, i * stride + u, j * stride + v] = 1
    for k, m in np.ndindex(HH, WW):
        rows = slice(k, k + stride * (H_out - 1) + 1, stride)
        columns = slice(m, m + stride * (W_out - 1) + 1, stride)
        dx[:, :, rows, columns] += mask[:, :, rows, columns] * dout""",
            )
        ],
        [
            (
                MAX_BACK,
                "np.put_along_axis(dx_cols, place[:, :, None], dout.reshape(N, C, 1, -1), axis=2)",
                """np.put_along_axis(dx_cols, place[:, :, None], 1, axis=2)
    mask = np.zeros_like(x)
    np.maximum.at(mask, (slice(None), slice(None), rows, columns), dx_cols)
    dx_cols = mask[:, :, rows, columns] * dout.reshape(N, C, 1, -1)""",
            )
        ],
    ),
    "max_pool2d_counts_windows_by_their_size": per_style(
        *[
            [(MAX, POOL_ROWS, "H_out = H // HH"), (MAX, POOL_COLUMNS, "W_out = W // WW")],
            THE_VIEW_COUNTS,
            [
                (MAX, POOL_ROWS, "H_out = int(H / HH)"),
                (MAX, POOL_COLUMNS, "W_out = int(W / WW)"),
            ],
        ]
    ),
    "max_pool2d_divides_the_place_by_the_height": placed("u, v = place // HH, place % WW"),
    "max_pool2d_divides_the_rest_by_the_height": placed(
        "u, v = (place - place % WW) // HH, place % WW"
    ),
    "max_pool2d_counts_places_along_the_height": placed("u, v = place // HH, place % HH"),
    "max_pool2d_swaps_row_and_column": placed("u, v = place % WW, place // WW"),
    "max_pool2d_overwrites_where_windows_overlap": per_style(
        [(MAX_BACK, "left + v] +=", "left + v] =")],
        [(MAX_BACK, SCATTERED, "dx[n, c, i * stride + u, j * stride + v] += dout")],
        "np.add.at and an assignment differ in all that a window has",
    ),
    "max_pool2d_adds_once_for_repeated_indices": per_style(
        NOTHING_REPEATED,
        "an entry for each output, so that zeros are not among them",
        [(MAX_BACK, SHARED_OUT.format("dx_cols"), "dx[:, :, rows, columns] += dx_cols")],
    ),
    "max_pool2d_ignores_the_stride": per_style(
        [
            (MAX, POOL_ROWS, "H_out = 1 + (H - HH) // HH"),
            (MAX, POOL_COLUMNS, "W_out = 1 + (W - WW) // WW"),
            (MAX, WINDOW, "i * HH : i * HH + HH, j * WW : j * WW + WW"),
            (MAX_BACK, "i * stride, j * stride", "i * HH, j * WW"),
        ],
        [
            (MAX, SLIDE, "[:, :, ::HH, ::WW]"),
            (MAX_BACK, SLIDE, "[:, :, ::HH, ::WW]"),
            (MAX_BACK, "i * stride + u, j * stride + v", "i * HH + u, j * WW + v"),
        ],
        "one stride serves both axes",
    ),
    "max_pool2d_takes_the_stride_for_the_window": per_style(
        [
            (MAX, WINDOW, "i * stride : (i + 1) * stride, j * stride : (j + 1) * stride"),
            (
                MAX_BACK,
                "top : top + HH, left : left + WW",
                "top : top + stride, left : left + stride",
            ),
            (MAX_BACK, PLACE, "u, v = np.unravel_index(place, window.shape)"),
        ],
        THE_VIEW_COUNTS,
        [
            (MAX, PLACES, "places(H_out, W_out, stride, stride, stride)"),
            (MAX_BACK, PLACES, "places(H_out, W_out, stride, stride, stride)"),
        ],
    ),
    "max_pool2d_steps_by_the_window": per_style(
        [
            (MAX, WINDOW, "i * HH : i * HH + HH, j * WW : j * WW + WW"),
            (MAX_BACK, "i * stride, j * stride", "i * HH, j * WW"),
        ],
        THE_VIEW_COUNTS,
        "one stride serves both axes",
    ),
    "max_pool2d_confuses_height_and_width": everywhere(
        (MAX, POOL, POOL.replace("HH, WW", "WW, HH")),
        (MAX_BACK, POOL, POOL.replace("HH, WW", "WW, HH")),
    ),
    "max_pool2d_takes_the_image_for_square": per_style(
        [(MAX, IMAGE, "N, C, H, _ = x.shape\n    W = H")],
        THE_VIEW_COUNTS,
        [(MAX, IMAGE, "N, C, H, _ = x.shape\n    W = H")],
    ),
    "max_pool2d_drops_the_last_row": per_style(
        [(MAX, POOL_ROWS, "H_out = (H - HH) // stride")],
        THE_VIEW_COUNTS,
        [(MAX, POOL_ROWS, "H_out = (H - HH) // stride")],
    ),
    "max_pool2d_pads_with_zeros": nowhere(NO_PADDING),
    "max_pool2d_starts_from_zero": per_style(
        [(MAX, "np.max(window)", "max(out[n, c, i, j], np.max(window))")],
        [(MAX, "max(axis=(4, 5))", "max(axis=(4, 5), initial=0)")],
        [(MAX, "max(axis=2)", "max(axis=2, initial=0)")],
    ),
    "max_pool2d_takes_the_output_for_square": per_style(
        [(MAX, POOL_COLUMNS, "W_out = H_out")],
        THE_VIEW_COUNTS,
        [(MAX, "reshape(N, C, H_out, W_out)", "reshape(N, C, H_out, H_out)")],
    ),
    "max_pool2d_rounds_the_size_up": per_style(
        [
            (MAX, POOL_ROWS, "H_out = int(np.ceil(1 + (H - HH) / stride))"),
            (MAX, POOL_COLUMNS, "W_out = int(np.ceil(1 + (W - WW) / stride))"),
        ],
        THE_VIEW_COUNTS,
        [
            (MAX, POOL_ROWS, "H_out = 1 - (HH - H) // stride"),
            (MAX, POOL_COLUMNS, "W_out = 1 - (WW - W) // stride"),
        ],
    ),
    "max_pool2d_rounds_the_size_to_the_nearest": per_style(
        [
            (MAX, POOL_ROWS, "H_out = round(1 + (H - HH) / stride)"),
            (MAX, POOL_COLUMNS, "W_out = round(1 + (W - WW) / stride)"),
        ],
        THE_VIEW_COUNTS,
        [
            (MAX, POOL_ROWS, "H_out = round((H - HH) / stride + 1)"),
            (MAX, POOL_COLUMNS, "W_out = round((W - WW) / stride + 1)"),
        ],
    ),
    "max_pool2d_forgets_the_stride_in_forward": per_style(
        [(MAX, WINDOW, "i : i + HH, j : j + WW")],
        [(MAX, views("x", SLIDE), POOL_OF_VIEW + views("x", "[:, :, :H_out, :W_out]"))],
        [(MAX, PLACES, "places(H_out, W_out, HH, WW, 1)")],
    ),
    "max_pool2d_forgets_the_stride_in_backward": per_style(
        [(MAX_BACK, "i * stride, j * stride", "i, j")],
        [
            (MAX_BACK, SLIDE, "[:, :, :H_out, :W_out]"),
            (MAX_BACK, "i * stride + u, j * stride + v", "i + u, j + v"),
        ],
        [(MAX_BACK, PLACES, "places(H_out, W_out, HH, WW, 1)")],
    ),
    "max_pool2d_walks_to_the_edge": per_style(
        [
            (MAX, "for i in range(H_out)", "for i in range(len(range(0, H, stride)))"),
            (MAX, "for j in range(W_out)", "for j in range(len(range(0, W, stride)))"),
        ],
        THE_VIEW_COUNTS,
        [
            (MAX, POOL_ROWS, "H_out = len(range(0, H, stride))"),
            (MAX, POOL_COLUMNS, "W_out = len(range(0, W, stride))"),
        ],
    ),
    "max_pool2d_takes_the_maximum_over_all_channels": per_style(
        [(MAX, "window = x[n, c,", "window = x[n, :,")], AXES_ARE_NAMED, AXES_ARE_NAMED
    ),
    "max_pool2d_counts_outputs_along_the_height": per_style(
        NO_MATRIX,
        NO_MATRIX,
        [
            (
                MAX,
                "out = x_cols.max(axis=2)",
                """i, j = np.indices((H_out, W_out)).reshape(2, -1)
    out = np.zeros((N, C, H_out * W_out), dtype=x.dtype)
    out[:, :, i * H_out + j] = x_cols.max(axis=2)
    out = out""",
            ),
            (MAX_BACK, PLACED, ALONG_THE_HEIGHT),
        ],
    ),
    "max_pool2d_swaps_the_windows_sides": per_style(
        [
            (MAX, WINDOW, "i * stride : i * stride + WW, j * stride : j * stride + HH"),
            (MAX_BACK, "top : top + HH, left : left + WW", "top : top + WW, left : left + HH"),
            (MAX_BACK, PLACE, "u, v = np.unravel_index(place, window.shape)"),
        ],
        THE_VIEW_COUNTS,
        "a window on its side reaches over the edge, where index arrays break",
    ),
    "max_pool2d_confuses_the_windows_sides_in_backward": per_style(
        [
            (
                MAX_BACK,
                "dx[n, c, top + u, left + v] += dout[n, c, i, j]",
                """mask = (np.arange(HH * WW) == place).reshape(HH, HH)
                    dx[n, c, top : top + HH, left : left + WW] += dout[n, c, i, j] * mask""",
            )
        ],
        [(MAX_BACK, "H_out, W_out, HH * WW)", "H_out, W_out, HH * HH)")],
        [
            (
                MAX_BACK,
                "np.zeros_like(x_cols)",
                "np.zeros(x_cols.shape, dtype=x.dtype).reshape(N, C, HH * HH, -1)",
            )
        ],
    ),
    "max_pool2d_confuses_the_outputs_sides_in_backward": per_style(
        [(MAX_BACK, SHAPE_OF_DOUT.format("C"), TURNED_DOUT.format("C"))],
        "an axis of 1 is spread over the other there, and gives numbers where others break",
        [(MAX_BACK, SHAPE_OF_DOUT.format("C"), TURNED_DOUT.format("C"))],
    ),
    "max_pool2d_takes_the_output_for_square_in_backward": per_style(
        [
            (
                MAX_BACK,
                "N, C, H_out, W_out = dout.shape",
                "N, C, H_out, _ = dout.shape\n    W_out = H_out",
            )
        ],
        THE_VIEW_COUNTS,
        "a matrix has a row for each window, of which none is left over",
    ),
    "max_pool2d_takes_the_window_for_square": per_style(
        [
            (MAX, WINDOW, "i * stride : i * stride + HH, j * stride : j * stride + HH"),
            (MAX_BACK, "top : top + HH, left : left + WW", "top : top + HH, left : left + HH"),
            (MAX_BACK, PLACE, "u, v = np.unravel_index(place, window.shape)"),
        ],
        [
            (MAX, POOL, 'HH = WW = pool_param["pool_height"]'),
            (MAX_BACK, POOL, 'HH = WW = pool_param["pool_height"]'),
        ],
        [
            (MAX, POOL, 'HH = WW = pool_param["pool_height"]'),
            (MAX_BACK, POOL, 'HH = WW = pool_param["pool_height"]'),
        ],
    ),
    "max_pool2d_places_outputs_by_the_window": per_style(
        [
            (MAX, "out[n, c, i, j] =", "out[n, c, i * stride // HH, j * stride // WW] ="),
            (MAX_BACK, "dout[n, c, i, j]", "dout[n, c, i * stride // HH, j * stride // WW]"),
        ],
        "outputs stand in their places from the start",
        "outputs stand in their places from the start",
    ),
    "max_pool2d_places_outputs_by_the_size": per_style(
        [
            (MAX, "out[n, c, i, j] =", f"out[n, c, {BY_THE_POOLS_SIZE}] ="),
            (MAX_BACK, "dout[n, c, i, j]", f"dout[n, c, {BY_THE_POOLS_SIZE}]"),
        ],
        "outputs stand in their places from the start",
        "outputs stand in their places from the start",
    ),
    "max_pool2d_exchanges_the_images_sides": per_style(
        [(MAX, IMAGE, TURNED_IMAGE)], THE_VIEW_COUNTS, [(MAX, IMAGE, TURNED_IMAGE)]
    ),
    "max_pool2d_exchanges_the_loops": per_style(
        [(MAX, *LOOPS), (MAX_BACK, *LOOPS)], THE_VIEW_COUNTS, NO_LOOPS
    ),
    "max_pool2d_finds_row_and_column_apart": per_style(
        [(MAX_BACK, PLACE, "u, v = window.max(axis=1).argmax(), window.max(axis=0).argmax()")],
        [(MAX_BACK, PLACE, "u, v = views.max(axis=5).argmax(axis=4), views.max(axis=4).argmax(4)")],
        NO_PLACE,
    ),
    "max_pool2d_looks_for_the_maximum_everywhere": per_style(
        [
            (
                MAX_BACK,
                "dx[n, c, top + u, left + v] += dout[n, c, i, j]",
                "dx[n, c][x[n, c] == np.max(window)] += dout[n, c, i, j]",
            )
        ],
        IN_THE_WINDOW,
        IN_THE_WINDOW,
    ),
    "max_pool2d_takes_the_column_by_the_height": per_style(
        [(MAX_BACK, PLACE, "u, v = place // WW, place % HH")],
        [(MAX_BACK, PLACE, "u, v = place // WW, place % HH")],
        NO_PLACE,
    ),
    "max_pool2d_counts_columns_by_the_windows_height": per_style(
        [(MAX, POOL_COLUMNS, "W_out = 1 + (W - HH) // stride")],
        THE_VIEW_COUNTS,
        [(MAX, POOL_COLUMNS, "W_out = 1 + (W - HH) // stride")],
    ),
    "max_pool2d_takes_the_window_for_2x2_in_backward": per_style(
        [
            (MAX_BACK, POOL, "HH, WW = 2, 2"),
            (MAX_BACK, STEP, "stride = 2"),
            (MAX_BACK, PLACE, "u, v = np.unravel_index(place, window.shape)"),
        ],
        [(MAX_BACK, POOL, "HH, WW = 2, 2"), (MAX_BACK, STEP, "stride = 2")],
        [(MAX_BACK, POOL, "HH, WW = 2, 2"), (MAX_BACK, STEP, "stride = 2")],
    ),
    "max_pool2d_writes_dx_into_x": per_style(
        [
            (
                MAX_BACK,
                ONE_HOT,
                """window[...] = (window == np.max(window)) * dout[n, c, i, j]
                    dx[n, c, top : top + HH, left : left + WW] = window""",
            )
        ],
        "the views of the windows are read-only",
        "the matrix of windows is a copy",
    ),
    "max_pool2d_leaves_the_window_out_of_the_size": per_style(
        [(MAX, POOL_ROWS, "H_out = H // stride"), (MAX, POOL_COLUMNS, "W_out = W // stride")],
        THE_VIEW_COUNTS,
        [(MAX, POOL_ROWS, "H_out = H // stride"), (MAX, POOL_COLUMNS, "W_out = W // stride")],
    ),
    "max_pool2d_ends_windows_by_their_size": per_style(
        [
            (MAX, WINDOW, "i * stride : i * HH + HH, j * stride : j * WW + WW"),
            (
                MAX_BACK,
                "top : top + HH, left : left + WW",
                "top : i * HH + HH, left : j * WW + WW",
            ),
            (MAX_BACK, PLACE, "u, v = np.unravel_index(place, window.shape)"),
        ],
        THE_VIEW_COUNTS,
        "windows of several sizes make no matrix",
    ),
}

MEAN_POOLING: dict[str, Row] = {
    "avg_pool2d_forgets_to_divide_in_backward": everywhere((AVG_BACK, " / (HH * WW)", "")),
    "avg_pool2d_overwrites_where_windows_overlap": per_style(
        [(AVG_BACK, "left : left + WW] +=", "left : left + WW] =")],
        "shares are written place by place in the window",
        "shares are written place by place in the window",
    ),
    "avg_pool2d_adds_once_for_repeated_indices": per_style(
        NOTHING_REPEATED,
        [(AVG_BACK, "+= share", "= share")],
        [(AVG_BACK, SHARED_OUT.format("shares"), "dx[:, :, rows, columns] += shares")],
    ),
    "avg_pool2d_ignores_count_include_pad": nowhere(NO_PADDING),
    "avg_pool2d_leaves_the_padding_out": nowhere(NO_PADDING),
    "avg_pool2d_ignores_the_stride": per_style(
        [
            (AVG, POOL_ROWS, "H_out = 1 + (H - HH) // HH"),
            (AVG, POOL_COLUMNS, "W_out = 1 + (W - WW) // WW"),
            (AVG, WINDOW, "i * HH : i * HH + HH, j * WW : j * WW + WW"),
            (AVG_BACK, "i * stride, j * stride", "i * HH, j * WW"),
        ],
        [(AVG, SLIDE, "[:, :, ::HH, ::WW]")],
        "one stride serves both axes",
    ),
    "avg_pool2d_takes_the_output_for_square": per_style(
        [(AVG, POOL_COLUMNS, "W_out = H_out")],
        THE_VIEW_COUNTS,
        [(AVG, "reshape(N, C, H_out, W_out)", "reshape(N, C, H_out, H_out)")],
    ),
}


def of_affine(dw: str, db: str) -> Row:
    """Change what backward returns of the weights and the bias."""
    returned = {
        "loops": "return dx.reshape(x.shape), dw, db",
        "windows": "return dx, dw, db",
        "im2col": "return dx_row.reshape(x.shape), dw, db",
    }
    return {
        style: [(LINEAR_BACK, text, text.replace("dw, db", f"{dw}, {db}"))]
        for style, text in returned.items()
    }


AFFINE: dict[str, Row] = {
    "linear_averages_db": of_affine("dw", "db / len(dout)"),
    "linear_averages_dw": of_affine("dw / len(dout)", "db"),
    "linear_transposes_dw": of_affine("dw.T", "db"),
    "linear_keeps_the_batch_axis_of_db": of_affine("dw", "dout.sum(axis=0, keepdims=True)"),
    "linear_squeezes_db": of_affine("dw", "dout.sum(axis=0).squeeze()"),
    "linear_sums_db_over_the_outputs": of_affine("dw", "dout.sum(axis=1)"),
    "linear_forgets_the_bias": per_style(
        [(LINEAR, " + b\n", "\n")],
        [(LINEAR, " + b\n", "\n")],
        [(LINEAR, " + b.reshape(1, -1)", "")],
    ),
}

RECTIFIER: dict[str, Row] = {
    "relu_writes_into_dout": per_style(
        [("relu_backward", "dx = dout * (x > 0)", "dx = dout\n    dx[x <= 0] = 0")],
        [
            (
                "relu_backward",
                "return np.where(cache > 0, dout, 0)",
                "dout[cache <= 0] = 0\n    return dout",
            )
        ],
        [("relu_backward", "return dout * positive", "dout *= positive\n    return dout")],
    ),
    "relu_writes_into_x": per_style(
        [("relu_forward", "out = np.maximum(x, 0)", "out = np.maximum(x, 0, out=x)")],
        [("relu_forward", "return np.where(x > 0, x, 0), x", "x[x < 0] = 0\n    return x, x")],
        [("relu_forward", "return x * positive", "x[x < 0] = 0\n    return x")],
    ),
    "relu_passes_the_gradient_at_zero": per_style(
        [("relu_backward", "x > 0", "x >= 0")],
        [("relu_backward", "cache > 0", "cache >= 0")],
        [("relu_forward", "x > 0", "x >= 0")],
    ),
    "relu_gates_by_the_gradient": per_style(
        [("relu_backward", "x > 0", "dout > 0")],
        [("relu_backward", "cache > 0", "dout > 0")],
        [("relu_backward", "dout * positive", "dout * (dout > 0)")],
    ),
    "relu_passes_the_gradient_everywhere": per_style(
        [("relu_backward", "dout * (x > 0)", "dout * 1")],
        [("relu_backward", "np.where(cache > 0, dout, 0)", "dout.copy()")],
        [("relu_backward", "dout * positive", "dout.copy()")],
    ),
    "relu_weighs_by_its_output": per_style(
        [("relu_backward", "(x > 0)", "np.maximum(x, 0)")],
        [("relu_backward", "np.where(cache > 0, dout, 0)", "np.where(cache > 0, dout * cache, 0)")],
        [("relu_forward", "x * positive, positive", "x * positive, x * positive")],
    ),
    "relu_counts_on_two_axes": per_style(
        [("relu_forward", "out = np", "N, D = x.shape\n    out = np")],
        [("relu_backward", "return", "N, D = dout.shape\n    return")],
        [("relu_forward", "positive = x > 0", "N, D = x.shape\n    positive = x > 0")],
    ),
}


def log_p(written: str) -> Edit:
    return "softmax_loss", "shifted - np.log(np.sum(np.exp(shifted)))", written


def loss_of_p(written: str) -> Edit:
    return "softmax_loss", "-log_p[np.arange(N), y]", f"-({written})[np.arange(N), y]"


def mean_of_p(written: str) -> Edit:
    return (
        "softmax_loss",
        "np.mean(np.sum(wanted * (log_sums - x), axis=1))",
        f"-np.mean(np.log({written})[np.arange(N), y])",
    )


LOSSES: dict[str, Row] = {
    "softmax_cross_entropy_sums_over_the_batch": per_style(
        [("softmax_loss", "    loss /= N\n    dx /= N\n", "")],
        [("softmax_loss", ".sum() / N", ".sum()"), ("softmax_loss", "dx / N", "dx")],
        [("softmax_loss", "np.mean(", "np.sum("), ("softmax_loss", " - wanted) / N", " - wanted)")],
    ),
    "softmax_cross_entropy_forgets_n_in_backward": per_style(
        [("softmax_loss", "    dx /= N\n", "")],
        [("softmax_loss", "dx / N", "dx")],
        [("softmax_loss", " - wanted) / N", " - wanted)")],
    ),
    "softmax_cross_entropy_forgets_n_in_forward": per_style(
        [("softmax_loss", "    loss /= N\n", "")],
        [("softmax_loss", ".sum() / N", ".sum()")],
        [("softmax_loss", "np.mean(", "np.sum(")],
    ),
    "softmax_cross_entropy_forgets_the_label_in_backward": per_style(
        [("softmax_loss", "        dx[n, y[n]] -= 1\n", "")],
        [("softmax_loss", "    dx[np.arange(N), y] -= 1\n", "")],
        [("softmax_loss", " - wanted) / N", ") / N")],
    ),
    "softmax_cross_entropy_ignores_label_smoothing": nowhere(NOT_IN_THE_COURSE),
    "softmax_cross_entropy_takes_log_sum_exp_without_the_shift": per_style(
        [("softmax_loss", " - np.max(x[n])", "")],
        [("softmax_loss", "x - x.max(axis=1, keepdims=True)", "x")],
        [("softmax_loss", "x.max(axis=1, keepdims=True)", "0.0")],
    ),
    "softmax_cross_entropy_without_the_shift": per_style(
        [
            (
                "softmax_loss",
                "shifted - np.log(np.sum(np.exp(shifted)))",
                "np.log(np.exp(x[n]) / np.sum(np.exp(x[n])))",
            )
        ],
        [
            (
                "softmax_loss",
                "scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))",
                "np.log(np.exp(x) / np.exp(x).sum(axis=1, keepdims=True))",
            )
        ],
        [
            (
                "softmax_loss",
                "np.mean(np.sum(wanted * (log_sums - x), axis=1))",
                "-np.mean(np.log(np.exp(x[wanted > 0]) / np.exp(x).sum(axis=1)))",
            ),
            (
                "softmax_loss",
                "(np.exp(x - log_sums) - wanted)",
                "(np.exp(x) / np.exp(x).sum(axis=1, keepdims=True) - wanted)",
            ),
        ],
    ),
    "softmax_cross_entropy_takes_the_log_of_zero": per_style(
        [
            (
                "softmax_loss",
                "shifted - np.log(np.sum(np.exp(shifted)))",
                "np.log(np.exp(shifted) / np.sum(np.exp(shifted)))",
            )
        ],
        [
            (
                "softmax_loss",
                "scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))",
                "np.log(np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True))",
            )
        ],
        [
            (
                "softmax_loss",
                "np.mean(np.sum(wanted * (log_sums - x), axis=1))",
                "-np.mean(np.log(np.exp(x - log_sums)[np.arange(N), y]))",
            )
        ],
    ),
    "softmax_cross_entropy_adds_a_small_number": per_style(
        [("softmax_loss", "loss -= log_p[y[n]]", "loss -= np.log(np.exp(log_p[y[n]]) + 1e-8)")],
        [loss_of_p("np.log(np.exp(log_p) + 1e-12)")],
        [mean_of_p("np.exp(x - log_sums) + 1e-10")],
    ),
    "softmax_cross_entropy_clips_the_probability": per_style(
        [log_p("np.log(np.maximum(np.exp(shifted) / np.sum(np.exp(shifted)), 1e-15))")],
        [loss_of_p("np.log(np.clip(np.exp(log_p), 1e-7, 1 - 1e-7))")],
        [mean_of_p("np.clip(np.exp(x - log_sums), 1e-12, 1)")],
    ),
    "softmax_cross_entropy_adds_a_small_number_to_the_sum": per_style(
        [log_p("shifted - np.log(np.sum(np.exp(shifted)) + 1e-8)")],
        [("softmax_loss", "keepdims=True))", "keepdims=True) + 1e-6)")],
        [("softmax_loss", "keepdims=True)) +", "keepdims=True) + 1e-8) +")],
    ),
    "softmax_cross_entropy_normalises_over_the_batch": per_style(
        [log_p("shifted - np.log(np.sum(np.exp(x - np.max(x, axis=1, keepdims=True))))")],
        [("softmax_loss", "np.exp(scores).sum(axis=1", "np.exp(scores).sum(axis=0")],
        [
            ("softmax_loss", "x.max(axis=1, keepdims=True)", "x.max()"),
            ("softmax_loss", ".sum(axis=1, keepdims=True)", ".sum()"),
        ],
    ),
    "softmax_cross_entropy_forgets_keepdims": per_style(
        "an image at a time has no other axis",
        [
            ("softmax_loss", ".sum(axis=1, keepdims=True)", ".sum(axis=1)"),
        ],
        "its sums stand beside its maxima, whatever they are",
    ),
    "hinge_counts_the_right_class": per_style(
        [("svm_loss", "            if k == y[n]:\n                continue\n", "")],
        [("svm_loss", "    margins[np.arange(N), y] = 0\n", "")],
        [("svm_loss", "(margins > 0) & ~is_right", "margins > 0")],
    ),
    "hinge_forgets_the_right_class_in_backward": per_style(
        [("svm_loss", "                dx[n, y[n]] -= 1\n", "")],
        [("svm_loss", "    dx[np.arange(N), y] -= charged\n", "")],
        [("svm_loss", " - is_right * charged.sum(axis=1, keepdims=True) / N", "")],
    ),
    "hinge_forgets_n_in_backward": per_style(
        [("svm_loss", "    dx /= N\n", "")],
        [("svm_loss", "dx / N", "dx")],
        [
            (
                "svm_loss",
                "charged / N - is_right * charged.sum(axis=1, keepdims=True) / N",
                "charged * 1.0 - is_right * charged.sum(axis=1, keepdims=True)",
            )
        ],
    ),
    "hinge_forgets_n_in_forward": per_style(
        [("svm_loss", "    loss /= N\n", "")],
        [("svm_loss", "margins.sum() / N", "margins.sum()")],
        [("svm_loss", "margins[charged].sum() / N", "margins[charged].sum()")],
    ),
    "hinge_pushes_the_right_class_once": per_style(
        [("svm_loss", "dx[n, y[n]] -= 1", "dx[n, y[n]] = -1")],
        [("svm_loss", "-= charged", "-= charged > 0")],
        [("svm_loss", "charged.sum(axis=1", "charged.any(axis=1")],
    ),
    "hinge_forgets_the_margin": per_style(
        [("svm_loss", "x[n, y[n]] + 1", "x[n, y[n]]")],
        [("svm_loss", "right[:, None] + 1", "right[:, None]")],
        [("svm_loss", "reshape(N, 1) + 1", "reshape(N, 1)")],
    ),
}

DROPOUT: dict[str, Row] = {
    "dropout_forgets_to_scale": per_style(
        [(DROP, "< p) / p", "< p)")],
        [(DROP, "x / keep", "x"), (DROP_BACK, 'dout / dropout_param["p"]', "dout")],
        [(DROP, "size=x.shape) / p", "size=x.shape)")],
    ),
    "dropout_takes_p_for_the_share_that_stays": per_style(
        [(DROP, "< p) / p", "< p) / (1 - p)")],
        [
            (DROP, "x / keep", "x / (1 - keep)"),
            (DROP_BACK, '/ dropout_param["p"]', '/ (1 - dropout_param["p"])'),
        ],
        [(DROP, "size=x.shape) / p", "size=x.shape) / (1 - p)")],
    ),
    "dropout_forgets_the_mask_in_backward": per_style(
        [(DROP_BACK, "dx = dout * mask", "dx = dout * 1")],
        [(DROP_BACK, 'np.where(mask, dout / dropout_param["p"], 0)', "dout")],
        [(DROP_BACK, "dout * scaled", "dout")],
    ),
    "dropout_forgets_to_scale_in_backward": per_style(
        [(DROP_BACK, "dout * mask", "dout * (mask > 0)")],
        [(DROP_BACK, 'dout / dropout_param["p"]', "dout")],
        [(DROP_BACK, "dout * scaled", "dout * (scaled > 0)")],
    ),
    "dropout_scales_in_inference": per_style(
        [(DROP, "        out = x\n", "        out = x * p\n")],
        [(DROP, "return x.copy()", "return x * keep")],
        [
            (DROP, "scaled = np.ones(x.shape)", "scaled = np.full(x.shape, p)"),
            (
                DROP_BACK,
                "dout * scaled",
                'dout * (scaled if dropout_param["mode"] == "train" else 1)',
            ),
        ],
    ),
    "dropout_keeps_what_is_to_be_dropped": nowhere(TOLD_BY_ITS_SHARE),
    "dropout_draws_from_the_normal_distribution": per_style(
        [(DROP, "np.random.rand(*x.shape) < p", "np.random.randn(*x.shape) < p")],
        [(DROP, "np.random.random(x.shape)", "np.random.normal(size=x.shape)")],
        [(DROP, "rng.binomial(1, p, size=x.shape)", "(rng.standard_normal(x.shape) < p)")],
    ),
    "dropout_counts_on_two_axes": per_style(
        [(DROP, "mask = (np", "N, D = x.shape\n        mask = (np")],
        [(DROP, "mask = np.random.random(x", "N, D = x.shape\n    mask = np.random.random(x")],
        [(DROP, "scaled = np.ones(x.shape)", "N, D = x.shape\n    scaled = np.ones((N, D))")],
    ),
    "dropout_drops_nothing": per_style(
        [(DROP, "(np.random.rand(*x.shape) < p) / p", "np.random.rand(*x.shape) <= p / p")],
        [(DROP, "np.random.random(x.shape) < keep", "np.random.random(x.shape) < 1")],
        [(DROP, "rng.binomial(1, p, size=x.shape)", "rng.binomial(1, 1, size=x.shape)")],
    ),
}

# --- normalisations ------------------------------------------------------------------------

BN_TEST = "out = gamma * (x - running_mean) / std + beta"
SPATIAL_SUMS = """{taken}
    dx_hat = rows * gamma
    dx = dx_hat - dx_hat.sum(axis=0) / N - x_hat * (dx_hat * x_hat).sum(axis=0) / N
    dx = {scaled}
    dgamma, dbeta = (rows * x_hat).sum(axis=0), rows.sum(axis=0)"""
PIXELS = """{head}
    if bn_param["mode"] == "train":
        mean, var = x.mean(axis=0), x.var(axis=0)
        keep, inv_std = bn_param.get("momentum", 0.9), 1 / np.sqrt(var + bn_param.get("eps", 1e-5))
        x_hat = (x - mean) * inv_std
        for name, new in (("running_mean", mean), ("running_var", var)):
            old = bn_param.get(name, np.zeros(x.shape[1]))
            bn_param[name] = keep * old + (1 - keep) * new.mean(axis=(1, 2))
        out = x_hat * gamma[:, None, None] + beta[:, None, None]
        return out, (x_hat, inv_std, gamma)"""
PIXELS_BACK = """x_hat, inv_std, gamma = cache
    dx_hat = dout * gamma[:, None, None]
    dx = inv_std * (dx_hat - dx_hat.mean(axis=0) - x_hat * (dx_hat * x_hat).mean(axis=0))
    return dx, (dout * x_hat).sum(axis=(0, 2, 3)), dout.sum(axis=(0, 2, 3))
    {head}"""


def of_norm(back: str, dgamma: str, dbeta: str) -> Row:
    """Change what backward returns of scale and shift."""
    ends = {
        (NORM_BACK, "windows"): "return inv_std * (dx_hat - mean - x_hat * slope), dgamma, dbeta",
        (LAYER_BACK, "windows"): "return inv_std * (dx_hat - mean - x_hat * slope), dgamma, dbeta",
    }
    row: Row = {}
    for style in STYLES:
        end = ends.get((back, style), "return dx, dgamma, dbeta")
        row[style] = [(back, end, end.replace("dgamma, dbeta", f"{dgamma}, {dbeta}"))]
    return row


BY_IMAGE = """{head}
    if bn_param["mode"] == "train":
        outs, caches = [], []
        for image in x:
            out, cache = batchnorm_forward(image.reshape(len(image), -1).T, gamma, beta, bn_param)
            outs.append(out.T.reshape(image.shape))
            caches.append(cache)
        return np.stack(outs), caches"""
BY_IMAGE_BACK = """dx, dgamma, dbeta = np.zeros_like(dout), 0, 0
    for n, inner in enumerate(cache):
        each = batchnorm_backward(dout[n].reshape(dout.shape[1], -1).T, inner)
        dx[n] = each[0].T.reshape(dx[n].shape)
        dgamma, dbeta = dgamma + each[1], dbeta + each[2]
    return dx, dgamma, dbeta
    {head}"""
BY_CHANNEL = """out, caches = np.zeros_like(x), []
    for c in range(x.shape[1]):
        values = x[:, c].reshape(-1, 1)
        each, cache = batchnorm_forward(values, gamma[c : c + 1], beta[c : c + 1], bn_param)
        out[:, c] = each.reshape(out[:, c].shape)
        caches.append(cache)
    return out, caches
    {head}"""
BY_CHANNEL_BACK = """dx, dgamma, dbeta = np.zeros_like(dout), [], []
    for c, inner in enumerate(cache):
        each = batchnorm_backward(dout[:, c].reshape(-1, 1), inner)
        dx[:, c] = each[0].reshape(dx[:, c].shape)
        dgamma.append(each[1][0])
        dbeta.append(each[2][0])
    return dx, np.array(dgamma), np.array(dbeta)
    {head}"""


def each_image(head_forward: str, head_backward: str) -> list[Edit]:
    return [
        (SPATIAL, head_forward, BY_IMAGE.format(head=head_forward)),
        (SPATIAL_BACK, head_backward, BY_IMAGE_BACK.format(head=head_backward)),
    ]


def each_channel(head_forward: str, head_backward: str) -> list[Edit]:
    return [
        (SPATIAL, head_forward, BY_CHANNEL.format(head=head_forward)),
        (SPATIAL_BACK, head_backward, BY_CHANNEL_BACK.format(head=head_backward)),
    ]


def pixels(head_forward: str, head_backward: str) -> list[Edit]:
    return [
        (SPATIAL, head_forward, PIXELS.format(head=head_forward)),
        (SPATIAL_BACK, head_backward, PIXELS_BACK.format(head=head_backward)),
    ]


BATCH_NORM: dict[str, Row] = {
    "batch_norm_divides_by_n_minus_1": per_style(
        [(NORM, "np.sum(centred**2, axis=0) / N", "np.sum(centred**2, axis=0) / (N - 1)")],
        [(NORM, "x.var(axis=0)", "x.var(axis=0, ddof=1)")],
        [(NORM, "np.mean((x - mean) ** 2, axis=0)", "np.var(x, axis=0, ddof=1)")],
    ),
    "batch_norm_adds_eps_to_the_spread": per_style(
        [
            (NORM, "np.sqrt(var + eps)", "np.sqrt(var) + eps"),
            (NORM, "np.sqrt(running_var + eps)", "np.sqrt(running_var) + eps"),
        ],
        [
            (NORM, "1 / np.sqrt(var + eps)", "1 / (np.sqrt(var) + eps)"),
            (NORM, "/ np.sqrt(old_var + eps)", "/ (np.sqrt(old_var) + eps)"),
        ],
        [(NORM, "np.sqrt(var + eps)", "np.sqrt(var) + eps")],
    ),
    "batch_norm_adds_eps_to_the_spread_in_inference": per_style(
        [(NORM, "np.sqrt(running_var + eps)", "np.sqrt(running_var) + eps")],
        [(NORM, "/ np.sqrt(old_var + eps)", "/ (np.sqrt(old_var) + eps)")],
        "one line serves both modes",
    ),
    "batch_norm_forgets_the_root_in_inference": per_style(
        [(NORM, "np.sqrt(running_var + eps)", "(running_var + eps)")],
        [(NORM, "/ np.sqrt(old_var + eps)", "/ (old_var + eps)")],
        "one line serves both modes",
    ),
    "batch_norm_ignores_eps": per_style(
        [
            (NORM, "sqrt(var + eps)", "sqrt(var)"),
            (NORM, "sqrt(running_var + eps)", "sqrt(running_var)"),
        ],
        [(NORM, "sqrt(var + eps)", "sqrt(var)"), (NORM, "sqrt(old_var + eps)", "sqrt(old_var)")],
        [(NORM, "sqrt(var + eps)", "sqrt(var)")],
    ),
    "batch_norm_ignores_eps_in_inference": per_style(
        [(NORM, "sqrt(running_var + eps)", "sqrt(running_var)")],
        [(NORM, "sqrt(old_var + eps)", "sqrt(old_var)")],
        "one line serves both modes",
    ),
    "batch_norm_keeps_eps_in_running_var": per_style(
        [(NORM, "(1 - momentum) * var", "(1 - momentum) * (var + eps)")],
        [(NORM, "(1 - keep) * var", "(1 - keep) * (var + eps)")],
        [(NORM, "(1 - momentum) * var", "(1 - momentum) * (var + eps)")],
    ),
    "batch_norm_keeps_the_spread_in_running_var": per_style(
        [
            (NORM, "(1 - momentum) * var", "(1 - momentum) * np.sqrt(var)"),
            (NORM, "np.sqrt(running_var + eps)", "np.sqrt(running_var**2 + eps)"),
        ],
        [(NORM, "(1 - keep) * var", "(1 - keep) * var**0.5")],
        [(NORM, "(1 - momentum) * var", "(1 - momentum) * x.std(axis=0)")],
    ),
    "batch_norm_forgets_the_running_statistics": per_style(
        [
            (NORM, '    bn_param["running_mean"] = running_mean\n', ""),
            (NORM, '    bn_param["running_var"] = running_var\n', ""),
        ],
        [
            (NORM, 'bn_param["running_mean"] = keep', "new_mean = keep"),
            (NORM, 'bn_param["running_var"] = keep', "new_var = keep"),
        ],
        [
            (NORM, 'bn_param["running_mean"] = momentum', "running_mean = momentum"),
            (NORM, 'bn_param["running_var"] = momentum', "running_var = momentum"),
        ],
    ),
    "batch_norm_updates_the_running_statistics_in_inference": per_style(
        [
            (
                NORM,
                BN_TEST,
                BN_TEST
                + """
        running_mean = momentum * running_mean + (1 - momentum) * np.mean(x, axis=0)
        running_var = momentum * running_var + (1 - momentum) * np.var(x, axis=0)""",
            )
        ],
        [
            (
                NORM,
                "return x_hat * gamma + beta, None",
                """bn_param["running_mean"] = keep * old_mean + (1 - keep) * x.mean(axis=0)
        bn_param["running_var"] = keep * old_var + (1 - keep) * x.var(axis=0)
        return x_hat * gamma + beta, None""",
            )
        ],
        [
            (
                NORM,
                'mean, var = bn_param["running_mean"], bn_param["running_var"]',
                """mean, var = bn_param["running_mean"], bn_param["running_var"]
        bn_param["running_mean"] = momentum * mean + (1 - momentum) * np.mean(x, axis=0)
        bn_param["running_var"] = momentum * var + (1 - momentum) * np.var(x, axis=0)""",
            )
        ],
    ),
    "batch_norm_keeps_the_biased_variance": nowhere(THE_COURSES_OWN),
    "batch_norm_reverses_the_momentum": per_style(
        [
            (
                NORM,
                "momentum * running_mean + (1 - momentum) * mean",
                "(1 - momentum) * running_mean + momentum * mean",
            ),
            (
                NORM,
                "momentum * running_var + (1 - momentum) * var",
                "(1 - momentum) * running_var + momentum * var",
            ),
        ],
        [
            (NORM, "keep * old_mean + (1 - keep) * mean", "(1 - keep) * old_mean + keep * mean"),
            (NORM, "keep * old_var + (1 - keep) * var", "(1 - keep) * old_var + keep * var"),
        ],
        [
            (
                NORM,
                'momentum * bn_param["running_mean"] + (1 - momentum) * mean',
                '(1 - momentum) * bn_param["running_mean"] + momentum * mean',
            ),
            (
                NORM,
                'momentum * bn_param["running_var"] + (1 - momentum) * var',
                '(1 - momentum) * bn_param["running_var"] + momentum * var',
            ),
        ],
    ),
    "batch_norm_uses_the_batch_in_inference": per_style(
        [
            (NORM, "np.sqrt(running_var + eps)", "np.sqrt(np.var(x, axis=0) + eps)"),
            (NORM, BN_TEST, BN_TEST.replace("running_mean", "np.mean(x, axis=0)")),
        ],
        [
            (
                NORM,
                "(x - old_mean) / np.sqrt(old_var + eps)",
                "(x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + eps)",
            ),
        ],
        [
            (
                NORM,
                'mean, var = bn_param["running_mean"], bn_param["running_var"]',
                "mean, var = np.mean(x, axis=0), np.var(x, axis=0)",
            )
        ],
    ),
    "batch_norm_takes_the_statistics_for_constants": per_style(
        [(NORM_BACK, "dx_hat / std + dvar * 2 * centred / N + dmean / N", "dx_hat / std")],
        [(NORM_BACK, "inv_std * (dx_hat - mean - x_hat * slope)", "inv_std * dx_hat")],
        [(NORM_BACK, "dx = dcentred - dcentred.sum(axis=0) / N", "dx = dx_hat / spread")],
    ),
    "batch_norm_forgets_gamma_in_dx": everywhere(
        (NORM_BACK, "dx_hat = dout * gamma", "dx_hat = dout")
    ),
    "batch_norm_forgets_the_mean_in_dx": per_style(
        [(NORM_BACK, " + dmean / N", "")],
        [(NORM_BACK, "dx_hat - mean - x_hat", "dx_hat - x_hat")],
        [(NORM_BACK, "dx = dcentred - dcentred.sum(axis=0) / N", "dx = dcentred")],
    ),
    "batch_norm_forgets_the_variance_in_dx": per_style(
        [(NORM_BACK, " + dvar * 2 * centred / N", "")],
        [(NORM_BACK, " - x_hat * slope", "")],
        [(NORM_BACK, " + dvar * 2 * (x - mean) / N", "")],
    ),
    "batch_norm_keeps_its_own_share_of_the_mean_only": per_style(
        [
            (
                NORM_BACK,
                "dx = dx_hat / std + dvar * 2 * centred / N + dmean / N",
                "dx = dx_hat / std * (1 - 1 / N)",
            )
        ],
        [(NORM_BACK, "(dx_hat - mean - x_hat * slope)", "dx_hat * (1 - 1 / len(dout))")],
        [
            (
                NORM_BACK,
                "dx = dcentred - dcentred.sum(axis=0) / N",
                "dx = dx_hat / spread * (1 - 1 / N)",
            )
        ],
    ),
    "batch_norm_averages_dgamma_and_dbeta": of_norm(
        NORM_BACK, "dgamma / len(dout)", "dbeta / len(dout)"
    ),
    "batch_norm_keeps_the_batch_axis_of_dgamma": of_norm(
        NORM_BACK, "dgamma.reshape(1, -1)", "dbeta.reshape(1, -1)"
    ),
    "batch_norm_divides_by_the_batch_only": per_style(
        [
            (
                SPATIAL_BACK,
                "dx, dgamma, dbeta = batchnorm_backward(rows, cache)",
                SPATIAL_SUMS.format(taken="x_hat, centred, std, gamma = cache", scaled="dx / std"),
            )
        ],
        [
            (
                SPATIAL_BACK,
                "dx, dgamma, dbeta = batchnorm_backward(last.reshape(-1, dout.shape[1]), cache)",
                SPATIAL_SUMS.format(
                    taken="""x_hat, inv_std, gamma = cache
    N, rows = len(dout), last.reshape(-1, dout.shape[1])""",
                    scaled="dx * inv_std",
                ),
            )
        ],
        [
            (
                SPATIAL_BACK,
                "dx, dgamma, dbeta = batchnorm_backward(dout_row, cache)",
                SPATIAL_SUMS.format(
                    taken="""x, mean, spread, x_hat, gamma = cache
    N, rows = len(dout), dout_row""",
                    scaled="dx / spread",
                ),
            )
        ],
    ),
    "batch_norm_over_the_batch_axis_only": per_style(
        pixels("N, C, H, W = x.shape", "N, C, H, W = dout.shape"),
        pixels("last = np.moveaxis(x, 1, -1)", "last = np.moveaxis(dout, 1, -1)"),
        pixels("C = x.shape[1]", "C = dout.shape[1]"),
    ),
    "batch_norm_reshapes_after_another_transpose": per_style(
        [
            (SPATIAL, "x.transpose(0, 2, 3, 1)", "x.transpose(1, 0, 2, 3)"),
            (SPATIAL, IN_ROWS_OF_OUT, IN_CHANNELS_OF_OUT),
            (SPATIAL_BACK, "dout.transpose(0, 2, 3, 1)", "dout.transpose(1, 0, 2, 3)"),
            (
                SPATIAL_BACK,
                IN_ROWS_OF_OUT.replace("out", "dx"),
                IN_CHANNELS_OF_OUT.replace("out", "dx"),
            ),
        ],
        [
            (SPATIAL, "last = np.moveaxis(x, 1, -1)", "last = np.moveaxis(x, 1, 0)"),
            (SPATIAL, "np.moveaxis(out.reshape(last.shape), -1, 1)", FROM_THE_FRONT),
            (SPATIAL_BACK, "last = np.moveaxis(dout, 1, -1)", "last = np.moveaxis(dout, 1, 0)"),
            (
                SPATIAL_BACK,
                "np.moveaxis(dx.reshape(last.shape), -1, 1)",
                FROM_THE_FRONT.replace("out", "dx"),
            ),
        ],
        [
            (SPATIAL, ".reshape(C, -1).T", ".reshape(-1, C)"),
            (SPATIAL, "out.T.reshape(C,", "out.reshape(C,"),
            (SPATIAL_BACK, ".reshape(C, -1).T", ".reshape(-1, C)"),
            (SPATIAL_BACK, "dx.T.reshape(C,", "dx.reshape(C,"),
        ],
    ),
    "batch_norm_reshapes_without_the_transpose": per_style(
        [
            (SPATIAL, "x.transpose(0, 2, 3, 1).reshape(-1, C)", "x.reshape(-1, C)"),
            (SPATIAL, "out.reshape(N, H, W, C).transpose(0, 3, 1, 2)", "out.reshape(N, C, H, W)"),
            (SPATIAL_BACK, "dout.transpose(0, 2, 3, 1).reshape(-1, C)", "dout.reshape(-1, C)"),
            (
                SPATIAL_BACK,
                "dx.reshape(N, H, W, C).transpose(0, 3, 1, 2)",
                "dx.reshape(N, C, H, W)",
            ),
        ],
        [
            (SPATIAL, "last = np.moveaxis(x, 1, -1)", "last = x"),
            (SPATIAL, "np.moveaxis(out.reshape(last.shape), -1, 1)", "out.reshape(x.shape)"),
            (SPATIAL_BACK, "last = np.moveaxis(dout, 1, -1)", "last = dout"),
            (SPATIAL_BACK, "np.moveaxis(dx.reshape(last.shape), -1, 1)", "dx.reshape(dout.shape)"),
        ],
        [
            (SPATIAL, "x.swapaxes(0, 1).reshape(C, -1).T", "x.reshape(-1, C)"),
            (
                SPATIAL,
                "out.T.reshape(C, x.shape[0], *x.shape[2:]).swapaxes(0, 1)",
                "out.reshape(x.shape)",
            ),
            (SPATIAL_BACK, "dout.swapaxes(0, 1).reshape(C, -1).T", "dout.reshape(-1, C)"),
            (
                SPATIAL_BACK,
                "dx.T.reshape(C, dout.shape[0], *dout.shape[2:]).swapaxes(0, 1)",
                "dx.reshape(dout.shape)",
            ),
        ],
    ),
    "batch_norm_adds_eps_twice": per_style(
        [(NORM, "sqrt(var + eps)", "sqrt(var + eps + eps)")],
        [(NORM, "sqrt(var + eps)", "sqrt(var + eps + eps)")],
        ONE_LINE,
    ),
    "batch_norm_ignores_the_eps_given": everywhere(
        (NORM, '.get("eps", 1e-5)', '.get("epsilon", 1e-5)')
    ),
    "batch_norm_adds_eps_to_the_spread_in_training": per_style(
        [(NORM, "np.sqrt(var + eps)", "np.sqrt(var) + eps")],
        [(NORM, "1 / np.sqrt(var + eps)", "1 / (np.sqrt(var) + eps)")],
        ONE_LINE,
    ),
    "batch_norm_ignores_eps_in_backward": per_style(
        [
            (
                NORM_BACK,
                "N, D = dout.shape",
                "N, D = dout.shape\n    std = np.sqrt(np.mean(centred**2, axis=0))\n"
                "    x_hat = centred / std",
            )
        ],
        [
            (
                NORM_BACK,
                "cache\n",
                "cache\n    centred = x_hat / inv_std\n    inv_std = 1 / centred.std(axis=0)\n"
                "    x_hat = centred * inv_std\n",
            )
        ],
        [
            (
                NORM_BACK,
                "N = dout.shape[0]",
                "N = dout.shape[0]\n    spread = np.std(x, axis=0)\n"
                "    x_hat = (x - mean) / spread",
            )
        ],
    ),
    "batch_norm_takes_beta_for_gamma": per_style(
        [
            (NORM, "(x_hat, centred, std, gamma)", "(x_hat, centred, std, gamma, beta)"),
            (NORM_BACK, "x_hat, centred, std, gamma =", "x_hat, centred, std, beta, gamma ="),
        ],
        [
            (NORM, "(x_hat, inv_std, gamma)", "(x_hat, inv_std, gamma, beta)"),
            (NORM_BACK, "x_hat, inv_std, gamma =", "x_hat, inv_std, beta, gamma ="),
        ],
        [
            (NORM, "(x, mean, spread, x_hat, gamma)", "(x, mean, spread, x_hat, gamma, beta)"),
            (NORM_BACK, "spread, x_hat, gamma =", "spread, x_hat, beta, gamma ="),
        ],
    ),
    "batch_norm_halves_the_variance_in_dx": per_style(
        [(NORM_BACK, "dvar * 2 * centred", "dvar * centred")],
        CANCELLED,
        [(NORM_BACK, "dvar * 2 * (x - mean)", "dvar * (x - mean)")],
    ),
    "batch_norm_doubles_the_variance_in_dx": per_style(
        [(NORM_BACK, "-0.5 / std**3", "-1.0 / std**3")],
        CANCELLED,
        [(NORM_BACK, "dspread / (2 * spread)", "dspread / spread")],
    ),
    "batch_norm_takes_sums_for_means_in_dx": per_style(
        [(NORM_BACK, "centred / N + dmean / N", "centred + dmean")],
        [
            (NORM_BACK, "dx_hat.mean(axis=0)", "dx_hat.sum(axis=0)"),
            (NORM_BACK, "(dx_hat * x_hat).mean(axis=0)", "(dx_hat * x_hat).sum(axis=0)"),
        ],
        [
            (
                NORM_BACK,
                "dcentred = dx_hat / spread + dvar * 2 * (x - mean) / N",
                "dvar_of_x = dvar * 2 * (x - mean)",
            ),
            (
                NORM_BACK,
                "dx = dcentred - dcentred.sum(axis=0) / N",
                "dx = dx_hat / spread + dvar_of_x - (dx_hat / spread).sum(axis=0)",
            ),
        ],
    ),
    "batch_norm_normalises_each_image": per_style(
        each_image("N, C, H, W = x.shape", "N, C, H, W = dout.shape"),
        each_image("last = np.moveaxis(x, 1, -1)", "last = np.moveaxis(dout, 1, -1)"),
        each_image("C = x.shape[1]", "C = dout.shape[1]"),
    ),
    "batch_norm_shares_the_running_statistics": per_style(
        each_channel("N, C, H, W = x.shape", "N, C, H, W = dout.shape"),
        each_channel("last = np.moveaxis(x, 1, -1)", "last = np.moveaxis(dout, 1, -1)"),
        each_channel("C = x.shape[1]", "C = dout.shape[1]"),
    ),
    "batch_norm_adds_eps_to_running_var_in_inference": per_style(
        [
            (
                NORM,
                "std = np.sqrt(running_var + eps)",
                "running_var = running_var + eps\n        std = np.sqrt(running_var)",
            )
        ],
        [
            (
                NORM,
                "x_hat = (x - old_mean) / np.sqrt(old_var + eps)",
                """bn_param["running_var"] = old_var = old_var + eps
        x_hat = (x - old_mean) / np.sqrt(old_var)""",
            )
        ],
        [
            (
                NORM,
                'mean, var = bn_param["running_mean"], bn_param["running_var"]',
                """mean, var = bn_param["running_mean"], bn_param["running_var"]
        bn_param["running_var"] = var + eps""",
            )
        ],
    ),
    "batch_norm_forgets_gamma_and_beta_in_inference": per_style(
        [(NORM, BN_TEST, "out = (x - running_mean) / std")],
        [(NORM, "return x_hat * gamma + beta, None", "return x_hat * gamma, None")],
        [(NORM, "beta[None, :]\n", "(beta if mode == 'train' else 0 * beta)\n")],
    ),
    "batch_norm_subtracts_beta_in_inference": per_style(
        [(NORM, BN_TEST, BN_TEST.replace("+ beta", "- beta"))],
        [(NORM, "return x_hat * gamma + beta, None", "return x_hat * gamma - beta, None")],
        "one line serves both modes",
    ),
    "batch_norm_reshapes_back_without_the_transpose": per_style(
        [
            (SPATIAL, "out.reshape(N, H, W, C).transpose(0, 3, 1, 2)", "out.reshape(N, C, H, W)"),
            (
                SPATIAL_BACK,
                "dx.reshape(N, H, W, C).transpose(0, 3, 1, 2)",
                "dx.reshape(N, C, H, W)",
            ),
        ],
        [(SPATIAL, "out.reshape(last.shape), -1, 1)", "out.reshape(x.shape), -1, 1)")],
        [
            (
                SPATIAL_BACK,
                "dx.T.reshape(C, dout.shape[0], *dout.shape[2:]).swapaxes(0, 1)",
                "dx.T.reshape(dout.shape)",
            )
        ],
    ),
}

ANEW_OF_ROWS = """    centred = x_hat * {spread}
    {spread} = np.std(centred, axis=1, keepdims=True)
    x_hat = centred / {spread}
"""

LAYER_NORM: dict[str, Row] = {
    "layer_norm_over_the_batch_axis": per_style(
        [
            (
                LAYER,
                """    for n in range(N):
        var = np.var(x[n])
        std[n] = np.sqrt(var + eps)
        x_hat[n] = (x[n] - np.mean(x[n])) / std[n]
""",
                """    std = np.sqrt(np.var(x, axis=0) + eps)
    x_hat = (x - np.mean(x, axis=0)) / std
""",
            ),
            (
                LAYER_BACK,
                """    for n in range(dout.shape[0]):
        mean, slope = np.mean(dx_hat[n]), np.mean(dx_hat[n] * x_hat[n])
        dx[n] = (dx_hat[n] - mean - x_hat[n] * slope) / std[n]
""",
                """    mean, slope = np.mean(dx_hat, axis=0), np.mean(dx_hat * x_hat, axis=0)
    dx = (dx_hat - mean - x_hat * slope) / std
""",
            ),
        ],
        [
            (
                LAYER,
                "mean, var = x.mean(axis=1, keepdims=True), x.var(axis=1, keepdims=True)",
                "mean, var = x.mean(axis=0), x.var(axis=0)",
            ),
            (LAYER_BACK, "dx_hat.mean(axis=1, keepdims=True)", "dx_hat.mean(axis=0)"),
            (
                LAYER_BACK,
                "(dx_hat * x_hat).mean(axis=1, keepdims=True)",
                "(dx_hat * x_hat).mean(axis=0)",
            ),
        ],
        [
            (LAYER, "D = x.shape[1]", "D = x.shape[0]"),
            (LAYER, "np.sum(x, axis=1, keepdims=True)", "np.sum(x, axis=0)"),
            (LAYER, "np.sum(centred**2, axis=1, keepdims=True)", "np.sum(centred**2, axis=0)"),
            (LAYER_BACK, "N, D = dout.shape", "D, N = dout.shape"),
            (LAYER_BACK, "np.sum(dx_hat, axis=1, keepdims=True)", "np.sum(dx_hat, axis=0)"),
            (
                LAYER_BACK,
                "np.sum(dx_hat * x_hat, axis=1, keepdims=True)",
                "np.sum(dx_hat * x_hat, axis=0)",
            ),
        ],
    ),
    "layer_norm_ignores_eps": everywhere((LAYER, "sqrt(var + eps)", "sqrt(var)")),
    "layer_norm_adds_eps_to_the_spread": per_style(
        [(LAYER, "np.sqrt(var + eps)", "np.sqrt(var) + eps")],
        [(LAYER, "1 / np.sqrt(var + eps)", "1 / (np.sqrt(var) + eps)")],
        [(LAYER, "np.sqrt(var + eps)", "np.sqrt(var) + eps")],
    ),
    "layer_norm_divides_by_n_minus_1": per_style(
        [(LAYER, "np.var(x[n])", "np.var(x[n], ddof=1)")],
        [(LAYER, "x.var(axis=1, keepdims=True)", "x.var(axis=1, ddof=1, keepdims=True)")],
        [
            (
                LAYER,
                "np.sum(centred**2, axis=1, keepdims=True) / D",
                "np.sum(centred**2, axis=1, keepdims=True) / (D - 1)",
            )
        ],
    ),
    "layer_norm_takes_gamma_out_of_the_means": per_style(
        [
            (LAYER_BACK, "dx_hat = dout * gamma", "dx_hat = dout"),
            (LAYER_BACK, "return dx, ", "return dx * gamma, "),
        ],
        [
            (LAYER_BACK, "dx_hat = dout * gamma", "dx_hat = dout"),
            (LAYER_BACK, "return inv_std *", "return gamma * inv_std *"),
        ],
        [
            (LAYER_BACK, "dx_hat = dout * gamma", "dx_hat = dout"),
            (LAYER_BACK, "dx = (D", "dx = gamma * (D"),
        ],
    ),
    "layer_norm_forgets_gamma_in_dx": everywhere(
        (LAYER_BACK, "dx_hat = dout * gamma", "dx_hat = dout")
    ),
    "layer_norm_averages_over_the_batch_in_dx": per_style(
        [
            (
                LAYER_BACK,
                "mean, slope = np.mean(dx_hat[n]), np.mean(dx_hat[n] * x_hat[n])",
                "mean, slope = np.mean(dx_hat, axis=0), np.mean(dx_hat * x_hat, axis=0)",
            )
        ],
        [
            (LAYER_BACK, "dx_hat.mean(axis=1, keepdims=True)", "dx_hat.mean(axis=0)"),
            (
                LAYER_BACK,
                "(dx_hat * x_hat).mean(axis=1, keepdims=True)",
                "(dx_hat * x_hat).mean(axis=0)",
            ),
        ],
        [
            (LAYER_BACK, "N, D = dout.shape", "D, N = dout.shape"),
            (LAYER_BACK, "np.sum(dx_hat, axis=1, keepdims=True)", "np.sum(dx_hat, axis=0)"),
            (
                LAYER_BACK,
                "np.sum(dx_hat * x_hat, axis=1, keepdims=True)",
                "np.sum(dx_hat * x_hat, axis=0)",
            ),
        ],
    ),
    "layer_norm_sums_dgamma_over_the_features": per_style(
        [
            (LAYER_BACK, "np.sum(dout * x_hat, axis=0)", "np.sum(dout * x_hat, axis=1)"),
            (LAYER_BACK, "np.sum(dout, axis=0)", "np.sum(dout, axis=1)"),
        ],
        [
            (LAYER_BACK, "(dout * x_hat).sum(axis=0)", "(dout * x_hat).sum(axis=1)"),
            (LAYER_BACK, "dout.sum(axis=0)", "dout.sum(axis=1)"),
        ],
        [(LAYER_BACK, '"nd,nd->d"', '"nd,nd->n"'), (LAYER_BACK, '"nd->d"', '"nd->n"')],
    ),
    "layer_norm_keeps_the_batch_axis_of_dgamma": of_norm(
        LAYER_BACK, "dgamma.reshape(1, -1)", "dbeta.reshape(1, -1)"
    ),
    "layer_norm_adds_eps_twice": everywhere((LAYER, "sqrt(var + eps)", "sqrt(var + eps + eps)")),
    "layer_norm_ignores_the_eps_given": everywhere(
        (LAYER, '.get("eps", 1e-5)', '.get("epsilon", 1e-5)')
    ),
    "layer_norm_ignores_eps_in_backward": per_style(
        [(LAYER_BACK, "cache\n", "cache\n" + ANEW_OF_ROWS.format(spread="std"))],
        [
            (
                LAYER_BACK,
                "cache\n",
                "cache\n    std = 1 / inv_std\n"
                + ANEW_OF_ROWS.format(spread="std")
                + "    inv_std = 1 / std\n",
            )
        ],
        [(LAYER_BACK, "cache\n", "cache\n" + ANEW_OF_ROWS.format(spread="spread"))],
    ),
    "layer_norm_takes_beta_for_gamma": per_style(
        [
            (LAYER, "(x_hat, std, gamma)", "(x_hat, std, gamma, beta)"),
            (LAYER_BACK, "x_hat, std, gamma =", "x_hat, std, beta, gamma ="),
        ],
        [
            (LAYER, "(x_hat, inv_std, gamma)", "(x_hat, inv_std, gamma, beta)"),
            (LAYER_BACK, "x_hat, inv_std, gamma =", "x_hat, inv_std, beta, gamma ="),
        ],
        [
            (LAYER, "(x_hat, spread, gamma)", "(x_hat, spread, gamma, beta)"),
            (LAYER_BACK, "x_hat, spread, gamma =", "x_hat, spread, beta, gamma ="),
        ],
    ),
    "layer_norm_halves_the_variance_in_dx": per_style(
        [(LAYER_BACK, "x_hat[n] * slope", "x_hat[n] * slope / 2")],
        [(LAYER_BACK, "x_hat * slope", "x_hat * slope / 2")],
        [(LAYER_BACK, "x_hat * slope", "x_hat * slope / 2")],
    ),
    "layer_norm_doubles_the_variance_in_dx": per_style(
        [(LAYER_BACK, "x_hat[n] * slope", "2 * x_hat[n] * slope")],
        [(LAYER_BACK, "x_hat * slope", "2 * x_hat * slope")],
        [(LAYER_BACK, "x_hat * slope", "2 * x_hat * slope")],
    ),
    "layer_norm_takes_sums_for_means_in_dx": per_style(
        [
            (
                LAYER_BACK,
                "np.mean(dx_hat[n]), np.mean(dx_hat[n] * x_hat[n])",
                "np.sum(dx_hat[n]), np.sum(dx_hat[n] * x_hat[n])",
            )
        ],
        [
            (LAYER_BACK, "dx_hat.mean(axis=1", "dx_hat.sum(axis=1"),
            (LAYER_BACK, "(dx_hat * x_hat).mean(axis=1", "(dx_hat * x_hat).sum(axis=1"),
        ],
        [
            (
                LAYER_BACK,
                "dx = (D * dx_hat - total - x_hat * slope) / (D * spread)",
                "dx = (dx_hat - total - x_hat * slope) / spread",
            )
        ],
    ),
    "layer_norm_divides_by_the_batch_in_dx": per_style(
        [
            (
                LAYER_BACK,
                "np.mean(dx_hat[n]), np.mean(dx_hat[n] * x_hat[n])",
                "np.sum(dx_hat[n]) / len(dout), np.sum(dx_hat[n] * x_hat[n]) / len(dout)",
            )
        ],
        [
            (
                LAYER_BACK,
                "mean = dx_hat.mean(axis=1, keepdims=True)",
                "N = len(dout)\n    mean = dx_hat.sum(axis=1, keepdims=True) / N",
            ),
            (
                LAYER_BACK,
                "(dx_hat * x_hat).mean(axis=1, keepdims=True)",
                "(dx_hat * x_hat).sum(axis=1, keepdims=True) / N",
            ),
        ],
        [
            (
                LAYER_BACK,
                "dx = (D * dx_hat - total - x_hat * slope) / (D * spread)",
                "dx = (N * dx_hat - total - x_hat * slope) / (N * spread)",
            )
        ],
    ),
}

COLUMNS_IN_LOOPS = "it takes the channels of a group from one image by their numbers"
GN_FIVE = "reshape(N, G, C // G, H, W)"
GN_AXES = "axis=(2, 3, 4)"


def over(axes: str) -> list[Edit]:
    return [
        (GROUP, f"parts.mean({GN_AXES}", f"parts.mean(axis={axes}"),
        (GROUP, f"parts.var({GN_AXES}", f"parts.var(axis={axes}"),
        (GROUP_BACK, f"dparts.mean({GN_AXES}", f"dparts.mean(axis={axes}"),
        (GROUP_BACK, f"(dparts * parts).mean({GN_AXES}", f"(dparts * parts).mean(axis={axes}"),
    ]


def groups_of(axes: str, shape: str = "N, G, C // G, -1") -> list[Edit]:
    """Give the matrices of im2col an axis for each part, and average over some."""
    return [
        (GROUP, "rows = x.reshape(N * G, -1)", f"rows = x.reshape({shape})"),
        (GROUP, "rows.mean(axis=1", f"rows.mean(axis={axes}"),
        (GROUP, "np.mean(centred**2, axis=1", f"np.mean(centred**2, axis={axes}"),
        (GROUP_BACK, "(dout * gamma).reshape(N * G, -1)", f"(dout * gamma).reshape({shape})"),
        (GROUP_BACK, "rows = x_hat.reshape(N * G, -1)", f"rows = x_hat.reshape({shape})"),
        (GROUP_BACK, "dx_hat.mean(axis=1", f"dx_hat.mean(axis={axes}"),
        (GROUP_BACK, "np.mean(dx_hat * rows, axis=1", f"np.mean(dx_hat * rows, axis={axes}"),
    ]


def looped(mean: str, var: str, dmean: str, dslope: str, std: str = "(N, G)") -> list[Edit]:
    """Give the loops over groups other means, their spread kept in an array of another shape."""
    return [
        (GROUP, "np.zeros((N, G), dtype=x.dtype)", f"np.zeros({std}, dtype=x.dtype)"),
        (GROUP, "np.sqrt(np.var(group) + eps)", f"np.sqrt({var} + eps)"),
        (GROUP, "np.mean(group)", mean),
        (GROUP_BACK, "np.mean(dx_hat[n, group])", dmean),
        (GROUP_BACK, "np.mean(dx_hat[n, group] * x_hat[n, group])", dslope),
    ]


def each(axes: str, std: str) -> list[Edit]:
    return looped(
        f"np.mean(group, axis={axes}, keepdims=True)",
        f"np.var(group, axis={axes}, keepdims=True)",
        f"np.mean(dx_hat[n, group], axis={axes}, keepdims=True)",
        f"np.mean(dx_hat[n, group] * x_hat[n, group], axis={axes}, keepdims=True)",
        std,
    )


GROUP_NORM: dict[str, Row] = {
    "group_norm_deals_the_channels_out": per_style(
        [
            (GROUP, "group = x[n, g * size : (g + 1) * size]", "group = x[n, g::G]"),
            (GROUP, "x_hat[n, g * size : (g + 1) * size] =", "x_hat[n, g::G] ="),
            (GROUP_BACK, "slice(g * size, (g + 1) * size)", "slice(g, None, G)"),
        ],
        [
            (GROUP, GN_FIVE, "reshape(N, C // G, G, H, W)"),
            (GROUP_BACK, f"(dout * gamma).{GN_FIVE}", "(dout * gamma).reshape(N, C // G, G, H, W)"),
            (GROUP_BACK, f"x_hat.{GN_FIVE}", "x_hat.reshape(N, C // G, G, H, W)"),
            *over("(1, 3, 4)"),
        ],
        groups_of("(1, 3)", "N, C // G, G, -1"),
    ),
    "group_norm_ignores_eps": per_style(
        [(GROUP, "np.sqrt(np.var(group) + eps)", "np.sqrt(np.var(group))")],
        [(GROUP, "sqrt(var + eps)", "sqrt(var)")],
        [(GROUP, "sqrt(var + eps)", "sqrt(var)")],
    ),
    "group_norm_takes_gamma_out_of_the_means": per_style(
        [
            (GROUP_BACK, "dx_hat = dout * gamma", "dx_hat = dout"),
            (GROUP_BACK, "return dx, ", "return dx * gamma, "),
        ],
        [
            (GROUP_BACK, "(dout * gamma).reshape", "dout.reshape"),
            (GROUP_BACK, "return dx.reshape(dout.shape)", "return dx.reshape(dout.shape) * gamma"),
        ],
        [
            (GROUP_BACK, "(dout * gamma).reshape", "dout.reshape"),
            (GROUP_BACK, "return dx.reshape(N, C, H, W)", "return dx.reshape(N, C, H, W) * gamma"),
        ],
    ),
    "group_norm_forgets_gamma_in_dx": per_style(
        [(GROUP_BACK, "dx_hat = dout * gamma", "dx_hat = dout")],
        [(GROUP_BACK, "(dout * gamma).reshape", "dout.reshape")],
        [(GROUP_BACK, "(dout * gamma).reshape", "dout.reshape")],
    ),
    "group_norm_squeezes_the_spread": per_style(
        A_NUMBER_EACH,
        [
            (
                GROUP_BACK,
                "dx = inv_std * (dparts",
                "inv_std = (np.ones((N, G)) * inv_std.squeeze()).reshape(N, G, 1, 1, 1)\n"
                "    dx = inv_std * (dparts",
            )
        ],
        A_NUMBER_EACH,
    ),
    "group_norm_normalises_each_pixel": per_style(
        each("0", "(N, G, 1, H, W)"), over("2"), groups_of("2")
    ),
    "group_norm_normalises_each_channel": per_style(
        each("(1, 2)", "(N, G, size, 1, 1)"), over("(3, 4)"), groups_of("3")
    ),
    "group_norm_normalises_over_the_batch": per_style(
        looped(
            "np.mean(x[:, g * size : (g + 1) * size])",
            "np.var(x[:, g * size : (g + 1) * size])",
            "np.mean(dx_hat[:, group])",
            "np.mean(dx_hat[:, group] * x_hat[:, group])",
        ),
        over("(0, 2, 3, 4)"),
        groups_of("(0, 2, 3)"),
    ),
    "group_norm_adds_eps_to_the_spread": per_style(
        [(GROUP, "np.sqrt(np.var(group) + eps)", "np.sqrt(np.var(group)) + eps")],
        [(GROUP, "1 / np.sqrt(var + eps)", "1 / (np.sqrt(var) + eps)")],
        [(GROUP, "np.sqrt(var + eps)", "np.sqrt(var) + eps")],
    ),
    "group_norm_adds_eps_twice": per_style(
        [(GROUP, "np.sqrt(np.var(group) + eps)", "np.sqrt(np.var(group) + 2 * eps)")],
        [(GROUP, "sqrt(var + eps)", "sqrt(var + 2 * eps)")],
        [(GROUP, "sqrt(var + eps)", "sqrt(var + 2 * eps)")],
    ),
    "group_norm_ignores_the_eps_given": everywhere(
        (GROUP, '.get("eps", 1e-5)', '.get("epsilon", 1e-5)')
    ),
    "group_norm_ignores_eps_in_backward": per_style(
        [
            (
                GROUP_BACK,
                "size = C // G\n",
                "size = C // G\n    root = np.sqrt(np.mean(x_hat.reshape(N, G, -1) ** 2, axis=2))\n"
                "    x_hat = x_hat / np.repeat(root, size, axis=1)[:, :, None, None]\n"
                "    std = std * root\n",
            )
        ],
        [
            (
                GROUP_BACK,
                "N, C, H, W = dout.shape\n",
                "N, C, H, W = dout.shape\n"
                "    root = np.sqrt(np.mean(x_hat.reshape(N, G, -1) ** 2, axis=2))\n"
                "    x_hat = x_hat / np.repeat(root, C // G, axis=1)[:, :, None, None]\n"
                "    inv_std = inv_std / root[:, :, None, None, None]\n",
            )
        ],
        [
            (
                GROUP_BACK,
                "N, C, H, W = dout.shape\n",
                "N, C, H, W = dout.shape\n"
                "    root = np.sqrt(np.mean(x_hat.reshape(N, G, -1) ** 2, axis=2))\n"
                "    x_hat = x_hat / np.repeat(root, C // G, axis=1)[:, :, None, None]\n"
                "    spread = spread * root.reshape(-1, 1)\n",
            )
        ],
    ),
    "group_norm_takes_beta_for_gamma": per_style(
        [
            (GROUP, "(x_hat, std, gamma, G)", "(x_hat, std, gamma, beta, G)"),
            (GROUP_BACK, "x_hat, std, gamma, G =", "x_hat, std, beta, gamma, G ="),
        ],
        [
            (GROUP, "(x_hat, inv_std, gamma, G)", "(x_hat, inv_std, gamma, beta, G)"),
            (GROUP_BACK, "x_hat, inv_std, gamma, G =", "x_hat, inv_std, beta, gamma, G ="),
        ],
        [
            (GROUP, "(x_hat, spread, gamma, G)", "(x_hat, spread, gamma, beta, G)"),
            (GROUP_BACK, "x_hat, spread, gamma, G =", "x_hat, spread, beta, gamma, G ="),
        ],
    ),
    "group_norm_halves_the_variance_in_dx": per_style(
        [(GROUP_BACK, "x_hat[n, group] * slope", "x_hat[n, group] * slope / 2")],
        [(GROUP_BACK, "parts * slope", "parts * slope / 2")],
        [(GROUP_BACK, "rows * slope", "rows * slope / 2")],
    ),
    "group_norm_doubles_the_variance_in_dx": per_style(
        [(GROUP_BACK, "x_hat[n, group] * slope", "2 * x_hat[n, group] * slope")],
        [(GROUP_BACK, "parts * slope", "2 * parts * slope")],
        [(GROUP_BACK, "rows * slope", "2 * rows * slope")],
    ),
    "group_norm_takes_sums_for_means_in_dx": per_style(
        [
            (GROUP_BACK, "np.mean(dx_hat[n, group])", "np.sum(dx_hat[n, group])"),
            (
                GROUP_BACK,
                "np.mean(dx_hat[n, group] * x_hat[n, group])",
                "np.sum(dx_hat[n, group] * x_hat[n, group])",
            ),
        ],
        [
            (GROUP_BACK, "dparts.mean(", "dparts.sum("),
            (GROUP_BACK, "(dparts * parts).mean(", "(dparts * parts).sum("),
        ],
        [
            (GROUP_BACK, "dx_hat.mean(", "dx_hat.sum("),
            (GROUP_BACK, "np.mean(dx_hat * rows", "np.sum(dx_hat * rows"),
        ],
    ),
    "group_norm_reshapes_without_the_transpose": per_style(
        COLUMNS_IN_LOOPS,
        [
            (GROUP, GN_FIVE, "reshape(-1, N * G)"),
            (GROUP_BACK, f"(dout * gamma).{GN_FIVE}", "(dout * gamma).reshape(-1, N * G)"),
            (GROUP_BACK, f"x_hat.{GN_FIVE}", "x_hat.reshape(-1, N * G)"),
            *over("0"),
        ],
        groups_of("0", "-1, N * G"),
    ),
}

PLANTED = {
    **CONVOLUTION,
    **MAX_POOLING,
    **MEAN_POOLING,
    **AFFINE,
    **RECTIFIER,
    **LOSSES,
    **DROPOUT,
    **BATCH_NORM,
    **LAYER_NORM,
    **GROUP_NORM,
}
"""By mistake and style, the edits, or why there is none."""
