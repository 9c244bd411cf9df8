"""The job runs on one thread, and on 1, 2, 4 and more workers of each engine: when is an engine worth its cost?

Frank McSherry and others asked this of systems for graphs in 2015 (*Scalability! But at what COST?*, HotOS). COST is the
Configuration that Outperforms a Single Thread: the number of cores with which a system is first faster than a good program on
one. Some published systems never were, although they scaled well: they had made parallel what was slow to begin with.

It depends on the amount of data, because an engine has costs that do not depend on it: it starts processes, connects to them,
and plans tasks. The job itself then takes less time by at most the number of workers. All engines run the same functions for
a page (``keywords/job.py``), so what differs is their own share, which the rows with one worker show best.
"""

import time
from typing import Final

import numpy as np

from ..bench.statistics import cost
from ..corpus import synthetic
from ..corpus.writers import open_output
from ..keywords import open_session, run
from . import Outcome, Setting

WATCH = (
    "the start-up, which is the same for few and for many pages, and the seconds per 1,000 pages, which have to be lower than "
    "those of one thread for an engine ever to catch up. With one worker, they say what the engine itself takes. All times are "
    "those of this machine, and differ by some percent from run to run."
)
PAGES = (
    "Spark's page of jobs: the event timeline begins when the application does, and shows how long the executors took to be "
    "added. For this job, `bigdata-demos bench` measures the same with repetitions."
)
LARGER = (
    "starting takes longer, up to a minute where YARN or Kubernetes must first find room. As a calculation with a start of 60 "
    "s: 100 machines with 16 cores beat one thread if the work takes that thread more than 60 s, and they beat one machine with "
    "16 cores if it takes that machine more than 61 s."
)
SERIAL: Final = "serial"
ENGINES: Final = ("asyncio", "dask", "spark")


def line(pages: list[int], seconds: list[float]) -> tuple[float, float]:
    """Return the fixed seconds, and the seconds per page, of the straight line through some runs (least squares)."""
    slope, fixed = np.polyfit(pages, seconds, 1)
    return float(fixed), float(slope)


def break_even(serial: tuple[float, float], engine: tuple[float, float]) -> float | None:
    """Return the number of pages from which on an engine's line is below that of one thread, None if it never is."""
    gained = serial[1] - engine[1]  # seconds for each page
    return max((engine[0] - serial[0]) / gained, 0) if gained > 0 else None


def numbers(most: int) -> list[int]:
    """Return the numbers of workers: 1, 2, 4, … and the most."""
    return sorted({*(2**n for n in range(most.bit_length())), most})


def measure(setting: Setting) -> Outcome:
    """Run the job at three sizes, with each number of workers of each engine."""
    sizes = [20, 40, 60] if setting.quick else [500, 2_000, 6_000]
    paths = []
    for size in sizes:
        paths.append(str(setting.directory / f"{size}.warc.gz"))
        with open_output(paths[-1]) as output:
            for page in synthetic.pages(size, seed=1):
                output.write(page)
    startup, total = dict[tuple[str, int], float](), dict[tuple[str, int], list[float]]()
    digests: dict[int, set[str]] = {size: set() for size in sizes}
    for engine, workers in [(SERIAL, 1), *((engine, number) for engine in ENGINES for number in numbers(setting.workers))]:
        key = engine, workers
        start = time.perf_counter()
        with open_session(engine, workers=workers) as session:
            startup[key], total[key] = time.perf_counter() - start, []
            for size, path in zip(sizes, paths, strict=True):
                setting.say(f"{named(key)}, {size:,} pages")
                result = run([path], engine=session)
                total[key].append(startup[key] + result.seconds)
                digests[size].add(result.digest)
    lines = {key: line(sizes, seconds) for key, seconds in total.items()}
    one_thread = SERIAL, 1
    rows: list[tuple[str | float, ...]] = []
    for key, seconds in total.items():
        calculated = break_even(lines[one_thread], lines[key])
        crossing = "–" if key == one_thread else "never" if calculated is None else f"{calculated:,.0f} pages"
        rows.append((named(key), startup[key], *seconds, 1000 * lines[key][1], crossing))
    told = []
    for engine in ENGINES:
        fewest = cost({workers: total[engine, workers][-1] / total[one_thread][-1] for workers in numbers(setting.workers)})
        told.append(f"{engine} {fewest or f'more than {setting.workers}'}")
    return Outcome(
        data=f"{', '.join(f'{size:,}' for size in sizes)} synthetic pages",
        head=("", "start-up, s", *(f"{size:,} pages, s" for size in sizes), "s per 1,000 (line)", "faster from (line)"),
        rows=rows,
        bars={named(key): seconds[-1] for key, seconds in total.items()},
        unit=f"s for {sizes[-1]:,} pages",
        finding=(
            f"For {sizes[-1]:,} pages, start-up included, these numbers of workers were the fewest that were faster than one "
            f"thread (COST): {', '.join(told)}; a start took "
            f"{', '.join(f'{startup[engine, setting.workers]:.1f} s ({engine})' for engine in ENGINES)}."
        ),
        holds=all(len(some) == 1 for some in digests.values()) and min(startup, key=lambda key: startup[key]) == one_thread,
        counts={f"digests of {size} pages": len(some) for size, some in digests.items()},
    )


def named(key: tuple[str, int]) -> str:
    """Return the name of an engine with its number of workers."""
    engine, workers = key
    return engine if engine == SERIAL else f"{engine} × {workers}"
