"""Ends the processes of a cluster when the process that started them is gone, however it ended: also by SIGKILL."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

# The standard input ends when this process does, because no other process has the pipe's other end
_SCRIPT: Final = 'while read -r pid; do pids="$pids $pid"; done; kill -9 $pids; rm -rf "$1"'


@contextmanager
def watch(directory: str) -> Iterator[Callable[[int], None]]:
    """Yield a function that is given the numbers of processes which must not outlive this one.

    If this process ends before the context does, they are killed, and ``directory`` is removed.
    """
    quiet = subprocess.DEVNULL
    line = ["sh", "-c", _SCRIPT, "sh", directory]
    with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=quiet, stderr=quiet, start_new_session=True) as watcher:
        assert watcher.stdin
        pipe = watcher.stdin

        def add(pid: int) -> None:
            pipe.write(b"%d\n" % pid)
            pipe.flush()

        try:
            yield add
        finally:
            watcher.kill()  # before the pipe is closed
