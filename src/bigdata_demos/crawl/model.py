"""The values from paths to pages: small, immutable, and made of built-in types, so that every engine can send them."""

from typing import Final, Literal, NamedTuple

Kind = Literal["html", "warc", "avro", "jsonl"]

MAX_BYTES: Final = 16 << 20
"""The most bytes of a page that is read; characters, if it is decoded already."""


MEMBERS: Final = "members"
"""The codec of a WARC whose records are gzip members or Zstandard frames, so that it can be read from any of them."""


class Range(NamedTuple):
    """Bytes ``start`` to ``end`` of a file; a record belongs to the range in which it starts.

    ``name`` is the page's identity if the file is one page (its path relative to the input), ``-`` for standard input,
    else ``""``. ``codec`` is the compression of the whole file as fsspec names it, ``""`` if none, or :data:`MEMBERS`.
    ``verify``: whether the digests that its records have are checked.
    """

    path: str
    start: int
    end: int
    kind: Kind
    name: str = ""
    codec: str = ""
    verify: bool = False


class Split(NamedTuple):
    """The input of one map task, which reads it itself. ``number`` orders the output's parts."""

    number: int
    ranges: tuple[Range, ...]

    @property
    def nbytes(self) -> int:
        """Bytes of input, as stored."""
        return sum(part.end - part.start for part in self.ranges)


class Page(NamedTuple):
    """One page as it was crawled, not yet decoded.

    ``content`` is ``bytes`` (HTML, character set unknown), or ``str`` (decoded HTML, or text if ``is_text``).
    ``content_type`` is the HTTP header's value, ``date`` that of the crawl (``WARC-Date``), uninterpreted.
    """

    url: str
    source: str
    offset: int
    content: bytes | str
    is_text: bool = False
    title: str = ""
    content_type: str = ""
    date: str = ""


class Rejected(NamedTuple):
    """A page that should have been readable and was not (a dead letter). ``reason`` is a key of :data:`FAULTS`.

    ``end`` is the offset where damage that starts at ``offset`` ends, 0 if all bytes could be read. ``records`` is the number of
    records that were lost with it, as far as known: an Avro block has many.
    """

    source: str
    offset: int
    url: str
    reason: str
    detail: str = ""
    end: int = 0
    records: int = 1


FAULTS: Final = {
    **dict.fromkeys(("bad-record", "bad-encoding", "bad-digest", "truncated", "unreadable"), "UNREADABLE"),
    **dict.fromkeys(("empty", "not-html"), "NOT_A_PAGE"),
    **dict.fromkeys(("too-large", "too-many-tags", "too-deep", "too-slow", "killed-worker"), "TOO_LARGE"),
}
"""The kind of fault of each reason: a symbol of the enum Fault in ``schemas/rejected.avsc``."""


class Skipped(NamedTuple):
    """A record or file that is not a web page: an image, a redirect, an error response."""

    source: str
    offset: int


class Unreadable(Exception):
    """A page cannot be read; ``args`` are the reason and a detail."""
