"""Dask: bags of splits and of buckets on a distributed scheduler. The data that tasks exchange are in files.

The bags' elements are few and large. A bag of single phrases would spend its time in the scheduler, and so would its ``groupby``
of a few hundred tables, which has a task for each pair of partitions and moves the data through TLS. In files, they take no
memory of the workers between the passes. What a worker has not yet returned when it dies is computed again.
"""

import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import dask.bag as db
from distributed import CancelledError, Client, as_completed, futures_of
from distributed.comm.core import CommClosedError
from distributed.scheduler import KilledWorker

from ...cluster.dask import connect, ended_for_memory, local_cluster, prepare, quiet, watched
from ...cluster.probe import WAIT
from ...crawl.model import Split
from ...errors import JobFailed, UsageError
from .. import tasks
from ..job import Job
from ..model import Part
from ..output import spill
from ..output.spill import Segment
from . import Progress, Run, Settings, check_options, warm_up

OPTIONS = {
    "memory": "memory of each worker of an embedded cluster, such as 2GiB (default: its share of the machine's)",
    "wait": WAIT,
}


@contextmanager
def open(settings: Settings) -> Iterator[Run]:
    """Start a cluster of processes on this machine, or connect to one that runs."""
    check_options("dask", settings.options, OPTIONS)
    with quiet():
        if settings.cluster:
            if "memory" in settings.options:
                raise UsageError("`engine_options[memory]` is for an embedded cluster only: running workers have their own limit")
            with connect(settings.cluster, settings.workers, settings.options) as client:
                yield opened(client, settings.workers)
        else:
            workers = settings.workers or os.cpu_count() or 1
            with local_cluster(workers, settings.options.get("memory", "auto")) as cluster, Client(cluster) as client:
                yield opened(client, workers)


def opened(client: Client, workers: int) -> Run:
    """Wait for some workers of a cluster (0: all of them), and return the function that runs jobs on them."""
    everyone = sorted(client.scheduler_info(n_workers=-1)["workers"])
    chosen = everyone[:workers] if 0 < workers < len(everyone) else None  # None: those that join later, too
    prepare(client, chosen, warm_up)

    def run(job: Job, splits: Sequence[Split], progress: Progress) -> list[Part]:
        began = time.time()
        try:
            with watched(client), spill.directory(job.workdir) as spilled:
                return _run_bag(client, chosen, spilled, job, splits, progress) if splits else []
        except KilledWorker as error:
            why = ended_for_memory(client, began) or str(error)
            raise JobFailed(f"Dask gave up on a task during which {error.allowed_failures + 1} workers died: {why}") from error
        except (CommClosedError, CancelledError) as error:
            raise JobFailed("the connection to Dask's scheduler is lost: it was stopped or has died; start it again") from error

    return run


def _run_bag(
    client: Client, workers: list[str] | None, spilled: str, job: Job, splits: Sequence[Split], progress: Progress
) -> list[Part]:
    """Run both passes."""

    def compute(task: Callable[..., Any], of: Iterable[tuple[Any, ...]], phase: str) -> Iterator[Any]:
        """Call a task with each of some arguments; yield the results as they arrive. A failure cancels the others."""
        if not (arguments := list(of)):
            return
        bag = db.from_sequence(arguments, npartitions=len(arguments)).starmap(task)
        futures = futures_of(client.persist(bag, workers=workers))
        progress(phase, 0, len(futures))
        for done, (_, results) in enumerate(as_completed(futures, with_results=True), 1):
            if isinstance(results, CancelledError):
                raise results
            progress(phase, done, len(futures))
            yield from results

    parts: list[Part] = []

    # Pass 1: map
    tables: dict[int, list[Segment]] = defaultdict(list)
    for mapped in compute(partial(tasks.map_split, job, spilled=spilled), zip(splits), "map"):
        # shuffle
        for bucket, segment in mapped:
            tables[bucket].append(segment)
    # reduce
    merged = compute(partial(tasks.merge, job, spilled=spilled), tables.items(), "merge")
    frequencies = spill.join(spilled, merged)

    # Pass 2: map
    postings: dict[int, list[Segment]] = defaultdict(list)
    score_split = partial(tasks.score_split, job, frequencies=frequencies, spilled=spilled)
    for written, posted in compute(score_split, zip(splits), "score"):
        parts += written
        # shuffle
        for bucket, segment in posted:
            postings[bucket].append(segment)
    # reduce
    return [*parts, *compute(partial(tasks.write_bucket, job), postings.items(), "index")]
