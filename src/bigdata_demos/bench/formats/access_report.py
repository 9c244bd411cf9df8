"""Reports the figures of :mod:`.access` as text and as a section of the page, including what each format is best for."""

import shlex
from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import Any, Final, NamedTuple

from markupsafe import Markup

from ..report.parts import MIB, Table
from ..report.plots import Bar, Dot, Strip, bars, strips
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
"""The steps in which formats are compared. Reading as Arrow is not among them: only Parquet does it."""
SMALL: Final = 0.5
"""Formats of at most this size, relative to plain JSON lines, are also compared with each other."""
_LEVEL_IS: Final = "≈: level with another family, the rounds do not tell them apart"


class Row(NamedTuple):
    """A format's figures. ``seconds`` and ``cpu``: by step; those of a look-up are per record."""

    format: str
    family: str
    nbytes: int
    runs: Sequence[FormatRun]
    seconds: dict[str, Spread]
    cpu: dict[str, Spread]


def rows(access: Access, data: str) -> list[Row]:
    """Return the rows of all formats, in the order of the first round."""
    formats = dict.fromkeys(one.format for one in access.runs if one.data == data)
    result = []
    for name in formats:
        runs = [one for one in access.runs if (one.data, one.format) == (data, name)]
        seconds, cpu = _spreads(access, [one.seconds for one in runs]), _spreads(access, [one.cpu_seconds for one in runs])
        result.append(Row(name, runs[0].family, runs[0].nbytes, runs, seconds, cpu))
    return result


def _spreads(access: Access, figures: Sequence[Mapping[str, float]]) -> dict[str, Spread]:
    spreads = {}
    for step in _ALL_STEPS:
        each = access.lookups if step == "look-up" else 1
        if some := spread([one[step] / each for one in figures if step in one]):
            spreads[step] = some
    return spreads


def against(row: Row, other: Row, step: str) -> Interval | None:
    """Return the ratio of a format's time to another's, paired by round, or of their sizes."""
    if step == "size":
        return Interval(row.nbytes / other.nbytes, None, None)
    return ratio({one.round: one.seconds[step] for one in row.runs}, {one.round: one.seconds[step] for one in other.runs})


def cost(row: Row, step: str) -> float:
    """Return the median seconds of a step, or the size in bytes."""
    return row.nbytes if step == "size" else row.seconds[step].median


class Verdict(NamedTuple):
    """The best format in a step. ``rivals``: the best of each other family, with its ratio to ``best``."""

    best: Row
    rivals: list[tuple[Row, Interval]]

    @property
    def level(self) -> list[Row]:
        """The rivals that do not differ significantly from the best: the interval of their ratio includes 1."""
        return [row for row, some in self.rivals if some.low is not None and some.low <= 1]


def verdict(group: Sequence[Row], step: str) -> Verdict:
    """Determine the best format in a step."""
    best = min(group, key=lambda row: cost(row, step))
    rivals = []
    for family in dict.fromkeys(row.family for row in group if row.family != best.family):
        rival = min((row for row in group if row.family == family), key=lambda row: cost(row, step))
        if some := against(rival, best, step):
            rivals.append((rival, some))
    return Verdict(best, sorted(rivals, key=lambda one: one[1].middle))


def _plain_of(group: Sequence[Row]) -> Row:
    return next(row for row in group if row.format == PLAIN)


def _small_of(group: Sequence[Row]) -> list[Row]:
    return [row for row in group if row.nbytes <= SMALL * _plain_of(group).nbytes]


def sentences(group: Sequence[Row]) -> list[str]:
    """Summarize the figures in a sentence for each step, and the cost of a small file."""
    plain, size = _plain_of(group), verdict(group, "size")
    others = ", ".join(f"{row.format} {_percent(row, plain)}" for row, _ in size.rivals)
    said = [f"Smallest: {size.best.format}, {_percent(size.best, plain)} of plain JSON lines (of other families: {others})."]
    quickest = min(group, key=lambda row: cost(row, "write"))
    price = against(size.best, quickest, "write")
    if size.best is not quickest and price:
        said.append(f"It takes {number(price.middle)} times as long to write as {quickest.format}.")
    for step, words in _QUICKEST.items():
        judged = verdict(group, step)
        rest = [
            f"{row.format} is level with it" if row in judged.level else f"{row.format} takes {number(some.middle)} times as long"
            for row, some in judged.rivals
        ]
        said.append("; ".join([f"Quickest {words}: {judged.best.format} ({seconds(cost(judged.best, step))})", *rest]) + ".")
    if small := _small_of(group):
        best = [f"{SHORT[step]}: {verdict(small, step).best.format}" for step in _QUICKEST]
        said.append(f"The quickest of files of at most half the size of JSON lines: {'; '.join(best)}.")
    if arrow := [row for row in group if "arrow" in row.seconds]:
        row = min(arrow, key=lambda row: cost(row, "arrow"))
        made = median(one.seconds["read"] / one.seconds["arrow"] for one in row.runs)
        said.append(
            f"Left as Arrow, {row.format} is read in {seconds(cost(row, 'arrow'))}; dicts take {number(made)} times as long."
        )
    return said


def wins(access: Access) -> dict[str, str]:
    """Describe what each family is best for, or level with the best, among all files and among small ones."""
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
    """Determine the best of the chosen formats, by step and data."""
    compared = {data: chosen(rows(access, data)) for data in access.records}
    return {(step, data): verdict(group, step) for step in SHORT for data, group in compared.items() if group}


def _best_for(family: str, judged: dict[tuple[str, str], Verdict]) -> dict[tuple[str, str], str]:
    """Return the data's name for each step in which a family is best, with ≈ if it is level with another."""
    return {
        (step, data): f"≈{data}" if one.level else data
        for (step, data), one in judged.items()
        if family in {row.family for row in (one.best, *one.level)}
    }


def listed(best: dict[tuple[str, str], str]) -> str:
    """Format steps with the names of their data."""
    steps: dict[str, list[str]] = {}
    for (step, _), data in best.items():
        steps.setdefault(SHORT[step], []).append(data)
    return ", ".join(f"{step} ({', '.join(some)})" for step, some in steps.items())


def _percent(row: Row, plain: Row) -> str:
    return f"{number(100 * row.nbytes / plain.nbytes)} %"


def seconds(value: float) -> str:
    """Format a duration in seconds or milliseconds."""
    return f"{number(value)} s" if value >= 0.1 else f"{number(1000 * value)} ms"


def milliseconds(some: Spread | None) -> str:
    """Format a median without a unit."""
    return number(1000 * some.median) if some else NONE


def cells(row: Row, plain: Row) -> tuple[str, ...]:
    """Return a row's cells in the order of :data:`_HEAD`."""
    unstable = [step for step, some in row.seconds.items() if some.unstable]
    return (
        row.format,
        size_of(row.nbytes),
        _percent(row, plain),
        *(milliseconds(row.seconds.get(step)) for step in _ALL_STEPS),
        f"unstable: {', '.join(unstable)}" if unstable else "",
    )


def text(access: Access) -> str:
    """Format the report for a terminal."""
    lines: list[str] = []
    for data, records in access.records.items():
        group = rows(access, data)
        body = [cells(row, _plain_of(group)) for row in group]
        lines += [f"{data}: {number(records)} records, {counted(access)}", *aligned([_HEAD, *body])]
        lines += [f"unstable: {UNSTABLE_IS}"] if any(row[-1] for row in body) else []
        lines += [*sentences(group), ""]
    lines += [f"best for ({_LEVEL_IS})", *(f"{family}: {words}" for family, words in wins(access).items())]
    lines += [
        "",
        "what a newer schema leaves to the programmer",
        *(f"{family}: {words}" for family, words in access.by_hand.items()),
    ]
    return "\n".join(lines)


def counted(access: Access) -> str:
    """Format the number of rounds."""
    return f"{access.rounds} {'round' if access.rounds == 1 else 'rounds'}, medians"


class Part(NamedTuple):
    """The plots, tables and sentences of the page for some records."""

    data: str
    legend: list[tuple[str, int]]
    sizes: Callable[[], Markup]
    reads: Callable[[], Markup]
    figures: Table
    sentences: list[str]
    ranges: Table
    cpu: Table


def section(access: Access) -> dict[str, Any]:
    """Return the template's variables for the section on formats."""
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
    group = rows(access, data)
    colours = {family: index for index, family in enumerate(dict.fromkeys(row.family for row in group))}
    sizes = [Bar(row.format, size_of(row.nbytes), [(row.nbytes / MIB, colours[row.family])]) for row in group]
    reads = [
        Strip(
            row.format,
            seconds(cost(row, "read")),
            colours[row.family],
            [Dot(one.seconds["read"]) for one in row.runs],
            cost(row, "read"),
        )
        for row in group
    ]
    head = ("format", *_STEP_HEADS)
    return Part(
        data,
        list(colours.items()),
        bars(f"Size of {data}", sizes, "MiB"),
        strips(f"Reading all {data}", reads, "seconds to read all, as dicts; logarithmic", log=True),
        Table(_HEAD, [cells(row, _plain_of(group)) for row in group], [len(_HEAD) - 1]),
        sentences(group),
        Table(head, [(row.format, *(_span(row.seconds.get(step)) for step in _ALL_STEPS)) for row in group]),
        Table(head, [(row.format, *(milliseconds(row.cpu.get(step)) for step in _ALL_STEPS)) for row in group]),
    )


def _span(some: Spread | None) -> str:
    """Format a range in milliseconds."""
    return f"{number(1000 * some.least)}–{number(1000 * some.most)}" if some else NONE


def facts(access: Access) -> list[tuple[str, str]]:
    """Return the environment of the benchmark as names and values."""
    machine = access.machine
    return [
        ("made", access.created),
        ("input", ", ".join(access.inputs)),
        ("machine", f"{machine.host}, {machine.cpu}, {machine.cores} cores (id {machine.id})"),
        ("load before", NONE if machine.load_before is None else f"{machine.load_before:g}"),
        ("commit", access.commit or "not a git tree"),
        *access.versions.items(),
    ]
