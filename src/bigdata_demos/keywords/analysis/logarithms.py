"""Logarithms in integers: ``L(n) = ⌊256 · log₂ n⌋``."""

import math
from array import array
from functools import cache


@cache
def log_steps(bits: int) -> "array[int]":
    """Return the smallest n with L(n) ≥ v, for v from 0 to 256 · bits: the least n whose 256th power has more than v bits."""
    return array("q", (_step(v) for v in range(256 * bits + 1)))


def _step(v: int) -> int:
    near = 2 ** (v / 256)
    n = round(near)
    if abs(near - n) > 1e-9 * near:  # a floating-point number is off by 1e-15 of it, at most
        return math.ceil(near)
    return next(m for m in range(max(n - 1, 1), n + 2) if (m**256).bit_length() > v)
