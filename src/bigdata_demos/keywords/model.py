"""The values that travel between the parts: small, frozen, made of plain types, so that every engine can ship them."""

from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

Kind = Literal["html", "warc", "avro", "jsonl"]


class Range(NamedTuple):
    """Bytes ``start`` to ``end`` of a file; a record belongs to the range in which it starts.

    ``name`` is the page's identity if the file is one page (its path relative to the input), ``-`` for standard input,
    else ``""``. ``codec`` is
    the compression of the whole file as fsspec names it, ``""`` if none; a WARC's own gzip members do not count.
    """

    path: str
    start: int
    end: int
    kind: Kind
    name: str = ""
    codec: str = ""


class Split(NamedTuple):
    """The input of one map task: what it reads where it runs. ``number`` orders the output's parts."""

    number: int
    ranges: tuple[Range, ...]

    @property
    def nbytes(self) -> int:
        """Bytes of input, as stored."""
        return sum(part.end - part.start for part in self.ranges)


class Page(NamedTuple):
    """One page as it was crawled, not yet decoded.

    ``content`` is ``bytes`` (HTML, character set unknown), or ``str`` (decoded HTML, or text if ``is_text``).
    ``content_type`` is the HTTP header's value, ``date`` is what the crawl says (``WARC-Date``), uninterpreted.
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
    """A page that should have been readable and was not: the dead letter. ``reason`` is one of a few words."""

    source: str
    offset: int
    url: str
    reason: str
    detail: str = ""


FAULTS: Final = {
    **dict.fromkeys(("bad-record", "bad-encoding", "truncated", "unreadable"), "UNREADABLE"),
    **dict.fromkeys(("empty", "not-html"), "NOT_A_PAGE"),
    **dict.fromkeys(("too-large", "too-many-tags", "too-deep"), "TOO_LARGE"),
}
"""The kind of each reason: a symbol of the enum Fault in ``schemas/rejected.avsc``."""


class Skipped(NamedTuple):
    """A record or file that is no web page to begin with: an image, a redirect, an error response."""

    source: str
    offset: int


class Document(NamedTuple):
    """What pass 1 keeps of a page for pass 2. ``utf8`` is its text: one line for each block, white space collapsed."""

    url: str
    source: str
    offset: int
    title: str
    utf8: bytes
    declared: list[str]

    @property
    def text(self) -> str:
        """The text, decoded: what readable code reads. What is fast stays with the bytes."""
        return self.utf8.decode()


class Keyword(NamedTuple):
    """One keyword of one page: the form shown, its stems, its score, its count on the page, the pages that have it."""

    phrase: str
    stems: str
    score: int
    tf: int
    df: int


class PageKeywords(NamedTuple):
    """The result for one page, best keyword first. ``declared`` is what the page says of itself, kept apart."""

    url: str
    source: str
    offset: int
    title: str
    keywords: list[Keyword]
    declared: list[str]


class Posting(NamedTuple):
    """A page under a keyword, on its way to the index."""

    stems: str
    phrase: str
    score: int
    url: str


class IndexRow(NamedTuple):
    """A row of the consolidated index. ``rank`` counts a keyword's pages from 1, best first."""

    stems: str
    phrase: str
    rank: int
    score: int
    url: str


Packed = tuple[int, bytes]
"""What the shuffle carries: a bucket's number, and bytes that no engine looks into."""


class Mapped(NamedTuple):
    """What pass 1 makes of a split: ``kept`` goes to pass 2 of the same split, ``frequencies`` to the shuffle."""

    kept: bytes
    frequencies: list[Packed]


@dataclass(frozen=True, slots=True)
class Part:
    """One committed file of the output, and the sums that its task took over its records.

    ``digest`` is the sum, modulo 2**256, of the SHA-256 of each record's canonical form; ``counts`` are further sums.
    """

    kind: Literal["keywords", "index", "rejected"]
    number: int
    path: str
    records: int
    nbytes: int
    sha256: str
    digest: int
    counts: dict[str, int] = field(default_factory=dict)


class Scored(NamedTuple):
    """What pass 2 makes of a split: the parts it wrote, and postings for the shuffle to the index."""

    parts: list[Part]
    postings: list[Packed]
