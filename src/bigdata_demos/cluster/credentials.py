"""Secrets of the clusters of local processes: files that only their owner can read, by the cluster's address.

``bigdata-demos cluster spark`` and ``cluster dask`` write them, and drivers of the same user find them there. The files are in
``$XDG_STATE_HOME/bigdata_demos/clusters`` (``~/.local/state`` by default), because everybody can write to ``/tmp``.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from ..errors import EngineUnavailable
from .watch import watch

LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")
"""The names of this machine in addresses of clusters."""


def path_for(url: str) -> Path:
    """Return the path of the file for a cluster of local processes: ``spark-PORT`` or ``tls-PORT``."""
    parts = urlsplit(url)
    state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    return state / "bigdata_demos" / "clusters" / f"{parts.scheme}-{parts.port}"


@contextmanager
def kept(url: str) -> Iterator[Path]:
    """Yield the path for a cluster's secret, where no file is yet; what is written there is removed with the context.

    It is removed as well if this process is killed. Raises EngineUnavailable if the directory cannot be made private.
    """
    path = path_for(url)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.parent.chmod(0o700)
        path.unlink(missing_ok=True)
    except OSError as error:
        raise EngineUnavailable(
            f"no private directory {path.parent} for the cluster's secret ({error.strerror}): set XDG_STATE_HOME to a directory "
            "of your own"
        ) from None
    with watch(str(path)):
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)


def write(path: Path, text: str) -> None:
    """Write a file that only its owner can read. Raises FileExistsError if there is a file of that name."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)


def find(url: str) -> Path | None:
    """Return the file with the secret of a cluster; None if this user runs no cluster of local processes with that address.

    Raises EngineUnavailable if another user owns the file, or could have read it.
    """
    path = path_for(url)
    try:
        status = path.stat()
    except OSError:
        return None
    if urlsplit(url).hostname not in LOOPBACK:
        return None
    if status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise EngineUnavailable(f"{path} is not private to user {os.getuid()}: remove it, and start the cluster again")
    return path
