"""The plots of the page: rows of runs, stacked bars, and lines. Each is a function, because most are not shown."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from markupsafe import Markup

from ...web.plots import colour, figure, series
from .table import number

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_ROW: Final = 0.32  # inches
_AXIS: Final = 0.7  # inches below the rows, for ticks and unit
_LINES: Final = 3.4  # inches of a plot with lines
_LOOKS: Final[dict[str, dict[str, Any]]] = {
    "good": {"marker": "o", "markersize": 5, "alpha": 0.75},
    "cold": {"marker": "o", "markersize": 5, "fillstyle": "none"},
    "ring": {"marker": "o", "markersize": 13, "fillstyle": "none", "markeredgewidth": 1.5},
    "failed": {"marker": "x", "markersize": 6, "markeredgewidth": 1.8},
}


class Dot(NamedTuple):
    """A run. ``look``: good, cold or failed."""

    value: float
    look: str = "good"


class Strip(NamedTuple):
    """A row of dots with its median, and an interval if there is one. ``value``: the median as text."""

    label: str
    value: str
    colour: int
    dots: Sequence[Dot]
    middle: float | None = None
    low: float | None = None
    high: float | None = None


class Bar(NamedTuple):
    """A stacked bar. ``parts``: length, colour; ``value``: the whole length as text."""

    label: str
    value: str
    parts: Sequence[tuple[float, int]]


class Series(NamedTuple):
    """A line. ``points``: across, up, in order; ``dots``: across and a run."""

    name: str
    colour: int
    points: Sequence[tuple[float, float]]
    dots: Sequence[tuple[float, Dot]] = ()
    dashed: bool = False


def strips(
    title: str, rows: Sequence[Strip], unit: str, *, log: bool = False, reference: float | None = None
) -> Callable[[], Markup]:
    """Return what draws rows of dots over one axis; with a ``reference``, bars from it to the medians."""

    def draw(axes: "Axes", narrow: bool) -> None:
        for at, row in enumerate(rows):
            paint = series(row.colour)
            if reference is not None and row.middle is not None:
                axes.barh(at, row.middle - reference, 0.62, reference, alpha=0.35, color=paint)
            if row.low is not None and row.high is not None:
                axes.plot([row.low, row.high], [at, at], linewidth=4.5, alpha=0.5, solid_capstyle="butt", color=paint)
            if row.middle is not None:
                axes.plot([row.middle], [at], marker="|", markersize=13, markeredgewidth=1.8, color=colour("text"))
            _runs(axes, [(dot.value, at, dot.look) for dot in row.dots], paint)
        _rows(axes, [(row.label, row.value) for row in rows], unit, narrow=narrow)
        if log:
            axes.set_xscale("log")
        elif reference is None:
            axes.set_xlim(left=0)
        _ticks(axes.xaxis, log=log)
        if reference is not None:
            axes.axvline(reference, color=colour("text"), linewidth=1)

    return partial(figure, title, _height(len(rows)), draw)


def bars(title: str, rows: Sequence[Bar], unit: str) -> Callable[[], Markup]:
    """Return what draws stacked bars over one axis that starts at 0."""

    def draw(axes: "Axes", narrow: bool) -> None:
        for at, row in enumerate(rows):
            start = 0.0
            for length, part in row.parts:
                axes.barh(at, length, 0.6, start, color=series(part), edgecolor=colour("card"), linewidth=0.5)
                start += length
        _rows(axes, [(row.label, row.value) for row in rows], unit, narrow=narrow)
        axes.set_xlim(left=0)
        _ticks(axes.xaxis)

    return partial(figure, title, _height(len(rows)), draw)


def lines(
    title: str,
    some: Sequence[Series],
    units: tuple[str, str],
    *,
    log: bool,
    ticks: Sequence[float] = (),
    rings: Sequence[tuple[float, float]] = (),
) -> Callable[[], Markup]:
    """Return what draws lines over two axes with their ``units``, across and up.

    Both axes are logarithmic if ``log``; ``ticks`` are those of the first, and ``rings`` points that are emphasized.
    """

    def draw(axes: "Axes", narrow: bool) -> None:  # noqa: ARG001 (given by position)
        for one in some:
            paint = series(one.colour)
            across, up = zip(*one.points, strict=True)
            axes.plot(across, up, color=paint, linewidth=1.6, linestyle="--" if one.dashed else "-")
            _runs(axes, [(x, dot.value, dot.look) for x, dot in one.dots], paint)
        _runs(axes, [(*ring, "ring") for ring in rings], colour("text"))
        if log:
            axes.set_xscale("log")
            axes.set_yscale("log")
        else:
            axes.set_ylim(bottom=0)
        _ticks(axes.xaxis, log=log)
        _ticks(axes.yaxis, log=log)
        if ticks:
            axes.set_xticks(ticks, [number(tick) for tick in ticks])
            axes.set_xticks([], minor=True)
        axes.grid()
        axes.set_xlabel(units[0])
        axes.set_title(units[1], loc="left", fontsize="medium", color=colour("quiet"))

    return partial(figure, title, _LINES, draw)


def _height(rows: int) -> float:
    return _ROW * rows + _AXIS


def _runs(axes: "Axes", some: Sequence[tuple[float, float, str]], paint: str) -> None:
    """Draw runs: places across and up, and looks."""
    for look, style in _LOOKS.items():
        if places := [(x, y) for x, y, of in some if of == look]:
            axes.plot(*zip(*places, strict=True), linestyle="", color=colour("bad") if look == "failed" else paint, **style)


def _rows(axes: "Axes", labels: Sequence[tuple[str, str]], unit: str, *, narrow: bool) -> None:
    """Name the rows at the left, with their values at the right."""
    axes.set_ylim(max(len(labels), 1) - 0.5, -0.5)
    axes.set_yticks(range(len(labels)), [label for label, _ in labels], color=colour("text"))
    beside = axes.secondary_yaxis("right")
    beside.set_yticks(range(len(labels)), [value for _, value in labels])
    for one in (axes, beside):
        one.tick_params(axis="y", length=0, labelsize="small" if narrow else "medium")
        one.spines[:].set_visible(False)
    axes.grid(axis="x")
    axes.set_xlabel(unit)


def _ticks(axis: Any, *, log: bool = False) -> None:
    """Put a few ticks at round numbers."""
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

    axis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=8) if log else MaxNLocator(5, steps=[1, 2, 5, 10]))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.6g}"))
    axis.set_minor_formatter(NullFormatter())
