"""Pages from a corpus of any kind that the job reads, for one of another kind."""

import re
import sys
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import BinaryIO, Final

from ..crawl import jsonl, plan, reader
from ..crawl.model import MAX_BYTES, Page, Range, Rejected, Skipped
from ..errors import InputError

_ABSOLUTE: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
"""The start of a URL that has a scheme (RFC 3986, section 3.1)."""


def pages(inputs: Sequence[str], *, base_url: str = "", stdin: BinaryIO | None = None) -> Iterator[Page | Rejected | Skipped]:
    """The pages of some inputs in their order, and what these have instead of pages.

    Args:
        inputs: what :func:`~..crawl.plan.plan` takes, and ``-`` for JSON lines from ``stdin``.
        base_url: comes before the url of each page whose url has no scheme.
        stdin: standard input; it is read on the way, not spooled.

    Raises:
        InputError: if an input is not there, or is of no kind that is known: before the first page.

    """
    readers = [_read_stdin(stdin) if path == "-" else _read_path(path) for path in inputs]
    for items in readers:
        for item in items:
            if not isinstance(item, Page):
                yield item
            elif len(item.content) > MAX_BYTES:  # readers stop there: what they return of it is not the page
                yield Rejected(item.source, item.offset, item.url, "too-large", f"more than {MAX_BYTES} bytes")
            else:
                yield item._replace(url=_absolute(item.url, base_url)) if base_url else item


def _absolute(url: str, base_url: str) -> str:
    """The url with the base before it, one slash between them; a url with a scheme stays as it is."""
    if _ABSOLUTE.match(url):
        return url
    return f"{base_url.removesuffix('/')}/{url.removeprefix('/')}"


def _read_path(path: str) -> Iterator[Page | Rejected | Skipped]:
    """The pages of a path, a glob or a directory, in order of names and offsets."""
    splits, skipped = plan.plan([path])  # now, not at the first page: what is not there should be known at the start
    return chain((Skipped(path, 0) for _ in range(skipped)), chain.from_iterable(map(reader.read, splits)))


def _read_stdin(stdin: BinaryIO | None) -> Iterator[Page | Rejected | Skipped]:
    """The pages of JSON lines from a stream that can be read once only."""
    if stdin is None:
        raise InputError("-: there is no standard input here: name a file")
    try:
        yield from jsonl.read_jsonl(stdin, Range("-", 0, sys.maxsize, "jsonl"))
    except OSError as error:
        raise InputError(f"-: standard input cannot be read: {error.strerror or error}") from None
