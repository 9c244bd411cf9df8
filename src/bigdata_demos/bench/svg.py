"""Plots as inline SVG: no scripts, no fonts but the system's. Across is percent, down is pixels: text keeps its size.

Labels of rows stand above their rows, so that narrow screens lose nothing. What a mark means is in its ``<title>``.
"""

import html
import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

from .table import number

TICKS: Final = 6
FACTORS: Final = ((1, 1.1, 1.2, 1.3, 1.4, 1.5, 1.75, 2, 2.5, 3, 4, 5, 6, 7, 8, 9), (1, 1.5, 2, 3, 5, 7), (1, 2, 5), (1, 3))
"""Of logarithmic ticks within a decade: the first that are few enough are taken."""
ROW: Final = 42
HEIGHT: Final = 300


def esc(text: object) -> str:
    """Text, safe in markup."""
    return html.escape(str(text))


class Axis(NamedTuple):
    """From value to place. ``ticks``: the values that are labelled."""

    low: float
    high: float
    log: bool
    ticks: list[float]

    def at(self, value: float) -> float:
        """Where a value is, 0 to 1; what is outside is at the edge."""
        low, high, value = (math.log(max(x, 1e-12)) if self.log else x for x in (self.low, self.high, value))
        return min(max((value - low) / (high - low), 0.0), 1.0)

    def across(self, value: float) -> str:
        """Where a value is on a horizontal axis."""
        return f"{100 * self.at(value):.3f}%"

    def down(self, value: float, height: float) -> float:
        """Where a value is on a vertical axis of some pixels."""
        return round(height * (1 - self.at(value)), 2)


def linear(values: Iterable[float]) -> Axis:
    """An axis from 0 to a bit more than the largest value."""
    most = max(values, default=0) or 1
    step = next(
        factor * 10**power
        for power in range(math.floor(math.log10(most)) - 1, 20)
        for factor in (1, 2, 5)
        if most / (factor * 10**power) <= TICKS - 1
    )
    count = math.ceil(most / step - 1e-9)
    return Axis(0, count * step, log=False, ticks=[step * tick for tick in range(count + 1)])


def logarithmic(values: Sequence[float], ticks: Sequence[float] = ()) -> Axis:
    """An axis with some room at both ends; ``ticks`` if they are known, else round values."""
    low, high = (min(values) / 1.12, max(values) * 1.12) if values else (0.5, 2)
    if ticks:
        return Axis(low, high, log=True, ticks=list(ticks))
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for factors in (*FACTORS, (1,)):
        found = [factor * 10.0**power for power in powers for factor in factors if low <= factor * 10.0**power <= high]
        if len(found) <= TICKS:
            break
    found = found[:: math.ceil(len(found) / TICKS)] if found else [low, high]
    return Axis(low, high, log=True, ticks=found)


class Dot(NamedTuple):
    """A run. ``look``: good, cold or failed. ``of``: the number of the run in ``results.json``."""

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


def mark(dot: Dot, across: str, down: float, colour: int) -> str:
    """A dot, or a cross for a run that failed."""
    data = "" if dot.of is None else f' data-run="{dot.of}"'
    title = f"<title>{esc(dot.title)}</title>"
    if dot.look == "failed":
        return f'<text class="failed" x="{across}" y="{down + 4}" text-anchor="middle"{data}>✕{title}</text>'
    return f'<circle class="{dot.look} c{colour}" cx="{across}" cy="{down}" r="4.5"{data}>{title}</circle>'


def svg(title: str, height: float, body: Iterable[str], kind: str = "") -> str:
    """A plot with its title, for those who cannot see it, too."""
    inside = "\n".join(body)
    return f'<svg class="plot {kind}" role="img" height="{height:g}" width="100%"><title>{esc(title)}</title>\n{inside}\n</svg>'


def grid(axis: Axis, height: float, unit: str) -> list[str]:
    """Vertical lines at the ticks, and their labels below."""
    lines = []
    for tick in axis.ticks:
        x = axis.across(tick)
        lines.append(f'<line class="grid" x1="{x}" x2="{x}" y1="0" y2="{height}"/>')
        lines.append(f'<text class="tick" x="{x}" y="{height + 16}" text-anchor="middle">{esc(f"{tick:,.6g}")}</text>')
    lines.append(f'<text class="unit" x="100%" y="{height + 34}" text-anchor="end">{esc(unit)}</text>')
    return lines


def strips(title: str, rows: Sequence[Strip], unit: str, *, log: bool = False, reference: float | None = None) -> str:
    """Rows of dots over one axis."""
    values = [dot.value for row in rows for dot in row.dots] + [x for row in rows for x in (row.low, row.high) if x is not None]
    values += [] if reference is None else [reference]
    axis = logarithmic(values) if log else linear(values)
    height = ROW * len(rows)
    body = grid(axis, height, unit)
    if reference is not None:
        x = axis.across(reference)
        body.append(f'<line class="reference" x1="{x}" x2="{x}" y1="0" y2="{height}"/>')
    for index, row in enumerate(rows):
        top, middle = index * ROW, index * ROW + 30
        body.append(f'<text class="label" x="0" y="{top + 15}">{esc(row.label)}</text>')
        body.append(f'<text class="value" x="100%" y="{top + 15}" text-anchor="end">{esc(row.value)}</text>')
        if row.low is not None and row.high is not None:
            ends = f'x1="{axis.across(row.low)}" x2="{axis.across(row.high)}" y1="{middle}" y2="{middle}"'
            body.append(f'<line class="interval c{row.colour}" {ends}/>')
        body += [mark(dot, axis.across(dot.value), middle, row.colour) for dot in row.dots]
        if row.middle is not None:
            x = axis.across(row.middle)
            body.append(f'<line class="median" x1="{x}" x2="{x}" y1="{middle - 9}" y2="{middle + 9}"/>')
    return svg(title, height + 40, body)


class Bar(NamedTuple):
    """A stacked bar. ``parts``: name, length, colour."""

    label: str
    value: str
    parts: Sequence[tuple[str, float, int]]


def bars(title: str, rows: Sequence[Bar], unit: str, show: Callable[[float], str] = number) -> str:
    """Stacked bars over one axis that starts at 0."""
    axis = linear([sum(length for _, length, _ in row.parts) for row in rows])
    height = ROW * len(rows)
    body = grid(axis, height, unit)
    for index, row in enumerate(rows):
        top, start = index * ROW, 0.0
        body.append(f'<text class="label" x="0" y="{top + 15}">{esc(row.label)}</text>')
        body.append(f'<text class="value" x="100%" y="{top + 15}" text-anchor="end">{esc(row.value)}</text>')
        for name, length, colour in row.parts:
            width = f"{100 * (axis.at(start + length) - axis.at(start)):.3f}%"
            title_of = f"<title>{esc(row.label)}, {esc(name)}: {esc(show(length))}</title>"
            place = f'x="{axis.across(start)}" y="{top + 22}" width="{width}" height="15"'
            body.append(f'<rect class="bar c{colour}" {place}>{title_of}</rect>')
            start += length
    return svg(title, height + 40, body)


class Series(NamedTuple):
    """A line. ``points``: across, down, in order; ``dots``: across and a run."""

    name: str
    colour: int
    points: Sequence[tuple[float, float]]
    dots: Sequence[tuple[float, Dot]] = ()
    dashed: bool = False


class Ring(NamedTuple):
    """A point of its own."""

    across: float
    down: float
    title: str


def lines(
    title: str, series: Sequence[Series], axes: tuple[Axis, Axis], units: tuple[str, str], rings: Sequence[Ring] = ()
) -> str:
    """Lines over two axes, the one across and the one that goes up, with their ``units``."""
    across, down = axes
    body = grid(across, HEIGHT, units[0])
    for tick in down.ticks:
        y = down.down(tick, HEIGHT)
        body.append(f'<line class="grid" x1="0" x2="100%" y1="{y}" y2="{y}"/>')
        body.append(f'<text class="tick" x="-8" y="{y + 4}" text-anchor="end">{esc(f"{tick:,.6g}")}</text>')
    body.append(f'<text class="unit" x="-40" y="-14">{esc(units[1])}</text>')
    for one in series:
        look = f'class="line c{one.colour}{" dashed" if one.dashed else ""}"'
        for (x1, y1), (x2, y2) in itertools.pairwise(one.points):
            ends = f'x1="{across.across(x1)}" y1="{down.down(y1, HEIGHT)}" x2="{across.across(x2)}" y2="{down.down(y2, HEIGHT)}"'
            body.append(f"<line {look} {ends}><title>{esc(one.name)}</title></line>")
        body += [mark(dot, across.across(x), down.down(dot.value, HEIGHT), one.colour) for x, dot in one.dots]
    for ring in rings:
        centre = f'cx="{across.across(ring.across)}" cy="{down.down(ring.down, HEIGHT)}"'
        body.append(f'<circle class="ring" {centre} r="10"><title>{esc(ring.title)}</title></circle>')
    return svg(title, HEIGHT + 40, body, "lines")
