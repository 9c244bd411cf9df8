"""Formats the figures for a terminal, and numbers for both terminal and page."""

from collections.abc import Sequence
from pathlib import Path

from ...keywords.engines import ENGINES
from ..engines.contestants import label
from ..results import ENGINE, Results
from ..statistics import UNSTABLE, Interval, Spread
from .summary import Cost, Overtaking, Row, costs, failed, overtakings, rows, speedups

NONE = "–"
UNSTABLE_IS = f"the slowest run took more than {UNSTABLE:g} times the fastest"
_HEAD = ("contestant", "seconds (range)", "pages/s", "× serial (95 %)", "start-up", "work", "CPU s", "peak", "shuffled")


def number(value: float | None, digits: int = 3) -> str:
    """Format with three significant digits (two below 0.1); whole numbers exactly."""
    if value is None:
        return NONE
    if abs(value) >= 10 ** (digits - 1) or value == int(value):
        return f"{value:,.0f}"
    return f"{value:#.{digits}g}" if abs(value) >= 0.0995 else f"{value:.2g}"


def size_of(nbytes: float | None) -> str:
    """Format a size in a suitable unit."""
    if nbytes is None:
        return NONE
    for unit in ("B", "KiB", "MiB"):
        if nbytes < 1000:
            return f"{number(nbytes)} {unit}"
        nbytes /= 1024
    return f"{number(nbytes)} GiB"


def inputs(results: Results) -> str:
    """Return the names of the inputs, without their directories."""
    return ", ".join(Path(name).name for name in results.inputs)


def corpus(results: Results, size: int) -> str:
    """Return the size, the number of pages and the names of the inputs."""
    named = f" of {inputs(results)}" if results.inputs else ""
    return f"size {size}: {number(results.job(size).pages)} pages{named}"


def range_of(some: Spread | None) -> str:
    """Format median and range."""
    return f"{number(some.median)} ({number(some.least)}–{number(some.most)})" if some else NONE


def interval(some: Interval | None) -> str:
    """Format a ratio and its interval."""
    if some is None:
        return NONE
    return f"{some.middle:.2f}" + (f" ({some.low:.2f}–{some.high:.2f})" if some.low is not None else "")


def flags(row: Row) -> str:
    """Return a row's warnings: failures and instability."""
    failures = sum(one.error is not None for one in row.runs)
    said = [f"FAILED {failures} of {len(row.runs)}"] if failures else []
    said += ["unstable"] if row.unstable else []
    return ", ".join(said)


def cells(row: Row) -> tuple[str, ...]:
    """Return a row's cells in the order of :data:`_HEAD`."""
    return (
        row.label,
        range_of(row.seconds),
        number(row.rate),
        interval(row.ratio),
        number(row.startup),
        number(row.work),
        number(row.cpu.median) if row.cpu else NONE,
        size_of(row.memory.median) if row.memory else NONE,
        size_of(row.shuffled.median) if row.shuffled else NONE,
    )


def aligned(lines: Sequence[Sequence[str]]) -> list[str]:
    """Align columns: the first to the left, the others to the right; the last (flags) is not padded."""
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]) - 1)]
    shown = []
    for first, *middle, last in lines:
        padded = [text.rjust(width) for text, width in zip(middle, widths[1:], strict=True)]
        shown.append("  ".join([first.ljust(widths[0]), *padded, last]).rstrip())
    return shown


def told(some: Cost) -> str:
    """Describe a COST."""
    name = some.name + (f" @ {some.cluster}" if some.cluster else "")
    tried = ", ".join(map(str, some.tried))
    if some.workers is None:
        return f"{name}: does not beat one thread with {tried} workers"
    doubt = "" if some.sure else " (within noise)"
    beats = "1 worker beats" if some.workers == 1 else f"{some.workers} workers beat"
    return f"{name}: {beats} one thread{doubt}; measured with {tried}"


def overtaken(some: Overtaking) -> str:
    """Describe a crossover."""
    if some.pages is None:
        return f"{label(some.key)}: not within what was measured"
    return f"{label(some.key)}: {'at about' if some.crossed else 'faster already at'} {number(some.pages)} pages"


def headline(results: Results) -> str:
    """Return the result in one or two sentences: the fastest engine at the largest size, and those that never paid off."""
    measured = {size: [line for line in speedups(results, size) if line.kind == ENGINE] for size in results.sizes}
    best = {
        (line.name, line.cluster): max((speedup.middle, workers) for workers, speedup in line.total.items())
        for line in measured[results.sizes[-1]]
    }
    if not best:
        return "No engine finished beside one thread." if results.runs else "No run has ended."
    pages = f"For {number(results.job(results.sizes[-1]).pages)} pages"
    (name, cluster), (most, workers) = max(best.items(), key=lambda item: item[1])
    if most <= 1:
        return f"{pages}, one thread is the fastest: no engine beats it, start-up included."
    fastest = f"{_in_prose(name, cluster)} with {workers} workers"
    said = f"{pages}, {fastest} is {most:.1f} times as fast as one thread, start-up included."
    never = [
        _in_prose(*key)
        for key in best
        if all(one.middle <= 1 for lines in measured.values() for line in lines if (line.name, line.cluster) == key
               for one in line.total.values())
    ]  # fmt: skip
    return f"{said} {' and '.join(never)} never beat{'s' if len(never) == 1 else ''} one thread here." if never else said


def _in_prose(name: str, cluster: str) -> str:
    title = ENGINES[name].title if name in ENGINES else name
    return f"{title} on a cluster" if cluster else title


def table(results: Results) -> str:
    """Format the tables of all sizes."""
    lines = [headline(results)]
    for size in results.sizes:
        job = results.job(size)
        lines += ["", f"{corpus(results, size)}, {size_of(job.input_bytes)} as stored, {job.digest or 'no digest'}"]
        lines += aligned([(*_HEAD, ""), *((*cells(row), flags(row)) for row in rows(results, size))])
        lines += [f"unstable: {UNSTABLE_IS}"] if any(row.unstable for row in rows(results, size)) else []
        lines += [f"COST {told(some)}" for some in costs(results, size)]
    lines += (
        ["", *(f"overtakes one thread: {overtaken(some)}" for some in overtakings(results))] if len(results.sizes) > 1 else []
    )
    lines += [""] if results.absent or results.notes else []
    lines += [f"{name}: {why}" for name, why in results.absent.items()]
    lines += [f"{name}: {note}" for name, note in results.notes.items()]
    for one in failed(results):
        lines.append(f"FAILED {label(one.key)}, size {one.size}, round {one.round}: {one.error}")
    return "\n".join(lines).lstrip("\n")
