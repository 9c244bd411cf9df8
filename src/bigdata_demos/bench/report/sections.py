"""The page's sections on time, each with a plot, a table of the same figures, and an explanation."""

from collections.abc import Iterable
from typing import Final

from ..results import CONTROL, ENGINE, Results
from .parts import Panel, Section, Table, by_size, colour, dot, short
from .plots import Bar, Strip, bars, strips
from .summary import by_round, rows, seconds_of
from .table import NONE, corpus, flags, interval, number, range_of

_WIDE: Final = 10  # times with a larger ratio get a logarithmic axis, to keep short ones distinguishable


def faster(results: Results) -> Panel | None:
    """Return the plot of how many times faster than one thread each engine is at the largest size, the fastest first."""
    if not results.runs:
        return None
    size = results.sizes[-1]
    control = by_round(results, (CONTROL, 1, ""), size, seconds_of)
    plotted = []
    for row in rows(results, size):
        if row.kind == ENGINE and row.ratio and row.key[0] != CONTROL:
            dots = [dot(one, control[one.round] / one.seconds) for one in row.good if one.round in control]
            middle, low, high = row.ratio
            ends = (1 / high, 1 / low) if low and high else (None, None)
            plotted.append(Strip(short(row.key), f"{1 / middle:.2f} ×", colour(results, row.key), dots, 1 / middle, *ends))
    if not plotted:
        return None
    plotted.sort(key=lambda strip: -(strip.middle or 0))
    unit = "times as fast as one thread, start-up included"
    words = (
        f"{corpus(results, size)}. Right of the line is faster than one thread. A dot is a run, compared with one thread's of "
        "the same round; the tick is the median, and the band its 95 % bootstrap interval."
    )
    return Panel(strips(f"Times as fast as one thread, {corpus(results, size)}", plotted, unit, reference=1), note=words)


def time_section(results: Results) -> Section:
    """Time and pages a second, every run as a dot."""

    def make(size: int) -> Panel:
        shown_rows = rows(results, size)
        plotted = [
            Strip(
                short(row.key),
                f"{number(row.seconds.median)} s" if row.seconds else "failed" if row.errors else NONE,
                colour(results, row.key),
                [dot(one, one.seconds) for one in row.runs],
                row.seconds.median if row.seconds else None,
            )
            for row in shown_rows
        ]
        body = [(row.label, range_of(row.seconds), number(row.rate), str(len(row.good)), flags(row)) for row in shown_rows]
        taken = [one.seconds for row in shown_rows for one in row.runs]
        wide = max(taken, default=1) > _WIDE * min(taken, default=1)
        unit = f"seconds, start-up included{', logarithmic' if wide else ''}"
        plot = strips(f"Seconds of each run, {corpus(results, size)}", plotted, unit, log=wide)
        return Panel(plot, Table(("contestant", "seconds (range)", "pages/s", "runs", ""), body, [4]))

    words = (
        "Wall clock around the whole process. A dot is a run, the line their median. Hollow: the cold first round, "
        "which no figure counts. ✕: failed, or gave another answer."
    )
    return "Time, and pages a second", words, by_size(results, make)


def ratio_section(results: Results) -> Section:
    """Ratio to serial, by round."""

    def make(size: int) -> Panel:
        control = by_round(results, (CONTROL, 1, ""), size, seconds_of)
        shown_rows = [row for row in rows(results, size) if row.ratio and row.key[0] != CONTROL]
        if not shown_rows:
            return Panel(note="There is no round in which both the control and another one finished.")
        plotted = []
        for row in shown_rows:
            dots = [dot(one, one.seconds / control[one.round]) for one in row.good if control.get(one.round)]
            some = row.ratio
            assert some is not None
            plotted.append(Strip(short(row.key), f"{some.middle:.2f}", colour(results, row.key), dots, *some))
        plot = strips(
            f"Time by that of serial, {corpus(results, size)}",
            plotted,
            "time ÷ serial's of the same round",
            log=True,
            reference=1,
        )
        return Panel(plot, Table(("contestant", "× serial (95 %)"), [(row.label, interval(row.ratio)) for row in shown_rows]))

    words = (
        "Left of the line is faster than one thread. Each dot compares two runs of the same round; the band is the 95 % "
        "bootstrap interval of their median. Peers do less than the job: see below."
    )
    return "Ratio to serial", words, by_size(results, make)


def startup_section(results: Results) -> Section:
    """Start-up against work."""

    def make(size: int) -> Panel:
        shown_rows = [row for row in rows(results, size) if row.seconds]
        drawn, body = [], []
        for row in shown_rows:
            assert row.seconds is not None
            known = row.startup is not None and row.work is not None
            startup, work = (row.startup or 0.0, row.work or 0.0) if known else (0.0, 0.0)
            rest = max(row.seconds.median - startup - work, 0.0)
            drawn.append(
                Bar(
                    short(row.key),
                    f"{number(row.seconds.median)} s",
                    [(startup, 2), (work, 1), (rest, 0)],
                )
            )
            share = f"{100 * startup / row.seconds.median:.0f} %" if known else row.unmeasured("startup") or NONE
            body.append((row.label, number(row.startup), number(row.work), number(rest) if known else NONE, share))
        plot = bars(f"Start-up and work, {corpus(results, size)}", drawn, "seconds, medians")
        shown = [("start-up", 2), ("work", 1), ("end", 0)]
        return Panel(plot, Table(("contestant", "start-up", "work", "end", "start-up of all"), body), shown)

    words = (
        "Start-up: from the creation of the process until every worker has what the job needs. End: stopping what was started, "
        "committing the result, printing."
    )
    return "Start-up against work", words, by_size(results, make)


_ORDER: Final = (
    *("plan", "start", "put", "launch", "extract", "map", "shuffle", "merge", "score", "index"),
    *("count", "check", "stop", "finish"),
)  # other phases come before the last two


def _in_order(names: Iterable[str]) -> dict[str, int]:
    """Return the colour of each phase, in order; the last phase is grey."""
    known = sorted(set(names), key=lambda name: (_ORDER.index(name) if name in _ORDER else len(_ORDER) - 2.5, name))
    return {name: 0 if name == _ORDER[-1] else index % 10 + 1 for index, name in enumerate(known)}


def stage_section(results: Results) -> Section:
    """Where the time goes, by phase."""
    names = _in_order(name for size in results.sizes for row in rows(results, size) for name in row.phases())

    def make(size: int) -> Panel:
        shown_rows = [row for row in rows(results, size) if row.phases()]
        drawn = []
        for row in shown_rows:
            took = row.phases()
            parts = [(took[name], colour_of) for name, colour_of in names.items() if name in took]
            drawn.append(Bar(short(row.key), f"{number(sum(took.values()))} s", parts))
        body = [(row.label, *(number(row.phases().get(name)) for name in names)) for row in shown_rows]
        plot = bars(f"Seconds by phase, {corpus(results, size)}", drawn, "seconds, medians")
        return Panel(plot, Table(("contestant", *names), body), list(names.items()))

    words = (
        "As each run's manifest has it. plan: imports, and splits from names and sizes. start: the engine. map: read, parse, "
        "candidates; with the shuffle and the reduce of the first pass, where an engine cannot tell them apart. score: the "
        "second pass. index: its shuffle, reduce and write. finish: what the clock around the process saw after that. "
        "Hadoop's alone: put copies the input to HDFS; launch is the start of both jobs, until their own masters run; shuffle is "
        "that of both."
    )
    return "Stages", words, by_size(results, make)
