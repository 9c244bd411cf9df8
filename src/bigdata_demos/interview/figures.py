"""The figures of the newest benchmark result of this machine; results of other machines are not shown."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

from ..bench import results, statistics
from ..errors import InputError, printable
from ..keywords.engines import ENGINES

COMMAND: Final = "bigdata-demos bench"
"""The command that measures them."""
_QUOTED_SECONDS: Final = 5  # shorter jobs of one thread are not quoted, because most of their time would be start-up
HEADS: Final = ("contestant", "seconds", "range", "runs", "ratio", "start-up", "cold")
"""The column heads of a table of figures (:func:`cells`)."""
LEGEND: Final = (
    "seconds: median, of the whole process, start-up included; range: of the runs, with ! where it is too wide to trust; "
    "ratio: to serial's seconds in the same round, less is quicker; cold: the first run, which is not among the others. "
    f"The answers quote the largest job that takes one thread at least {_QUOTED_SECONDS} seconds, and experiments that were not "
    "run with --quick"
)


@dataclass(frozen=True)
class Figure:
    """The figures of one contestant for one size of the job.

    ``seconds``: of the process, with start-up; None if no run counts. ``cold``: seconds of the first run, which is not
    included. ``ratio``: to the serial engine's seconds, the median over the rounds. ``startup``: median seconds, part of
    ``seconds``. ``runs`` is the number of runs, of which ``failed`` failed; ``error`` is that of the last failed one.
    """

    contestant: str
    kind: str
    workers: int
    cluster: str
    seconds: statistics.Spread | None
    cold: float | None
    ratio: float | None
    startup: float | None
    runs: int
    failed: int
    error: str | None


@dataclass(frozen=True)
class Table:
    """The figures of one size of the job."""

    size: int
    pages: int | None
    input_bytes: int | None
    figures: list[Figure]


@dataclass(frozen=True)
class Measured:
    """The newest result of this machine. ``command`` is the shell command that measured it.

    ``remarks``: which contestants did not run, and why; and how peers differ from the job.
    """

    path: str
    created: str
    command: str
    cpu: str
    cores: int
    tables: list[Table]
    remarks: list[str]


@dataclass(frozen=True)
class Selection:
    """The newest result of this machine, if there is one, and a line with the reason for each result that is not shown."""

    here: Measured | None
    left_out: list[str]


def find(place: str | None = None) -> Selection:
    """Find the results in a directory or a file, or below ``out/bench*``.

    Raises InputError if the place does not exist, or is a file without results.
    """
    here: list[tuple[str, str, results.Results]] = []
    left_out: list[str] = []
    for path in paths(place):
        try:
            loaded = results.load(path)
        except InputError as error:
            if place is not None and Path(place) == path:
                raise
            left_out.append(printable(str(error)))
            continue
        if loaded.machine.id == results.machine_id():
            here.append((loaded.created, str(path), loaded))
        else:
            left_out.append(printable(f"{path} was measured elsewhere, on {loaded.machine.host} ({moment(loaded.created)})"))
    if not here:
        return Selection(None, left_out)
    _, path_of_newest, newest = max(here, key=lambda one: one[:2])
    return Selection(measured(path_of_newest, newest), left_out)


def paths(place: str | None) -> list[Path]:
    """Return the files that may have results. Raises InputError if the place does not exist."""
    if place is None:
        return sorted(path for directory in Path("out").glob("bench*") for path in directory.rglob(results.FILE))
    if not Path(place).exists():
        raise InputError(f"`results={place}` does not exist: {COMMAND} makes it")
    return sorted(Path(place).rglob(results.FILE)) if Path(place).is_dir() else [Path(place)]


def measured(path: str, loaded: results.Results) -> Measured:
    """Return the figures of a result."""
    tables = []
    for size in loaded.sizes:
        job, runs = loaded.job(size), [one for one in loaded.runs if one.size == size]
        control = _by_round([one for one in runs if one.contestant == results.CONTROL])
        of_each = ([one for one in runs if one.key == key] for key in loaded.contestants())
        figures = [_figure(some, control) for some in of_each if some]
        tables.append(Table(size, job.pages, job.input_bytes, figures))
    remarks = [f"{name}: {note}" for name, note in loaded.notes.items()]
    remarks += [f"{name} did not run: {reason}" for name, reason in loaded.absent.items()]
    command, machine = printable(shlex.join(loaded.command)), loaded.machine
    remarks = [printable(remark) for remark in remarks]
    return Measured(path, moment(loaded.created), command, printable(machine.cpu), machine.cores, tables, remarks)


def _figure(runs: Sequence[results.Run], control: Mapping[int, float]) -> Figure:
    first, seconds = runs[0], _by_round(runs)
    startups = [one.startup for one in runs if one.counts and one.startup is not None]
    ratios = statistics.paired(seconds, control)
    errors = [one.error for one in runs if one.error is not None]
    return Figure(
        contestant=first.contestant,
        kind=first.kind,
        workers=first.workers,
        cluster=first.cluster,
        seconds=statistics.spread(list(seconds.values())),
        cold=next((one.seconds for one in runs if one.cold and one.error is None), None),
        ratio=median(ratios) if ratios else None,
        startup=median(startups) if startups else None,
        runs=len(runs),
        failed=len(errors),
        error=errors[-1] if errors else None,
    )


def _by_round(runs: Sequence[results.Run]) -> dict[int, float]:
    return {one.round: one.seconds for one in runs if one.counts}


def moment(created: str) -> str:
    """Format a point in time: ``2026-11-24 09:30 UTC``."""
    return printable(f"{created[:10]} {created[11:16]} UTC")


def sentence(here: Measured | None) -> str:
    """Return a sentence with the figures, ``""`` if there are none to quote.

    It quotes the largest job that took one thread at least :data:`_QUOTED_SECONDS`: the seconds of one thread, and those of the
    other engines with the number of workers that most of them ran with.
    """
    for table in reversed(here.tables if here else []):
        medians = {
            (one.workers, one.cluster, one.contestant): one.seconds.median
            for one in table.figures
            if one.kind == results.ENGINE and one.seconds
        }
        control = next((seconds for (*_, name), seconds in medians.items() if name == results.CONTROL), None)
        engines = [(workers, name) for workers, _, name in medians if name != results.CONTROL]
        if control is None or control < _QUOTED_SECONDS or not engines:
            continue
        workers = max({some for some, _ in engines}, key=lambda some: (len({name for n, name in engines if n == some}), some))
        quickest: dict[str, float] = {}
        for (some, _, name), seconds in medians.items():
            if name != results.CONTROL and some == workers:
                quickest[name] = min(seconds, quickest.get(name, seconds))
        each = [
            f"{ENGINES[name].title} {_in_words(quickest[name])}" for name in sorted(quickest, key=lambda name: quickest[name])
        ]
        listed = " and ".join([", ".join(each[:-1]), each[-1]]) if len(each) > 1 else each[0]
        many = f"{workers} workers" if workers > 1 else "one worker"
        return f"For {_corpus_size(table)} here, one thread took {_in_words(control)} seconds; with {many}, {listed}."
    return ""


def _corpus_size(table: Table) -> str:
    """Format the size of the job's input: ``3,200 pages (12 MB)``."""
    megabytes = (
        "" if table.input_bytes is None else f"{max(table.input_bytes / 1e6, 0.1):,.{0 if table.input_bytes >= 1e7 else 1}f} MB"
    )
    if table.pages is None:
        return megabytes or f"{table.size} × the input"
    return f"{table.pages:,} pages ({megabytes})" if megabytes else f"{table.pages:,} pages"


def title(table: Table) -> str:
    """Return the title of a table."""
    parts = [f"{table.size} × the input"]
    if table.pages is not None:
        parts.append(f"{table.pages:,} pages")
    if table.input_bytes is not None:
        parts.append(f"{table.input_bytes / 1e6:,.1f} MB")
    return ", ".join(parts)


def cells(one: Figure) -> tuple[str, ...]:
    """Return a row of a table, by :data:`HEADS`."""
    name = f"{one.contestant} × {one.workers}" if one.contestant != results.CONTROL else one.contestant
    where = f" @ {one.cluster.partition('://')[2] or one.cluster}" if one.cluster else ""
    spread = one.seconds
    return (
        printable(name + where),
        "–" if spread is None else _digits(spread.median),
        "–" if spread is None else f"{_digits(spread.least)}–{_digits(spread.most)}{'!' if spread.unstable else ''}",
        str(spread.number if spread else 0),
        "–" if one.ratio is None else f"{one.ratio:.2f}",
        "–" if one.startup is None else _digits(one.startup),
        "–" if one.cold is None else _digits(one.cold),
    )


def _digits(seconds: float) -> str:
    return f"{seconds:.1f}" if seconds >= 9.995 else f"{seconds:.2f}"


def failure(one: Figure) -> str:
    """Describe the failed runs; ``""`` if there are none."""
    return printable(f"failed {one.failed} of {one.runs}: {one.error}") if one.failed else ""


def _in_words(seconds: float) -> str:
    """Format seconds for speaking, with at most three digits."""
    return f"{seconds:.0f}" if seconds >= 9.95 else f"{seconds:.1f}"
