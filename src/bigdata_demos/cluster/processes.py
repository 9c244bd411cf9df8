"""A pool of worker processes that start together, ignore Ctrl-C, and end with the driver."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from multiprocessing.process import BaseProcess
from typing import Any, TypeVar

from ..errors import EngineUnavailable, JobFailed

Item = TypeVar("Item")
Done = TypeVar("Done")
_START = 60.0  # the most seconds until the workers have started


class Workers:
    """A pool of worker processes that can be started again when one of them has died.

    The workers are spawned, not forked: a fork of a process that has threads may hang.
    """

    def __init__(self, workers: int, warm_up: Callable[[], object]) -> None:
        self.workers, self.warm_up = workers, warm_up
        self._executor: ProcessPoolExecutor | None = None  # until start() has made it
        self.processes: list[BaseProcess] = []

    @property
    def executor(self) -> ProcessPoolExecutor:
        """The executor whose workers have started."""
        if self._executor is None:
            raise RuntimeError("the workers have not been started")
        return self._executor

    def start(self) -> None:
        """Start the workers, and wait until each has run ``warm_up``. Raises JobFailed if a worker dies at its start."""
        context = multiprocessing.get_context("spawn")
        everyone = context.Barrier(self.workers, timeout=_START)
        self._executor = ProcessPoolExecutor(self.workers, context, initializer=_start_worker, initargs=(everyone,))
        try:
            with in_plain_words(' at its start: in a script, call run() below `if __name__ == "__main__":`'):
                list(self.executor.map(_wait_for_everyone, [self.warm_up] * self.workers))
        finally:
            self.processes = running(self.executor)

    def end(self) -> None:
        """End the workers, even during a task; those, too, of a start that was interrupted."""
        if self._executor is None:
            return
        processes = {*self.processes, *running(self.executor)}
        self.executor.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            process.terminate()
        for process in processes:
            process.join()

    def restart(self) -> None:
        """End the workers that are left, and start new ones."""
        self.end()
        self.start()


@contextmanager
def worker_pool(workers: int, warm_up: Callable[[], object]) -> Iterator[Workers]:
    """Yield workers that have started; leaving the context ends them. Errors: :func:`check_machine`, :meth:`Workers.start`."""
    check_machine()
    pool = Workers(workers, warm_up)
    try:
        pool.start()
        yield pool
    finally:
        pool.end()


def check_machine() -> None:
    """Check that this machine can start worker processes. Raises EngineUnavailable if it cannot."""
    try:
        os.getcwd()
    except OSError:
        raise EngineUnavailable("the working directory does not exist any more: change to another one") from None
    try:
        multiprocessing.get_context("spawn").Lock()
    except OSError as error:
        raise EngineUnavailable(
            f"there are no semaphores for worker processes ({error.strerror}): mount /dev/shm so that you can write to it, "
            "or use the engine serial"
        ) from None


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


def run_to_end(coroutine: Coroutine[Any, Any, Done]) -> Done:
    """Run a coroutine as :func:`asyncio.run` does, and also where an event loop runs already, as in a notebook: in a new thread.

    An exception that interrupts the caller cancels the coroutine.
    """
    import asyncio

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(coroutine)
    running: list[tuple[asyncio.AbstractEventLoop, asyncio.Task[Done]]] = []

    async def observed() -> Done:
        task = asyncio.current_task()
        assert task
        running.append((asyncio.get_running_loop(), task))
        return await coroutine

    with ThreadPoolExecutor(1) as thread:
        done = thread.submit(asyncio.run, observed())
        try:
            return done.result()
        except BaseException:
            for loop, task in running:
                with suppress(RuntimeError):  # the loop is closed: the exception is the coroutine's own
                    loop.call_soon_threadsafe(task.cancel)
            raise


def workers_for(pages: int, each: int, wanted: int = 0) -> int:
    """Return ``wanted``, or else a worker for every ``each`` pages, but no more than cores: a process takes time to start."""
    return wanted or min(os.cpu_count() or 1, -(-pages // each))


def in_processes(function: Callable[[Item], Done], items: Iterable[Item], workers: int) -> Iterator[Done]:
    """Yield the results of a function, in the order in which they are done.

    It is called in worker processes, or in this one if there is but one worker or item.

    Raises JobFailed if a worker dies, and what the function raises.
    """
    items = list(items)
    if workers <= 1 or len(items) <= 1:
        yield from map(function, items)
        return
    check_machine()
    pool = ProcessPoolExecutor(min(workers, len(items)), multiprocessing.get_context("spawn"), initializer=_follow_driver)
    try:
        with in_plain_words():
            for future in as_completed([pool.submit(function, item) for item in items]):
                yield future.result()
    except BaseException:
        for process in running(pool):
            process.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


# The functions below run in the workers.


def _start_worker(everyone: Any) -> None:
    """Prepare a worker process of :class:`Workers`."""
    _wait_for_everyone.barrier = everyone  # type: ignore[attr-defined]  # it is inherited, and cannot be sent
    _follow_driver()


def _follow_driver() -> None:
    """Ignore Ctrl-C, which the driver handles, and end with the driver."""
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
