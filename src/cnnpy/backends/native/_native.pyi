"""What the extension module offers; see native/bindings."""

from collections.abc import Sequence
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from cnnpy.contract.dtypes import FloatArray, IntArray

Doubles = NDArray[np.float64]
Bools = NDArray[np.bool_]
Words = NDArray[np.uint64]

most_threads: int

def empty_f32(shape: Sequence[int]) -> FloatArray: ...
def empty_f64(shape: Sequence[int]) -> FloatArray: ...
def empty_u8(shape: Sequence[int]) -> NDArray[np.uint8]: ...
def empty_i32(shape: Sequence[int]) -> NDArray[np.int32]: ...
def levels() -> list[tuple[str, bool]]: ...
def level() -> str: ...
def set_level(name: str) -> None: ...
def n_threads() -> int: ...
def set_n_threads(n: int) -> None: ...

class Conv2d:
    def __init__(
        self,
        N: int,
        C: int,
        H: int,
        W: int,
        F: int,
        HH: int,
        WW: int,
        stride_h: int,
        stride_w: int,
        padding_h: int,
        padding_w: int,
        dilation_h: int,
        dilation_w: int,
        groups: int,
        H_out: int,
        W_out: int,
        /,
    ) -> None: ...

class Algorithm(Enum):
    auto = 0
    direct = 1
    winograd = 2

class PackedFilters_f32: ...
class PackedFilters_f64: ...

Packed = PackedFilters_f32 | PackedFilters_f64

def conv2d_forward(
    geometry: Conv2d,
    algorithm: Algorithm,
    x: FloatArray,
    w: FloatArray,
    b: FloatArray | None,
    relu: bool,
    out: FloatArray,
    kept: Packed | None = None,
    addend: FloatArray | None = None,
    ceiling: float = ...,
) -> None: ...
def conv2d_input_gradient(
    geometry: Conv2d,
    algorithm: Algorithm,
    dout: FloatArray,
    w: FloatArray,
    b: FloatArray | None,
    dx: FloatArray,
    addend: FloatArray | None = None,
) -> None: ...
def conv_block_forward(
    geometry: Conv2d,
    algorithm: Algorithm,
    x: FloatArray,
    scale: FloatArray | None,
    shift: FloatArray | None,
    residual: FloatArray | None,
    relu: bool,
    ceiling: float,
    made: FloatArray | None,
    w: FloatArray,
    b: FloatArray | None,
    out: FloatArray,
    mean: NDArray[np.float64],
    var: NDArray[np.float64],
) -> None: ...
def conv_block_backward(
    geometry: Conv2d,
    algorithm: Algorithm,
    x: FloatArray,
    x_scale: FloatArray | None,
    x_shift: FloatArray | None,
    x_relu: bool,
    x_ceiling: float,
    dout: FloatArray,
    z: FloatArray,
    mean: FloatArray,
    a: FloatArray,
    b: FloatArray,
    c: FloatArray,
    scale: FloatArray | None,
    shift: FloatArray | None,
    out: FloatArray | None,
    ceiling: float,
    w: FloatArray,
    addend: FloatArray | None,
    dx: FloatArray | None,
    before_z: FloatArray | None,
    before_mean: FloatArray | None,
    before_sums: NDArray[np.float64] | None,
    before_products: NDArray[np.float64] | None,
    dw: FloatArray | None,
    db: FloatArray | None,
    dresidual: FloatArray | None,
) -> None: ...
def conv_pool_forward(
    geometry: Conv2d,
    algorithm: Algorithm,
    x: FloatArray,
    w: FloatArray,
    b: FloatArray | None,
    pool: Pool2d,
    relu: bool,
    out: FloatArray,
    which: IntArray,
) -> None: ...
def conv_pool_backward(
    geometry: Conv2d,
    algorithm: Algorithm,
    x: FloatArray,
    pool: Pool2d,
    dout: FloatArray,
    which: IntArray,
    w: FloatArray,
    addend: FloatArray | None,
    dx: FloatArray | None,
    dw: FloatArray | None,
    db: FloatArray | None,
) -> None: ...
def conv_block_backward_is_cut(geometry: Conv2d, bytes: int) -> bool: ...
def conv2d_filter_gradient(
    geometry: Conv2d,
    algorithm: Algorithm,
    x: FloatArray,
    dout: FloatArray,
    dw: FloatArray | None,
    db: FloatArray | None,
) -> None: ...
def linear_forward(
    x: FloatArray,
    w: FloatArray,
    b: FloatArray | None,
    relu: bool,
    out: FloatArray,
    kept: Packed | None = None,
) -> None: ...
def linear_input_gradient(dout: FloatArray, w: FloatArray, dx: FloatArray) -> None: ...
def linear_parameter_gradients(
    x: FloatArray, dout: FloatArray, dw: FloatArray | None, db: FloatArray | None
) -> None: ...

# --- entry by entry: arrays of one size that lie alike -----------------------------

class Curve(Enum):
    RELU6 = ...
    LEAKY_RELU = ...
    SIGMOID = ...
    TANH = ...
    GELU = ...
    GELU_TANH = ...
    SILU = ...
    HARD_SWISH = ...

def relu_mask(dout: FloatArray, out: FloatArray, dx: FloatArray) -> None: ...
def add_relu(x: FloatArray, y: FloatArray, out: FloatArray) -> None: ...
def relu_forward(x: FloatArray, out: FloatArray, blocked: Words) -> None: ...
def relu_backward(dout: FloatArray, blocked: Words, dx: FloatArray) -> None: ...
def curve_forward(curve: Curve, x: FloatArray, parameter: float, out: FloatArray) -> None: ...
def curve_backward(
    curve: Curve, dout: FloatArray, x: FloatArray, parameter: float, dx: FloatArray
) -> None: ...
def add(x: FloatArray, y: FloatArray, out: FloatArray) -> None: ...
def dropout(x: FloatArray, mask: Bools, scale: float, out: FloatArray) -> None: ...
def copy(x: FloatArray, out: FloatArray) -> None: ...
def squared_distance(x: FloatArray, y: FloatArray) -> float: ...
def scaled_difference(x: FloatArray, y: FloatArray, scale: float, out: FloatArray) -> None: ...

# --- pooling -----------------------------------------------------------------------

class Pool2d:
    def __init__(
        self,
        N: int,
        C: int,
        H: int,
        W: int,
        HH: int,
        WW: int,
        stride_h: int,
        stride_w: int,
        padding_h: int,
        padding_w: int,
        H_out: int,
        W_out: int,
        count_include_pad: bool,
        /,
    ) -> None: ...

def max_pool2d_forward(
    geometry: Pool2d,
    x: FloatArray,
    scale: FloatArray | None,
    shift: FloatArray | None,
    relu: bool,
    out: FloatArray,
    which: IntArray,
) -> None: ...
def max_pool2d_backward(
    geometry: Pool2d, dout: FloatArray, which: IntArray, dx: FloatArray
) -> None: ...
def avg_pool2d_forward(geometry: Pool2d, x: FloatArray, out: FloatArray) -> None: ...
def avg_pool2d_backward(geometry: Pool2d, dout: FloatArray, dx: FloatArray) -> None: ...
def channel_means(x: FloatArray, out: FloatArray) -> None: ...
def channel_means_backward(dout: FloatArray, dx: FloatArray) -> None: ...

# --- normalisation: x ends in C channels, what is per channel is (images, C) -------

def batch_statistics(x: FloatArray, mean: Doubles, var: Doubles) -> None: ...
def batch_norm_apply(
    x: FloatArray,
    scale: FloatArray,
    shift: FloatArray,
    residual: FloatArray | None,
    relu: bool,
    out: FloatArray,
    ceiling: float = ...,
) -> None: ...
def batch_norm_backward_sums(
    dout: FloatArray,
    x: FloatArray,
    mean: FloatArray,
    scale: FloatArray | None,
    shift: FloatArray | None,
    out: FloatArray | None,
    sums: Doubles,
    products: Doubles,
    ceiling: float = ...,
) -> None: ...
def batch_norm_backward_apply(
    dout: FloatArray,
    x: FloatArray,
    mean: FloatArray,
    a: FloatArray,
    b: FloatArray,
    c: FloatArray,
    scale: FloatArray | None,
    shift: FloatArray | None,
    out: FloatArray | None,
    dx: FloatArray,
    dresidual: FloatArray | None,
    ceiling: float = ...,
) -> None: ...
def row_norm_forward(
    x: FloatArray,
    gamma: FloatArray | None,
    beta: FloatArray | None,
    eps: float,
    out: FloatArray,
    mean: FloatArray,
    inv_std: FloatArray,
) -> None: ...
def row_norm_backward(
    dout: FloatArray,
    x: FloatArray,
    gamma: FloatArray | None,
    mean: FloatArray,
    inv_std: FloatArray,
    dx: FloatArray | None,
    dgamma: FloatArray | None,
    dbeta: FloatArray | None,
) -> None: ...

# --- softmax as (outer, K, inner), losses as (N, K) --------------------------------

def softmax_forward(x: FloatArray, logs: bool, out: FloatArray) -> None: ...
def softmax_backward(dout: FloatArray, out: FloatArray, logs: bool, dx: FloatArray) -> None: ...
def cross_entropy_forward(
    x: FloatArray,
    labels: NDArray[np.int64] | None,
    probabilities: FloatArray | None,
    smoothing: float,
    p: FloatArray,
) -> float: ...
def cross_entropy_backward(
    p: FloatArray,
    labels: NDArray[np.int64] | None,
    probabilities: FloatArray | None,
    smoothing: float,
    share: float,
    dx: FloatArray,
) -> None: ...
def hinge_forward(x: FloatArray, labels: NDArray[np.int64]) -> float: ...
def hinge_backward(
    x: FloatArray, labels: NDArray[np.int64], share: float, dx: FloatArray
) -> None: ...

# --- entries that only move --------------------------------------------------------

class Border(Enum):
    CONSTANT = ...
    REFLECT = ...
    REPLICATE = ...
    CIRCULAR = ...

class Padding:
    def __init__(self, top: int, bottom: int, left: int, right: int, border: Border, /) -> None: ...

def transpose(x: FloatArray, out: FloatArray) -> None: ...
def pad2d_forward(padding: Padding, x: FloatArray, value: float, out: FloatArray) -> None: ...
def pad2d_backward(padding: Padding, dout: FloatArray, dx: FloatArray) -> None: ...
def upsample_forward(scale_h: int, scale_w: int, x: FloatArray, out: FloatArray) -> None: ...
def upsample_backward(scale_h: int, scale_w: int, dout: FloatArray, dx: FloatArray) -> None: ...
def copy_columns(
    from_: FloatArray, from_column: int, to: FloatArray, to_column: int, columns: int
) -> None: ...

# --- raw images of bytes; a move is a row, a column and whether to flip -------------

def images_from_bytes(
    images: NDArray[np.uint8],
    chosen: NDArray[np.int64],
    moves: NDArray[np.int32],
    surround: int,
    holes: NDArray[np.int32],
    fill: NDArray[np.uint8],
    values: FloatArray,
    out: FloatArray,
) -> None: ...

# --- optimizer steps, in place -----------------------------------------------------

def sgd_step(
    value: FloatArray,
    grad: FloatArray,
    velocity: FloatArray | None,
    lr: float,
    momentum: float,
    nesterov: bool,
    weight_decay: float,
) -> None: ...
def rmsprop_step(
    value: FloatArray,
    grad: FloatArray,
    square: FloatArray,
    velocity: FloatArray | None,
    lr: float,
    alpha: float,
    eps: float,
    momentum: float,
    weight_decay: float,
) -> None: ...
def adam_step(
    value: FloatArray,
    grad: FloatArray,
    mean: FloatArray,
    square: FloatArray,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
    shrink: float,
    bias1: float,
    bias2: float,
) -> None: ...

# --- whole networks: each method but `finish` and `run` records a step and returns the
# number of the value that it makes; 0 is the input ----------------------------------------

class _Program:
    def __init__(self, input_numbers: int) -> None: ...
    def conv2d(
        self,
        geometry: Conv2d,
        algorithm: Algorithm,
        x: int,
        w: FloatArray,
        b: FloatArray | None,
        relu: bool,
        addend: int | None,
        kept: Packed,
        ceiling: float = ...,
    ) -> int: ...
    def linear(
        self, N: int, x: int, w: FloatArray, b: FloatArray | None, relu: bool, kept: Packed
    ) -> int: ...
    def max_pool2d(self, geometry: Pool2d, x: int) -> int: ...
    def avg_pool2d(self, geometry: Pool2d, x: int) -> int: ...
    def channel_means(self, N: int, pixels: int, C: int, x: int) -> int: ...
    def scale_shift(self, rows: int, x: int, scale: FloatArray, shift: FloatArray) -> int: ...
    def add(self, x: int, y: int, relu: bool) -> int: ...
    def relu(self, x: int) -> int: ...
    def curve(self, curve: Curve, parameter: float, x: int) -> int: ...
    def softmax(self, outer: int, K: int, inner: int, logs: bool, x: int) -> int: ...
    def concat(self, rows: int, xs: Sequence[int], columns: Sequence[int]) -> int: ...
    def transpose(self, N: int, rows: int, columns: int, x: int) -> int: ...
    def pad2d(
        self, N: int, H: int, W: int, C: int, padding: Padding, value: float, x: int
    ) -> int: ...
    def upsample(
        self, N: int, H: int, W: int, C: int, scale_h: int, scale_w: int, x: int
    ) -> int: ...
    def finish(self, result: int) -> None: ...
    def run(self, x: FloatArray, out: FloatArray) -> None: ...

class Program_f32(_Program): ...
class Program_f64(_Program): ...
