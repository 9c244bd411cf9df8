"""Pages from JSON lines, one for each line."""

import codecs
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Final

from .model import MAX_BYTES, Page, Range, Rejected, Skipped
from .records import page_of

MAX_LINE: Final = 4 * MAX_BYTES
"""The most bytes of a line: a page of the largest size, with escapes."""


def read_jsonl(file: BinaryIO, piece: Range) -> Iterator[Page | Rejected | Skipped]:
    """Yield the pages of JSON lines. A line belongs to the range in which it starts; compressed files are read whole."""
    end = sys.maxsize if piece.codec else piece.end
    source = piece.name or piece.path
    at = piece.start
    if at:
        file.seek(at - 1)
        at += _pass_line(file) - 1
    while at < end:
        line = file.readline(MAX_LINE + 1)
        if not line:
            return
        offset, at = at, at + len(line)
        if len(line) > MAX_LINE:
            at += _pass_line(file) if not line.endswith(b"\n") else 0
            yield Rejected(source, offset, "", "too-large", f"a line of more than {MAX_LINE} bytes")
            continue
        line = line.removeprefix(codecs.BOM_UTF8).strip()
        if not line:
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            yield Rejected(source, offset, "", "bad-record", f"{type(error).__name__}: {error}")
        else:
            yield page_of(record, source, offset)


def _pass_line(file: BinaryIO) -> int:
    """Skip to the end of the line; return the number of bytes."""
    passed = 0
    while chunk := file.readline(1 << 20):
        passed += len(chunk)
        if chunk.endswith(b"\n"):
            break
    return passed


def spool_lines(lines: Iterable[bytes], path: Path) -> None:
    """Write standard input to a file that workers can open."""
    with path.open("wb") as file:
        for line in lines:
            file.write(line)
