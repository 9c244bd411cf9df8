"""A pool of worker processes that starts together, does not mind Ctrl-C, and leaves none of them behind."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from typing import Any

from ..errors import JobFailed

_START = 60.0
"""Seconds that the workers may take to start."""


@contextmanager
def worker_pool(workers: int, warm_up: Callable[[], object]) -> Iterator[ProcessPoolExecutor]:
    """A pool, once each of its workers has run ``warm_up``. Leaving it ends them, in the middle of their tasks if need be.

    The workers are spawned, not forked: a fork of a process that has threads may hang.

    Raises:
        JobFailed: if a worker dies at its start.

    """
    context = multiprocessing.get_context("spawn")
    everyone = context.Barrier(workers, timeout=_START)
    pool = ProcessPoolExecutor(workers, context, initializer=_start_worker, initargs=(everyone,))
    processes: list[BaseProcess] = []
    try:
        with in_plain_words(' at its start: in a script, call run() below `if __name__ == "__main__":`'):
            list(pool.map(_wait_for_everyone, [warm_up] * workers))
        processes = running(pool)
        yield pool
    finally:
        processes = list({*processes, *running(pool)})
        pool.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            process.terminate()
        for process in processes:
            process.join()


@contextmanager
def environment(values: Mapping[str, str]) -> Iterator[None]:
    """Environment variables for what is started meanwhile; then they are what they were."""
    saved = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in saved.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def running(pool: ProcessPoolExecutor) -> list[BaseProcess]:
    """A pool's processes; one that broke has forgotten them."""
    return list((getattr(pool, "_processes", None) or {}).values())


@contextmanager
def in_plain_words(more: str = " (killed, or out of memory): see the system's log, or try fewer `workers`") -> Iterator[None]:
    """Say what a dead worker means."""
    try:
        yield
    except BrokenProcessPool as error:
        raise JobFailed(f"a worker process died{more}") from error


# What runs in the workers.


def _start_worker(everyone: Any) -> None:
    """Set a worker process up: Ctrl-C is the driver's business, and it ends with the driver."""
    _wait_for_everyone.barrier = everyone  # type: ignore[attr-defined]  # it is inherited, and cannot be sent
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End this process when the driver ends, however that may be."""
    parent = multiprocessing.parent_process()
    if parent:
        parent.join()
        os._exit(1)


def _wait_for_everyone(warm_up: Callable[[], object]) -> None:
    """Warm up, and come back when every worker has."""
    warm_up()
    _wait_for_everyone.barrier.wait()  # type: ignore[attr-defined]
