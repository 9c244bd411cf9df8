"""What worker processes need from the machine, and what is said if it is missing."""

import asyncio
import errno
import multiprocessing.synchronize
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from bigdata_demos.cluster import processes
from bigdata_demos.errors import EngineUnavailable
from tests.support.requirements import require


@pytest.mark.parametrize("engine", ["asyncio", "dask"])
def test_a_working_directory_that_was_removed(engine: str, tmp_path: Path) -> None:
    """One line that says so, and no traceback of a worker."""
    require(engine)
    (tmp_path / "gone").mkdir()
    line = f"cd {tmp_path}/gone && rmdir {tmp_path}/gone && {sys.executable} -m bigdata_demos keywords --engine {engine} --quiet"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "error: the working directory does not exist any more: change to another one\n"


def test_a_machine_without_semaphores(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container whose /dev/shm is missing or read-only."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    processes.check_machine()
    monkeypatch.setattr(multiprocessing.synchronize, "Lock", refuse)
    with pytest.raises(EngineUnavailable, match=r"no semaphores for worker processes \(Read-only file system\): mount /dev/shm"):
        processes.check_machine()


@pytest.mark.parametrize(
    ("where", "at"),
    [(multiprocessing.get_context("spawn"), "Barrier"), (processes, "ProcessPoolExecutor"), (ProcessPoolExecutor, "map")],
)
def test_interrupt_while_workers_start(where: object, at: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C during any step of the start stays a KeyboardInterrupt, and no worker is left."""
    step = getattr(where, at)

    def interrupted(*arguments: Any, **named: Any) -> None:
        step(*arguments, **named)
        raise KeyboardInterrupt

    monkeypatch.setattr(where, at, interrupted, raising=False)
    before = set(multiprocessing.active_children())
    with pytest.raises(KeyboardInterrupt), processes.worker_pool(1, int):
        pytest.fail("the workers have started")
    assert set(multiprocessing.active_children()) == before


def test_workers_that_have_not_started() -> None:
    """They can be ended, as after an interrupt, but not used."""
    workers = processes.Workers(1, int)
    workers.end()
    with pytest.raises(RuntimeError, match="have not been started"):
        _ = workers.executor


def test_coroutine_inside_an_event_loop() -> None:
    """As in a notebook: its result, or its error; where no loop runs, as with asyncio.run."""

    async def add(one: int, two: int) -> int:
        await asyncio.sleep(0)
        return one + two

    async def fail() -> None:
        raise ZeroDivisionError

    async def notebook() -> int:
        with pytest.raises(ZeroDivisionError):
            processes.run_to_end(fail())
        return processes.run_to_end(add(1, 2))

    assert processes.run_to_end(add(1, 2)) == asyncio.run(notebook()) == 3


def test_interrupt_inside_an_event_loop() -> None:
    """A notebook's button for it cancels the coroutine."""
    seen = []

    async def forever() -> None:
        threading.Timer(0.1, signal.pthread_kill, (threading.main_thread().ident, signal.SIGINT)).start()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    async def notebook() -> None:
        processes.run_to_end(forever())

    loop = asyncio.new_event_loop()
    with pytest.raises(KeyboardInterrupt):
        loop.run_until_complete(notebook())
    loop.close()
    assert seen == ["cancelled"]
