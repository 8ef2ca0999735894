"""Parameter: an array that training changes, with its gradient."""

from __future__ import annotations

from typing import Any

from cnnpy.contract.dtypes import FloatArray

__all__ = ["Parameter"]


class Parameter:
    """Hold an array that training changes, and its gradient.

    Parameters
    ----------
    value : ndarray, float32 or float64
        The array itself; optimizers change it in place.
    trainable : bool
        False keeps it as it is, and spares its gradient.
    lr_scale : float
        Factor on the optimizer's learning rate, for this parameter alone.
    decay_scale : float
        Factor on the optimizer's weight decay, for this parameter alone.

    Attributes
    ----------
    grad : ndarray or None
        The sum of the gradients since `zero_grad`; None where there was none.

    Examples
    --------
    >>> p = Parameter(np.zeros(2))
    >>> p.accumulate(np.ones(2)); p.accumulate(np.ones(2))
    >>> p.grad
    array([2., 2.])
    """

    __slots__ = ("decay_scale", "grad", "lr_scale", "trainable", "value")

    def __init__(
        self,
        value: FloatArray,
        *,
        trainable: bool = True,
        lr_scale: float = 1.0,
        decay_scale: float = 1.0,
    ) -> None:
        self.value = value
        self.grad: FloatArray | None = None
        self.trainable = trainable
        self.lr_scale = lr_scale
        self.decay_scale = decay_scale

    @property
    def shape(self) -> tuple[int, ...]:
        """Return the shape of the array."""
        return self.value.shape

    @property
    def size(self) -> int:
        """Return how many numbers the array holds."""
        return self.value.size

    def accumulate(self, gradient: FloatArray | None) -> None:
        """Add a gradient to what is there; None adds nothing.

        Parameters
        ----------
        gradient : ndarray of the shape of the value, or None
            What a backward pass returned.
        """
        if gradient is not None:
            self.grad = gradient if self.grad is None else self.grad + gradient

    def zero_grad(self) -> None:
        """Forget the gradient."""
        self.grad = None

    def __getstate__(self) -> dict[str, Any]:
        # a gradient belongs to one step of one training run, not to the model
        return {name: getattr(self, name) for name in self.__slots__ if name != "grad"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.grad = None
        for name, value in state.items():
            setattr(self, name, value)

    def __repr__(self) -> str:
        frozen = "" if self.trainable else ", trainable=False"
        scaled = "".join(
            f", {name}={value:g}"
            for name, value in (("lr_scale", self.lr_scale), ("decay_scale", self.decay_scale))
            if value != 1.0
        )
        return f"Parameter({self.shape}, {self.value.dtype}{frozen}{scaled})"
