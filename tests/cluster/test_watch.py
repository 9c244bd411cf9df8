"""Processes end with the one that started them, also if it is killed."""

import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from bigdata_demos.cluster import credentials
from bigdata_demos.cluster.watch import watch
from tests.support.processes import kill_and_wait
from tests.support.requirements import require

STARTS_ANOTHER = """
import subprocess, sys, time
from bigdata_demos.cluster.watch import watch
with watch(sys.argv[1]) as add:
    for _ in range(2):
        child = subprocess.Popen(["sleep", "600"], start_new_session=True)
        add(child.pid)
        print(child.pid, flush=True)
    time.sleep(600)
"""


def is_removed(directory: Path) -> bool:
    """Whether a directory is removed within ten seconds."""
    deadline = time.monotonic() + 10
    while directory.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    return not directory.exists()


def test_nothing_outlives_a_process_that_is_killed(tmp_path: Path) -> None:
    """What it has started is killed, and its directory is removed."""
    directory = tmp_path / "a directory"
    directory.mkdir()
    (directory / "file").touch()
    line = [sys.executable, "-c", STARTS_ANOTHER, str(directory)]
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        children = [psutil.Process(int(parent.stdout.readline())) for _ in range(2)]
        kill_and_wait(parent.pid)
    _, alive = psutil.wait_procs(children, timeout=10)
    assert not alive
    assert is_removed(directory)


def test_a_normal_end_is_the_callers(tmp_path: Path) -> None:
    """The watcher ends with the context, and leaves the processes and the directory alone."""
    before = set(psutil.Process().children())
    child = subprocess.Popen(["sleep", "600"])
    try:
        with watch(str(tmp_path)) as add:
            add(child.pid)
            (watcher,) = [one for one in set(psutil.Process().children()) - before if one.pid != child.pid]
        assert child.poll() is None
        assert tmp_path.exists()
        assert not watcher.is_running()
    finally:
        child.kill()
        child.wait()


@pytest.mark.parametrize("kind", ["dask", "spark"])
def test_cluster_ends_with_a_command_that_is_killed(kind: str) -> None:
    """The master and the workers of `bigdata-demos cluster dask` and `spark`, their logs, and their secret."""
    require(kind)
    line = [sys.executable, "-m", "bigdata_demos.cluster", kind, "--workers", "1"]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as command:
        assert command.stdout
        assert command.stderr
        secret = credentials.path_for(command.stdout.readline().strip())
        assert secret.is_file()
        logs = command.stderr.readline().partition("logs in ")[2].partition(";")[0]
        assert Path(logs).is_dir()
        processes = psutil.Process(command.pid).children(recursive=True)
        kill_and_wait(command.pid)
    _, alive = psutil.wait_procs(processes, timeout=30)
    assert not alive
    assert is_removed(Path(logs))
    assert is_removed(secret)
