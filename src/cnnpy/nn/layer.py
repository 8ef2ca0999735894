"""Layer: what every part of a network can do, and what a user's own layer inherits.

A layer has a forward and a backward pass with an explicit cache; it keeps nothing
of a batch in itself, so one network serves several threads at once in inference.
Its parameters, its buffers and the layers inside it are its attributes.
"""

from __future__ import annotations

import copy
import inspect
import threading
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray

from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.errors import OptionError, ShapeError
from cnnpy.contract.shapes import Shape
from cnnpy.nn import inference
from cnnpy.nn.parameter import Parameter

if TYPE_CHECKING:
    from cnnpy.nn.fusion import Step
    from cnnpy.nn.summary import Summary

__all__ = ["Layer"]

_building = threading.RLock()


class Layer:
    """Compute something of a batch, and send gradients back through it.

    A layer of your own is a class with two methods; parameters are attributes, made
    in the constructor or, where their shape depends on the input, in
    `make_parameters`. For saving, keep each constructor argument as an attribute of
    the same name.

    Attributes
    ----------
    built : bool
        Whether the parameters exist.
    input_shape : tuple of int or None
        The shape of one input, without the batch axis, once built.
    frozen : bool
        Set by `freeze`.

    Examples
    --------
    >>> from cnnpy import nn
    >>> class Scale(nn.Layer):
    ...     def __init__(self):
    ...         self.factor = nn.Parameter(np.ones(1))
    ...
    ...     def forward(self, x, *, train=False):
    ...         return x * self.factor.value, x
    ...
    ...     def backward(self, dout, cache):
    ...         self.factor.accumulate(np.sum(dout * cache, keepdims=True).reshape(1))
    ...         return dout * self.factor.value
    >>> model = nn.Sequential(nn.Flatten(), Scale())
    >>> out, cache = model.forward(np.full((2, 1, 1, 1), 3.0))
    >>> dx = model.backward(np.ones((2, 1)), cache)
    >>> model[1].factor.grad
    array([6.])
    """

    buffer_names: tuple[str, ...] = ()
    """Attributes that are no parameters but belong to the state: running statistics."""

    built: bool = False
    input_shape: Shape | None = None
    frozen: bool = False

    # --- what a layer of one's own defines ---------------------------------------

    def forward(self, x: FloatArray, *, train: bool = False) -> tuple[FloatArray, Any]:
        """Compute the output of a batch.

        Parameters
        ----------
        x : ndarray of shape (N, ...)
            The batch.
        train : bool
            Whether this is a training step.

        Returns
        -------
        out : ndarray of shape (N, ...)
            The output.
        cache : object
            What `backward` needs.
        """
        raise TypeError(f"{type(self).__name__} has no forward(self, x, *, train=False)")

    def backward(self, dout: FloatArray, cache: Any) -> FloatArray:
        """Add to the gradients of the parameters and return that of the input.

        Parameters
        ----------
        dout : ndarray of the shape of the output
            Gradient of the loss with respect to the output.
        cache : object
            From `forward`.

        Returns
        -------
        ndarray of the shape of the input
            Gradient of the loss with respect to the input.
        """
        raise TypeError(f"{type(self).__name__} has no backward(self, dout, cache)")

    def infer(self, x: FloatArray) -> FloatArray:
        """Compute the output of a batch in inference, and keep nothing for a backward pass.

        The default runs `forward`; containers fuse neighbouring layers.

        Parameters
        ----------
        x : ndarray of shape (N, ...)
            The batch.

        Returns
        -------
        ndarray of shape (N, ...)
            The output.
        """
        return self.forward(x, train=False)[0]

    def make_parameters(
        self, input_shape: Shape, dtype: np.dtype[Any], rng: np.random.Generator
    ) -> None:
        """Make the parameters whose shapes depend on the input; by default none do.

        Parameters
        ----------
        input_shape : tuple of int
            The shape of one input, without the batch axis.
        dtype : numpy.dtype
            Of the parameters.
        rng : numpy.random.Generator
            The source of chance.
        """

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of one output for the shape of one input.

        The default runs `forward` on one input of zeros.

        Parameters
        ----------
        input_shape : tuple of int
            Without the batch axis.

        Returns
        -------
        tuple of int
            Without the batch axis.
        """
        parameter = next(iter(self.parameters()), None)
        dtype = np.dtype(np.float32) if parameter is None else parameter.value.dtype
        out, _ = self.forward(np.zeros((1, *input_shape), dtype=dtype), train=False)
        return tuple(out.shape[1:])

    def backward_parameters(self, dout: FloatArray, cache: Any) -> None:
        """Add to the gradients of the parameters only: for the first layer of a network.

        Parameters
        ----------
        dout : ndarray of the shape of the output
            Gradient of the loss with respect to the output.
        cache : object
            From `forward`.
        """
        self.backward(dout, cache)

    def fused_step(self) -> Step | None:
        """Give what a container runs in training in place of this layer.

        Returns
        -------
        Step or None
            None where the layer runs by itself; see :mod:`cnnpy.nn.fusion`.
        """
        return None

    def flops(self, input_shape: Shape) -> int:
        """Count the floating-point operations of forward for one input.

        Parameters
        ----------
        input_shape : tuple of int
            Without the batch axis.

        Returns
        -------
        int
            The count; 0 where it is not known.
        """
        return sum(layer.flops(input_shape) for layer in self.children().values())

    def state_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        """Return the shape of each array of the state, without making any.

        The default knows what is there already: a layer of one's own that makes
        parameters in `make_parameters` adds their shapes.

        Parameters
        ----------
        input_shape : tuple of int
            The shape of one input, without the batch axis.

        Returns
        -------
        dict of str to tuple of int
            By the names of `state_dict`.
        """
        there = [(name, p.value) for name, p in self.named_parameters()]
        return {name: array.shape for name, array in [*there, *self.named_buffers()]}

    # --- building ------------------------------------------------------------------

    def build(
        self,
        input_shape: Shape,
        *,
        dtype: DTypeLike = np.float32,
        seed: int | np.random.Generator | None = None,
    ) -> Shape:
        """Make the parameters for inputs of one shape; a second call makes none anew.

        Without this call the first batch does it, with its own shape and dtype.

        Parameters
        ----------
        input_shape : tuple of int
            The shape of one input, without the batch axis: (C, H, W).
        dtype : dtype
            Of the parameters, float32 or float64.
        seed : int or numpy.random.Generator, optional
            Decides the first values of all parameters, and dropout's masks.

        Returns
        -------
        tuple of int
            The shape of one output.

        Raises
        ------
        ShapeError
            Where a layer does not fit to the shape.
        """
        shape = tuple(int(size) for size in input_shape)
        with _building:
            if not self.built:
                self.make_parameters(shape, np.dtype(dtype), np.random.default_rng(seed))
                self.input_shape = shape
                self.built = True
        return self.output_shape(shape)

    def ensure_built(self, x: FloatArray) -> None:
        """Build for the shape and dtype of a first batch.

        Parameters
        ----------
        x : ndarray of shape (N, ...)
            The batch.
        """
        if not self.built and isinstance(x, np.ndarray) and x.ndim:
            self.build(x.shape[1:], dtype=x.dtype)

    # --- the state -----------------------------------------------------------------

    def children(self) -> dict[str, Layer]:
        """Return the layers inside this one by name.

        Returns
        -------
        dict of str to Layer
            In the order in which they were set.
        """
        return {name: value for name, value in vars(self).items() if isinstance(value, Layer)}

    def walk(self) -> Iterator[Layer]:
        """Walk over this layer and all layers inside it.

        Yields
        ------
        Layer
            Itself first, then those inside in their order.
        """
        yield self
        for layer in self.children().values():
            yield from layer.walk()

    def last_layer(self) -> Layer:
        """Return the layer without others inside whose output is this one's.

        Returns
        -------
        Layer
            The last of the last of the layers inside; itself where there is none.
        """
        *_, last = self.walk()
        return last

    def named_parameters(self, prefix: str = "") -> Iterator[tuple[str, Parameter]]:
        """Walk over the parameters of this layer and of all layers inside it.

        Parameters
        ----------
        prefix : str
            Put before each name.

        Yields
        ------
        name : str
            As in the state: ``"conv1.weight"``.
        parameter : Parameter
            The parameter itself.
        """
        for name, value in vars(self).items():
            if isinstance(value, Parameter):
                yield prefix + name, value
        for name, layer in self.children().items():
            yield from layer.named_parameters(f"{prefix}{name}.")

    def parameters(self) -> list[Parameter]:
        """Return the parameters of this layer and of all layers inside it, each once.

        Returns
        -------
        list of Parameter
            In the order of the state.
        """
        return list({id(p): p for _, p in self.named_parameters()}.values())

    def named_buffers(self, prefix: str = "") -> Iterator[tuple[str, NDArray[Any]]]:
        """Walk over the buffers of this layer and of all layers inside it.

        Parameters
        ----------
        prefix : str
            Put before each name.

        Yields
        ------
        name : str
            As in the state: ``"bn1.running_mean"``.
        buffer : ndarray
            The array itself.
        """
        for name in self.buffer_names:
            if name in vars(self):
                yield prefix + name, vars(self)[name]
        for name, layer in self.children().items():
            yield from layer.named_buffers(f"{prefix}{name}.")

    def named_generators(self, prefix: str = "") -> Iterator[tuple[str, np.random.Generator]]:
        """Walk over the sources of chance of this layer and of all layers inside it.

        They are no part of `state_dict`, which says what a network has learned; a training
        run that goes on later needs them too.

        Parameters
        ----------
        prefix : str
            Put before each name.

        Yields
        ------
        name : str
            As in the state: ``"drop1.rng"``.
        generator : numpy.random.Generator
            The generator itself.
        """
        for name, value in vars(self).items():
            if isinstance(value, np.random.Generator):
                yield prefix + name, value
        for name, layer in self.children().items():
            yield from layer.named_generators(f"{prefix}{name}.")

    def state_dict(self) -> dict[str, NDArray[Any]]:
        """Return copies of all parameters and buffers by name.

        Returns
        -------
        dict of str to ndarray
            With the names and shapes that PyTorch gives such a network.
        """
        state: dict[str, NDArray[Any]] = {n: p.value.copy() for n, p in self.named_parameters()}
        return state | {name: buffer.copy() for name, buffer in self.named_buffers()}

    def load_state_dict(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Set all parameters and buffers from arrays by name; all or nothing.

        Parameters
        ----------
        state : mapping of str to ndarray
            One array for each name of `state_dict`, of its shape.

        Raises
        ------
        OptionError
            Where names are missing or unknown, or the layer is not built.
        ShapeError
            Where a shape differs.
        """
        own: dict[str, NDArray[Any]] = {n: p.value for n, p in self.named_parameters()}
        own |= dict(self.named_buffers())
        missing, unknown = sorted(own.keys() - state.keys()), sorted(state.keys() - own.keys())
        if missing or unknown:
            raise OptionError(
                f"load_state_dict: missing {missing[:3]}, unknown {unknown[:3]}",
                f"the {len(own)} names of state_dict()",
                "build the model for its input first: model.build((C, H, W))"
                if not own
                else "load into the architecture that the state was saved from",
            )
        for name, array in own.items():
            if state[name].shape != array.shape:
                raise ShapeError(
                    f"load_state_dict: {name} has shape {state[name].shape}; "
                    f"the model's has {array.shape}",
                    "the same shape",
                    "load into the architecture that the state was saved from",
                )
        for name, array in own.items():
            array[...] = state[name]

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters."""
        for parameter in self.parameters():
            parameter.zero_grad()

    def freeze(self) -> Self:
        """Keep all parameters as they are; batch norm uses its running statistics.

        Returns
        -------
        Layer
            This layer.
        """
        return self._set_frozen(True)

    def unfreeze(self) -> Self:
        """Let all parameters be trained again.

        Returns
        -------
        Layer
            This layer.
        """
        return self._set_frozen(False)

    def _set_frozen(self, frozen: bool) -> Self:
        self.frozen = frozen
        for value in vars(self).values():
            if isinstance(value, Parameter):
                value.trainable = not frozen
        for layer in self.children().values():
            layer._set_frozen(frozen)
        return self

    def trainable(self) -> bool:
        """Tell whether there is a parameter here that training may change.

        Returns
        -------
        bool
            True for at least one.
        """
        if not self.built and not self.frozen:
            return True
        return any(p.trainable for p in self.parameters())

    def copy(self) -> Self:
        """Return a copy with parameters and buffers of its own.

        Returns
        -------
        Layer
            It behaves the same, random draws included.
        """
        return copy.deepcopy(self)

    # --- use -----------------------------------------------------------------------

    def __call__(self, x: FloatArray) -> FloatArray:
        """Return the output of a batch in inference, without a cache."""
        return self.infer(x)

    def outputs(self, x: FloatArray, *, batch_size: int = 256) -> FloatArray:
        """Compute the outputs of an array of any length, batch by batch.

        Parameters
        ----------
        x : ndarray of shape (N, ...)
            Inputs, as `forward` takes them.
        batch_size : int
            Inputs at a time.

        Returns
        -------
        ndarray of shape (N, ...)
            The outputs: for a classifier, scores.
        """
        return inference.outputs(self, x, batch_size)

    def predict(self, x: FloatArray, *, batch_size: int = 256) -> NDArray[np.int64]:
        """Return the class with the highest score of each input.

        Parameters
        ----------
        x : ndarray of shape (N, ...)
            Inputs, as `forward` takes them.
        batch_size : int
            Inputs at a time.

        Returns
        -------
        ndarray of shape (N,) of int64
            Class indices.
        """
        classes: NDArray[np.int64] = inference.outputs(self, x, batch_size).argmax(axis=1)
        return classes

    def predict_proba(self, x: FloatArray, *, batch_size: int = 256) -> FloatArray:
        """Return the probability of each class for each input.

        Parameters
        ----------
        x : ndarray of shape (N, ...)
            Inputs, as `forward` takes them.
        batch_size : int
            Inputs at a time.

        Returns
        -------
        ndarray of shape (N, K)
            The softmax of the scores; the outputs themselves where the network ends
            with a Softmax, their exponentials where it ends with a LogSoftmax.
        """
        return inference.probabilities(self, x, batch_size)

    def summary(self, input_shape: Shape | None = None) -> Summary:
        """List the layers with output shapes, parameters, FLOPs and memory.

        Parameters
        ----------
        input_shape : tuple of int, optional
            The shape of one input, without the batch axis; that of `build` by default.

        Returns
        -------
        Summary
            Its ``str`` is the table.
        """
        from cnnpy.nn.summary import summarize

        return summarize(self, input_shape)

    # --- text and configuration -------------------------------------------------------

    def config(self) -> dict[str, Any]:
        """Return the constructor's arguments by name, from the attributes of those names.

        Returns
        -------
        dict
            What makes such a layer anew.
        """
        return {name: getattr(self, name) for name in _constructor(type(self))}

    def __repr__(self) -> str:
        signature = _constructor(type(self))
        parts = []
        for name, value in self.config().items():
            default = signature[name].default
            if default is inspect.Parameter.empty:
                parts.append(repr(value))
            elif value is not default and value != default:
                parts.append(f"{name}={value!r}")
        return f"{type(self).__name__}({', '.join(parts)})"


def _constructor(kind: type[Layer]) -> dict[str, inspect.Parameter]:
    """Return the constructor's named arguments; none for a class that defines no constructor."""
    if kind.__init__ is object.__init__:
        return {}
    return dict(list(inspect.signature(kind.__init__).parameters.items())[1:])
