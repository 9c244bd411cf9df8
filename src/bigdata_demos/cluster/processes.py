"""A pool of worker processes that start together, ignore Ctrl-C, and end with the driver."""

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

_START = 60.0  # the most seconds until the workers have started


@contextmanager
def worker_pool(workers: int, warm_up: Callable[[], object]) -> Iterator[ProcessPoolExecutor]:
    """Yield a pool when each of its workers has run ``warm_up``. Leaving the context ends them, even during a task.

    The workers are spawned, not forked: a fork of a process that has threads may hang.

    Raises JobFailed if a worker dies at its start.
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
    """Set environment variables for the child processes that start within the context."""
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
    """Return the processes of a pool; none, if it is broken."""
    return list((getattr(pool, "_processes", None) or {}).values())


@contextmanager
def in_plain_words(more: str = " (killed, or out of memory): see the system's log, or try fewer `workers`") -> Iterator[None]:
    """Convert the error of a pool whose worker died to JobFailed."""
    try:
        yield
    except BrokenProcessPool as error:
        raise JobFailed(f"a worker process died{more}") from error


# The functions below run in the workers.


def _start_worker(everyone: Any) -> None:
    """Prepare a worker process: it ignores Ctrl-C, which the driver handles, and ends with the driver."""
    _wait_for_everyone.barrier = everyone  # type: ignore[attr-defined]  # it is inherited, and cannot be sent
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End this process when the driver ends, for whatever reason."""
    parent = multiprocessing.parent_process()
    if parent:
        parent.join()
        os._exit(1)


def _wait_for_everyone(warm_up: Callable[[], object]) -> None:
    """Warm up, and return when every worker has done so."""
    warm_up()
    _wait_for_everyone.barrier.wait()  # type: ignore[attr-defined]
