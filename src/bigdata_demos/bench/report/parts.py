"""The parts of the page's sections: tables, and panels with a plot and its table."""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from markupsafe import Markup

from ..engines.contestants import label
from ..results import CONTROL, Results, Run
from .plots import Dot
from .summary import Key
from .table import corpus

MIB: Final = 1 << 20


def colour(results: Results, key: Key) -> int:
    """Return a contestant's colour, which is the same in all plots; the control's is 0."""
    names = list(dict.fromkeys((name, cluster) for name, _, cluster in results.contestants()))
    return 0 if key[0] == CONTROL else (names.index((key[0], key[2])) - 1) % 10 + 1


def short(key: Key) -> str:
    """Return a contestant's name for plots."""
    return label(key, short=True)


class Table(NamedTuple):
    """A table; the columns ``words`` hold sentences. Empty columns without a head are omitted."""

    head: Sequence[str]
    body: Sequence[Sequence[str]]
    words: Sequence[int] = ()

    @property
    def columns(self) -> list[int]:
        """The indices of the shown columns."""
        return [index for index, text in enumerate(self.head) if text or any(row[index] for row in self.body)]


class Panel(NamedTuple):
    """A plot, drawn when it is shown, above its table; ``note``: what is shown if there is no plot."""

    plot: Callable[[], Markup] | None = None
    table: Table | None = None
    legend: Sequence[tuple[str, int]] = ()
    remarks: Sequence[str] = ()
    note: str = ""


Section = tuple[str, str, list[tuple[str, Panel]]]
"""A section of the page: title, how to read it, and a named panel for each size."""


def by_size(results: Results, make: Callable[[int], Panel]) -> list[tuple[str, Panel]]:
    """Return a named panel for each size, the largest first, which alone has a plot."""
    largest, *others = [(corpus(results, size), make(size)) for size in reversed(results.sizes)]
    return [largest, *((name, panel._replace(plot=None, legend=())) for name, panel in others)]


def dot(one: Run, value: float) -> Dot:
    """Return a run as a dot."""
    return Dot(value, "failed" if one.error is not None else "cold" if one.cold else "good")
