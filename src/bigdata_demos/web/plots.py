"""Plots as SVG inside a page, drawn by matplotlib in the colours of ``style.css``, which follow the reader's colour scheme.

Each plot is drawn twice, for wide and for narrow screens, because a plot that is only shrunk cannot be read; the style shows one.
"""

import io
import re
from collections.abc import Callable
from html import escape
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

from markupsafe import Markup

from ..errors import UsageError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS: Final = 11
"""The number of colours of series, from 0 (grey)."""
_NAMED: Final = ("text", "quiet", "line", "card", "bad", *(f"series-{number}" for number in range(COLOURS)))
_INCHES: Final = {"wide": 7.6, "narrow": 3.7}
_POINTS: Final = 9.5  # the size of text
_FONT: Final = "DejaVu Sans"  # by which matplotlib measures; it comes with it
_LEFT_OUT: Final = re.compile(
    r"""
      \ id="(?:figure|axes|patch|line2d|text|matplotlib|xtick|ytick)[^"]*"   # the same in all plots of a page
    | \ transform="rotate\(-?0\ [^"]*"
    | font-family:\ 'DejaVu\ Sans';\                                         # that of the page
    | <style.*?</style>
    | \n\ *                                                                # what is left of these lines ends with a space
    """,
    re.VERBOSE | re.DOTALL,
)


def colour(name: str) -> str:
    """Return matplotlib's notation for a colour of the style: its number stands for it until the SVG is written."""
    return f"#fe{_NAMED.index(name):04x}"


def series(number: int) -> str:
    """Return matplotlib's notation for the colour of a series."""
    return colour(f"series-{number % COLOURS}")


def require_matplotlib() -> None:
    """Raise UsageError if there is no matplotlib."""
    if find_spec("matplotlib") is None:
        raise UsageError("plots need the package matplotlib: pip install 'bigdata-demos[plots]'")


def figure(title: str, height: float, draw: Callable[["Axes", bool], object]) -> Markup:
    """Return a plot as SVG.

    Args:
        title: what it shows, for those who do not see it.
        height: its height in inches.
        draw: draws it; its arguments are the axes, and whether the screen is narrow.

    Raises UsageError if there is no matplotlib.
    """
    require_matplotlib()
    return Markup("").join(_drawn(title, height, draw, width) for width in _INCHES)


def _drawn(title: str, height: float, draw: Callable[["Axes", bool], object], width: str) -> Markup:
    import matplotlib as mpl
    from matplotlib.figure import Figure

    style: Any = {
        "svg.fonttype": "none",
        "svg.hashsalt": f"{title} {width}",  # identifiers are the same each time, and differ between the plots of a page
        "font.family": _FONT,
        "font.size": _POINTS,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.edgecolor": colour("line"),
        "axes.labelcolor": colour("quiet"),
        "axes.axisbelow": True,
        "text.color": colour("text"),
        "xtick.color": colour("quiet"),
        "ytick.color": colour("quiet"),
        "grid.color": colour("line"),
        "grid.linewidth": 0.7,
    }
    with mpl.rc_context(style):
        made = Figure((_INCHES[width], height), layout="constrained")
        draw(made.add_subplot(), width == "narrow")
        file = io.StringIO()
        made.savefig(file, format="svg", transparent=True, metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
    drawn = file.getvalue()
    drawn = drawn[drawn.index("<svg") :]
    box = re.search(r'viewBox="[^"]*"', drawn)
    assert box
    head = f'<svg class="plot {width}" role="img" aria-label="{escape(title)}" {box[0]}>'
    drawn = head + drawn[drawn.index(">") + 1 :]
    drawn = _LEFT_OUT.sub("", drawn)
    drawn = re.sub("#fe00([0-9a-f]{2})", lambda match: f"var(--{_NAMED[int(match[1], 16)]})", drawn)
    return Markup(drawn)  # noqa: S704 (matplotlib escapes what it writes; the rest is escaped above)
