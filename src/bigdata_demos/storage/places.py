"""Where an output can be: a directory of this machine, or one of HDFS, reached by HTTP. Both are used as pathlib's paths are."""

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

import fsspec

fsspec.register_implementation("webhdfs", "bigdata_demos.storage.webhdfs.CheckedWebHDFS", clobber=True)
_SCHEME: Final = "webhdfs://"
BLOCK: Final = 8 << 20
"""Bytes of a file that are held, and sent to HDFS at once."""


@dataclass(frozen=True, slots=True)
class Hdfs:
    """A path in HDFS, with as much of pathlib's interface as an output needs.

    ``root``: the file system's address for fsspec (``webhdfs://USER@HOST:PORT``); ``path`` is absolute. ``called``: the address
    that people know it by. What HDFS, or the way to it, refuses is an OSError with one line, and the path, as of local files.
    """

    root: str
    path: str
    called: str = ""

    @property
    def url(self) -> str:
        """Its address, by which any machine opens it."""
        return self.root + self.path

    def __str__(self) -> str:
        return (self.called or self.root) + self.path

    def __truediv__(self, name: str) -> "Hdfs":
        return replace(self, path=posixpath.join(self.path, name))

    @property
    def name(self) -> str:
        """The last part of the path."""
        return posixpath.basename(self.path)

    @property
    def parent(self) -> "Hdfs":
        """The directory that it is in."""
        return replace(self, path=posixpath.dirname(self.path))

    def with_name(self, name: str) -> "Hdfs":
        """Another path in the same directory."""
        return self.parent / name

    def absolute(self) -> "Hdfs":
        """Itself."""
        return self

    def exists(self) -> bool:
        """Whether there is a file or a directory."""
        return bool(self.kind())

    def is_dir(self) -> bool:
        """Whether there is a directory."""
        return self.kind() == "directory"

    def kind(self) -> str:
        """What is there: ``file``, ``directory`` or nothing. fsspec's own ``exists`` is false where nobody answers."""
        try:
            with self.asked() as fs:
                return str(fs.info(self.path)["type"])
        except FileNotFoundError:
            return ""

    def iterdir(self) -> Iterator["Hdfs"]:
        """What is in a directory, by name."""
        with self.asked() as fs:
            names = fs.ls(self.path, detail=False)
        return (replace(self, path=name) for name in names)

    def glob(self, pattern: str) -> Iterator["Hdfs"]:
        """Those in a directory whose names match."""
        return (path for path in self.iterdir() if fnmatchcase(path.name, pattern))

    def mkdir(self, *, parents: bool = True) -> None:  # noqa: ARG002 (HDFS makes them anyway)
        """Make a directory, and those that it is in."""
        with self.asked() as fs:
            fs.mkdir(self.path)

    def open(self, mode: str) -> "File":
        """A file to read (``rb``), or a new one to write (``xb``): what is written is sent block by block.

        It never makes the directory that it is in: a task that nobody waits for would bring back what was removed.
        """
        with self.asked() as fs:
            file = fs.open(self.path, "rb" if mode == "rb" else "wb", block_size=BLOCK)
        file.kwargs |= {"createparent": "false"}  # of the request that creates it; fsspec has no argument for it
        return File(self, file)

    def read_text(self, encoding: str = "utf-8") -> str:
        """A file's text."""
        with self.open("rb") as file:
            return file.read().decode(encoding)

    def write_text(self, text: str, encoding: str = "utf-8") -> None:
        """Make a file of a text."""
        with self.open("xb") as file:
            file.write(text.encode(encoding))

    def replace(self, target: "Hdfs") -> None:
        """Rename it, at once; refused where anything is at the target (without an option HDFS would move it in there)."""
        with self.asked() as fs:
            fs._call("RENAME", method="put", path=self.path, destination=target.path, renameoptions="NONE")  # noqa: SLF001

    def unlink(self) -> None:
        """Remove a file."""
        with self.asked() as fs:
            fs.rm(self.path)

    def rmtree(self) -> None:
        """Remove a directory and all that is in it, at once."""
        with self.asked() as fs:
            fs.rm(self.path, recursive=True)

    @contextmanager
    def asked(self) -> Iterator[Any]:
        """The file system; what it raises meanwhile gets the form of a local file's error."""
        with self.told():
            yield fsspec.core.url_to_fs(self.root)[0]

    @contextmanager
    def told(self) -> Iterator[None]:
        """Give what HDFS raises meanwhile the form of a local file's error."""
        try:
            yield
        except ImportError:
            raise OSError(errno.ENOPKG, "the package requests is not installed: pip install requests", str(self)) from None
        except FileNotFoundError as error:
            raise FileNotFoundError(errno.ENOENT, reason(error), str(self)) from error
        except (OSError, RuntimeError, ValueError) as error:  # what fsspec makes of HDFS's answers
            raise OSError(errno.EIO, reason(error), str(self)) from error


class File:
    """A file of HDFS that is open. One that an exception leaves half-written is not sent to its end."""

    def __init__(self, place: Hdfs, file: Any) -> None:
        """Take a file of fsspec's."""
        self.place, self.file = place, file

    def read(self, size: int = -1) -> bytes:
        """Read."""
        with self.place.told():
            return cast(bytes, self.file.read(size))

    def write(self, data: bytes) -> int:
        """Write."""
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
    """The place of a path, or of a ``webhdfs://`` address."""
    if not place.startswith(_SCHEME):
        return Path(place)
    host, _, path = place.removeprefix(_SCHEME).partition("/")
    return Hdfs(_SCHEME + host, posixpath.normpath(f"/{path}"))


def address(place: Place) -> str:
    """What :func:`at` makes the place of again, on any machine."""
    return place.url if isinstance(place, Hdfs) else str(place)


def move(source: Place, target: Place) -> None:
    """Rename a file or a directory, at once. Both are in one file system."""
    source.replace(target)  # type: ignore[arg-type]


def reason(error: Exception) -> str:
    """What an error of HDFS says, as one line: who does not answer, or the answer's own words."""
    request, text = getattr(error, "request", None), str(error)
    if getattr(error, "response", None) is not None:
        with suppress(ValueError, KeyError, TypeError):
            text = error.response.json()["RemoteException"]["message"]  # type: ignore[attr-defined]
    elif request is not None:
        text = f"nobody answers at http://{urlsplit(request.url).netloc} (WebHDFS)"
    return next((line.strip() for line in text.splitlines() if line.strip()), type(error).__name__)


def remove(directory: Place) -> None:
    """Remove a directory, if it is there, even while tasks that were given up still write new files in it."""
    with contextlib.suppress(OSError):
        if isinstance(directory, Hdfs):
            directory.rmtree()
            return
        gone = directory.with_name(f"{directory.name}.{uuid.uuid4().hex}.gone")
        directory.replace(gone)  # no path leads there now: what is in it can only become less
        shutil.rmtree(gone, ignore_errors=True)
