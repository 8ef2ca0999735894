"""Optimizers: one step from gradients to new parameters, with PyTorch's conventions.

Parameters are changed in place. A parameter without a gradient, or one that is not
trainable, stays as it is. Each parameter's learning rate is ``lr * lr_scale``, its weight
decay ``weight_decay * decay_scale``.

What stands here is the arithmetic; a backend that has these steps computes them in one
pass, equal but for some roundings, where the arrays are as it needs them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnpy.backends import registry
from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.errors import OptionError, ShapeError
from cnnpy.contract.options import flag, real
from cnnpy.nn import Parameter

__all__ = ["OPTIMIZERS", "SGD", "Adam", "AdamW", "Optimizer", "RMSprop"]


class Optimizer:
    """Change parameters along their gradients.

    An optimizer of your own defines `update`, and `slots`, the names of the arrays
    that it keeps for each parameter.

    Parameters
    ----------
    parameters : iterable of Parameter
        What to change: ``model.parameters()``, once the model is built.
    lr : float
        Learning rate.
    weight_decay : float
        How strongly parameters are pulled to zero; each optimizer says how.

    Attributes
    ----------
    lr : float
        The learning rate of the next step; a schedule sets it.
    n_steps : int
        Steps taken.
    spared : set of int
        The places in `parameters` of those that weight decay leaves alone; empty at first.

    Raises
    ------
    OptionError
        Where there is no parameter, or an option is out of its range.
    """

    slots: tuple[str, ...] = ()

    def __init__(
        self, parameters: Iterable[Parameter], lr: float, weight_decay: float = 0.0
    ) -> None:
        self.parameters = list({id(p): p for p in parameters}.values())
        if not self.parameters:
            raise OptionError(
                f"{type(self).__name__}: no parameters",
                "the parameters of a built model",
                "build it first: model.build((C, H, W))",
            )
        self.lr = _number(self, "lr", lr, above=False)
        self.weight_decay = _number(self, "weight_decay", weight_decay)
        self.n_steps = 0
        self.spared: set[int] = set()
        self._state: list[dict[str, FloatArray]] = [{} for _ in self.parameters]

    def step(self) -> None:
        """Change each parameter that has a gradient."""
        self.n_steps += 1
        for k, (parameter, state) in enumerate(zip(self.parameters, self._state, strict=True)):
            if parameter.trainable and parameter.grad is not None:
                for name in self.slots:
                    if name not in state:
                        state[name] = np.zeros_like(parameter.value)
                lr = self.lr * parameter.lr_scale
                decay = 0.0 if k in self.spared else self.weight_decay * parameter.decay_scale
                self.update(parameter.value, parameter.grad, state, lr, decay)

    def update(
        self,
        value: FloatArray,
        grad: FloatArray,
        state: dict[str, FloatArray],
        lr: float,
        weight_decay: float,
    ) -> None:
        """Change one parameter in place.

        Parameters
        ----------
        value : ndarray
            The parameter, changed in place.
        grad : ndarray of the same shape
            Its gradient, left as it is.
        state : dict of str to ndarray
            The arrays of `slots`, zeros at first.
        lr, weight_decay : float
            The parameter's learning rate and weight decay.
        """
        raise TypeError(
            f"{type(self).__name__} has no update(self, value, grad, state, lr, weight_decay)"
        )

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters."""
        for parameter in self.parameters:
            parameter.zero_grad()

    def state_dict(self) -> dict[str, NDArray[Any]]:
        """Return copies of what the optimizer keeps, by name.

        Returns
        -------
        dict of str to ndarray
            ``n_steps``, ``lr`` and ``<number of the parameter>.<slot>``.
        """
        state: dict[str, NDArray[Any]] = {
            "n_steps": np.array(self.n_steps, dtype=np.int64),
            "lr": np.array(self.lr, dtype=np.float64),
        }
        for k, slots in enumerate(self._state):
            state |= {f"{k}.{name}": array.copy() for name, array in slots.items()}
        return state

    def load_state_dict(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from a saved state; all or nothing.

        Parameters
        ----------
        state : mapping of str to ndarray
            From `state_dict` of such an optimizer.

        Raises
        ------
        OptionError
            Where a name is missing or unknown.
        ShapeError
            Where a shape differs.
        """
        slots: list[dict[str, FloatArray]] = [{} for _ in self.parameters]
        for name in ("n_steps", "lr"):
            if name not in state:
                raise _foreign_state(self, f"no {name!r}")
        for name in state.keys() - {"n_steps", "lr"}:
            number, _, slot = name.partition(".")
            if slot not in self.slots or not number.isdigit() or int(number) >= len(slots):
                raise _foreign_state(self, f"unknown {name!r}")
            parameter = self.parameters[int(number)]
            if state[name].shape != parameter.shape:
                raise ShapeError(
                    f"load_state_dict: {name} has shape {state[name].shape}; "
                    f"its parameter has {parameter.shape}",
                    "the same shape",
                    "load into the optimizer of the model that the state was saved with",
                )
            slots[int(number)][slot] = state[name].astype(parameter.value.dtype)
        self.n_steps, self.lr = int(state["n_steps"]), float(state["lr"])
        self._state = slots

    def __repr__(self) -> str:
        hidden = {"parameters", "n_steps", "spared"}
        options = ", ".join(
            f"{name}={value!r}"
            for name, value in vars(self).items()
            if name not in hidden and not name.startswith("_")
        )
        return f"{type(self).__name__}({options})"


class SGD(Optimizer):
    """Step against the gradient, with momentum if wanted.

    ``v = momentum*v + g; w -= lr*v``, with Nesterov ``w -= lr*(g + momentum*v)``, where g is
    the gradient plus ``weight_decay*w``. The first v is the first g.

    Parameters
    ----------
    parameters : iterable of Parameter
        What to change.
    lr : float
        Learning rate.
    momentum : float
        What is kept of the last step, 0 to 1.
    nesterov : bool
        Whether to look ahead.
    weight_decay : float
        Factor of the parameter itself in its gradient.

    Raises
    ------
    OptionError
        Where an option is out of its range.

    References
    ----------
    .. [1] I. Sutskever et al., "On the importance of initialization and momentum in deep
       learning", ICML 2013.

    Examples
    --------
    >>> from cnnpy import nn, optim
    >>> w = nn.Parameter(np.array([1.0]))
    >>> sgd = optim.SGD([w], lr=0.1, momentum=0.9)
    >>> for _ in range(2):
    ...     w.zero_grad(); w.accumulate(np.array([1.0])); sgd.step()
    >>> w.value.round(6)  # 1 - 0.1 - 0.1*1.9
    array([0.71])
    """

    slots = ("velocity",)

    def __init__(
        self,
        parameters: Iterable[Parameter],
        lr: float = 0.01,
        *,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(parameters, lr, weight_decay)
        self.momentum = _number(self, "momentum", momentum, below=1.0)
        self.nesterov = flag()("SGD", "nesterov", nesterov)
        if self.nesterov and self.momentum == 0:
            raise OptionError(
                "SGD: nesterov=True with momentum=0", "a momentum to look ahead", "use momentum=0.9"
            )

    def update(
        self,
        value: FloatArray,
        grad: FloatArray,
        state: dict[str, FloatArray],
        lr: float,
        weight_decay: float,
    ) -> None:
        """Change one parameter in place; see :meth:`Optimizer.update`."""
        compiled = _compiled()
        if compiled is not None and compiled.sgd_step(
            value,
            grad,
            state["velocity"] if self.momentum else None,
            lr=lr,
            momentum=self.momentum,
            nesterov=self.nesterov,
            weight_decay=weight_decay,
        ):
            return
        if weight_decay:
            grad = grad + weight_decay * value
        if self.momentum:
            velocity = state["velocity"]
            velocity *= self.momentum
            velocity += grad
            grad = grad + self.momentum * velocity if self.nesterov else velocity
        value -= lr * grad


class RMSprop(Optimizer):
    """Divide each gradient by its recent root mean square.

    ``s = alpha*s + (1 - alpha)*g**2; w -= lr*g / (sqrt(s) + eps)``

    Parameters
    ----------
    parameters : iterable of Parameter
        What to change.
    lr : float
        Learning rate.
    alpha : float
        What is kept of the mean square, 0 to 1.
    eps : float
        Added to the root.
    momentum : float
        What is kept of the last step, 0 to 1.
    weight_decay : float
        Factor of the parameter itself in its gradient.

    Raises
    ------
    OptionError
        Where an option is out of its range.

    References
    ----------
    .. [1] T. Tieleman, G. Hinton, "Lecture 6.5: RMSprop", Coursera, 2012.
    """

    slots = ("square", "velocity")

    def __init__(
        self,
        parameters: Iterable[Parameter],
        lr: float = 0.01,
        *,
        alpha: float = 0.99,
        eps: float = 1e-8,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(parameters, lr, weight_decay)
        self.alpha = _number(self, "alpha", alpha, below=1.0)
        self.eps = _number(self, "eps", eps)
        self.momentum = _number(self, "momentum", momentum, below=1.0)

    def update(
        self,
        value: FloatArray,
        grad: FloatArray,
        state: dict[str, FloatArray],
        lr: float,
        weight_decay: float,
    ) -> None:
        """Change one parameter in place; see :meth:`Optimizer.update`."""
        compiled = _compiled()
        if compiled is not None and compiled.rmsprop_step(
            value,
            grad,
            state["square"],
            state["velocity"] if self.momentum else None,
            lr=lr,
            alpha=self.alpha,
            eps=self.eps,
            momentum=self.momentum,
            weight_decay=weight_decay,
        ):
            return
        if weight_decay:
            grad = grad + weight_decay * value
        square = state["square"]
        square *= self.alpha
        square += (1 - self.alpha) * grad * grad
        step: FloatArray = grad / (np.sqrt(square) + self.eps)
        if self.momentum:
            velocity = state["velocity"]
            velocity *= self.momentum
            velocity += step
            step = velocity
        value -= lr * step


class Adam(Optimizer):
    """Step along the gradient's recent mean over its root mean square.

    ``m = b1*m + (1 - b1)*g; s = b2*s + (1 - b2)*g**2``, both freed of their bias towards the
    zeros that they begin with; ``w -= lr*m / (sqrt(s) + eps)``.

    Parameters
    ----------
    parameters : iterable of Parameter
        What to change.
    lr : float
        Learning rate.
    betas : (float, float)
        What is kept of the mean and of the mean square, each 0 to 1.
    eps : float
        Added to the root.
    weight_decay : float
        Factor of the parameter itself in its gradient; `AdamW` keeps it out of there.

    Raises
    ------
    OptionError
        Where an option is out of its range.

    References
    ----------
    .. [1] D. P. Kingma, J. Ba, "Adam: a method for stochastic optimization", ICLR 2015.
    """

    slots = ("mean", "square")

    def __init__(
        self,
        parameters: Iterable[Parameter],
        lr: float = 0.001,
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(parameters, lr, weight_decay)
        self.betas = (
            _number(self, "betas[0]", betas[0], below=1.0),
            _number(self, "betas[1]", betas[1], below=1.0),
        )
        self.eps = _number(self, "eps", eps)

    def update(
        self,
        value: FloatArray,
        grad: FloatArray,
        state: dict[str, FloatArray],
        lr: float,
        weight_decay: float,
    ) -> None:
        """Change one parameter in place; see :meth:`Optimizer.update`."""
        if self._compiled_step(value, grad, state, lr, weight_decay, decoupled=False):
            return
        if weight_decay:
            grad = grad + weight_decay * value
        self._adapt(value, grad, state, lr)

    def _compiled_step(
        self,
        value: FloatArray,
        grad: FloatArray,
        state: dict[str, FloatArray],
        lr: float,
        weight_decay: float,
        *,
        decoupled: bool,
    ) -> bool:
        compiled = _compiled()
        return compiled is not None and compiled.adam_step(
            value,
            grad,
            state["mean"],
            state["square"],
            lr=lr,
            n_steps=self.n_steps,
            betas=self.betas,
            eps=self.eps,
            weight_decay=weight_decay,
            decoupled=decoupled,
        )

    def _adapt(
        self, value: FloatArray, grad: FloatArray, state: dict[str, FloatArray], lr: float
    ) -> None:
        b1, b2 = self.betas
        mean, square = state["mean"], state["square"]
        mean *= b1
        mean += (1 - b1) * grad
        square *= b2
        square += (1 - b2) * grad * grad
        root = np.sqrt(square)
        root /= np.sqrt(1 - b2**self.n_steps)
        root += self.eps
        value -= (lr / (1 - b1**self.n_steps)) * (mean / root)


class AdamW(Adam):
    """Adam with the weight decay beside the gradient: ``w -= lr*weight_decay*w``.

    Parameters
    ----------
    parameters : iterable of Parameter
        What to change.
    lr : float
        Learning rate.
    betas : (float, float)
        What is kept of the mean and of the mean square, each 0 to 1.
    eps : float
        Added to the root.
    weight_decay : float
        Share of the parameter that each step takes away, times lr.

    Raises
    ------
    OptionError
        Where an option is out of its range.

    References
    ----------
    .. [1] I. Loshchilov, F. Hutter, "Decoupled weight decay regularization", ICLR 2019.
    """

    def __init__(
        self,
        parameters: Iterable[Parameter],
        lr: float = 0.001,
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.01,
    ) -> None:
        super().__init__(parameters, lr, betas=betas, eps=eps, weight_decay=weight_decay)

    def update(
        self,
        value: FloatArray,
        grad: FloatArray,
        state: dict[str, FloatArray],
        lr: float,
        weight_decay: float,
    ) -> None:
        """Change one parameter in place; see :meth:`Optimizer.update`."""
        if self._compiled_step(value, grad, state, lr, weight_decay, decoupled=True):
            return
        value *= 1 - lr * weight_decay
        self._adapt(value, grad, state, lr)


OPTIMIZERS: dict[str, type[Optimizer]] = {
    "sgd": SGD,
    "rmsprop": RMSprop,
    "adam": Adam,
    "adamw": AdamW,
}


def _compiled() -> ModuleType | None:
    """Find the steps of the backend of the moment, None where it has none."""
    return registry.companion(registry.current(), "steps")


def _number(
    optimizer: Optimizer, name: str, value: float, *, above: bool = False, below: float = np.inf
) -> float:
    """Demand a number from 0 up, and below an end where there is one."""
    parse = real(0.0, below, above=above, below=np.isfinite(below).item())
    number: float = parse(type(optimizer).__name__, name, value)
    return number


def _foreign_state(optimizer: Optimizer, what: str) -> OptionError:
    return OptionError(
        f"load_state_dict: {what}",
        f"the state of {type(optimizer).__name__} over {len(optimizer.parameters)} parameters",
        "load into the optimizer that the state was saved from",
    )
