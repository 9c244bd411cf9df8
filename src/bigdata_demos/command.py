"""What this process knows of itself, and what commands do with its signals and its standard output."""

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from typing import Final

TERMINATED: Final = 143
"""Exit status after SIGTERM, as shells have it."""


def created() -> float:
    """When this process was created, as :func:`time.time` has it.

    psutil's answer is off by up to a second: it counts from the time of boot, which the kernel tells in whole seconds.
    """
    try:
        with open("/proc/self/stat", encoding="ascii", errors="replace") as file:
            ticks = int(file.read().rpartition(")")[2].split()[19])
        return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME) + ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, AttributeError):  # not Linux
        import psutil

        return psutil.Process().create_time()


@contextlib.contextmanager
def ended_by_sigterm(error: BaseException) -> Iterator[None]:
    """Let SIGTERM raise an exception in the main thread, so that what is unfinished gets removed; elsewhere, nothing is done."""

    def end(*_: object) -> None:
        raise error

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def drop_stdout() -> None:
    """Let what is still buffered go nowhere, or Python tries to write it at exit, and complains."""
    with contextlib.suppress(OSError, ValueError, AttributeError):  # it may be closed, or None
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
