"""The places of outputs: local paths, and paths in HDFS by HTTP, which have the same interface as pathlib's."""

import contextlib
import errno
import posixpath
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final, Self, cast
from urllib.parse import urlsplit

_SCHEME: Final = "webhdfs://"
BLOCK: Final = 8 << 20
"""Bytes of a file that are buffered and sent to HDFS at once."""


@dataclass(frozen=True, slots=True)
class Hdfs:
    """A path in HDFS, with the part of pathlib's interface that outputs need.

    ``root``: the file system's address for fsspec (``webhdfs://USER@HOST:PORT``); ``path`` is absolute. ``called`` is the
    address in messages. Errors of HDFS or the network are raised as OSError with one line and the path, as for local files.
    """

    root: str
    path: str
    called: str = ""

    @property
    def url(self) -> str:
        """Its address, which is valid on all machines."""
        return self.root + self.path

    def __str__(self) -> str:
        return (self.called or self.root) + self.path

    def __truediv__(self, name: str) -> "Hdfs":
        return replace(self, path=posixpath.join(self.path, name))

    @property
    def name(self) -> str:
        return posixpath.basename(self.path)

    @property
    def parent(self) -> "Hdfs":
        return replace(self, path=posixpath.dirname(self.path))

    def with_name(self, name: str) -> "Hdfs":
        return self.parent / name

    def absolute(self) -> "Hdfs":
        return self

    def exists(self) -> bool:
        return bool(self.kind())

    def is_dir(self) -> bool:
        return self.kind() == "directory"

    def kind(self) -> str:
        """Return ``file``, ``directory`` or ``""``. (fsspec's own ``exists`` returns false if there is no answer.)."""
        try:
            with self.asked() as fs:
                return str(fs.info(self.path)["type"])
        except FileNotFoundError:
            return ""

    def iterdir(self) -> Iterator["Hdfs"]:
        """Yield the entries of the directory, sorted by name."""
        with self.asked() as fs:
            names = fs.ls(self.path, detail=False)
        return (replace(self, path=name) for name in names)

    def glob(self, pattern: str) -> Iterator["Hdfs"]:
        """Yield the entries of the directory whose names match."""
        return (path for path in self.iterdir() if fnmatchcase(path.name, pattern))

    def mkdir(self, *, parents: bool = True) -> None:  # noqa: ARG002 (HDFS makes them anyway)
        """Create a directory and its parents."""
        with self.asked() as fs:
            fs.mkdir(self.path)

    def open(self, mode: str) -> "File":
        """Open a file for reading (``rb``), or a new one for writing (``xb``), which is sent block by block.

        Parent directories are not created: an abandoned task would create a directory again that was removed.
        """
        with self.asked() as fs:
            file = fs.open(self.path, "rb" if mode == "rb" else "wb", block_size=BLOCK)
        file.kwargs |= {"createparent": "false"}  # of the request that creates the file; fsspec has no parameter for it
        return File(self, file)

    def read_text(self, encoding: str = "utf-8") -> str:
        with self.open("rb") as file:
            return file.read().decode(encoding)

    def write_text(self, text: str, encoding: str = "utf-8") -> None:
        with self.open("xb") as file:
            file.write(text.encode(encoding))

    def replace(self, target: "Hdfs") -> None:
        """Rename it atomically. The target must not exist: by default HDFS would move it into a directory there."""
        with self.asked() as fs:
            fs._call("RENAME", method="put", path=self.path, destination=target.path, renameoptions="NONE")  # noqa: SLF001

    def unlink(self) -> None:
        with self.asked() as fs:
            fs.rm(self.path)

    def rmtree(self) -> None:
        """Remove a directory and its contents."""
        with self.asked() as fs:
            fs.rm(self.path, recursive=True)

    @contextmanager
    def asked(self) -> Iterator[Any]:
        """Yield the file system, and convert its exceptions: see :meth:`told`."""
        from .remote import file_system

        with self.told():
            yield file_system(self.root)[0]

    @contextmanager
    def told(self) -> Iterator[None]:
        """Convert exceptions of fsspec to OSError, as of a local file."""
        try:
            yield
        except ImportError:
            raise OSError(errno.ENOPKG, "the package requests is not installed: pip install requests", str(self)) from None
        except FileNotFoundError as error:
            raise FileNotFoundError(errno.ENOENT, reason(error), str(self)) from error
        except (OSError, RuntimeError, ValueError) as error:  # what fsspec makes of HDFS's answers
            raise OSError(errno.EIO, reason(error), str(self)) from error


class File:
    """An open file in HDFS. If an exception leaves its context, the rest of the file is not sent."""

    def __init__(self, place: Hdfs, file: Any) -> None:
        """Wrap a file of fsspec."""
        self.place, self.file = place, file

    def read(self, size: int = -1) -> bytes:
        with self.place.told():
            return cast(bytes, self.file.read(size))

    def seek(self, offset: int) -> int:
        """Go on reading from an offset."""
        return cast(int, self.file.seek(offset))

    def write(self, data: bytes) -> int:
        with self.place.told():
            return cast(int, self.file.write(data))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind:
            self.file.closed = True
        with self.place.told():
            self.file.close()


Place = Path | Hdfs


def at(place: str) -> Place:
    """Return the place of a path or a ``webhdfs://`` address."""
    if not place.startswith(_SCHEME):
        return Path(place)
    host, _, path = place.removeprefix(_SCHEME).partition("/")
    return Hdfs(_SCHEME + host, posixpath.normpath(f"/{path}"))


def address(place: Place) -> str:
    """Return the address of a place, for :func:`at` on any machine."""
    return place.url if isinstance(place, Hdfs) else str(place)


def move(source: Place, target: Place) -> None:
    """Rename a file or a directory atomically, within one file system."""
    source.replace(target)  # type: ignore[arg-type]


def reason(error: Exception) -> str:
    """Return the message of an error of HDFS in one line: the host that does not answer, or the text of the answer."""
    request, text = getattr(error, "request", None), str(error)
    if getattr(error, "response", None) is not None:
        with suppress(ValueError, KeyError, TypeError):
            text = error.response.json()["RemoteException"]["message"]  # type: ignore[attr-defined]
    elif request is not None:
        text = f"nobody answers at http://{urlsplit(request.url).netloc} (WebHDFS)"
    return next((line.strip() for line in text.splitlines() if line.strip()), type(error).__name__)


def remove(directory: Place) -> None:
    """Remove a directory, if it exists, even while abandoned tasks still write files to it."""
    with contextlib.suppress(OSError):
        if isinstance(directory, Hdfs):
            directory.rmtree()
            return
        gone = directory.with_name(f"{directory.name}.{uuid.uuid4().hex}.gone")
        directory.replace(gone)  # its path is gone, so no task can create more files in it
        shutil.rmtree(gone, ignore_errors=True)
