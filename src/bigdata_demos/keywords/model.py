"""The values that tasks exchange: small, immutable, and made of built-in types, so that every engine can send them."""

from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple


class Document(NamedTuple):
    """The fields of a page, as pass 1 hands them to pass 2.

    ``utf8`` is its text: a line for the title and one for each block, which starts with a tab if the block is weak.
    ``language`` is an ISO 639-1 code. ``site`` is the name that the page declares for its site, in one line, ``""`` if it
    declares none. Text and site have zero-width spaces between the words of languages that are written without spaces.
    """

    url: str
    source: str
    offset: int
    title: str
    language: str
    utf8: bytes
    declared: list[str]
    site: str = ""

    @property
    def text(self) -> str:
        """Return the text, decoded; the native kernel reads the bytes."""
        return self.utf8.decode()


class Keyword(NamedTuple):
    """A keyword of a page: as the page writes it, its stems, its score, its count on the page, and the pages that have it."""

    phrase: str
    stems: str
    score: int
    tf: int
    df: int


class PageKeywords(NamedTuple):
    """The result for one page, best keyword first. ``declared`` are those that its markup names."""

    url: str
    source: str
    offset: int
    title: str
    language: str
    keywords: list[Keyword]
    declared: list[str]


class Posting(NamedTuple):
    """A keyword of a page, before the index ranks it."""

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
"""An element of the shuffle: a bucket's number, and bytes that engines pass on unread."""


class Mapped(NamedTuple):
    """The output of pass 1 for a split: ``kept`` is read by pass 2 of the same split, ``frequencies`` are shuffled."""

    kept: bytes
    frequencies: list[Packed]


@dataclass(frozen=True, slots=True)
class Part:
    """A file of the output, with sums over its records that its task computed.

    ``digest`` is the sum, modulo 2**256, of the SHA-256 of each record's canonical form; ``counts`` are further sums.
    """

    kind: "PartKind"
    number: int
    path: str
    records: int
    nbytes: int
    sha256: str
    digest: int
    counts: dict[str, int] = field(default_factory=dict)


class Scored(NamedTuple):
    """The output of pass 2 for a split: the parts that it wrote, and postings, which are shuffled."""

    parts: list[Part]
    postings: list[Packed]


OUTPUT_FORMATS: Final = ("avro", "parquet")
"""The settings of ``--output-format``."""

EFFORTS: Final = ("fast", "standard", "precise")
"""The settings of ``--effort`` (:mod:`.analysis.effort`)."""

PartKind = Literal["keywords", "index", "rejected", "text"]
KINDS: Final[tuple[PartKind, ...]] = ("keywords", "index", "rejected")
"""The kinds of parts that every run writes, and that its digest is computed of."""
