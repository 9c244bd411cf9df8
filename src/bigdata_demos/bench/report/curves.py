"""The page's sections on growth: speed-up by workers, cost by size."""

import math
from collections.abc import Sequence

from ..engines.contestants import label
from ..results import CONTROL, PEER, PEERS_CONTROL, Results
from ..statistics import Spread, spread
from .parts import Panel, Section, Table, by_size, colour, dot, short
from .plots import Series, lines
from .summary import Line, costs, overtakings, speedups
from .table import NONE, corpus, interval, number, overtaken, told


def speedup_section(results: Results) -> Section:
    """Speed-up by workers."""

    def make(size: int) -> Panel:
        measured = [line for line in speedups(results, size) if line.work]
        engines = [line for line in measured if line.kind != PEER]
        if not engines:
            return Panel(note="No engine finished beside the control.")
        workers = sorted({number_of for line in engines for number_of in line.work})
        series = [
            Series("as many times as workers", 0, [(float(n), float(n)) for n in (workers[0], workers[-1])], dashed=True),
            *(_series_of(results, size, line) for line in engines),
        ]
        plot = lines(
            f"Speed-up by workers, {corpus(results, size)}",
            series,
            ("workers", "times as fast as serial, start-up apart"),
            log=False,
            ticks=[float(n) for n in workers],
        )
        shown = [("workers-fold (dashed)", 0), *((one.name, one.colour) for one in series[1:])]
        body = [
            (label((line.name, n, line.cluster)), interval(line.work[n]), interval(line.total.get(n)))
            for line in measured
            for n in line.work
        ]
        beside = Table(("contestant", "start-up apart (95 %)", "start-up included"), body)
        return Panel(plot, beside, shown)

    words = (
        "How many times faster than one thread: engines than serial, peers than wordcount (in the table only). Start-up apart "
        "is what a long job comes to."
    )
    return "Speed-up by workers", words, by_size(results, make)


def _series_of(results: Results, size: int, line: Line) -> Series:
    """Return an engine's speed-ups, with a dot for each run."""
    control = {one.round: one.work for one in results.runs if one.contestant == CONTROL and one.size == size and one.counts}
    dots = []
    for one in results.runs:
        base = control.get(one.round)
        if (one.contestant, one.cluster, one.size) == (line.name, line.cluster, size) and one.counts and one.work and base:
            dots.append((float(one.workers), dot(one, base / one.work)))
    name = short((line.name, 0, line.cluster)).replace(" ×0", "")
    return Series(
        name, colour(results, (line.name, 0, line.cluster)), [(float(n), s.middle) for n, s in sorted(line.work.items())], dots
    )


def cost_section(results: Results) -> Section:
    """Cost by size, COST, and where one thread is overtaken."""
    pages = {size: float(results.job(size).pages or 0) for size in results.sizes if results.job(size).pages}
    series: list[Series] = []
    body: list[tuple[str, ...]] = []
    for key in results.contestants():
        good = [one for one in results.runs if one.key == key and one.counts and one.size in pages]
        medians = {size: spread([one.seconds for one in good if one.size == size]) for size in pages}
        points = [(pages[size], some.median) for size, some in medians.items() if some]
        if points:
            peer = any(one.kind == PEER for one in good)
            if not peer or key[0] == PEERS_CONTROL:
                dots = [(pages[one.size], dot(one, one.seconds)) for one in good]
                series.append(Series(short(key), len(series) % 11, points, dots, dashed=peer))
            body.append(
                (label(key), *(number(some.median) if some else NONE for some in medians.values()), growth(medians, pages))
            )
    said = [f"COST, {number(pages.get(size))} pages: {told(one)}" for size in results.sizes for one in costs(results, size)]
    words = (
        "Medians over the number of pages, both axes logarithmic; of the peers wordcount, dashed. A ring is where an engine "
        "overtakes one thread, between two sizes that were measured. COST: the smallest number of workers that beats one "
        "thread, start-up included."
    )
    if not series:
        return "Cost by size, and COST", words, [("", Panel(note="No run counts."))]
    crossings = overtakings(results)
    if len(pages) > 1:
        said += [f"overtakes one thread: {overtaken(one)}" for one in crossings]
    base = next((one.points for one in series if one.name == CONTROL), [])
    rings = [(one.pages, between(base, one.pages)) for one in crossings if one.pages and one.crossed and base]
    units = ("pages", "seconds, start-up included")
    plot = lines("Seconds by pages", series, units, log=True, ticks=sorted(set(pages.values())), rings=rings)
    head = ("contestant", *(f"{number(count)} pages" for count in pages.values()), "growth")
    shown = list({one.name: one.colour for one in series}.items())
    return "Cost by size, and COST", words, [("", Panel(plot, Table(head, body), shown, said))]


def growth(medians: dict[int, Spread | None], pages: dict[int, float]) -> str:
    """Format the growth of time with the number of pages."""
    there = [(pages[size], some.median) for size, some in medians.items() if some]
    if len(there) < 2:
        return NONE
    return f"×{there[-1][1] / there[0][1]:.2f} for ×{there[-1][0] / there[0][0]:.3g}"


def between(points: Sequence[tuple[float, float]], across: float) -> float:
    """Interpolate a line at ``across``, on logarithmic scales."""
    before = max((point for point in points if point[0] <= across), default=points[0])
    after = min((point for point in points if point[0] >= across), default=points[-1])
    if before[0] == after[0]:
        return before[1]
    part = math.log(across / before[0]) / math.log(after[0] / before[0])
    return math.exp(math.log(before[1]) + part * math.log(after[1] / before[1]))
