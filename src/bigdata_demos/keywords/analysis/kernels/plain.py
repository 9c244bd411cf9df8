"""The readable kernel: the functions of :mod:`~..scores`, page by page, with Avro by fastavro."""

from collections.abc import Iterable

from ....avro.binary import pack, unpack_all
from ....avro.schemas import field, schema
from ...model import Document, Packed, Posting
from .. import counting, frequencies
from ..candidates import Hashes, Vocabulary, find_candidates, find_tokens, phrase_hash
from ..languages import Rules
from ..scores import rank_pages, score_page
from ..text import PLAIN


class PlainKernel:
    """Implements :class:`~.Kernel`, which has the docstrings of its methods."""

    def __init__(self, rules: Rules) -> None:
        """Start with no words."""
        self.rules = rules
        self.vocabularies: dict[str, Vocabulary] = {}
        self.pages: list[Hashes] = []
        self.table: frequencies.Table = b""
        self.top, self.bits = 1, 0
        self.posted: dict[int, bytearray] = {}

    scanner = PLAIN

    def vocabulary(self, language: str) -> Vocabulary:
        """Return the vocabulary of a language."""
        if language not in self.vocabularies:
            self.vocabularies[language] = Vocabulary(self.rules.lexicon(language))
        return self.vocabularies[language]

    def start_counts(self) -> None:
        self.pages = []

    def count(self, document: Document) -> None:
        vocabulary = self.vocabulary(document.language)
        self.pages.append(find_candidates(find_tokens(document, vocabulary), vocabulary).hashes)

    def counted(self) -> bytes:
        return counting.count(self.pages)

    @staticmethod
    def merge(tables: Iterable[bytes], least: int = 1) -> bytes:
        return counting.at_least(least, counting.merge(tables))

    def start_scores(self, table: frequencies.Table, top: int, bits: int) -> None:
        self.table, self.top, self.bits, self.posted = table, top, bits, {}

    def score(self, document: Document) -> bytes:
        keywords = score_page(document, self.table, self.top, self.vocabulary(document.language)).keywords
        for keyword in keywords:
            posting = Posting(keyword.stems, keyword.phrase, keyword.score, document.url)
            bucket = phrase_hash(keyword.stems) >> (64 - self.bits)
            self.posted.setdefault(bucket, bytearray()).extend(pack(posting._asdict(), schema("posting")))
        return pack([keyword._asdict() for keyword in keywords], field("keywords", "keywords"))

    def postings(self) -> list[Packed]:
        return [(bucket, bytes(self.posted[bucket])) for bucket in sorted(self.posted)]

    @staticmethod
    def rank(postings: bytes) -> tuple[list[bytes], int]:
        unpacked = (Posting(**posting) for posting in unpack_all(postings, schema("posting")))
        rows = list(rank_pages(unpacked))
        return [pack(row._asdict(), schema("index")) for row in rows], sum(row.rank == 1 for row in rows)
