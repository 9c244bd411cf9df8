"""The figures of a benchmark, as its table and its page show them: all made from the raw runs, each time anew."""

import statistics
from collections.abc import Callable, Sequence
from typing import NamedTuple

from ..engines.contestants import label
from ..results import CONTROL, ENGINE, PEER, PEERS_CONTROL, Results, Run
from ..statistics import Interval, Spread, cost, crossover, ratio, spread

Key = tuple[str, int, str]


class Row(NamedTuple):
    """A contestant at one size. ``runs``: all; the figures are of those that count. ``ratio``: its seconds by the control's."""

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
        """Its name."""
        return label(self.key)

    @property
    def good(self) -> list[Run]:
        """The runs that count."""
        return [one for one in self.runs if one.counts]

    @property
    def errors(self) -> list[str]:
        """Why runs failed, each reason once."""
        return list(dict.fromkeys(one.error for one in self.runs if one.error is not None))

    @property
    def unstable(self) -> bool:
        """Whether its times are too far apart to be one figure."""
        return self.seconds is not None and self.seconds.unstable

    def unmeasured(self, figure: str) -> str:
        """Why a figure is not there."""
        reasons = [one.unmeasured[figure] for one in self.runs if figure in one.unmeasured]
        return reasons[0] if reasons else ""

    def phases(self) -> dict[str, float]:
        """The median seconds of each phase, in order."""
        names = dict.fromkeys(name for one in self.good for name in one.phases)
        return {name: statistics.median(one.phases.get(name, 0.0) for one in self.good) for name in names}

    def shuffles(self) -> dict[str, float]:
        """The median bytes of each kind that was moved or kept."""
        moved = [one.shuffle for one in self.good if one.shuffle is not None]
        names = dict.fromkeys(name for some in moved for name in some)
        return {name: statistics.median(some.get(name, 0) for some in moved) for name in names}


def rows(results: Results, size: int) -> list[Row]:
    """All contestants at one size, the control first."""
    control = by_round(results, (CONTROL, 1, ""), size, seconds_of)
    return [row(results, key, size, control) for key in results.contestants()]


def row(results: Results, key: Key, size: int, control: dict[int, float]) -> Row:
    """One contestant at one size."""
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
    """Bytes that went from map to reduce: not what was kept where it was made, nor what all workers got."""
    return None if one.shuffle is None else sum(size for name, size in one.shuffle.items() if name not in {"kept", "broadcast"})


def median(values: Sequence[float | None]) -> float | None:
    """The median of what is there."""
    there = [value for value in values if value is not None]
    return statistics.median(there) if there else None


def seconds_of(one: Run) -> float | None:
    """Wall seconds, start-up included."""
    return one.seconds


def _work_of(one: Run) -> float | None:
    """Seconds of the job itself, start-up apart."""
    return one.work


def by_round(results: Results, key: Key, size: int, figure: Callable[[Run], float | None]) -> dict[int, float]:
    """A contestant's figure in each round that counts."""
    found = {one.round: figure(one) for one in results.runs if one.key == key and one.size == size and one.counts}
    return {number: value for number, value in found.items() if value}


class Line(NamedTuple):
    """A contestant over its numbers of workers. ``work`` and ``total``: speed-up, start-up apart and included."""

    name: str
    cluster: str
    kind: str
    work: dict[int, Interval]
    total: dict[int, Interval]


def speedups(results: Results, size: int) -> list[Line]:
    """How many times faster than one thread each is, by workers: engines than the control, peers than ``wordcount``."""
    lines: dict[tuple[str, str], Line] = {}
    for key in results.contestants():
        name, workers, cluster = key
        kind = next(one.kind for one in results.runs if one.key == key)
        control = (CONTROL if kind == ENGINE else PEERS_CONTROL, 1, "")
        if key == control:
            continue
        line = lines.setdefault((name, cluster), Line(name, cluster, kind, {}, {}))
        for of, figure in ((line.work, _work_of), (line.total, seconds_of)):
            found = ratio(by_round(results, control, size, figure), by_round(results, key, size, figure))
            if found:
                of[workers] = found
    return [line for line in lines.values() if line.total]


class Cost(NamedTuple):
    """COST at a size: ``workers`` that beat one thread, None if none of ``tried`` did; ``sure``: the interval says so, too."""

    name: str
    cluster: str
    size: int
    workers: int | None
    tried: list[int]
    sure: bool


def costs(results: Results, size: int) -> list[Cost]:
    """COST of each engine, start-up included."""
    found = []
    for line in speedups(results, size):
        if line.kind == PEER:
            continue
        workers = cost({number: 1 / value.middle for number, value in line.total.items()})
        low = line.total[workers].low if workers else None
        found.append(Cost(line.name, line.cluster, size, workers, sorted(line.total), low is not None and low > 1))
    return found


class Overtaking(NamedTuple):
    """Where one thread is overtaken. ``pages`` None: not within what was measured; not ``crossed``: before the smallest size."""

    key: Key
    pages: float | None
    crossed: bool


def overtakings(results: Results) -> list[Overtaking]:
    """The crossover of each engine with each number of workers."""
    found = []
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
            found.append(Overtaking(key, where[0] if where else None, where is not None and where[1]))
    return found


def failed(results: Results) -> list[Run]:
    """The runs that failed, cold ones too."""
    return [one for one in results.runs if one.error is not None]
