"""Runs a command, and measures wall time, CPU seconds and peak memory of its process tree.

**Seconds** are wall clock from before the process is created until it has been waited for. **CPU seconds** are the kernel's
figures for all processes that were waited for (``wait4``). Orphans are adopted (``PR_SET_CHILD_SUBREAPER``, Linux), which
includes daemons. The workers of pyspark and Ray are not waited for when these engines stop, and the kernel drops their figures.
CPU times are therefore sampled as well, and the larger sum is used; both can only be too low. **Memory** is the largest sampled
sum of resident memory (PSS, which divides shared pages among processes). Peaks between samples are missed.
"""

import ctypes
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final, Self

from .containers import Container

_INTERVAL: Final = 0.1  # seconds between samples; at first a tenth of the elapsed time, for short runs
_SAMPLES: Final = 3  # the minimum for a peak
_SHARE: Final = 0.05  # the maximum share of a core that sampling may use
_GRACE: Final = 10.0  # seconds between SIGTERM and SIGKILL, and for daemons to exit after a run
_PROC: Final = Path("/proc")
_PR_SET_CHILD_SUBREAPER: Final = 36


@dataclass(frozen=True)
class Measured:
    """Measurements of a process. ``status``: its exit status, None after a timeout. For the others see :class:`..results.Run`."""

    status: int | None
    started: float
    seconds: float
    cpu_seconds: float | None
    peak_memory_bytes: int | None
    memory_is: str | None
    stdout: str
    stderr: str
    unmeasured: Mapping[str, str] = field(default_factory=dict)


def measure(
    command: Sequence[str],
    *,
    timeout: float,
    environment: Mapping[str, str] | None = None,
    containers: Sequence[Container] = (),
    elsewhere: str = "",
) -> Measured:
    """Run a command until it exits or times out, and end all processes that it started.

    ``containers`` are included in the measurement. ``elsewhere``: why some of the processes cannot be measured; if it is set,
    CPU seconds and memory are None.
    """
    _adopt_orphans()
    before = set(children_of({os.getpid()}))
    try:
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            busy = sum(one.cpu_seconds() for one in containers)
            started, clock = time.time(), time.perf_counter()
            process = subprocess.Popen(
                list(command), stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=environment, start_new_session=True
            )
            with _Sampler(before, containers, clock + timeout) as sampler:
                _, status, usage = os.wait4(process.pid, 0)
                seconds = time.perf_counter() - clock
            process.returncode = os.waitstatus_to_exitcode(status)
            cpu = max(usage.ru_utime + usage.ru_stime + _reap(before, _GRACE), sum(sampler.cpu.values()))
            cpu += sum(one.cpu_seconds() for one in containers) - busy
            said, complained = tail(out), tail(err)
    except BaseException:  # including Ctrl-C
        _end_all(before)
        _reap(before, 0)
        raise
    missing = {"cpu_seconds": elsewhere, "peak_memory_bytes": elsewhere} if elsewhere else {}
    if not sampler.peak or sampler.samples < _SAMPLES:
        missing.setdefault("peak_memory_bytes", f"there is no /proc here, or the run was too short for {_SAMPLES} samples")
    sampled = "peak_memory_bytes" not in missing
    return Measured(
        None if sampler.timed_out else process.returncode,
        started,
        seconds,
        None if elsewhere else cpu,
        sampler.peak if sampled else None,
        sampler.memory_is if sampled else None,
        said,
        complained,
        missing,
    )


def tail(file: IO[bytes], most: int = 1 << 16) -> str:
    """Return the last ``most`` bytes of a file, decoded."""
    file.seek(max(file.seek(0, os.SEEK_END) - most, 0))
    return file.read().decode(errors="replace")


class _Sampler(threading.Thread):
    """Samples memory and CPU time of all descendants as a context manager, and ends them at the deadline."""

    def __init__(self, before: set[int], containers: Sequence[Container], deadline: float) -> None:
        """``before``: children that do not belong to the run. ``deadline``: in terms of :func:`time.perf_counter`."""
        super().__init__(daemon=True)
        self.before, self.containers, self.deadline = before, containers, deadline
        self.over = threading.Event()
        self.peak, self.samples, self.memory_is, self.timed_out = 0, 0, "pss", False
        self.cpu: dict[tuple[int, str], float] = {}  # (pid, creation time) → CPU seconds

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.join()

    def run(self) -> None:
        created = time.perf_counter()
        pause = _INTERVAL / 10
        while not self.over.wait(pause):
            begun = time.thread_time()  # not the clock: on a busy machine the thread waits for a core, which costs nothing
            if time.perf_counter() > self.deadline:
                self.timed_out = True
                _end_all(self.before)
                return
            with suppress(OSError, ValueError):  # a process has exited meanwhile
                pids = set(_descendants(os.getpid(), self.before))
                self.cpu.update(filter(None, map(_cpu_of, pids)))
                pids.update(pid for one in self.containers for pid in one.processes())
                self.peak = max(self.peak, sum(map(self.memory_of, pids)))
                self.samples += 1
            pause = max(min(_INTERVAL, (time.perf_counter() - created) / 10), (time.thread_time() - begun) / _SHARE)

    def memory_of(self, pid: int) -> int:
        """Return the resident bytes of a process, or 0 if it has exited."""
        if self.memory_is == "pss":
            try:
                for line in (_PROC / str(pid) / "smaps_rollup").read_text(encoding="ascii", errors="replace").splitlines():
                    if line.startswith("Pss:"):
                        return int(line.split()[1]) << 10
            except PermissionError:
                self.memory_is = "rss"
            except (FileNotFoundError, ProcessLookupError):
                return 0
        with suppress(OSError):
            return int((_PROC / str(pid) / "statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
        return 0


def _stat_of(pid: int | str) -> list[str]:
    """Return the fields of ``/proc/PID/stat`` from the state on; the name before it may have blanks and parentheses."""
    return (_PROC / str(pid) / "stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()


def _cpu_of(pid: int) -> tuple[tuple[int, str], float] | None:
    """Return ((pid, creation time), CPU seconds without children); None if the process has exited."""
    try:
        fields = _stat_of(pid)
        return (pid, fields[19]), (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    except (OSError, IndexError):
        return None


def _adopt_orphans() -> None:
    """Become the parent of orphaned descendants (Linux only)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def parents() -> dict[int, int]:
    """Return the parent's id of each process on this machine."""
    parent_of = {}
    for entry in os.scandir(_PROC) if _PROC.is_dir() else ():
        if entry.name.isdigit():
            with suppress(OSError, ValueError, IndexError):
                parent_of[int(entry.name)] = int(_stat_of(entry.name)[1])
    return parent_of


def children_of(pids: Iterable[int], of: Mapping[int, int] | None = None) -> list[int]:
    """Return the children of the given processes."""
    wanted = set(pids)
    return [pid for pid, parent in (parents() if of is None else of).items() if parent in wanted]


def _descendants(pid: int, before: Iterable[int] = ()) -> list[int]:
    """Return the descendants of a process, parents first, without the processes ``before`` and their descendants."""
    of, left_out = parents(), set(before)
    descendants: list[int] = []
    generation = [pid]
    while generation:
        generation = [child for child in children_of(generation, of) if child not in left_out]
        descendants += generation
    return descendants


def _end_all(before: set[int]) -> None:
    """Send SIGTERM to the processes we started, and SIGKILL to all remaining descendants after the grace period."""
    started = [pid for pid in children_of({os.getpid()}) if pid not in before]
    for pid in started:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    limit = time.perf_counter() + _GRACE
    while time.perf_counter() < limit and any(map(running, started)):
        time.sleep(0.05)
    for pid in _descendants(os.getpid(), before):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def running(pid: int) -> bool:
    """Return whether a process exists and is not a zombie."""
    try:
        return _stat_of(pid)[0] != "Z"
    except (OSError, IndexError):
        return False


def _reap(before: set[int], grace: float) -> float:
    """Wait for a run's orphans, kill them after ``grace`` seconds, and return their CPU seconds."""
    cpu, limit = 0.0, time.perf_counter() + grace
    while orphans := [pid for pid in children_of({os.getpid()}) if pid not in before]:
        for pid in orphans:
            if time.perf_counter() > limit:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            with suppress(ChildProcessError):
                ended, _, usage = os.wait4(pid, os.WNOHANG)
                cpu += usage.ru_utime + usage.ru_stime if ended else 0
        time.sleep(0.02)
    return cpu
