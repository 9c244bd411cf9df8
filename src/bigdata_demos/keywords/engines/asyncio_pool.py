"""asyncio and a process pool: an event loop sends splits to worker processes, and groups their results by bucket.

A bounded number of splits is in flight, so that memory does not grow with the input. The first failure cancels the rest. If a
worker process dies, a new pool starts, and the tasks that were in flight run again, each at most four times.
Workers spill the data that pass 1 keeps for pass 2 to files. The frequencies are one file, which all workers map into memory.
"""

import asyncio
import os
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

from ...cluster.processes import Workers, in_plain_words, run_to_end, worker_pool
from ...crawl.model import Split
from .. import tasks
from ..job import Job
from ..model import Part
from ..output import spill
from ..output.spill import Segment
from . import Progress, Run, Settings, check_embedded, check_options, warm_up

T = TypeVar("T")
_AHEAD = 2  # splits in flight for each worker: the one that it works on, and its next one
_ATTEMPTS = 4  # at a task, as Spark and Hadoop have it by default


@contextmanager
def open(settings: Settings) -> Iterator[Run]:
    """Start a pool of worker processes."""
    check_embedded("asyncio", settings)
    check_options("asyncio", settings.options, {})
    workers = settings.workers or os.cpu_count() or 1
    with worker_pool(workers, warm_up) as pool:

        def run(job: Job, splits: Sequence[Split], progress: Progress) -> list[Part]:
            with spill.directory(job.workdir) as spilled, in_plain_words():
                return run_to_end(_run_async(pool, workers * _AHEAD, spilled, job, splits, progress))

        yield run


async def _run_async(
    pool: Workers, ahead: int, spilled: str, job: Job, splits: Sequence[Split], progress: Progress
) -> list[Part]:
    """Run both passes."""
    parts: list[Part] = []

    # Pass 1: map
    tables: dict[int, list[Segment]] = defaultdict(list)
    maps = [partial(tasks.map_split, job, split, spilled) for split in splits]
    async for mapped in _in_flight(pool, maps, ahead, partial(progress, "map")):
        # shuffle
        for bucket, segment in mapped:
            tables[bucket].append(segment)
    # reduce
    merges = [partial(tasks.merge, job, bucket, some, spilled) for bucket, some in tables.items()]
    merged = [table async for table in _in_flight(pool, merges, ahead, partial(progress, "merge"))]
    frequencies = spill.join(spilled, merged)

    # Pass 2: map
    postings: dict[int, list[Segment]] = defaultdict(list)
    scores = [partial(tasks.score_split, job, split, frequencies, spilled) for split in splits]
    async for written, posted in _in_flight(pool, scores, ahead, partial(progress, "score")):
        parts += written
        # shuffle
        for bucket, segment in posted:
            postings[bucket].append(segment)
    # reduce
    writes = [partial(tasks.write_bucket, job, bucket, some) for bucket, some in sorted(postings.items())]
    parts += [part async for part in _in_flight(pool, writes, ahead, partial(progress, "index"))]
    return parts


async def _in_flight(
    pool: Workers, tasks: Iterable[Callable[[], T]], ahead: int, progress: Callable[[int, int], None]
) -> AsyncIterator[T]:
    """Yield the results of tasks as they arrive, with at most ``ahead`` tasks in flight. A failure cancels the others."""
    waiting = list(tasks)[::-1]
    running: dict[asyncio.Future[T], Callable[[], T]] = {}
    failures = Counter[Callable[[], T]]()
    total, done = len(waiting), 0
    try:
        while waiting or running:
            progress(done, total)
            while waiting and len(running) < ahead:
                task = waiting.pop()
                running[_submit(pool, task)] = task
            finished, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            if any(isinstance(future.exception(), BrokenProcessPool) for future in finished):
                finished, _ = await asyncio.wait(running)  # all that the pool had fail at once
                pool.restart()
            for future in finished:
                task = running.pop(future)
                if isinstance(future.exception(), BrokenProcessPool):
                    failures[task] += 1
                    if failures[task] < _ATTEMPTS:
                        waiting.append(task)
                        continue
                done += 1
                yield future.result()
    finally:
        for future in running:
            future.cancel()


def _submit(pool: Workers, task: Callable[[], T]) -> asyncio.Future[T]:
    """Submit a task. A pool that is broken already, by a worker that died between tasks, fails it as it fails those in flight."""
    loop = asyncio.get_running_loop()
    try:
        return loop.run_in_executor(pool.executor, task)
    except BrokenProcessPool as error:
        refused: asyncio.Future[T] = loop.create_future()
        refused.set_exception(error)
        return refused
