"""Files at URLs: fsspec, with this package's file system for HDFS.

Functions that local jobs use import this module where they meet a URL or a glob: importing fsspec takes longer than all else
that a small local job needs.
"""

import io
from typing import Any, BinaryIO, cast

import fsspec

fsspec.register_implementation("webhdfs", "bigdata_demos.storage.webhdfs.CheckedWebHDFS", clobber=True)


def file_system(url: str) -> tuple[Any, str]:
    """Return the file system of a URL or a local path, and the path in it."""
    fs, path = fsspec.core.url_to_fs(url)
    return fs, str(path)


def local_files() -> Any:
    """Return the local file system, in which any path is a path, whatever is in it."""
    return fsspec.filesystem("file")


def open_url(url: str, mode: str = "rb") -> BinaryIO:
    """Open the file at a URL; for reading, buffered, as some file systems' files do not limit the length of their lines."""
    file = fsspec.open(url, mode).open()
    return cast(BinaryIO, io.BufferedReader(file) if mode == "rb" else file)


def is_glob(path: str) -> bool:
    """Return whether a path has characters of a pattern in it."""
    return bool(fsspec.core.has_magic(path))
