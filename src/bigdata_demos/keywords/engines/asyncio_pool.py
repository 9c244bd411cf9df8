"""asyncio and a process pool: an event loop hands splits to worker processes, and collects by bucket what comes back.

A bounded number of splits is in flight, so that memory does not grow with the input. The first failure cancels the rest.
What is kept between the passes is spilled to files by the worker that made it; the frequencies go to all workers as one
file, which each maps into its memory.
"""

import asyncio
import functools
import mmap
import os
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from ...cluster.processes import in_plain_words, worker_pool
from ..frequencies import Table
from ..job import Job
from ..model import Packed, Part, Scored, Split
from . import Progress, Run, Settings, check_embedded, check_options, warm_up

T = TypeVar("T")
AHEAD = 2  # splits in flight for each worker: one that it works on, and one so that it never waits


@contextmanager
def open(settings: Settings) -> Iterator[Run]:
    """Start a pool of worker processes."""
    check_embedded("asyncio", settings)
    check_options("asyncio", settings.options, {})
    workers = settings.workers or os.cpu_count() or 1
    with worker_pool(workers, warm_up) as pool:

        def run(job: Job, splits: Sequence[Split], progress: Progress) -> list[Part]:
            with TemporaryDirectory(prefix="kept-", dir=job.workdir) as spool, in_plain_words():
                return asyncio.run(run_async(pool, workers * AHEAD, Path(spool), job, splits, progress))

        yield run


async def run_async(  # noqa: PLR0917
    pool: Executor, ahead: int, spool: Path, job: Job, splits: Sequence[Split], progress: Progress
) -> list[Part]:
    """Both passes."""
    parts: list[Part] = []
    kept = {split.number: spool / f"{split.number}.kept" for split in splits}

    # Pass 1: map
    tables: dict[int, list[bytes]] = defaultdict(list)
    tasks = [functools.partial(map_split, job, split, kept[split.number]) for split in splits]
    async for mapped in in_flight(pool, tasks, ahead, functools.partial(progress, "map")):
        # shuffle
        for bucket, table in mapped:
            tables[bucket].append(table)
    # reduce
    merges = [functools.partial(merge, job, bucket, some) for bucket, some in tables.items()]
    merged = {bucket: table async for bucket, table in in_flight(pool, merges, ahead, functools.partial(progress, "merge"))}
    frequencies = spool / "frequencies"
    frequencies.write_bytes(job.join(merged))

    # Pass 2: map
    postings: dict[int, list[bytes]] = defaultdict(list)
    scores = [functools.partial(score_split, job, split, kept[split.number], frequencies) for split in splits]
    async for scored in in_flight(pool, scores, ahead, functools.partial(progress, "score")):
        parts += scored.parts
        # shuffle
        for bucket, packed in scored.postings:
            postings[bucket].append(packed)
    # reduce
    writes = [functools.partial(job.write_bucket, bucket, some) for bucket, some in sorted(postings.items())]
    parts += [part async for part in in_flight(pool, writes, ahead, functools.partial(progress, "index"))]
    return parts


async def in_flight(
    pool: Executor, tasks: Iterable[Callable[[], T]], ahead: int, progress: Callable[[int, int], None]
) -> AsyncIterator[T]:
    """The results of tasks as they arrive, at most ``ahead`` of them submitted at a time; a failure cancels the others."""
    loop = asyncio.get_running_loop()
    waiting = list(tasks)[::-1]
    running: set[asyncio.Future[T]] = set()
    total, done = len(waiting), 0
    try:
        while waiting or running:
            progress(done, total)
            while waiting and len(running) < ahead:
                running.add(loop.run_in_executor(pool, waiting.pop()))
            finished, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for result in finished:
                done += 1
                yield result.result()
    finally:
        for future in running:
            future.cancel()


# What runs in the workers.


def map_split(job: Job, split: Split, kept: Path) -> list[Packed]:
    """Pass 1 of a split; what is kept stays on the worker's disk."""
    mapped = job.map_split(split)
    kept.write_bytes(mapped.kept)
    return mapped.frequencies


def merge(job: Job, bucket: int, tables: Iterable[bytes]) -> Packed:
    """Reduce a bucket of pass 1."""
    return bucket, job.merge(bucket, tables)


def score_split(job: Job, split: Split, kept: Path, frequencies: Path) -> Scored:
    """Pass 2 of a split."""
    return job.score_split(split, kept.read_bytes(), mapped_file(str(frequencies)))


@functools.lru_cache(maxsize=1)
def mapped_file(path: str) -> Table:
    """A file in memory, shared by all processes that map it."""
    with Path(path).open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if os.fstat(file.fileno()).st_size else b""
