"""Ways in which files get damaged, drawn from a generator."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

__all__ = ["DAMAGES", "damaged"]

Damage = Callable[[bytearray, np.random.Generator], bytearray]

_HEAD_BYTES = 600


def _place(content: bytearray, rng: np.random.Generator) -> int:
    """Draw a place; every second one is near the front, where the headers are."""
    near = min(len(content), _HEAD_BYTES if rng.integers(2) else len(content))
    return int(rng.integers(max(near, 1)))


def flip_bits(content: bytearray, rng: np.random.Generator) -> bytearray:
    for _ in range(int(rng.integers(1, 9))):
        if content:
            content[_place(content, rng)] ^= 1 << int(rng.integers(8))
    return content


def truncate(content: bytearray, rng: np.random.Generator) -> bytearray:
    return content[: _place(content, rng)]


def append(content: bytearray, rng: np.random.Generator) -> bytearray:
    return content + rng.bytes(int(rng.integers(1, 200)))


def overwrite(content: bytearray, rng: np.random.Generator) -> bytearray:
    at, n = _place(content, rng), int(rng.integers(1, 40))
    fill = (rng.bytes(n), b"\0" * n, b"\xff" * n)[int(rng.integers(3))]
    content[at : at + n] = fill
    return content


def take_out(content: bytearray, rng: np.random.Generator) -> bytearray:
    at = _place(content, rng)
    del content[at : at + int(rng.integers(1, 40))]
    return content


def repeat(content: bytearray, rng: np.random.Generator) -> bytearray:
    at, n = _place(content, rng), int(rng.integers(1, 40))
    return content[: at + n] + content[at:]


def change_a_digit(content: bytearray, rng: np.random.Generator) -> bytearray:
    """Change a number that is written in letters, as shapes in headers and settings are."""
    digits = [k for k, byte in enumerate(content[:4096]) if 48 <= byte <= 57]
    if digits:
        content[digits[int(rng.integers(len(digits)))]] = 48 + int(rng.integers(10))
    return content


def write_digits(content: bytearray, rng: np.random.Generator) -> bytearray:
    """Make a number that is written in letters absurdly large."""
    digits = [k for k, byte in enumerate(content[:4096]) if 48 <= byte <= 57]
    if digits:
        at = digits[int(rng.integers(len(digits)))]
        content[at:at] = b"9" * int(rng.integers(1, 25))
    return content


DAMAGES: dict[str, Damage] = {
    f.__name__: f
    for f in (
        *(flip_bits, truncate, append, overwrite, take_out, repeat),
        *(change_a_digit, write_digits),
    )
}


def damaged(content: bytes, rng: np.random.Generator) -> tuple[str, bytes]:
    """Draw one damage, or two one after the other.

    Returns
    -------
    names : str
        What was done.
    content : bytes
        What came of it.
    """
    names = [str(name) for name in rng.choice(list(DAMAGES), 1 + int(rng.integers(4) == 0))]
    changed = bytearray(content)
    for name in names:
        changed = DAMAGES[name](changed, rng)
    return " and ".join(names), bytes(changed)
