"""One try in a fresh process: seconds, CPU seconds and peak memory of the whole process tree.

**Seconds** are wall clock from before the process is made until it has been waited for. **CPU seconds** are what the kernel
charged to each process that was waited for (``wait4``); a process whose parent died becomes a child of ours (Linux:
``PR_SET_CHILD_SUBREAPER``), so daemons count as well. Some are waited for by nobody (pyspark's and Ray's workers, when these
engines stop), and the kernel forgets what they took: so what each process had used is sampled as well, and the larger sum counts;
both can only be too low. **Memory** is sampled: the largest sum over all processes of what each has
resident, pages that several share being divided among them (PSS); a peak between two samples is missed.
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

_INTERVAL: Final = 0.1
"""Seconds between two samples; less at first, a tenth of the time so far, for runs that are short."""
_SAMPLES: Final = 3
"""With fewer, a peak is a guess."""
_SHARE: Final = 0.05
"""The part of one core that sampling may take, at most: costly samples become rarer."""
_GRACE: Final = 10.0
"""Seconds for a run to end after it was told to, and for its daemons to end after it."""
_PROC: Final = Path("/proc")
_PR_SET_CHILD_SUBREAPER: Final = 36


@dataclass(frozen=True)
class Measured:
    """What a process took. ``status``: of its exit, None if ended at the timeout. The others: see :class:`..results.Run`."""

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
    """Run a command to its end, or to the timeout; nothing that it started is left.

    ``containers`` are measured with it. ``elsewhere``: why processes that work for it cannot be measured; then CPU seconds and
    memory are None, for a part of them would be a wrong number.
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
    except BaseException:  # Ctrl-C, wherever it came
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
    """The end of a file."""
    file.seek(max(file.seek(0, os.SEEK_END) - most, 0))
    return file.read().decode(errors="replace")


class _Sampler(threading.Thread):
    """Samples memory and CPU time of all descendants while it is entered; ends them all when the time is over."""

    def __init__(self, before: set[int], containers: Sequence[Container], deadline: float) -> None:
        """``before``: children of ours that are none of the run's. ``deadline``: by :func:`time.perf_counter`."""
        super().__init__(daemon=True)
        self.before, self.containers, self.deadline = before, containers, deadline
        self.over = threading.Event()
        self.peak, self.samples, self.memory_is, self.timed_out = 0, 0, "pss", False
        self.cpu: dict[tuple[int, str], float] = {}  # process and when it was created → seconds that it has used

    def __enter__(self) -> Self:
        """Start to sample."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Take no more samples."""
        self.over.set()
        self.join()

    def run(self) -> None:
        """Sample until told to stop."""
        created = time.perf_counter()
        pause = _INTERVAL / 10
        while not self.over.wait(pause):
            begun = time.perf_counter()
            if begun > self.deadline:
                self.timed_out = True
                _end_all(self.before)
                return
            with suppress(OSError, ValueError):  # a process that ended meanwhile
                pids = set(_descendants(os.getpid(), self.before))
                self.cpu.update(filter(None, map(_cpu_of, pids)))
                pids.update(pid for one in self.containers for pid in one.processes())
                self.peak = max(self.peak, sum(map(self.memory_of, pids)))
                self.samples += 1
            now = time.perf_counter()
            pause = max(min(_INTERVAL, (now - created) / 10), (now - begun) / _SHARE)

    def memory_of(self, pid: int) -> int:
        """Bytes that a process has resident; 0 if it is gone."""
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
    """What the kernel says of a process (proc(5), ``stat``), from its state on: its name may have blanks and parentheses."""
    return (_PROC / str(pid) / "stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()


def _cpu_of(pid: int) -> tuple[tuple[int, str], float] | None:
    """A process and when it was created, and the CPU seconds that it has used, without its children's; None if it is gone."""
    try:
        fields = _stat_of(pid)
        return (pid, fields[19]), (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    except (OSError, IndexError):
        return None


def _adopt_orphans() -> None:
    """Become the parent of descendants whose parent died, where the kernel can do that."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def parents() -> dict[int, int]:
    """All processes of this machine: number → parent's number."""
    found = {}
    for entry in os.scandir(_PROC) if _PROC.is_dir() else ():
        if entry.name.isdigit():
            with suppress(OSError, ValueError, IndexError):
                found[int(entry.name)] = int(_stat_of(entry.name)[1])
    return found


def children_of(pids: Iterable[int], of: Mapping[int, int] | None = None) -> list[int]:
    """The processes that have one of these as their parent."""
    wanted = set(pids)
    return [pid for pid, parent in (parents() if of is None else of).items() if parent in wanted]


def _descendants(pid: int, before: Iterable[int] = ()) -> list[int]:
    """The processes below one, parents first, without those below the children ``before``."""
    of, left_out = parents(), set(before)
    found: list[int] = []
    generation = [pid]
    while generation:
        generation = [child for child in children_of(generation, of) if child not in left_out]
        found += generation
    return found


def _end_all(before: set[int]) -> None:
    """Tell what we started to end (it ends what it started); after the grace, kill all that is left of it."""
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
    """Whether a process is there and has not ended yet."""
    try:
        return _stat_of(pid)[0] != "Z"
    except (OSError, IndexError):
        return False


def _reap(before: set[int], grace: float) -> float:
    """Wait for the orphans that a run has left, and kill them after the grace; returns their CPU seconds."""
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
