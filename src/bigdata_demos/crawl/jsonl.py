"""Pages from JSON lines, one for each line."""

import codecs
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final

import msgspec

from .model import MAX_BYTES, Page, Range, Rejected, Skipped
from .records import page_of

MAX_LINE: Final = 4 * MAX_BYTES
"""The most bytes of a line: a page of the largest size, with escapes."""


class _Record(msgspec.Struct):
    """The fields of a record that make a page; others are skipped without being decoded."""

    url: Any = None
    id: Any = None
    html: Any = None
    text: Any = None
    title: Any = None
    content_type: Any = None
    date: Any = None


_decode: Final = msgspec.json.Decoder(_Record).decode


def read_jsonl(file: BinaryIO, piece: Range) -> Iterator[Page | Rejected | Skipped]:
    """Yield the pages of JSON lines. A line belongs to the range in which it starts; compressed files are read whole."""
    end = sys.maxsize if piece.codec else piece.end
    source = piece.name or piece.path
    at = piece.start
    if at:
        file.seek(at - 1)
        at += _pass_line(file, end - at + 1) - 1
    while at < end:
        line = file.readline(MAX_LINE + 1)
        if not line:
            return
        offset, at = at, at + len(line)
        if len(line) > MAX_LINE:
            at += _pass_line(file, end - at) if not line.endswith(b"\n") else 0
            yield Rejected(source, offset, "", "too-large", f"a line of more than {MAX_LINE} bytes")
            continue
        line = line.removeprefix(codecs.BOM_UTF8).strip()
        if not line:
            continue
        try:
            record = _record(line)
        except (ValueError, RecursionError) as error:
            yield Rejected(source, offset, "", "bad-record", f"{type(error).__name__}: {error}", at)
        else:
            yield page_of(record, source, offset)


def _record(line: bytes) -> Any:
    """Decode a line; raises ValueError or RecursionError. Python's decoder takes what the fast one is too strict for."""
    try:
        return msgspec.structs.asdict(_decode(line))
    except msgspec.DecodeError:
        if len(line) > MAX_BYTES:  # a small value of JSON can become a large one in Python
            raise
    return json.loads(line)


def _pass_line(file: BinaryIO, most: int) -> int:
    """Skip to the end of the line, or ``most`` bytes; return the number of bytes."""
    passed = 0
    while passed < most and (chunk := file.readline(min(1 << 20, most - passed))):
        passed += len(chunk)
        if chunk.endswith(b"\n"):
            break
    return passed


def spool_lines(lines: Iterable[bytes], path: Path) -> None:
    """Write standard input to a file that workers can open."""
    with path.open("wb") as file:
        for line in lines:
            file.write(line)
