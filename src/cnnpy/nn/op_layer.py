"""OpLayer: a layer that is one row of the contract with parameters of its own.

Forward, backward, shape and FLOPs follow from the row; a concrete layer names its
op, its options and its parameters.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.ops import OPS
from cnnpy.contract.shapes import Shape
from cnnpy.contract.validate import parse_options
from cnnpy.functional import call
from cnnpy.nn.layer import Layer
from cnnpy.nn.parameter import Parameter

__all__ = ["OpLayer"]


class OpLayer(Layer):
    """Run one op of the contract, with this layer's options and parameters."""

    op: ClassVar[str]
    """The name of the row."""

    option_names: ClassVar[tuple[str, ...]] = ()
    """The options, each an attribute of this name."""

    parameter_names: ClassVar[tuple[str, ...]] = ()
    """The attributes that stand behind x in the op's signature."""

    def options(self) -> dict[str, Any]:
        """Return the op's options as the layer holds them.

        Returns
        -------
        dict
            By name.
        """
        return {name: getattr(self, name) for name in self.option_names}

    def check_options(self) -> None:
        """Raise the op's error now, and not at the first batch, for a wrong option.

        Raises
        ------
        OptionError
            Where an option is out of its range.
        """
        parse_options(OPS[self.op], self.options())

    def forward(self, x: FloatArray, *, train: bool = False) -> tuple[FloatArray, Any]:
        """Run the op on a batch; see :meth:`Layer.forward`."""
        self.ensure_built(x)
        return call.forward(self.op, (x, *self._values()), self.options())

    def backward(self, dout: FloatArray, cache: Any) -> FloatArray:
        """Run the op backward; see :meth:`Layer.backward`."""
        dx: FloatArray = self._backward(dout, cache, with_input=True)
        return dx

    def backward_parameters(self, dout: FloatArray, cache: Any) -> None:
        """Run the op backward without the gradient of the input."""
        if any(p is not None and p.trainable for p in self._parameters()):
            self._backward(dout, cache, with_input=False)

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape that the row's rule gives; see :meth:`Layer.output_shape`."""
        return self._shape_rule((1, *input_shape))[1:]

    def flops(self, input_shape: Shape) -> int:
        """Count by the row's formula; see :meth:`Layer.flops`."""
        x_shape = (1, *input_shape)
        row = OPS[self.op]
        shapes = (x_shape, *self._parameter_shapes(input_shape))
        return row.flops(self._shape_rule(x_shape), *shapes, **parse_options(row, self.options()))

    def parameter_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        """Return the shapes of the parameters for inputs of one shape.

        Parameters
        ----------
        input_shape : tuple of int
            Without the batch axis.

        Returns
        -------
        dict of str to tuple of int
            By attribute; a parameter that the options leave out is not there.
        """
        return {}

    def first_value(self, name: str, shape: Shape, rng: np.random.Generator) -> FloatArray:
        """Return the first value of a parameter: zeros, unless a layer knows better.

        Parameters
        ----------
        name : str
            The attribute.
        shape : tuple of int
            Its shape.
        rng : numpy.random.Generator
            The source of chance.

        Returns
        -------
        ndarray of the shape
            The first value.
        """
        return np.zeros(shape)

    def make_parameters(
        self, input_shape: Shape, dtype: np.dtype[Any], rng: np.random.Generator
    ) -> None:
        """Make each parameter from its shape and first value."""
        for name, shape in self.parameter_shapes(input_shape).items():
            value = np.ascontiguousarray(self.first_value(name, shape, rng), dtype=dtype)
            setattr(self, name, Parameter(value, trainable=not self.frozen))

    def state_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        """Return the shapes of the parameters; see :meth:`Layer.state_shapes`."""
        return self.parameter_shapes(input_shape)

    def _shape_rule(self, x_shape: Shape) -> Shape:
        row = OPS[self.op]
        keyword = {i.name: None for i in row.keyword}
        options = parse_options(row, self.options())
        return row.shape(x_shape, *self._parameter_shapes(x_shape[1:]), **keyword, **options)

    def _parameters(self) -> list[Parameter | None]:
        return [getattr(self, name) for name in self.parameter_names]

    def _values(self) -> list[FloatArray | None]:
        return [None if p is None else p.value for p in self._parameters()]

    def _parameter_shapes(self, input_shape: Shape) -> list[Shape | None]:
        """Give the shapes in the op's order: of what is there, or of what would be made."""
        if self.built:
            return [None if v is None else v.shape for v in self._values()]
        planned = self.parameter_shapes(input_shape)
        return [planned.get(name) for name in self.parameter_names]

    def _backward(self, dout: FloatArray, cache: Any, *, with_input: bool) -> Any:
        parameters = self._parameters()
        if not parameters:
            return call.backward(self.op, dout, cache)
        names = OPS[self.op].gradients
        needs = [names[0]] if with_input else []
        needs += [
            name
            for name, parameter in zip(names[1:], parameters, strict=True)
            if parameter is not None and parameter.trainable
        ]
        dx, *gradients = call.backward(self.op, dout, cache, needs)
        for parameter, gradient in zip(parameters, gradients, strict=True):
            if parameter is not None:
                parameter.accumulate(gradient)
        return dx
