"""Finds the files of paths, globs and directories, and identifies their formats."""

import os
import re
from collections.abc import Iterator
from typing import Any, Final

import fsspec

from ..avro.containers import MAGIC
from ..errors import InputError
from ..storage.files import CODECS, DAMAGED, open_file
from . import warc
from .model import Kind, Range

_HTML_NAMES: Final = (".html", ".htm", ".xhtml")
_KIND_OF_NAME: Final[dict[str, Kind]] = {
    **dict.fromkeys(_HTML_NAMES, "html"),
    ".warc": "warc",
    ".avro": "avro",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
}
_HTML_START = re.compile(
    rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|title|body|meta)\b", re.IGNORECASE | re.DOTALL
)


def expand(path: str) -> Iterator[Range | None]:
    """Yield the files of a path, a glob or a directory, in order of their names, and ``None`` for each without pages.

    Raises InputError if there is none, or the path is a file of an unknown format.
    """
    try:
        local = "://" not in path
        fs, root = (fsspec.filesystem("file"), os.path.abspath(path)) if local else fsspec.core.url_to_fs(path)
        if fs.isdir(root):
            base = root.rstrip("/")
            for name, info in sorted(fs.find(root, detail=True).items()):
                inside = name[len(base) + 1 :]
                if info["type"] == "other" and not info.get("islink"):  # a pipe, a socket or a device, which may not end
                    yield None
                elif not any(part.startswith(".") for part in inside.split("/")):
                    yield _identify(name if local else url_of(fs, path, name), info["size"], inside)
            return
        if fs.isfile(root):  # before globs, since a name may contain brackets
            names = [root]
        elif fsspec.core.has_magic(root):
            names = sorted(name for name in fs.glob(root) if fs.isfile(name))
            if not names:
                raise InputError(f"{path}: no file matches: check the pattern (** goes into directories)")
        else:
            raise InputError(f"{path}: no such file or directory")
        for name in names:
            file = _identify(name if local else url_of(fs, path, name), fs.size(name), os.path.basename(name))
            if file is None:
                raise InputError(f"{path}: not a web page, WARC, Avro or JSON lines file, by its content or its name")
            yield file
    except (OSError, ImportError, ValueError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from None


def url_of(fs: Any, path: str, name: str) -> str:
    """Return the URL of a file that a file system listed for a path. (Names in HDFS lack the host.)."""
    scheme, _, rest = path.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}{name}" if scheme == "webhdfs" else str(fs.unstrip_protocol(name))


def _identify(path: str, size: int, name: str) -> Range | None:
    """Identify a file; ``None`` if it has no pages."""
    stem, suffix = os.path.splitext(path.lower())
    codec = CODECS.get(suffix, "")
    kind = _KIND_OF_NAME.get(os.path.splitext(stem)[1] if codec else suffix)
    if kind == "html" and not codec:  # not opened here, because thousands of them are common
        return Range(path, 0, size, "html", name)
    start = _head_of(path, codec)
    by_start: Kind | None = None
    if start.startswith(MAGIC):
        by_start = "avro"
    elif start.startswith(warc.WARC):
        by_start = "warc"
    elif _HTML_START.match(start):
        by_start = "html"
    elif start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") and kind != "html":
        by_start = "jsonl"
    kind = by_start or kind
    if kind is None:
        return None
    if kind == "warc" and codec == "gzip":
        with open_file(path) as file:
            codec = "gzip" if warc.is_one_member(file) else ""
    return Range(path, 0, size, kind, name if kind == "html" else "", codec)


def _head_of(path: str, codec: str) -> bytes:
    """Return the first bytes of a file, decompressed; ``b""`` if that fails."""
    try:
        with open_file(path, codec) as file:
            return file.read(2048)
    except DAMAGED:
        return b""
