"""Pages that take too long, or that end the process which maps them.

A worker maps each page under an alarm clock (:func:`time_limit`), which ends the process even inside C code. The engine then
runs the task again, as it does after any death of a worker. A task that runs again maps its pages in a child process
(:class:`Child`), so that the page at fault is known for certain, and is rejected:

``too-slow``       it took longer than the limit
``killed-worker``  the process ended twice during it: by a crash in C, or for want of memory

A marker file tells a task that it runs again. It is there while a task runs, and stays if its process dies. A speculative
attempt finds one, too; its result is the same.
"""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

from selectolax.lexbor import SelectolaxError

from ..crawl.model import Page, Rejected
from .analysis.frequencies import TableFull
from .analysis.kernels import Kernel, of_this_thread
from .analysis.languages import Rules
from .model import Document

MapPage = Callable[[Page, Kernel, Rules], Document | Rejected]
NO_MEMORY: Final = (MemoryError, SelectolaxError)
"""What the memory for a page ends in, if not in the process's death. The HTML parser has no other error."""
MARKERS: Final = "attempts"
"""The directory of the marker files, in the working directory."""
_DEATHS: Final = 2  # of child processes during a page, until it is rejected

_due: dict[int, float] = {}  # when each thread's page has to be done
_lock: Final = threading.Lock()


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """End this process by SIGALRM if the context takes longer than ``seconds``; 0 for no limit.

    The signal has its default action, so the operating system ends the process whatever it does. There is one alarm for all
    threads of a process, the earliest.
    """
    if not seconds:
        yield
        return
    thread = threading.get_ident()
    with _lock:
        _due[thread] = time.monotonic() + seconds
        _set_alarm()
    try:
        yield
    finally:
        with _lock:
            del _due[thread]
            _set_alarm()


def _set_alarm() -> None:
    signal.setitimer(signal.ITIMER_REAL, max(min(_due.values()) - time.monotonic(), 1e-6) if _due else 0)


@contextmanager
def task(
    map_page: MapPage, rules: Rules, effort: str, seconds: float, workdir: str, name: str, *, runs_again: bool | None = None
) -> Iterator[MapPage]:
    """Yield the function that maps the pages of a task: ``map_page`` within the time limit, or in a child process.

    Args:
        map_page: :func:`.job.map_page`.
        rules: the job's rules, for the child process.
        effort: the job's effort, likewise.
        seconds: the most for a page; 0 for no limit, and no child process after a death.
        workdir: a directory that all attempts at the task see, for its marker.
        name: the task's name, the same in all its attempts.
        runs_again: whether an earlier attempt has died, for an engine that knows; ``None`` to use a marker.
    """
    child: Child | None = None

    def map_in_child(page: Page, kernel: Kernel, _: Rules) -> Document | Rejected:
        nonlocal child
        child = child or Child(map_page, rules, effort, seconds)
        result = child.map_page(page)
        if isinstance(result, Document):
            kernel.count(result)
        return result

    def map_here(page: Page, kernel: Kernel, rules: Rules) -> Document | Rejected:
        try:
            with time_limit(seconds):
                return map_page(page, kernel, rules)
        except TableFull:
            raise
        except NO_MEMORY:  # a new process has more, or else it is known that the page is at fault
            return map_in_child(page, kernel, rules)

    marker = Path(workdir, MARKERS, name) if seconds and runs_again is None else None
    try:
        if marker:
            runs_again = marker.exists()
            marker.parent.mkdir(exist_ok=True)
            marker.touch()
        yield map_in_child if runs_again and seconds else map_here
    finally:
        if marker:
            marker.unlink(missing_ok=True)
        if child:
            child.end()


class Child:
    """A process that maps pages; another one is started when it has died."""

    def __init__(self, map_page: MapPage, rules: Rules, effort: str, seconds: float) -> None:
        self.settings, self.seconds = (map_page, rules, effort, seconds), seconds
        self.start()

    def start(self) -> None:
        """Start the process."""
        ours, theirs = socket.socketpair()
        with theirs:
            command = [sys.executable, "-c", f"from {__name__} import map_pages; map_pages({theirs.fileno()})"]
            path = os.pathsep.join(filter(None, sys.path))
            self.process = subprocess.Popen(
                command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": path},
            )  # fmt: skip
        self.connection = Connection(ours.detach())
        with suppress(OSError):  # it may have died already
            self.connection.send(self.settings)

    def end(self) -> int:
        """End the process; returns its exit status, negative if that was a signal."""
        self.connection.close()
        try:
            return self.process.wait(1)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()

    def map_page(self, page: Page) -> Document | Rejected:
        """Map a page; it is rejected if it takes too long, or ends the process twice."""
        status = 0
        for _ in range(_DEATHS):
            try:
                self.connection.send(page)
                result: Document | Rejected = self.connection.recv()
            except (EOFError, OSError):
                status = self.end()
                self.start()
                if status == -signal.SIGALRM:
                    return _rejected(page, "too-slow", f"more than {self.seconds:g} s")
            else:
                return result
        how = f"signal {-status}" if status < 0 else "an error, as it does without memory"
        return _rejected(page, "killed-worker", f"{_DEATHS} processes ended during it, the last by {how}")


def _rejected(page: Page, reason: str, detail: str) -> Rejected:
    return Rejected(page.source, page.offset, page.url, reason, detail)


def map_pages(descriptor: int) -> None:
    """Map the pages that the parent sends, in the child process, until it closes the connection."""
    connection = Connection(descriptor)
    map_page, rules, effort, seconds = connection.recv()
    kernel = of_this_thread(rules, effort)
    with suppress(EOFError):
        while True:
            page = connection.recv()
            kernel.start_counts()
            with time_limit(seconds):
                result = map_page(page, kernel, rules)
            connection.send(result)
