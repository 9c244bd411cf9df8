"""Computes the figures for the table and the page from the raw runs."""

import statistics
from collections.abc import Callable, Sequence
from typing import NamedTuple

from ..engines.contestants import label
from ..results import CONTROL, ENGINE, PEER, PEERS_CONTROL, Results, Run
from ..statistics import Interval, Spread, cost, crossover, ratio, spread

Key = tuple[str, int, str]


class Row(NamedTuple):
    """A contestant at one size. ``runs``: all of them; figures cover those that count. ``ratio``: to the control's seconds."""

    key: Key
    kind: str
    runs: Sequence[Run]
    seconds: Spread | None
    rate: float | None
    ratio: Interval | None
    startup: float | None
    work: float | None
    cpu: Spread | None
    memory: Spread | None
    shuffled: Spread | None

    @property
    def label(self) -> str:
        """The contestant's name."""
        return label(self.key)

    @property
    def good(self) -> list[Run]:
        """The runs that count."""
        return [one for one in self.runs if one.counts]

    @property
    def errors(self) -> list[str]:
        """The distinct errors of failed runs."""
        return list(dict.fromkeys(one.error for one in self.runs if one.error is not None))

    @property
    def unstable(self) -> bool:
        """Whether the times vary too much."""
        return self.seconds is not None and self.seconds.unstable

    def unmeasured(self, figure: str) -> str:
        """Return why a figure is missing, or an empty string."""
        reasons = [one.unmeasured[figure] for one in self.runs if figure in one.unmeasured]
        return reasons[0] if reasons else ""

    def phases(self) -> dict[str, float]:
        """Return the median seconds of each phase, in order."""
        names = dict.fromkeys(name for one in self.good for name in one.phases)
        return {name: statistics.median(one.phases.get(name, 0.0) for one in self.good) for name in names}

    def shuffles(self) -> dict[str, float]:
        """Return the median bytes of each kind of shuffle."""
        moved = [one.shuffle for one in self.good if one.shuffle is not None]
        names = dict.fromkeys(name for some in moved for name in some)
        return {name: statistics.median(some.get(name, 0) for some in moved) for name in names}


def rows(results: Results, size: int) -> list[Row]:
    """Return the rows of all contestants, the control first."""
    control = by_round(results, (CONTROL, 1, ""), size, seconds_of)
    return [row(results, key, size, control) for key in results.contestants()]


def row(results: Results, key: Key, size: int, control: dict[int, float]) -> Row:
    """Return the row of a contestant at one size."""
    runs = [one for one in results.runs if one.key == key and one.size == size]
    good = [one for one in runs if one.counts]
    seconds = spread([one.seconds for one in good])
    pages = [one.pages for one in good if one.pages]
    return Row(
        key,
        next(one.kind for one in results.runs if one.key == key),
        runs,
        seconds,
        pages[0] / seconds.median if pages and seconds else None,
        ratio({one.round: one.seconds for one in good}, control),
        median([one.startup for one in good]),
        median([one.work for one in good]),
        spread([one.cpu_seconds for one in good if one.cpu_seconds is not None]),
        spread([one.peak_memory_bytes for one in good if one.peak_memory_bytes is not None]),
        spread([moved for one in good if (moved := shuffled(one)) is not None]),
    )


def shuffled(one: Run) -> int | None:
    """Return the bytes moved from map to reduce, without cached (``kept``) and broadcast data."""
    return None if one.shuffle is None else sum(size for name, size in one.shuffle.items() if name not in {"kept", "broadcast"})


def median(values: Sequence[float | None]) -> float | None:
    """Return the median of the values that are not None."""
    there = [value for value in values if value is not None]
    return statistics.median(there) if there else None


def seconds_of(one: Run) -> float | None:
    """Return wall seconds, including start-up."""
    return one.seconds


def _work_of(one: Run) -> float | None:
    return one.work


def by_round(results: Results, key: Key, size: int, figure: Callable[[Run], float | None]) -> dict[int, float]:
    """Return a contestant's figure by round, for the runs that count."""
    figures = {one.round: figure(one) for one in results.runs if one.key == key and one.size == size and one.counts}
    return {number: value for number, value in figures.items() if value}


class Line(NamedTuple):
    """Speed-ups by number of workers, without (``work``) and with start-up (``total``)."""

    name: str
    cluster: str
    kind: str
    work: dict[int, Interval]
    total: dict[int, Interval]


def speedups(results: Results, size: int) -> list[Line]:
    """Return speed-ups over one thread: of engines over ``serial``, of peers over ``wordcount``."""
    lines: dict[tuple[str, str], Line] = {}
    for key in results.contestants():
        name, workers, cluster = key
        kind = next(one.kind for one in results.runs if one.key == key)
        control = (CONTROL if kind == ENGINE else PEERS_CONTROL, 1, "")
        if key == control:
            continue
        line = lines.setdefault((name, cluster), Line(name, cluster, kind, {}, {}))
        for of, figure in ((line.work, _work_of), (line.total, seconds_of)):
            if speedup := ratio(by_round(results, control, size, figure), by_round(results, key, size, figure)):
                of[workers] = speedup
    return [line for line in lines.values() if line.total]


class Cost(NamedTuple):
    """COST at a size: ``workers`` is None if none of ``tried`` beats one thread. ``sure``: the whole interval is above 1."""

    name: str
    cluster: str
    size: int
    workers: int | None
    tried: list[int]
    sure: bool


def costs(results: Results, size: int) -> list[Cost]:
    """Return the COST of each engine, including start-up."""
    result = []
    for line in speedups(results, size):
        if line.kind == PEER:
            continue
        workers = cost({number: 1 / value.middle for number, value in line.total.items()})
        low = line.total[workers].low if workers else None
        result.append(Cost(line.name, line.cluster, size, workers, sorted(line.total), low is not None and low > 1))
    return result


class Overtaking(NamedTuple):
    """A crossover. ``pages``: None if beyond the measured sizes. ``crossed``: False if below the smallest size."""

    key: Key
    pages: float | None
    crossed: bool


def overtakings(results: Results) -> list[Overtaking]:
    """Return the crossover of each engine and number of workers."""
    result = []
    for key in results.contestants():
        if key[0] == CONTROL or any(one.key == key and one.kind == PEER for one in results.runs):
            continue
        ratios = {}
        for size in results.sizes:
            pair = ratio(by_round(results, key, size, seconds_of), by_round(results, (CONTROL, 1, ""), size, seconds_of))
            if pair and results.job(size).pages:
                ratios[float(results.job(size).pages or 0)] = pair.middle
        where = crossover(ratios)
        if ratios:
            result.append(Overtaking(key, where[0] if where else None, where is not None and where[1]))
    return result


def failed(results: Results) -> list[Run]:
    """Return the failed runs, including cold ones."""
    return [one for one in results.runs if one.error is not None]
