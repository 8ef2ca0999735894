"""Several ops in one go, for the containers of :mod:`cnnpy.nn`: validate once, then call.

Only what fits a backend that fuses comes here; `available` tells. The values are those
of the public functions one after another, and so are the errors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from cnnpy.backends import registry
from cnnpy.contract import validate
from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.fusions import (
    BlockGradients,
    ConvOptions,
    HandedGradient,
    HandedOn,
    NetworkStep,
    Norm,
    PoolOptions,
)
from cnnpy.contract.ops import OPS
from cnnpy.contract.shapes import Shape

__all__ = [
    "ConvBlockInference",
    "LinearInference",
    "NetworkInference",
    "available",
    "conv_block_backward",
    "conv_block_forward",
    "linear_relu_backward",
    "linear_relu_forward",
]


class FusedCache:
    """What a fused backward pass needs of its forward; opaque.

    Parameters
    ----------
    op : str
        The first op of the block, whose name errors carry.
    module : module
        The backend's fused passes.
    content : object
        The backend's own.
    dtype : numpy.dtype
        Of the output.
    out_shape : tuple of int
        Of the output.
    """

    __slots__ = ("content", "dtype", "module", "op", "out_shape")

    def __init__(
        self, op: str, module: ModuleType, content: Any, dtype: np.dtype[Any], out_shape: Shape
    ) -> None:
        self.op = op
        self.module = module
        self.content = content
        self.dtype = dtype
        self.out_shape = out_shape


def available() -> bool:
    """Tell whether the backend of the moment fuses.

    Returns
    -------
    bool
        Whether the functions of this module may be called here and now.
    """
    return registry.companion(registry.current(), "fused") is not None


def _module() -> ModuleType:
    module = registry.companion(registry.current(), "fused")
    assert module is not None
    return module


class _Block(NamedTuple):
    """A validated block: what the backend is told."""

    images: FloatArray
    w: FloatArray
    b: FloatArray | None
    options: ConvOptions
    pool: PoolOptions | None
    dtype: np.dtype[Any]


# Blocks that were found to fit, by everything but the numbers: what is the same at every
# step of a training, or every batch of an inference, is checked once.
_known_blocks: dict[tuple[Any, ...], tuple[ConvOptions, PoolOptions | None, np.dtype[Any]]] = {}
_MOST_BLOCKS = 1024


def _block(
    x: FloatArray,
    w: FloatArray,
    b: FloatArray | None,
    options: Mapping[str, Any],
    residual: FloatArray | None,
    pool: Mapping[str, Any] | None,
) -> _Block:
    arrays = (x, w, b, residual)
    key: tuple[Any, ...] | None = None
    if all(array is None or type(array) is np.ndarray for array in arrays):
        sizes = (None if array is None else (array.shape, array.dtype) for array in arrays)
        pooling = None if pool is None else tuple(pool.items())
        key = (*sizes, tuple(options.items()), pooling)
    try:
        known = None if key is None else _known_blocks.get(key)
    except TypeError:  # an option is a list, say
        key = known = None
    if known is not None:
        return _Block(x, w, b, *known)
    call = validate.forward_call(OPS["conv2d"], (x, w, b), {}, options)
    if residual is not None:
        OPS["add"].shape(call.out_shape, residual.shape)
    pooled: PoolOptions | None = None
    if pool is not None:
        row = OPS["max_pool2d"]
        pooled = PoolOptions(**validate.parse_options(row, pool))
        row.shape(call.out_shape, **pooled._asdict())
    found = ConvOptions(**call.options, **call.advice), pooled, call.dtype
    if key is not None and len(_known_blocks) < _MOST_BLOCKS:
        _known_blocks[key] = found
    images, filters, bias = call.arrays
    return _Block(images, filters, bias, *found)


def conv_block_forward(
    x: FloatArray | HandedOn,
    w: FloatArray,
    b: FloatArray | None,
    options: Mapping[str, Any],
    *,
    norm: Norm | None = None,
    residual: FloatArray | None = None,
    relu: bool = False,
    pool: Mapping[str, Any] | None = None,
    hand_on: bool = False,
    relu6: bool = False,
) -> tuple[FloatArray | HandedOn, FusedCache]:
    """Run pool(relu(norm(conv(x)) + residual)) for training.

    Parameters
    ----------
    x : ndarray of shape (N, C, H, W), or HandedOn
        Images, or what the block before handed on; this needs a norm.
    w : ndarray of shape (F, C/groups, HH, WW)
        Filters.
    b : ndarray of shape (F,) or None
        Biases.
    options : mapping
        Of conv2d.
    norm : Norm, optional
        A batch norm by the batch's statistics; the running ones are updated.
    residual : ndarray of the shape of the norm's output, optional
        What is added before the ReLU; it needs a norm, and no pooling.
    relu : bool
        Whether what is negative is cut off.
    pool : mapping, optional
        Options of max_pool2d.
    hand_on : bool
        Leave it to the next block to make the output where its convolution reads it; this
        needs a norm, and neither residual nor pooling.
    relu6 : bool
        Whether the ReLU cuts off what is above 6 too; there is no residual and no pooling.

    Returns
    -------
    out : ndarray, or HandedOn
        The output.
    cache : FusedCache
        For `conv_block_backward`.

    Raises
    ------
    ShapeError, DtypeError, OptionError
        As conv2d and max_pool2d raise them.
    """
    block = _block(_images(x), w, b, options, residual, pool)
    module = _module()
    out, content = module.conv_block_forward(
        x if isinstance(x, HandedOn) else block.images,
        block.w,
        block.b,
        block.options,
        norm=norm,
        residual=residual,
        relu=relu,
        pool=block.pool,
        hand_on=hand_on,
        relu6=relu6,
    )
    return out, FusedCache("conv2d", module, content, block.dtype, _images(out).shape)


def _images(given: FloatArray | HandedOn | HandedGradient) -> FloatArray:
    return given.images if isinstance(given, HandedOn | HandedGradient) else given


def conv_block_backward(
    dout: FloatArray | HandedGradient,
    cache: FusedCache,
    needs: Iterable[str],
    addend: FloatArray | None = None,
) -> BlockGradients:
    """Send a gradient back through a block.

    Parameters
    ----------
    dout : ndarray of the shape of the output, or HandedGradient
        Gradient of the loss with respect to the output; the latter from the block to which
        it was handed on.
    cache : FusedCache
        From `conv_block_forward`.
    needs : iterable of str
        Which of ``"x"``, ``"w"``, ``"b"``, ``"gamma"``, ``"beta"`` to compute.
    addend : ndarray of the shape of x, optional
        What is added to the gradient of x.

    Returns
    -------
    BlockGradients
        None for what is not there or not needed.

    Raises
    ------
    ShapeError, DtypeError
        Where dout does not fit the output.
    """
    gradient = validate.backward_call(OPS[cache.op], _images(dout), cache.dtype, cache.out_shape)
    found: BlockGradients = cache.module.conv_block_backward(
        dout if isinstance(dout, HandedGradient) else gradient,
        cache.content,
        frozenset(needs),
        addend,
    )
    return found


_MOST_KNOWN = 64  # shapes of a batch that are remembered


class ConvBlockInference:
    """A block ready for inference, where the norm uses its running statistics.

    Parameters
    ----------
    w, b, options, norm, relu, pool, relu6
        As for `conv_block_forward`; what they hold now is what is computed with later.
    """

    def __init__(
        self,
        w: FloatArray,
        b: FloatArray | None,
        options: Mapping[str, Any],
        *,
        norm: Norm | None = None,
        relu: bool = False,
        pool: Mapping[str, Any] | None = None,
        relu6: bool = False,
    ) -> None:
        self._w, self._b = w, b
        self._options = options
        self._pool = pool
        algorithm = options.get("algorithm", "auto")
        conv = ConvOptions(**validate.parse_options(OPS["conv2d"], options), algorithm=algorithm)
        pooled = None
        if pool is not None:
            pooled = PoolOptions(**validate.parse_options(OPS["max_pool2d"], pool))
        self.own = _module().ConvBlockInference(
            w, b, conv, norm=norm, relu=relu, pool=pooled, relu6=relu6
        )

    def __call__(
        self, x: FloatArray, residual: FloatArray | None = None, *, relu: bool = False
    ) -> FloatArray:
        """Run the block.

        Parameters
        ----------
        x : ndarray of shape (N, C, H, W)
            Images.
        residual : ndarray of the shape of the output, optional
            What is added before the ReLU.
        relu : bool
            Whether a ReLU comes after that.

        Returns
        -------
        ndarray
            The output.

        Raises
        ------
        ShapeError, DtypeError, OptionError
            As conv2d and max_pool2d raise them.
        """
        _block(x, self._w, self._b, self._options, residual, self._pool)
        out: FloatArray = self.own(x, residual, relu)
        return out


class LinearInference:
    """A fully connected layer ready for inference.

    Parameters
    ----------
    w, b
        As for `linear_relu_forward`.
    relu : bool
        Whether what is negative is cut off.
    """

    def __init__(self, w: FloatArray, b: FloatArray | None, *, relu: bool = False) -> None:
        self._w, self._b = w, b
        self.own = _module().LinearInference(w, b, relu=relu)
        self._fits: set[tuple[Shape, np.dtype[Any]]] = set()

    def __call__(self, x: FloatArray) -> FloatArray:
        """Run the layer.

        Parameters
        ----------
        x : ndarray of shape (N, D)
            Rows.

        Returns
        -------
        ndarray of shape (N, M)
            The output.

        Raises
        ------
        ShapeError, DtypeError
            As linear raises them.
        """
        if type(x) is not np.ndarray or (x.shape, x.dtype) not in self._fits:
            validate.forward_call(OPS["linear"], (x, self._w, self._b), {}, {})
            if type(x) is np.ndarray and len(self._fits) < _MOST_KNOWN:
                self._fits.add((x.shape, x.dtype))
        out: FloatArray = self.own(x)
        return out


class NetworkInference:
    """A whole network ready for inference.

    Inputs of a shape that comes for the first time go step by step, and every step checks
    what it is given. Where the backend can run a whole network in one call, it records how
    for that shape, and the next inputs of the shape go that way, with the same bits.

    Parameters
    ----------
    steps : sequence of NetworkStep
        In their order; what the last one gives is the output.
    """

    def __init__(self, steps: Sequence[NetworkStep]) -> None:
        self._steps = tuple(steps)
        self._programs: dict[tuple[Any, ...], Callable[[FloatArray], FloatArray] | None] = {}
        self._backend = registry.current()
        recorder = registry.companion(self._backend, "program")
        self._recorder = None if any(step.op is None for step in steps) else recorder
        last_use = {i: k for k, step in enumerate(steps) for i in step.inputs}
        self._gone = [[i for i, k in last_use.items() if k == step] for step in range(len(steps))]

    def __call__(self, x: FloatArray) -> FloatArray:
        """Run the network.

        Parameters
        ----------
        x : ndarray of shape (N, ...)
            The batch.

        Returns
        -------
        ndarray of shape (N, ...)
            The output.

        Raises
        ------
        ShapeError, DtypeError, OptionError
            As the steps raise them.
        """
        if self._recorder is None or type(x) is not np.ndarray:
            return self._step_by_step(x)
        key = x.shape, x.dtype, x.flags.c_contiguous
        program = self._programs.get(key)
        if program is not None:
            return program(x)
        out = self._step_by_step(x)
        if key not in self._programs and len(self._programs) < _MOST_KNOWN:
            self._programs[key] = self._recorder.record(self._steps, x)
        return out

    def _step_by_step(self, x: FloatArray) -> FloatArray:
        values: dict[int, FloatArray] = {0: x}
        with registry.use_backend(self._backend):
            for k, step in enumerate(self._steps):
                values[k + 1] = step.run(*(values[i] for i in step.inputs))
                for i in self._gone[k]:
                    del values[i]
        return values[len(self._steps)]


def linear_relu_forward(
    x: FloatArray, w: FloatArray, b: FloatArray | None
) -> tuple[FloatArray, FusedCache]:
    """Run relu(linear(x)).

    Parameters
    ----------
    x : ndarray of shape (N, D)
        Rows.
    w : ndarray of shape (M, D)
        Weights.
    b : ndarray of shape (M,) or None
        Biases.

    Returns
    -------
    out : ndarray of shape (N, M)
        The output.
    cache : FusedCache
        For `linear_relu_backward`.

    Raises
    ------
    ShapeError, DtypeError
        As linear raises them.
    """
    call = validate.forward_call(OPS["linear"], (x, w, b), {}, {})
    module = _module()
    out, content = module.linear_relu_forward(*call.arrays)
    return out, FusedCache("linear", module, content, call.dtype, call.out_shape)


def linear_relu_backward(
    dout: FloatArray, cache: FusedCache, needs: Iterable[str]
) -> tuple[FloatArray | None, FloatArray | None, FloatArray | None]:
    """Send a gradient back through relu(linear(x)).

    Parameters
    ----------
    dout : ndarray of shape (N, M)
        Gradient of the loss with respect to the output.
    cache : FusedCache
        From `linear_relu_forward`.
    needs : iterable of str
        Which of ``"x"``, ``"w"``, ``"b"`` to compute.

    Returns
    -------
    dx, dw, db : ndarray or None
        None for what is not there or not needed.

    Raises
    ------
    ShapeError, DtypeError
        Where dout does not fit the output.
    """
    gradient = validate.backward_call(OPS[cache.op], dout, cache.dtype, cache.out_shape)
    dx, dw, db = cache.module.linear_relu_backward(gradient, cache.content, frozenset(needs))
    return dx, dw, db
