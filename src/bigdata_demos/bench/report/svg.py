"""The data of plots; the template draws them as inline SVG.

Horizontal positions are percentages and vertical ones are pixels, so that text keeps its size. The labels of rows stand above
the rows to fit narrow screens. Each mark is explained by its ``<title>``.
"""

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from .table import number

_TICKS: Final = 6
_FACTORS: Final = ((1, 1.1, 1.2, 1.3, 1.4, 1.5, 1.75, 2, 2.5, 3, 4, 5, 6, 7, 8, 9), (1, 1.5, 2, 3, 5, 7), (1, 2, 5), (1, 3))
"""Candidates for logarithmic ticks within a decade; the first with few enough ticks is used."""
_ROW: Final = 42
_HEIGHT: Final = 300


class Axis(NamedTuple):
    """Converts values to positions. ``ticks``: the values that are labelled."""

    low: float
    high: float
    log: bool
    ticks: list[float]

    def at(self, value: float) -> float:
        """Return a position from 0 to 1; values beyond the ends are clipped to them."""
        low, high, value = (math.log(max(x, 1e-12)) if self.log else x for x in (self.low, self.high, value))
        return min(max((value - low) / (high - low), 0.0), 1.0)

    def across(self, value: float) -> str:
        """Return the position on a horizontal axis, in percent."""
        return f"{100 * self.at(value):.3f}%"

    def width(self, start: float, length: float) -> str:
        """Return the width of a part of a bar, in percent."""
        return f"{100 * (self.at(start + length) - self.at(start)):.3f}%"

    def down(self, value: float, height: float) -> float:
        """Return the position on a vertical axis of ``height`` pixels, from the top."""
        return round(height * (1 - self.at(value)), 2)


def linear(values: Iterable[float]) -> Axis:
    """Return an axis from 0 to a round value at or above the maximum."""
    most = max(values, default=0) or 1
    step = next(
        factor * 10**power
        for power in range(math.floor(math.log10(most)) - 1, 20)
        for factor in (1, 2, 5)
        if most / (factor * 10**power) <= _TICKS - 1
    )
    count = math.ceil(most / step - 1e-9)
    return Axis(0, count * step, log=False, ticks=[step * tick for tick in range(count + 1)])


def logarithmic(values: Sequence[float], ticks: Sequence[float] = ()) -> Axis:
    """Return an axis with margins; without ``ticks`` it gets round values."""
    low, high = (min(values) / 1.12, max(values) * 1.12) if values else (0.5, 2)
    if ticks:
        return Axis(low, high, log=True, ticks=list(ticks))
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for factors in (*_FACTORS, (1,)):
        marks = [factor * 10.0**power for power in powers for factor in factors if low <= factor * 10.0**power <= high]
        if len(marks) <= _TICKS:
            break
    marks = marks[:: math.ceil(len(marks) / _TICKS)] if marks else [low, high]
    return Axis(low, high, log=True, ticks=marks)


class Dot(NamedTuple):
    """A run. ``look``: good, cold or failed. ``of``: the index of the run in ``results.json``."""

    value: float
    title: str
    look: str = "good"
    of: int | None = None


class Strip(NamedTuple):
    """A row of dots with its median, and an interval if there is one."""

    label: str
    value: str
    colour: int
    dots: Sequence[Dot]
    middle: float | None = None
    low: float | None = None
    high: float | None = None


class Bar(NamedTuple):
    """A stacked bar. ``parts``: name, length, colour."""

    label: str
    value: str
    parts: Sequence[tuple[str, float, int]]

    def placed(self) -> Iterator[tuple[str, float, float, int]]:
        """Yield name, start, length and colour of each part."""
        starts = itertools.accumulate((length for _, length, _ in self.parts), initial=0.0)
        return ((name, start, length, colour) for start, (name, length, colour) in zip(starts, self.parts, strict=False))


class Series(NamedTuple):
    """A line. ``points``: across, up, in order; ``dots``: across and a run."""

    name: str
    colour: int
    points: Sequence[tuple[float, float]]
    dots: Sequence[tuple[float, Dot]] = ()
    dashed: bool = False

    def pieces(self) -> Iterator[tuple[tuple[float, float], tuple[float, float]]]:
        """Yield the ends of each straight piece."""
        return itertools.pairwise(self.points)


class Ring(NamedTuple):
    """A point that is emphasized."""

    across: float
    down: float
    title: str


class Plot(NamedTuple):
    """A plot of rows over one axis, or of series over two axes if there is ``up``. ``kind``: strip, bar or lines."""

    kind: str
    title: str
    rows: Sequence[Strip] | Sequence[Bar] | Sequence[Series]
    unit: str
    axis: Axis
    height: int
    show: Callable[[float], str] = number
    reference: float | None = None
    up: Axis | None = None
    up_unit: str = ""
    rings: Sequence[Ring] = ()
    row: int = _ROW


def strips(title: str, rows: Sequence[Strip], unit: str, *, log: bool = False, reference: float | None = None) -> Plot:
    """Return rows of dots over one axis."""
    values = [dot.value for row in rows for dot in row.dots] + [x for row in rows for x in (row.low, row.high) if x is not None]
    values += [] if reference is None else [reference]
    axis = logarithmic(values) if log else linear(values)
    return Plot("strip", title, rows, unit, axis, _ROW * len(rows), reference=reference)


def bars(title: str, rows: Sequence[Bar], unit: str, show: Callable[[float], str] = number) -> Plot:
    """Return stacked bars over one axis that starts at 0."""
    axis = linear([sum(length for _, length, _ in row.parts) for row in rows])
    return Plot("bar", title, rows, unit, axis, _ROW * len(rows), show)


def lines(
    title: str, series: Sequence[Series], axes: tuple[Axis, Axis], units: tuple[str, str], rings: Sequence[Ring] = ()
) -> Plot:
    """Return lines over two axes, the horizontal and the vertical one, with their ``units``."""
    return Plot("lines", title, series, units[0], axes[0], _HEIGHT, up=axes[1], up_unit=units[1], rings=rings)
