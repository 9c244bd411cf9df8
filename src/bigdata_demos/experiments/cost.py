"""The job runs on one thread, and on several workers of each engine: from how many pages on is an engine worth its cost?

Frank McSherry and others asked this of systems for graphs in 2015 (*Scalability! But at what COST?*, HotOS). COST is the
Configuration that Outperforms a Single Thread: the number of cores with which a system is first faster than a good program on
one. Some published systems never were, although they scaled well: they had made parallel what was slow to begin with.

Here the number of workers is fixed, and the amount of data grows. An engine has costs that do not depend on it: it starts
processes, connects to them, and plans tasks. The job itself then takes less time by at most the number of workers. All engines
run the same functions for a page (``keywords/job.py``), so what differs is their own share.
"""

import time
from typing import Final

import numpy as np

from ..corpus import synthetic
from ..corpus.writers import open_output
from ..keywords import open_session, run
from . import Outcome, Setting

WATCH = (
    "the start-up, which is the same for few and for many pages, and the seconds per 1,000 pages, which have to be lower than "
    "those of one thread for an engine ever to catch up. All times are those of this machine, and differ by some percent from "
    "run to run."
)
PAGES = (
    "Spark's page of jobs: the event timeline begins when the application does, and shows how long the executors took to be "
    "added. For this job, `bigdata-demos bench` measures the same with repetitions, for more numbers of workers."
)
LARGER = (
    "starting takes longer, up to a minute where YARN or Kubernetes must first find room. As a calculation with a start of 60 "
    "s: 100 machines with 16 cores beat one thread if the work takes that thread more than 60 s, and they beat one machine with "
    "16 cores if it takes that machine more than 61 s."
)
ENGINES: Final = ("serial", "asyncio", "dask", "spark")


def line(pages: list[int], seconds: list[float]) -> tuple[float, float]:
    """Return the fixed seconds, and the seconds per page, of the straight line through some runs (least squares)."""
    slope, fixed = np.polyfit(pages, seconds, 1)
    return float(fixed), float(slope)


def break_even(serial: tuple[float, float], engine: tuple[float, float]) -> float | None:
    """Return the number of pages from which on an engine's line is below that of one thread, None if it never is."""
    gained = serial[1] - engine[1]  # seconds for each page
    return max((engine[0] - serial[0]) / gained, 0) if gained > 0 else None


def measure(setting: Setting) -> Outcome:
    """Run the job at three sizes on each engine."""
    sizes = [20, 40, 60] if setting.quick else [1_000, 3_000, 10_000]
    paths = []
    for size in sizes:
        paths.append(str(setting.directory / f"{size}.warc.gz"))
        with open_output(paths[-1]) as output:
            for page in synthetic.pages(size, seed=1):
                output.write(page)
    startup, total = dict[str, float](), dict[str, list[float]]()
    digests: dict[int, set[str]] = {size: set() for size in sizes}
    for engine in ENGINES:
        start = time.perf_counter()
        with open_session(engine, workers=1 if engine == "serial" else setting.workers) as session:
            startup[engine], total[engine] = time.perf_counter() - start, []
            for size, path in zip(sizes, paths, strict=True):
                setting.say(f"{engine}, {size:,} pages")
                result = run([path], engine=session)
                total[engine].append(startup[engine] + result.seconds)
                digests[size].add(result.digest)
    lines = {engine: line(sizes, total[engine]) for engine in ENGINES}
    rows: list[tuple[str | float, ...]] = []
    told = []
    for engine in ENGINES:
        slower = [size for size, *both in zip(sizes, total[engine], total["serial"], strict=True) if both[0] >= both[1]]
        faster = next((size for size in sizes if size > max(slower, default=0)), None)
        calculated = break_even(lines["serial"], lines[engine])
        crossing = "–" if engine == "serial" else "never" if calculated is None else f"{calculated:,.0f} pages"
        if engine != "serial":
            told.append(f"{engine} {f'from {faster:,} pages on' if faster else 'at none of these sizes'}")
        rows.append((engine, startup[engine], *total[engine], 1000 * lines[engine][1], crossing))
    return Outcome(
        data=f"{', '.join(f'{size:,}' for size in sizes)} synthetic pages, with {setting.workers} workers (serial: one thread)",
        head=("", "start-up, s", *(f"{size:,} pages, s" for size in sizes), "s per 1,000 (line)", "faster from (line)"),
        rows=rows,
        bars=startup,
        unit="s of start-up",
        finding=(
            f"With {setting.workers} workers, as measured, these were faster than one thread: {', '.join(told)}; a start took "
            f"{', '.join(f'{startup[engine]:.1f} s ({engine})' for engine in ENGINES[1:])}."
        ),
        holds=all(len(some) == 1 for some in digests.values()) and min(startup, key=lambda engine: startup[engine]) == "serial",
        counts={f"digests of {size} pages": len(some) for size, some in digests.items()},
    )
