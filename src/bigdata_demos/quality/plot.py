"""A plot of F1 against speed: one point for each extractor, as an SVG that stands alone."""

from collections.abc import Mapping
from typing import NamedTuple

from jinja2 import Environment, PackageLoader, select_autoescape

from ..bench.report.svg import Axis, linear, logarithmic
from ..bench.report.table import number

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 720, 360, 56, 130, 20, 48
_LINE = 15  # pixels from one label to the next


class Point(NamedTuple):
    """An extractor's mean F1@10 in percent, and the documents that it does in a second of CPU time."""

    f1: float
    speed: float


class _Mark(NamedTuple):
    """A point, and the height of its label, which stands at the right of it, or at the left (``before``)."""

    x: float
    y: float
    label: str
    label_y: float
    before: bool
    ours: bool


def plot(points: Mapping[str, Point], title: str) -> str:
    """Return the SVG. Names that start with ``ours`` are emphasized."""
    across = logarithmic([point.speed for point in points.values()])
    up = linear([point.f1 for point in points.values()])
    places = {name: (_x(across, point.speed), _y(up, point.f1)) for name, point in points.items()}
    marks: list[_Mark] = []
    for name, (x, y) in sorted(places.items(), key=lambda item: item[1][1]):
        before = any(0 < other_x - x < _RIGHT and abs(other_y - y) < _LINE for other_x, other_y in places.values())
        beside = [mark.label_y for mark in marks if mark.before == before and abs(mark.x - x) < _RIGHT]
        higher = [other for other in beside if abs(other - y) < _LINE]
        marks.append(_Mark(x, y, name, max(beside) + _LINE if higher else y, before, name.startswith("ours")))
    template = Environment(loader=PackageLoader("bigdata_demos.quality", "."), autoescape=select_autoescape(default=True))
    return template.get_template("plot.svg.jinja").render(
        title=title,
        width=_WIDTH,
        height=_HEIGHT,
        left=_LEFT,
        bottom=_HEIGHT - _BOTTOM,
        top=_TOP,
        right=_WIDTH - _RIGHT,
        across=[(_x(across, tick), number(tick)) for tick in across.ticks],
        up=[(_y(up, tick), number(tick)) for tick in up.ticks],
        marks=marks,
    )


def _x(axis: Axis, value: float) -> float:
    return round(_LEFT + axis.at(value) * (_WIDTH - _RIGHT - _LEFT), 1)


def _y(axis: Axis, value: float) -> float:
    return round(_TOP + (1 - axis.at(value)) * (_HEIGHT - _BOTTOM - _TOP), 1)
