"""The page's sections on CPU seconds, memory and shuffled bytes."""

from collections.abc import Callable
from typing import NamedTuple

from ..results import Results, Run
from ..statistics import Spread, spread
from .parts import MIB, Panel, Section, Table, by_size, colour, dot, short
from .plots import Bar, Strip, bars, strips
from .summary import Row, rows
from .table import NONE, corpus, number, range_of, size_of


class Resource(NamedTuple):
    """``name``: the field of :class:`..results.Run`. ``figure``: its value in ``unit``. ``grows``: with the number of pages."""

    title: str
    words: str
    unit: str
    name: str
    figure: Callable[[Run], float | None]
    grows: bool


CPU = Resource(
    "CPU seconds",
    "User and system, of all processes that the run started, and of the containers of a compose cluster, also while they "
    "waited. What is "
    "beyond serial's is the engine's own.",
    "CPU s",
    "cpu_seconds",
    lambda one: one.cpu_seconds,
    grows=True,
)
MEMORY = Resource(
    "Peak memory",
    "The largest sum over all processes of the run at one time, sampled ten times a second, or less where sampling costs much; "
    "pages that processes share are "
    "divided among them (PSS). With a compose cluster its containers are in it, idle ones too.",
    "MiB",
    "peak_memory_bytes",
    lambda one: None if one.peak_memory_bytes is None else one.peak_memory_bytes / MIB,
    grows=False,
)


def resource_section(results: Results, resource: Resource) -> Section:
    """Return a section with a dot per run, and the reasons why figures are missing."""
    title, words, unit, name, figure, grows = resource

    def make(size: int) -> Panel:
        drawn, body = [], []
        for row in rows(results, size):
            values = [(one, value) for one in row.good if (value := figure(one)) is not None]
            some = spread([value for _, value in values])
            dots = [dot(one, value) for one, value in values]
            shown = f"{number(some.median)} {unit}" if some else NONE
            if some:
                drawn.append(Strip(short(row.key), shown, colour(results, row.key), dots, some.median))
            reason = row.unmeasured(name) if row.good else "failed"
            body.append(
                (row.label, range_of(some), _per_page(row, some) if grows else "", "" if some else f"not measured: {reason}")
            )
        plot = strips(f"{title}, {corpus(results, size)}", drawn, unit) if drawn else None
        return Panel(
            plot,
            Table(("contestant", f"{unit} (range)", "per 1,000 pages" if grows else "", ""), body, [3]),
            note="Nothing was measured.",
        )

    return title, words, by_size(results, make)


def _per_page(row: Row, some: Spread | None) -> str:
    """Format a resource per 1,000 pages."""
    pages = next((one.pages for one in row.good if one.pages), None)
    return number(some.median / pages * 1000) if some and pages else NONE


def shuffle_section(results: Results) -> Section:
    """Return the section on shuffled bytes."""
    names = list(dict.fromkeys(name for one in results.runs for name in one.shuffle or ()))

    def make(size: int) -> Panel:
        finished = [row for row in rows(results, size) if row.good]
        drawn, body = [], []
        for row in finished:
            sizes = row.shuffles()
            if sizes:
                parts = [(nbytes / MIB, names.index(name) % 10 + 1) for name, nbytes in sizes.items()]
                drawn.append(Bar(short(row.key), size_of(sum(sizes.values())), parts))
            reason = "" if sizes else f"not measured: {row.unmeasured('shuffle')}"
            body.append((row.label, *(size_of(sizes.get(name)) for name in names), reason))
        plot = bars(f"Bytes shuffled and kept, {corpus(results, size)}", drawn, "MiB") if drawn else None
        shown = [(name, index % 10 + 1) for index, name in enumerate(names)]
        return Panel(plot, Table(("contestant", *names, ""), body, [len(names) + 1]), shown)

    words = (
        "What the job hands to its engine, as each manifest counts it: frequencies and postings are shuffled; kept is what "
        "waits between the passes; broadcast is the table that all workers get. Not what an engine adds on the wire."
    )
    return "Bytes shuffled", words, by_size(results, make)
