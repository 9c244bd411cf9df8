"""asyncio and a process pool: an event loop hands splits to worker processes, and collects by bucket what comes back.

A bounded number of splits is in flight, so that memory does not grow with the input. The first failure cancels the rest.
What is kept between the passes is spilled to files by the worker that made it; the frequencies go to all workers as one
file, which each maps into its memory.
"""

import asyncio
import functools
import mmap
import multiprocessing
import os
import signal
import threading
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from ...errors import JobFailed
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
    context = multiprocessing.get_context("spawn")
    everyone = context.Barrier(workers, timeout=60)
    pool = ProcessPoolExecutor(workers, context, initializer=start_worker, initargs=(everyone,))

    def run(job: Job, splits: Sequence[Split], progress: Progress) -> list[Part]:
        with TemporaryDirectory(prefix="kept-", dir=job.workdir) as spool, in_plain_words():
            return asyncio.run(run_async(pool, workers * AHEAD, Path(spool), job, splits, progress))

    try:
        with in_plain_words(' at its start: in a script, call run() below `if __name__ == "__main__":`'):
            list(pool.map(wait_for_everyone, range(workers)))
        yield run
    finally:
        stop(pool)


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


@contextmanager
def in_plain_words(more: str = " (killed, or out of memory): see the system's log, or try fewer --workers") -> Iterator[None]:
    """Say what a dead worker means."""
    try:
        yield
    except BrokenProcessPool as error:
        raise JobFailed(f"a worker process died{more}") from error


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


def start_worker(everyone: Any) -> None:
    """Set a worker process up: Ctrl-C is the driver's business."""
    wait_for_everyone.barrier = everyone  # type: ignore[attr-defined]  # it is inherited, and cannot be sent
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=end_with_parent, daemon=True).start()


def end_with_parent() -> None:
    """End this process when the driver ends, however that may be."""
    parent = multiprocessing.parent_process()
    if parent:
        parent.join()
        os._exit(1)


def wait_for_everyone(_: int) -> None:
    """Import what the job needs, and come back when every worker has."""
    warm_up()
    wait_for_everyone.barrier.wait()  # type: ignore[attr-defined]


def stop(pool: ProcessPoolExecutor) -> None:
    """Stop the workers, in the middle of their tasks if need be."""
    processes = list((getattr(pool, "_processes", None) or {}).values())
    pool.shutdown(wait=False, cancel_futures=True)
    for process in processes:
        process.terminate()
    for process in processes:
        process.join()
