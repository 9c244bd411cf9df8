"""The values that travel between the parts: small, frozen, made of plain types, so that every engine can ship them."""

from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple


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


PartKind = Literal["keywords", "index", "rejected"]
KINDS: Final[tuple[PartKind, ...]] = ("keywords", "index", "rejected")
