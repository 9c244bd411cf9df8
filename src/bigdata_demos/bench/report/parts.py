"""The parts of the page's sections: tables, and panels with a plot and its table."""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from ..engines.contestants import label
from ..results import CONTROL, Results, Run
from .summary import Key
from .svg import Dot, Plot
from .table import corpus, number

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
    """A plot beside its table, or below it if ``wide``; ``note``: what is shown if there is no plot."""

    plot: Plot | None = None
    table: Table | None = None
    legend: Sequence[tuple[str, int]] = ()
    remarks: Sequence[str] = ()
    note: str = ""
    wide: bool = False


Section = tuple[str, str, list[tuple[str, Panel]]]
"""A section of the page: title, how to read it, and a named panel for each size."""


def by_size(results: Results, make: Callable[[int], Panel]) -> list[tuple[str, Panel]]:
    """Return a named panel for each size, the largest first."""
    return [(corpus(results, size), make(size)) for size in reversed(results.sizes)]


def dot(results: Results, one: Run, value: float, unit: str, *, marked: bool = False) -> Dot:
    """Return a run as a dot; ``marked`` adds its index in the results."""
    look = "failed" if one.error is not None else "cold" if one.cold else "good"
    says = f"{short(one.key)}, round {one.round}{' (cold)' if one.cold else ''}: {number(value)} {unit}"
    says += f": {one.error}" if one.error else ""
    place = next(index for index, other in enumerate(results.runs) if other is one) if marked else None
    return Dot(value, says, look, place)
