"""What the extension module offers; see native/bindings."""

from collections.abc import Sequence
from enum import Enum

from cnnpy.contract.dtypes import FloatArray

most_threads: int

def empty_f32(shape: Sequence[int]) -> FloatArray: ...
def empty_f64(shape: Sequence[int]) -> FloatArray: ...
def levels() -> list[tuple[str, bool]]: ...
def level() -> str: ...
def set_level(name: str) -> None: ...
def n_threads() -> int: ...
def set_n_threads(n: int) -> None: ...
def idle_bytes() -> int: ...
def forget_idle_blocks() -> None: ...

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

def winograd_can(geometry: Conv2d) -> bool: ...
def conv2d_forward(
    geometry: Conv2d,
    algorithm: Algorithm,
    x: FloatArray,
    w: FloatArray,
    b: FloatArray | None,
    relu: bool,
    out: FloatArray,
) -> None: ...
def conv2d_input_gradient(
    geometry: Conv2d,
    algorithm: Algorithm,
    dout: FloatArray,
    w: FloatArray,
    b: FloatArray | None,
    dx: FloatArray,
) -> None: ...
def conv2d_filter_gradient(
    geometry: Conv2d,
    algorithm: Algorithm,
    x: FloatArray,
    dout: FloatArray,
    dw: FloatArray | None,
    db: FloatArray | None,
) -> None: ...
def linear_forward(
    x: FloatArray, w: FloatArray, b: FloatArray | None, relu: bool, out: FloatArray
) -> None: ...
def linear_input_gradient(dout: FloatArray, w: FloatArray, dx: FloatArray) -> None: ...
def linear_parameter_gradients(
    x: FloatArray, dout: FloatArray, dw: FloatArray | None, db: FloatArray | None
) -> None: ...
