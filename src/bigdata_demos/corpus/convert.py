"""Reads pages from any input that the job accepts, to convert them to another format."""

import re
import sys
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import BinaryIO, Final

from ..crawl import jsonl, plan, reader
from ..crawl.model import MAX_BYTES, Page, Range, Rejected, Skipped
from ..errors import InputError

_ABSOLUTE: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")  # a URL scheme (RFC 3986, section 3.1)


def pages(inputs: Sequence[str], *, base_url: str = "", stdin: BinaryIO | None = None) -> Iterator[Page | Rejected | Skipped]:
    """Yield the pages of the inputs in order, including rejected and skipped ones.

    Args:
        inputs: paths as in :func:`~..crawl.plan.plan`, or ``-`` for JSON lines from ``stdin``.
        base_url: prepended to each URL that has no scheme.
        stdin: standard input, read as a stream and not spooled.

    Raises:
        InputError: before the first page, if an input does not exist or has an unknown type.
    """
    readers = [_read_stdin(stdin) if path == "-" else _read_path(path) for path in inputs]
    for items in readers:
        for item in items:
            if not isinstance(item, Page):
                yield item
            elif len(item.content) > MAX_BYTES:  # readers truncate such pages
                yield Rejected(item.source, item.offset, item.url, "too-large", f"more than {MAX_BYTES} bytes")
            else:
                yield item._replace(url=_absolute(item.url, base_url)) if base_url else item


def _absolute(url: str, base_url: str) -> str:
    return url if _ABSOLUTE.match(url) else f"{base_url.removesuffix('/')}/{url.removeprefix('/')}"


def _read_path(path: str) -> Iterator[Page | Rejected | Skipped]:
    """Plan at once, then read lazily, in order of names and offsets."""
    splits, skipped = plan.plan([path])  # not lazily: a missing input must fail at the start
    return chain((Skipped(path, 0) for _ in range(skipped)), chain.from_iterable(map(reader.read, splits)))


def _read_stdin(stdin: BinaryIO | None) -> Iterator[Page | Rejected | Skipped]:
    if stdin is None:
        raise InputError("-: standard input is closed: name a file")
    try:
        yield from jsonl.read_jsonl(stdin, Range("-", 0, sys.maxsize, "jsonl"))
    except OSError as error:
        raise InputError(f"-: standard input cannot be read: {error.strerror or error}") from None
