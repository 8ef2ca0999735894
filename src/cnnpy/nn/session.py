"""InferenceSession: a network as it is now, made ready to compute outputs only.

Batch norms are folded into the convolutions before them and all weights are packed for
the kernels once, where a call of the model does both anew, since training may have
changed them.
"""

from __future__ import annotations

from collections.abc import Callable

from cnnpy import functional
from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.errors import OptionError
from cnnpy.nn.containers import Concat, Residual, Sequential
from cnnpy.nn.fusion import ConvBlock, LinearBlock, Step, fuses, steps
from cnnpy.nn.layer import Layer
from cnnpy.nn.layers import Conv2d, Linear

__all__ = ["InferenceSession"]

Run = Callable[[FloatArray], FloatArray]


class InferenceSession:
    """Compute outputs with the weights that a network has now.

    Later changes of the model do not reach the session. Several threads may call it at
    once. It computes on the backend that it was made on.

    Parameters
    ----------
    model : Layer
        A built network.

    Raises
    ------
    OptionError
        Where the model is not built.

    Examples
    --------
    >>> from cnnpy import models, nn
    >>> model = models.small_cnn()
    >>> model.build((1, 8, 8), seed=0)
    (10,)
    >>> session = nn.InferenceSession(model)
    >>> x = np.ones((2, 1, 8, 8), dtype=np.float32)
    >>> bool(np.allclose(session(x), model(x), atol=1e-5))
    True
    """

    def __init__(self, model: Layer) -> None:
        if not model.built:
            raise OptionError(
                "InferenceSession: the model is not built",
                "a model with parameters",
                "build it first: model.build((C, H, W))",
            )
        self._run = _prepared(model.copy())

    def __call__(self, x: FloatArray) -> FloatArray:
        """Compute the output of a batch.

        Parameters
        ----------
        x : ndarray of shape (N, ...)
            The batch.

        Returns
        -------
        ndarray of shape (N, ...)
            The output.
        """
        return self._run(x)


def _prepared(layer: Layer) -> Run:
    if not fuses():
        return layer.infer
    if type(layer) is Sequential:
        return _chain([_prepared_step(step) for step in steps(list(layer), train=False)])
    if type(layer) is Residual:
        return _residual(layer)
    if type(layer) is Concat:
        branches = [_prepared(branch) for branch in layer]
        return lambda x: functional.concat_forward([run(x) for run in branches], axis=1)[0]
    if type(layer) is Conv2d:
        return ConvBlock(layer, None, None, None).prepared()
    if type(layer) is Linear:
        return LinearBlock(layer, None).prepared()
    return layer.infer


def _prepared_step(step: Step) -> Run:
    if isinstance(step, ConvBlock | LinearBlock):
        return step.prepared()
    return _prepared(step.layers[0])


def _chain(runs: list[Run]) -> Run:
    def run(x: FloatArray) -> FloatArray:
        for each in runs:
            x = each(x)
        return x

    return run


def _residual(layer: Residual) -> Run:
    shortcut = None if layer.shortcut is None else _prepared(layer.shortcut)
    ends = layer.fused_body(train=False)
    if ends is None:
        body = _prepared(layer.body)
        activation = None if layer.activation is None else _prepared(layer.activation)

        def run(x: FloatArray) -> FloatArray:
            beside = x if shortcut is None else shortcut(x)
            total = functional.add_forward(body(x), beside)[0]
            return total if activation is None else activation(total)

        return run
    first, last = _chain([_prepared_step(step) for step in ends[0]]), ends[1].prepared()
    relu = layer.activation is not None

    def run_fused(x: FloatArray) -> FloatArray:
        beside = x if shortcut is None else shortcut(x)
        return last(first(x), beside, relu=relu)

    return run_fused
