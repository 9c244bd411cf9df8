"""The readable kernel: the functions of :mod:`~..scores`, page by page, with Avro by fastavro."""

from collections.abc import Iterable

import numpy as np

from ....avro.binary import pack, unpack_all
from ....avro.schemas import field, schema
from ...model import Document, Packed, Posting
from .. import frequencies
from ..candidates import Hashes, Vocabulary, find_candidates, mix, word_hash
from ..scores import rank_pages, score_page, tokens
from ..stopwords import Stopwords
from ..text import PLAIN


class PlainKernel:
    """See :class:`~.Kernel`."""

    def __init__(self, stopwords: Stopwords) -> None:
        """Start with no words."""
        self.vocabulary = Vocabulary(stopwords)
        self.pages: list[Hashes] = []
        self.table: frequencies.Table = b""
        self.top, self.bits = 1, 0
        self.posted: dict[int, bytearray] = {}

    scanner = PLAIN

    def start_counts(self) -> None:
        """Start a table of document frequencies."""
        self.pages = []

    def count(self, document: Document) -> None:
        """Add the candidates of one more page to the table, each once."""
        self.pages.append(find_candidates(self.vocabulary.numbers(tokens(document)), self.vocabulary).hashes)

    def counted(self) -> bytes:
        """The table, the number of pages in it."""
        return frequencies.count(self.pages)

    @staticmethod
    def merge(tables: Iterable[bytes], least: int = 1) -> bytes:
        """One table with the sums of several, but for phrases whose sum is below ``least``."""
        return frequencies.at_least(least, frequencies.merge(tables))

    def start_scores(self, table: frequencies.Table, top: int, bits: int) -> None:
        """Start scoring pages by a table of document frequencies; postings go to 2**bits buckets."""
        self.table, self.top, self.bits, self.posted = table, top, bits, {}

    def score(self, document: Document) -> bytes:
        """The page's ``top`` best keywords, as an Avro array of ``Keyword``; each is posted to its bucket, too."""
        keywords = score_page(document, self.table, self.top, self.vocabulary).keywords
        for keyword in keywords:
            posting = Posting(keyword.stems, keyword.phrase, keyword.score, document.url)
            bucket = phrase_hash(keyword.stems) >> (64 - self.bits)
            self.posted.setdefault(bucket, bytearray()).extend(pack(posting._asdict(), schema("posting")))
        return pack([keyword._asdict() for keyword in keywords], field("keywords", "keywords"))

    def postings(self) -> list[Packed]:
        """What was posted since the start, by bucket: ``Posting`` after ``Posting`` in Avro's encoding."""
        return [(bucket, bytes(self.posted[bucket])) for bucket in sorted(self.posted)]

    @staticmethod
    def rank(postings: bytes) -> tuple[list[bytes], int]:
        """The rows of the index, each an Avro ``IndexRow``, from a bucket's postings; and how many keywords these are."""
        unpacked = (Posting(**posting) for posting in unpack_all(postings, schema("posting")))
        rows = list(rank_pages(unpacked))
        return [pack(row._asdict(), schema("index")) for row in rows], sum(row.rank == 1 for row in rows)


def phrase_hash(stems: str) -> int:
    """The hash of a phrase, given by its stems."""
    first, *others = map(word_hash, stems.split(" "))
    hashed = np.array([first], np.uint64)
    for other in others:
        hashed = mix(hashed, np.array([other], np.uint64))
    return int(hashed[0])
