"""Dask: a bag of splits on a distributed scheduler. The data that pass 1 keeps for pass 2 stay in the workers' memory.

The bag's elements are few and large: splits, and packed buckets. A bag of single phrases would spend its time in the
scheduler. All data are results of tasks, so what is lost with a worker is computed again.
"""

import os
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from operator import attrgetter, itemgetter
from typing import Any

import dask.bag as db
from dask.delayed import delayed
from distributed import CancelledError, Client, as_completed, futures_of
from distributed.comm.core import CommClosedError
from distributed.scheduler import KilledWorker

from ...cluster.dask import connect, ended_for_memory, local_cluster, prepare, quiet, watched
from ...cluster.probe import WAIT
from ...crawl.model import Split
from ...errors import JobFailed, UsageError
from ..job import Job
from ..model import Part
from . import Progress, Run, Settings, check_options, warm_up

_SHUFFLED = 8  # the most partitions of a shuffle
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
            with watched(client):
                return _run_bag(client, chosen, job, splits, progress) if splits else []
        except KilledWorker as error:
            why = ended_for_memory(client, began) or str(error)
            raise JobFailed(f"Dask gave up on a task during which {error.allowed_failures + 1} workers died: {why}") from error
        except (CommClosedError, CancelledError) as error:
            raise JobFailed("the connection to Dask's scheduler is lost: it was stopped or has died; start it again") from error

    return run


def _run_bag(client: Client, workers: list[str] | None, job: Job, splits: Sequence[Split], progress: Progress) -> list[Part]:
    """Run both passes."""

    def compute(bag: db.Bag, phase: str) -> Any:
        """Run a bag's tasks, and leave the results in the workers."""
        bag = client.persist(bag, workers=workers)
        futures = futures_of(bag)
        progress(phase, 0, len(futures))
        for done, future in enumerate(as_completed(futures), 1):
            future.result()  # raises what the task raised
            progress(phase, done, len(futures))
        return bag

    def join(tables: Iterable[tuple[int, bytes]]) -> bytes:
        return job.join(dict(tables))

    bag = db.from_sequence(splits, npartitions=len(splits))

    # Pass 1: map
    mapped = compute(bag.map(job.map_split), "map")
    # shuffle, reduce
    tables = _by_bucket(mapped.map(attrgetter("frequencies")))
    merged = compute(tables.map(lambda group: (group[0], job.merge(group[0], [table for _, table in group[1]]))), "merge")
    frequencies = delayed(join)(merged)  # a task, not a scattered table: if the workers that have it die, it runs again

    # Pass 2: map
    kept = mapped.map(attrgetter("kept"))
    scored = compute(bag.map(job.score_split, kept, table=frequencies), "score")
    # shuffle, reduce
    postings = _by_bucket(scored.map(attrgetter("postings")))
    index = compute(postings.map(lambda group: job.write_bucket(group[0], [packed for _, packed in group[1]])), "index")
    return [*scored.map(attrgetter("parts")).flatten().compute(), *index.compute()]


def _by_bucket(packed: db.Bag) -> db.Bag:
    """Shuffle (bucket, bytes) pairs; return a bag of pairs of a bucket and the list of its pairs."""
    # The scheduler has a task for each pair of partitions, so there should be few.
    few: db.Bag = packed.repartition(npartitions=min(packed.npartitions, _SHUFFLED))
    grouped: db.Bag = few.flatten().groupby(itemgetter(0), shuffle="tasks")
    return grouped
