"""The figures of :mod:`.access` as text, and as a section of the page; and when each format wins, said by the figures alone."""

import shlex
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any, Final, NamedTuple

from ..report.parts import MIB, Table
from ..report.svg import Bar, Dot, Plot, Strip, bars, strips
from ..report.table import NONE, UNSTABLE_IS, aligned, number, size_of
from ..results import PLAIN, STEPS, Access, FormatRun
from ..statistics import Interval, Spread, ratio, spread

_ALL_STEPS: Final = (*STEPS, "arrow")
_STEP_HEADS: Final = ("write, ms", "read, ms", "one field, ms", "look-up, ms", "newer, ms", "as Arrow, ms")
_HEAD: Final = ("format", "size", "of JSON", *_STEP_HEADS, "")
_QUICKEST: Final = {
    "write": "to write from dicts",
    "read": "to read whole, as dicts",
    "field": "for one field of all records",
    "look-up": "for one record somewhere in the file",
    "newer": "to read with a newer schema",
}
SHORT: Final = {
    "size": "size",
    "write": "writing",
    "read": "reading all",
    "field": "one field",
    "look-up": "a record somewhere",
    "newer": "a newer schema",
}
"""What formats are compared in. As Arrow only Parquet is read."""
SMALL: Final = 0.5
"""Of the bytes of plain JSON lines: whose file is no larger is compared once more with its like only."""
_LEVEL_IS: Final = "≈: level with another family, the rounds do not tell them apart"


class Row(NamedTuple):
    """A format's figures for some records. ``seconds`` and ``cpu``: by step; of a look-up, those for one record."""

    format: str
    family: str
    nbytes: int
    runs: Sequence[FormatRun]
    seconds: dict[str, Spread]
    cpu: dict[str, Spread]


def rows(access: Access, data: str) -> list[Row]:
    """All formats for some records, in the order of the first round."""
    formats = dict.fromkeys(one.format for one in access.runs if one.data == data)
    found = []
    for name in formats:
        runs = [one for one in access.runs if (one.data, one.format) == (data, name)]
        found.append(
            Row(name, runs[0].family, runs[0].nbytes, runs, _spreads(access, runs, _seconds_of), _spreads(access, runs, _cpu_of))
        )
    return found


def _seconds_of(one: FormatRun, step: str) -> float | None:
    """Wall seconds of a step."""
    return one.seconds.get(step)


def _cpu_of(one: FormatRun, step: str) -> float | None:
    """CPU seconds of a step."""
    return one.cpu_seconds.get(step)


def _spreads(access: Access, runs: Sequence[FormatRun], figure: Callable[[FormatRun, str], float | None]) -> dict[str, Spread]:
    """Median and range of each step."""
    found = {}
    for step in _ALL_STEPS:
        each = access.lookups if step == "look-up" else 1
        if some := spread([value / each for one in runs if (value := figure(one, step)) is not None]):
            found[step] = some
    return found


def against(row: Row, other: Row, step: str) -> Interval | None:
    """How many times as long a format takes as another one: paired by round; of sizes, their ratio."""
    if step == "size":
        return Interval(row.nbytes / other.nbytes, None, None)
    return ratio({one.round: one.seconds[step] for one in row.runs}, {one.round: one.seconds[step] for one in other.runs})


def cost(row: Row, step: str) -> float:
    """What a step takes, or the size: less is better."""
    return row.nbytes if step == "size" else row.seconds[step].median


class Verdict(NamedTuple):
    """Who is best in a step. ``rivals``: the best of each other family, with how many times as much it takes."""

    best: Row
    rivals: list[tuple[Row, Interval]]

    @property
    def level(self) -> list[Row]:
        """The rivals that the rounds do not tell from the best: the interval of their ratio reaches down to 1."""
        return [row for row, some in self.rivals if some.low is not None and some.low <= 1]


def verdict(found: Sequence[Row], step: str) -> Verdict:
    """Who is best in a step."""
    best = min(found, key=lambda row: cost(row, step))
    rivals = []
    for family in dict.fromkeys(row.family for row in found if row.family != best.family):
        rival = min((row for row in found if row.family == family), key=lambda row: cost(row, step))
        if some := against(rival, best, step):
            rivals.append((rival, some))
    return Verdict(best, sorted(rivals, key=lambda one: one[1].middle))


def _plain_of(found: Sequence[Row]) -> Row:
    """What the others are compared with in size."""
    return next(row for row in found if row.format == PLAIN)


def _small_of(found: Sequence[Row]) -> list[Row]:
    """The formats whose files are small."""
    return [row for row in found if row.nbytes <= SMALL * _plain_of(found).nbytes]


def sentences(found: Sequence[Row]) -> list[str]:
    """What the figures of some records say: a sentence for each step, and what a small file costs."""
    plain, size = _plain_of(found), verdict(found, "size")
    others = ", ".join(f"{row.format} {_percent(row, plain)}" for row, _ in size.rivals)
    said = [f"Smallest: {size.best.format}, {_percent(size.best, plain)} of plain JSON lines (of other families: {others})."]
    quickest = min(found, key=lambda row: cost(row, "write"))
    price = against(size.best, quickest, "write")
    if size.best is not quickest and price:
        said.append(f"It takes {number(price.middle)} times as long to write as {quickest.format}.")
    for step, words in _QUICKEST.items():
        judged = verdict(found, step)
        rest = [
            f"{row.format} is level with it" if row in judged.level else f"{row.format} takes {number(some.middle)} times as long"
            for row, some in judged.rivals
        ]
        said.append("; ".join([f"Quickest {words}: {judged.best.format} ({seconds(cost(judged.best, step))})", *rest]) + ".")
    if small := _small_of(found):
        best = [f"{SHORT[step]}: {verdict(small, step).best.format}" for step in _QUICKEST]
        said.append(f"The quickest of files of at most half the size of JSON lines: {'; '.join(best)}.")
    if arrow := [row for row in found if "arrow" in row.seconds]:
        row = min(arrow, key=lambda row: cost(row, "arrow"))
        made = median(one.seconds["read"] / one.seconds["arrow"] for one in row.runs)
        said.append(
            f"Left as Arrow, {row.format} is read in {seconds(cost(row, 'arrow'))}; dicts take {number(made)} times as long."
        )
    return said


def wins(access: Access) -> dict[str, str]:
    """What each family is best for, or level with the best: of all files, and of small ones what that adds."""
    every, small = verdicts(access, list), verdicts(access, _small_of)
    said = {}
    for family in access.by_hand:
        best = _best_for(family, every)
        more = {key: words for key, words in _best_for(family, small).items() if key not in best}
        said[family] = listed(best) or "nothing"
        if more:
            said[family] += f"; of files of at most half the size of JSON lines also {listed(more)}"
    return said


def verdicts(access: Access, chosen: Callable[[list[Row]], list[Row]]) -> dict[tuple[str, str], Verdict]:
    """Who is best among the formats that are chosen, by step and data."""
    compared = {data: chosen(rows(access, data)) for data in access.records}
    return {(step, data): verdict(found, step) for step in SHORT for data, found in compared.items() if found}


def _best_for(family: str, judged: dict[tuple[str, str], Verdict]) -> dict[tuple[str, str], str]:
    """In which steps, with which records, a family is best: the records' name, with ≈ if it is level with another."""
    return {
        (step, data): f"≈{data}" if one.level else data
        for (step, data), one in judged.items()
        if family in {row.family for row in (one.best, *one.level)}
    }


def listed(best: dict[tuple[str, str], str]) -> str:
    """Steps, each with its records."""
    steps: dict[str, list[str]] = {}
    for (step, _), data in best.items():
        steps.setdefault(SHORT[step], []).append(data)
    return ", ".join(f"{step} ({', '.join(some)})" for step, some in steps.items())


def _percent(row: Row, plain: Row) -> str:
    """A size in percent of another."""
    return f"{number(100 * row.nbytes / plain.nbytes)} %"


def seconds(value: float) -> str:
    """Seconds, or milliseconds."""
    return f"{number(value)} s" if value >= 0.1 else f"{number(1000 * value)} ms"


def milliseconds(some: Spread | None) -> str:
    """A median, for a column of them."""
    return number(1000 * some.median) if some else NONE


def cells(row: Row, plain: Row) -> tuple[str, ...]:
    """A row's cells, as :data:`_HEAD` has them."""
    unstable = [step for step, some in row.seconds.items() if some.unstable]
    return (
        row.format,
        size_of(row.nbytes),
        _percent(row, plain),
        *(milliseconds(row.seconds.get(step)) for step in _ALL_STEPS),
        f"unstable: {', '.join(unstable)}" if unstable else "",
    )


def text(access: Access) -> str:
    """All of it for a terminal."""
    lines: list[str] = []
    for data, records in access.records.items():
        found = rows(access, data)
        body = [cells(row, _plain_of(found)) for row in found]
        lines += [f"{data}: {number(records)} records, {counted(access)}", *aligned([_HEAD, *body])]
        lines += [f"unstable: {UNSTABLE_IS}"] if any(row[-1] for row in body) else []
        lines += [*sentences(found), ""]
    lines += [f"best for ({_LEVEL_IS})", *(f"{family}: {words}" for family, words in wins(access).items())]
    lines += [
        "",
        "what a newer schema leaves to the programmer",
        *(f"{family}: {words}" for family, words in access.by_hand.items()),
    ]
    return "\n".join(lines)


def counted(access: Access) -> str:
    """How often all was measured."""
    return f"{access.rounds} {'round' if access.rounds == 1 else 'rounds'}, medians"


class Part(NamedTuple):
    """The plots, tables and sentences of the page for some records."""

    data: str
    legend: list[tuple[str, int]]
    sizes: Plot
    reads: Plot
    figures: Table
    sentences: list[str]
    ranges: Table
    cpu: Table


def section(access: Access) -> dict[str, Any]:
    """Return what the template needs for the section on formats."""
    return {
        "access": access,
        "access_rounds": counted(access),
        "wins": wins(access),
        "level_is": _LEVEL_IS,
        "parts": [_of_data(access, data) for data in access.records],
        "by_hand": Table(("family", "what it leaves to the programmer"), list(access.by_hand.items()), [1]),
        "access_command": shlex.join(access.command),
        "access_facts": facts(access),
    }


def _of_data(access: Access, data: str) -> Part:
    """Return what the page shows of some records."""
    found = rows(access, data)
    colours = {family: index for index, family in enumerate(dict.fromkeys(row.family for row in found))}
    sizes = [Bar(row.format, size_of(row.nbytes), [("size", row.nbytes / MIB, colours[row.family])]) for row in found]
    reads = [
        Strip(
            row.format,
            seconds(cost(row, "read")),
            colours[row.family],
            [Dot(one.seconds["read"], f"{row.format}, round {one.round}: {seconds(one.seconds['read'])}") for one in row.runs],
            cost(row, "read"),
        )
        for row in found
    ]
    head = ("format", *_STEP_HEADS)
    return Part(
        data,
        list(colours.items()),
        bars(f"Size of {data}", sizes, "MiB", lambda mib: size_of(mib * MIB)),
        strips(f"Reading all {data}", reads, "seconds to read all, as dicts; logarithmic", log=True),
        Table(_HEAD, [cells(row, _plain_of(found)) for row in found], [len(_HEAD) - 1]),
        sentences(found),
        Table(head, [(row.format, *(_span(row.seconds.get(step)) for step in _ALL_STEPS)) for row in found]),
        Table(head, [(row.format, *(milliseconds(row.cpu.get(step)) for step in _ALL_STEPS)) for row in found]),
    )


def _span(some: Spread | None) -> str:
    """A range, in milliseconds."""
    return f"{number(1000 * some.least)}–{number(1000 * some.most)}" if some else NONE


def facts(access: Access) -> list[tuple[str, str]]:
    """Return where and how it was measured, as names and values."""
    machine = access.machine
    return [
        ("made", access.created),
        ("input", ", ".join(access.inputs)),
        ("machine", f"{machine.host}, {machine.cpu}, {machine.cores} cores (id {machine.id})"),
        ("load before", NONE if machine.load_before is None else f"{machine.load_before:g}"),
        ("commit", access.commit or "not a git tree"),
        *access.versions.items(),
    ]
