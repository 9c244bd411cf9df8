"""What the page's sections are made of: tables, legends, plots beside tables, the same for each size."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from .contestants import label
from .results import CONTROL, Results, Run
from .summary import Key
from .svg import Dot, esc
from .table import number

MIB: Final = 1 << 20


def colour(results: Results, key: Key) -> int:
    """A contestant's colour, the same in all plots: 0 is the control's."""
    names = list(dict.fromkeys((name, cluster) for name, _, cluster in results.contestants()))
    return 0 if key[0] == CONTROL else (names.index((key[0], key[2])) - 1) % 10 + 1


def short(key: Key) -> str:
    """A contestant's name in a plot."""
    return label(key, short=True)


def table(head: Sequence[str], body: Sequence[Sequence[str]], words: Sequence[int] = ()) -> str:
    """A table; the columns ``words`` hold sentences. A column without a head that is empty throughout is left out."""
    columns = [index for index, text in enumerate(head) if text or any(row[index] for row in body)]
    first = "".join(f'<th scope="col">{esc(head[index])}</th>' for index in columns)
    lines = []
    for row in body:
        cells = "".join(f"<td{' class=words' if index in words else ''}>{esc(row[index])}</td>" for index in columns)
        lines.append(f"<tr>{cells}</tr>")
    return f'<div class="scroll"><table><thead><tr>{first}</tr></thead><tbody>{"".join(lines)}</tbody></table></div>'


def pair(plot: str, beside: str, kind: str = "", *, wide: bool = False) -> str:
    """A plot, and its table: beside it, or below if it is a wide one."""
    return f'<div class="pair{" tall" if wide else ""}"><figure class="{kind}">{plot}</figure><div>{beside}</div></div>'


def legend(names: Iterable[tuple[str, int]]) -> str:
    """What colours mean."""
    swatch = '<svg width="12" height="12" aria-hidden="true"><rect class="c{}" width="12" height="12" rx="3"/></svg>'
    return f'<ul class="legend">{"".join(f"<li>{swatch.format(index)}{esc(name)}</li>" for name, index in names)}</ul>'


def section(title: str, words: str, inside: str) -> str:
    """A section."""
    return f'<section><h2>{esc(title)}</h2><p class="dim">{esc(words)}</p>{inside}</section>'


def by_size(results: Results, make: Callable[[int], str]) -> str:
    """The same for each size; the largest one is open, the others are one click away."""
    if len(results.sizes) == 1:
        return make(results.sizes[0])
    parts = []
    for size in reversed(results.sizes):
        name = f"size {size}: {number(results.job(size).pages)} pages"
        opened = " open" if size == results.sizes[-1] else ""
        parts.append(f"<details{opened}><summary>{esc(name)}</summary>{make(size)}</details>")
    return "".join(parts)


def dot(results: Results, one: Run, value: float, unit: str, *, marked: bool = False) -> Dot:
    """A run as a dot; ``marked`` with its number in the results."""
    look = "failed" if one.error is not None else "cold" if one.cold else "good"
    says = f"{short(one.key)}, round {one.round}{' (cold)' if one.cold else ''}: {number(value)} {unit}"
    says += f": {one.error}" if one.error else ""
    place = next(index for index, other in enumerate(results.runs) if other is one) if marked else None
    return Dot(value, says, look, place)
