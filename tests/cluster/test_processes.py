"""What worker processes need from the machine, and what is said if it is missing."""

import errno
import multiprocessing.synchronize
import os
import subprocess
import sys
from pathlib import Path

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
