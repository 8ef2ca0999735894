"""What a network is made of: shapes, parameters, FLOPs and memory, layer by layer."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from cnnpy.contract.errors import OptionError
from cnnpy.contract.shapes import Shape
from cnnpy.nn.containers import Container, Part
from cnnpy.nn.layer import Layer
from cnnpy.written import count, in_bytes, times

__all__ = ["Row", "Summary", "summarize"]


class Row(NamedTuple):
    """One layer: its name, itself as text, its figures, and whether it runs with the one above."""

    name: str
    layer: str
    output_shape: Shape
    n_parameters: int
    flops: int
    activation_bytes: int
    fused: bool = False


@dataclass(frozen=True, repr=False)
class Summary:
    """The layers of a network with their figures for one input; as text it is a table.

    Parameters
    ----------
    input_shape : tuple of int
        The shape of one input.
    rows : tuple of Row
        One a layer that is no container.
    n_parameters : int
        All of them, each once.
    n_trainable : int
        Those that training changes.
    """

    input_shape: Shape
    rows: tuple[Row, ...]
    n_parameters: int
    n_trainable: int

    @property
    def flops(self) -> int:
        """Return the floating-point operations of one forward pass of one input."""
        return sum(row.flops for row in self.rows)

    @property
    def activation_bytes(self) -> int:
        """Return the memory of all outputs of one input, which training keeps."""
        return sum(row.activation_bytes for row in self.rows)

    def __repr__(self) -> str:
        header = ("layer", "", "output", "parameters", "FLOPs", "memory")
        body = [
            (
                "+ " * row.fused + row.name,
                row.layer,
                times(row.output_shape),
                f"{row.n_parameters:,}" if row.n_parameters else "",
                count(row.flops) if row.flops else "",
                in_bytes(row.activation_bytes),
            )
            for row in self.rows
        ]
        widths = [max(len(line[k]) for line in [header, *body]) for k in range(len(header))]
        lines = [_line(header, widths), "-" * len(_line(header, widths))]
        lines += [_line(line, widths) for line in body]
        frozen = self.n_parameters - self.n_trainable
        lines += [
            "-" * len(lines[0]),
            f"input {times(self.input_shape)}, {self.n_parameters:,} parameters"
            + (f" ({frozen:,} frozen)" if frozen else "")
            + f", {count(self.flops)}FLOPs and {in_bytes(self.activation_bytes)} of activations "
            "an input",
        ]
        if any(row.fused for row in self.rows):
            lines.append("+ runs in one go with the layer above it")
        return "\n".join(lines)


def summarize(model: Layer, input_shape: Shape | None) -> Summary:
    """List the layers of a network with their figures.

    Parameters
    ----------
    model : Layer
        The network; it is built if it is not.
    input_shape : tuple of int, optional
        The shape of one input; that of `build` by default.

    Returns
    -------
    Summary
        Its ``str`` is the table.

    Raises
    ------
    OptionError
        Where the model is not built and no shape was given.
    """
    shape = model.input_shape if input_shape is None else tuple(input_shape)
    if shape is None:
        raise OptionError(
            "summary: the model is not built, and no input_shape was given",
            "the shape of one input",
            "use model.summary((C, H, W))",
        )
    model.build(shape)
    rows = tuple(_walk("", model, shape))
    parameters = model.parameters()
    return Summary(
        shape,
        rows,
        sum(p.size for p in parameters),
        sum(p.size for p in parameters if p.trainable),
    )


def _walk(name: str, layer: Layer, shape: Shape) -> list[Row]:
    """Go down to the layers that are no containers, each with the shape that enters it."""
    if not isinstance(layer, Container):
        out = layer.output_shape(shape)
        n_parameters = sum(p.size for p in layer.parameters())
        return [Row(name, repr(layer), out, n_parameters, layer.flops(shape), _bytes(layer, out))]
    prefix = f"{name}." if name else ""
    fused = layer.fused_parts()
    rows: list[Row] = []
    for part in layer.parts(shape):
        if isinstance(part, Part):
            of_part = _walk(prefix + part.name, part.layer, part.input_shape)
        else:
            out = part.output_shape
            of_part = [Row(prefix + part.name, "", out, 0, part.flops, _bytes(layer, out))]
        rows += [row._replace(fused=True) for row in of_part] if part.name in fused else of_part
    return rows


def _bytes(layer: Layer, shape: Shape) -> int:
    parameter = next(iter(layer.parameters()), None)
    itemsize = np.dtype(np.float32).itemsize if parameter is None else parameter.value.itemsize
    return math.prod(shape) * itemsize


def _line(cells: tuple[str, ...], widths: list[int]) -> str:
    left, right = cells[:3], cells[3:]
    texts = [cell.ljust(w) for cell, w in zip(left, widths[:3], strict=True)]
    texts += [cell.rjust(w) for cell, w in zip(right, widths[3:], strict=True)]
    return "  ".join(texts)
