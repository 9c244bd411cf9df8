"""Runs each contestant once per round and size, in an order shuffled with a seed, and saves the results after each run.

A temporary slowdown of the machine therefore affects all contestants, including the control. The first round is cold, without
warmed caches, and its runs are in no figure.
"""

import random
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from ...cluster import registry
from ...errors import InputError
from ..results import CONTROL, FILE, PEER, PEERS_CONTROL, Job, Results, Run, save
from . import containers
from .contestants import Contestant, environment, input_bytes, outcome
from .measure import measure

_WORK: Final = "work"  # the directory for temporary outputs


@dataclass(frozen=True)
class Plan:
    """The plan of a benchmark. ``options``: for the keywords command. ``cold``: whether a cold round precedes the ``rounds``."""

    inputs: Sequence[str]
    sizes: Sequence[int]
    contestants: Sequence[Contestant]
    rounds: int
    cold: bool
    seed: int
    timeout: float
    directory: Path
    options: Sequence[str] = ()

    def runs(self) -> Iterator[tuple[int, int, Contestant]]:
        """Yield round (0: cold), size and contestant of each run, in order."""
        for number in range(0 if self.cold else 1, self.rounds + 1):
            for size in self.sizes:
                order = list(self.contestants)
                random.Random(f"{self.seed} {number} {size}").shuffle(order)  # noqa: S311
                for one in order:
                    yield number, size, one


def estimate(todo: Sequence[tuple[int, int, Contestant]], runs: Sequence[Run]) -> float | None:
    """Return about how many seconds the runs in ``todo`` (round, size, contestant) will take, judging by earlier ones.

    A run of another size is expected to take the same start-up, and its work in proportion to the size. Returns None if one of
    the contestants has not run yet.
    """
    known: dict[tuple[str, int, str], dict[int, Run]] = {}
    for one in runs:
        known.setdefault(one.key, {})[one.size] = one
    seconds = 0.0
    for _, size, contestant in todo:
        if not (sizes := known.get(contestant.key)):
            return None
        nearest = sizes[min(sizes, key=lambda other: abs(other - size))]
        work = nearest.seconds if nearest.work is None else nearest.work
        seconds += nearest.seconds + work * (size / nearest.size - 1)
    return seconds


def run(plan: Plan, results: Results, progress: Callable[[int, int, Run, float | None], None]) -> Results:
    """Execute the plan, add its runs to ``results``, and save these after each run.

    ``progress`` is called after each run: with the numbers of runs done and planned, the run, and the seconds that the others
    will take, as far as these can be estimated.

    Raises OutputError if the results cannot be saved.
    """
    located = {url: containers.find(url) for url in {one.cluster for one in plan.contestants if one.cluster}}
    runs: list[Run] = []
    jobs = {size: Job(size, None, None, None) for size in plan.sizes}
    todo = list(plan.runs())
    save(replace(results, jobs=list(jobs.values())), plan.directory / FILE)
    with working_directory(plan.directory) as work:
        for index, (number, size, one) in enumerate(todo):
            output = work / f"run-{index}"
            inside, elsewhere = located.get(one.cluster, ([], ""))
            measured = measure(
                one.command(list(plan.inputs) * size, output, plan.options),
                timeout=plan.timeout,
                environment=environment(),
                containers=inside,
                elsewhere=elsewhere,
            )
            made = outcome(one, measured, output, size=size, number=number, cold=number == 0, timeout=plan.timeout)
            if one.name == CONTROL and jobs[size].input_bytes is None:
                jobs[size] = replace(jobs[size], input_bytes=input_bytes(output))
            shutil.rmtree(output, ignore_errors=True)
            runs.append(made)
            judged, known = judge(runs, jobs)
            results = replace(results, jobs=[known[size] for size in plan.sizes], runs=judged)
            save(results, plan.directory / FILE)
            progress(index + 1, len(todo), judged[-1], estimate(todo[index + 1 :], judged))
    return results


def judge(runs: Sequence[Run], jobs: dict[int, Job]) -> tuple[list[Run], dict[int, Job]]:
    """Mark runs whose digest differs from the control's (without a control: from the first run's) at the same size."""
    right: dict[tuple[int, bool], str] = {}
    for one in sorted(runs, key=lambda one: one.contestant not in {CONTROL, PEERS_CONTROL}):  # sorts keep order
        if one.error is None and one.digest:
            right.setdefault((one.size, one.kind == PEER), one.digest)
    judged = []
    for one in runs:
        wanted = right.get((one.size, one.kind == PEER))
        if one.error is None and one.digest != wanted:
            one = replace(one, error=f"another answer: its digest is {one.digest}, and it should be {wanted}")  # noqa: PLW2901
        judged.append(one)
        if one.kind != PEER and one.error is None:
            jobs = {**jobs, one.size: replace(jobs[one.size], pages=one.pages, digest=one.digest)}
    return judged, jobs


@contextmanager
def working_directory(directory: Path) -> Iterator[Path]:
    """Make a directory for outputs, and remove it with its contents at the end."""
    work = directory / _WORK
    work.mkdir(exist_ok=True)
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


def local_inputs(inputs: Sequence[str], directory: Path, clusters: Sequence[str]) -> list[str]:
    """Return the inputs as absolute paths; the bundled crawl is copied to the results' directory.

    Raises InputError if an input is standard input; UsageError if a compose cluster cannot read the inputs or write the results.
    """
    from ...crawl.plan import bundled_crawl

    work = directory / _WORK
    if not inputs:
        work.mkdir(parents=True, exist_ok=True)
        inputs = [str(shutil.copy(bundled_crawl(), work))]
    if "-" in inputs:
        raise InputError("-: standard input can be read once only: name files")
    for url in clusters:
        if record := registry.find(url):
            registry.check_paths(record, inputs, work / "run-0")
    return [path if "://" in path else str(Path(path).expanduser().absolute()) for path in inputs]


def stamp() -> str:
    """Return the current time as a directory name."""
    return time.strftime("%Y%m%dT%H%M%S")
