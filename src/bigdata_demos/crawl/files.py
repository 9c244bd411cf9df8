"""Finds the files of paths, globs and directories, and identifies their formats."""

import codecs
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from ..avro.containers import MAGIC
from ..errors import InputError
from ..storage.compression import CODECS, codec_of
from ..storage.files import DAMAGED, is_damage, open_file
from . import warc
from .model import MEMBERS, Kind, Range

_HTML_NAMES: Final = (".html", ".htm", ".xhtml")
_KIND_OF_NAME: Final[dict[str, Kind]] = {
    **dict.fromkeys(_HTML_NAMES, "html"),
    ".warc": "warc",
    ".avro": "avro",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
}
_UTF_16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_NO_DATA: Final = frozenset({"_temporary", "_SUCCESS", "_logs", "_metadata", "_common_metadata", "_spark_metadata"})
"""Names that Hadoop and Spark give to files and directories beside their output."""
_UNSUPPORTED: Final = {
    ".arc": "ARC, the format before WARC: convert it, for instance by `warcio recompress`",
    ".wacz": "WACZ, a ZIP file with WARCs: unpack it, and name its directory `archive`",
    ".mhtml": "MHTML, which is not supported",
    ".mht": "MHTML, which is not supported",
    ".part": "an incomplete download: let it finish",
    ".crdownload": "an incomplete download: let it finish",
    ".tmp": "an incomplete file",
}
_HTML_START = re.compile(
    rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|title|body|meta)\b", re.IGNORECASE | re.DOTALL
)


def expand(path: str) -> Iterator[Range | None]:
    """Yield the files of a path, a glob or a directory, in order of their names, and ``None`` for each without pages.

    Raises InputError if there is none, or the path is a file of an unknown format.
    """
    local = "" if "://" in path else os.path.abspath(path)
    try:
        if os.path.isdir(local):
            yield from _files_below(local)
        elif os.path.isfile(local):  # before globs, since a name may contain brackets
            yield _known(path, local, os.path.getsize(local))
        else:
            yield from _expand_by_fsspec(path, local)
    except (OSError, ImportError, ValueError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from None


def _files_below(root: str) -> Iterator[Range | None]:
    """Yield the files below a local directory. Links to directories are not followed."""
    sizes: dict[str, int | None] = {}
    unlisted: list[str] = []
    directories = [root]
    while directories:
        directory = directories.pop()
        try:
            with os.scandir(directory) as listed:
                entries = list(listed)
        except OSError:
            unlisted.append(directory)
            continue
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                directories.append(entry.path)
            elif entry.is_file(follow_symlinks=False) or entry.is_symlink():
                try:
                    sizes[entry.path] = entry.stat().st_size
                except OSError:
                    if entry.is_symlink():  # a link to nothing; other files are gone
                        sizes[entry.path] = 0
            else:
                sizes[entry.path] = None
    yield from _in_directory(root, sizes, unlisted)


def _expand_by_fsspec(path: str, local: str) -> Iterator[Range | None]:
    """Expand a URL, or a glob of local files, which has an absolute path."""
    from ..storage.remote import file_system, is_glob, local_files

    fs, root = (local_files(), local) if local else file_system(path)

    def named(name: str) -> str:
        return name if local else url_of(fs, path, name)

    if fs.isdir(root):
        unlisted: list[str] = []
        found = fs.find(root, detail=True, on_error=lambda error: unlisted.append(str(error.filename or "")))
        sizes = {
            name: None if info["type"] == "other" and not info.get("islink") else info["size"] or 0
            for name, info in found.items()
        }
        yield from _in_directory(root, sizes, filter(None, unlisted), named)
        return
    if fs.isfile(root):  # before globs, since a name may contain brackets
        names = [root]
    elif is_glob(root):
        names = sorted(name for name in fs.glob(root) if fs.isfile(name))
        if not names:
            raise InputError(f"{path}: no file matches: check the pattern (** goes into directories)")
    else:
        raise InputError(f"{path}: no such file or directory")
    for name in names:
        yield _known(path, named(name), fs.size(name))


def _in_directory(
    root: str, sizes: Mapping[str, int | None], unlisted: Iterable[str], named: Callable[[str], str] = str
) -> Iterator[Range | None]:
    """Identify the files of a directory, in order of their names.

    ``sizes`` has their sizes by path, None for a pipe, a socket or a device, which may not end; ``unlisted`` are directories that
    cannot be listed; ``named`` returns the address of a file.
    """
    base = root.rstrip("/")
    for name, size in sorted(sizes.items()):
        inside = name[len(base) + 1 :]
        if not _NO_DATA.isdisjoint(inside.split("/")):
            continue
        if size is None:
            yield None
        elif not any(part.startswith(".") for part in inside.split("/")):
            yield _identify(named(name), size, inside)
    for name in unlisted:  # reading such a directory fails, so that it is rejected as unreadable
        yield Range(name, 0, 0, "html", name[len(base) + 1 :])


def _known(path: str, name: str, size: int) -> Range:
    """Identify a file that was named. Raises InputError if its format is unknown."""
    file = _identify(name, size, os.path.basename(name))
    if file is None:
        raise InputError(f"{path}: {unsupported(name) or _UNKNOWN}")
    return file


_UNKNOWN: Final = "not a web page, WARC, Avro or JSON lines file, by its content or its name"


def unsupported(name: str) -> str:
    """Return what to do about a file of a kind that is known but not supported, ``""`` for others."""
    stem, suffix = os.path.splitext(name.lower())
    return _UNSUPPORTED.get(os.path.splitext(stem)[1] if suffix in CODECS else suffix, "")


def url_of(fs: Any, path: str, name: str) -> str:
    """Return the URL of a file that a file system listed for a path. (Names in HDFS lack the host.)."""
    scheme, _, rest = path.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}{name}" if scheme == "webhdfs" else str(fs.unstrip_protocol(name))


def _identify(path: str, size: int, name: str) -> Range | None:
    """Identify a file by its first bytes, or else by its name; ``None`` if it has no pages."""
    stem, suffix = os.path.splitext(path.lower())
    by_name = _KIND_OF_NAME.get(os.path.splitext(stem)[1] if suffix in CODECS else suffix)
    if ".warc." in os.path.basename(path.lower()):  # Common Crawl's .warc.wet.gz and .warc.wat.gz
        by_name = "warc"
    if by_name == "html" and suffix not in CODECS:  # not opened here, because thousands of them are common
        return Range(path, 0, size, "html", name)
    start, codec = _head_of(path)
    by_start = kind_of(start)
    kind = by_name if by_start is None or (by_start == "jsonl" and by_name == "html") else by_start
    if kind is None:
        return None
    if by_start is None and kind != "warc":  # it may be damaged: then that is said of the file as a whole
        codec = codec or CODECS.get(suffix, "")
    if kind == "jsonl" and start[:2] in _UTF_16:
        codec = "utf-16"
    if kind == "warc" and codec in ("gzip", "zstd"):
        with open_file(path) as file:
            codec = codec if warc.is_stream(file) else MEMBERS
    return Range(path, 0, size, kind, name if kind == "html" else "", codec)


def kind_of(start: bytes) -> Kind | None:
    """Return the format of a file by its first bytes, decompressed."""
    if start.startswith(MAGIC):
        return "avro"
    if start.lstrip(b"\r\n").startswith(warc.WARC):
        return "warc"
    if _HTML_START.match(start):
        return "html"
    text = start.replace(b"\0", b"") if start[:2] in _UTF_16 else start
    return "jsonl" if text.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").startswith(b"{") else None


def _head_of(path: str) -> tuple[bytes, str]:
    """Return the first bytes of a file, decompressed, and its codec; ``b""`` if they cannot be decompressed."""
    codec = ""
    try:
        with open_file(path) as file:
            start = file.read(2048)
        if not (codec := codec_of(start)):
            return start, ""
        with open_file(path, codec) as file:
            return file.read(2048), codec
    except DAMAGED as error:
        if not is_damage(error):
            raise
        return b"", codec
