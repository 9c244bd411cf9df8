"""A plot of F1 against speed: one point for each extractor, as an SVG that stands alone."""

import io
import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, NamedTuple

from ..web.plots import require_matplotlib

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LINE: Final = 14  # points from one label to the next
_BESIDE: Final = 110  # points that a label takes, at most
_AWAY: Final = 10  # points from a point to its label
_TITLE: Final = 84  # the most characters that fit the width; the SVG's metadata have the whole title
_OURS, _OTHERS = "#00875a", "#2f5fc4"


class Point(NamedTuple):
    """An extractor's mean F1@10 in percent, and the documents that it does in a second of CPU time."""

    f1: float
    speed: float


class _Label(NamedTuple):
    """Where a label is, in points: beside its point, or at the left of it (``before``), at the height ``y``."""

    x: float
    y: float
    before: bool


def plot(points: Mapping[str, Point], title: str) -> str:
    """Return the SVG. Names that start with ``ours`` are emphasized. Raises UsageError if matplotlib is missing."""
    require_matplotlib()
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": title, "axes.spines.top": False, "axes.spines.right": False}):
        figure = Figure((7.2, 3.8), dpi=72)  # a pixel is a point
        axes = figure.add_axes((0.08, 0.13, 0.74, 0.78))
        axes.set_title(textwrap.shorten(title, _TITLE, placeholder=" …"), fontsize="medium", loc="left")
        axes.set_xlabel("documents per second of CPU time (one core)")
        axes.set_ylabel("mean F1@10 in percent")
        axes.set_xscale("log")
        speeds = [point.speed for point in points.values()]
        axes.set_xlim(min(speeds) / 1.3, max(speeds) * 1.3)
        axes.set_ylim(0, 1.1 * max(point.f1 for point in points.values()))
        axes.xaxis.set_major_formatter("{x:,g}")
        axes.grid(color="#ddd")
        for name, (label, point) in _placed(axes, points).items():
            ours = name.startswith("ours")
            paint = _OURS if ours else _OTHERS
            axes.plot([point.speed], [point.f1], "o", color=paint, gid=f"point-{[*points].index(name)}")
            x, y = axes.transData.transform((point.speed, point.f1))
            axes.annotate(
                name,
                (point.speed, point.f1),
                (label.x - x, label.y - y),
                textcoords="offset points",
                ha="right" if label.before else "left",
                va="center",
                color=paint,
                weight="bold" if ours else "normal",
                arrowprops={"arrowstyle": "-", "color": "#999"} if abs(label.y - y) > 1 else None,
            )
        file = io.StringIO()
        figure.savefig(file, format="svg", metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")) | {"Title": title})
    return file.getvalue()


def _placed(axes: "Axes", points: Mapping[str, Point]) -> dict[str, tuple[_Label, Point]]:
    """Return where each label is, so that none is on another: beside its point, or below the labels that are there."""
    places = {name: axes.transData.transform((point.speed, point.f1)) for name, point in points.items()}
    placed: dict[str, tuple[_Label, Point]] = {}
    for name, (x, y) in sorted(places.items(), key=lambda item: -item[1][1]):
        before = any(0 < other_x - x < _BESIDE and abs(other_y - y) < _LINE for other_x, other_y in places.values())
        taken = [label.y for label, _ in placed.values() if label.before == before and abs(label.x - x) < _BESIDE]
        height = min(taken) - _LINE if any(abs(other - y) < _LINE for other in taken) else y
        placed[name] = _Label(x - _AWAY if before else x + _AWAY, height, before), points[name]
    return placed
