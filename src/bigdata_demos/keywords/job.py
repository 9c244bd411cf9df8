"""The job, as functions of pages, splits and buckets. An engine only decides where and when each of them runs.

::

    map_split      a split → its documents, and tables of document frequencies by bucket     pass 1, map
    merge          the tables of a bucket → one table                                        pass 1, reduce
    join           the tables of all buckets → one table of document frequencies             between the passes
    score_split    documents + frequencies → a part with their keywords, and postings        pass 2, map
    write_bucket   the postings of a bucket → its part of the index                          pass 2, reduce

Three more are for engines that can use them: ``map_pages`` (map_split, where Hadoop reads the input), ``combine`` (Hadoop's
combiner), and ``answer`` (merge for a table that is too large to send everywhere).

What happens to one page is in :func:`map_page` and in the kernel that it calls. There are two kernels. The one in C runs by
default; :mod:`.analysis.kernels.plain` is the readable one, made of the functions in :mod:`.analysis.scores`.
``tests/keywords/analysis/test_kernels.py`` holds both to the same bytes.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from ..avro import schemas
from ..avro.binary import pack, unpack
from ..crawl import plan
from ..crawl.model import Page, Rejected, Skipped, Split, Unreadable
from ..crawl.reader import read
from . import isolation
from .analysis import frequencies, kernels
from .analysis.languages import Rules
from .analysis.text import clean, extract
from .model import Document, Mapped, Packed, Part, Scored
from .output.parts import Row, index_row, keywords_row, rejected_row, text_row, write_part

_BUCKET_BYTES: Final = 64 << 20  # bytes of uncompressed input for each bucket of the shuffle
_MIN_BITS, _MAX_BITS = 3, 12  # so 8 to 4,096 buckets


def map_page(page: Page, kernel: kernels.Kernel, rules: Rules = Rules()) -> Document | Rejected:  # noqa: B008
    """Map a page: extract its text, and count its candidates in the kernel's table. A page that cannot be read is rejected."""
    try:
        document = extract(page, kernel.scanner, rules)
    except Unreadable as error:
        reason, detail = error.args
        return Rejected(page.source, page.offset, page.url, reason, detail)
    kernel.count(document)
    return document


@dataclass(frozen=True, slots=True)
class Job:
    """The job with its settings, as engines ship it to workers. Engines never look into the bytes that its methods exchange.

    Attributes:
        top: keywords of each page, at most.
        rules: the language of all pages and the words that end a phrase, if these are not found out for each page.
        bits: there are 2**bits buckets.
        workdir: a directory that all workers see, for the data between the passes.
        parts: the path or URL of the directory for parts, ``""`` if it is ``workdir`` (see :mod:`bigdata_demos.storage.places`).
        reader: the reader's schema for Avro input, as JSON, ``""`` to use each file's own.
        effort: how much work goes into the choice of keywords (:mod:`.analysis.effort`).
        page_seconds: how long a page may take to be mapped, 0 for no limit (:mod:`.isolation`).
        keep_text: whether the text of the pages is written beside their keywords, for a search index.
    """

    top: int
    rules: Rules
    bits: int
    workdir: str
    parts: str = ""
    reader: str = ""
    effort: str = "standard"
    page_seconds: float = 0
    keep_text: bool = False

    def map_split(self, split: Split, *, runs_again: bool | None = None) -> Mapped:
        """Map a split: pack its documents, and count document frequencies in one table for each bucket.

        ``runs_again``: whether an attempt at this task has failed before, for an engine that knows.
        """
        return self.map_pages(read(split, self.reader), split.number, runs_again=runs_again)

    def map_pages(self, pages: Iterable[Page | Rejected | Skipped], number: int = 0, *, runs_again: bool | None = None) -> Mapped:
        """Map the pages of a split, for an engine that reads the input itself. ``number``: the split's."""
        kernel = kernels.of_this_thread(self.rules, self.effort)
        documents, rejected, skipped = [], [], Counter[str]()
        kernel.start_counts()
        limits = (self.effort, self.page_seconds, self.workdir, str(number))
        with isolation.task(map_page, self.rules, *limits, runs_again=runs_again) as map_one:
            for page in pages:
                result = map_one(page, kernel, self.rules) if isinstance(page, Page) else page
                if isinstance(result, Document):
                    documents.append(result._asdict())
                elif isinstance(result, Rejected):
                    rejected.append(result._asdict())
                else:
                    skipped[result.source] += 1
        tables = frequencies.partition(kernel.counted(), self.bits)
        shuffled = sum(len(table) for _, table in tables)
        kept = {
            "documents": documents,
            "rejected": list(map(_cleaned, rejected)),
            "skipped": {str(clean(source)): number for source, number in skipped.items()},
            "shuffled": shuffled,
        }
        return Mapped(pack(kept, schemas.schema("kept")), tables)

    def merge(self, bucket: int, tables: Iterable[bytes]) -> bytes:  # noqa: ARG002 (each bucket is merged alike)
        """Reduce a bucket of pass 1, once, over all its tables. Phrases of a single page are left out: 1 is the default."""
        return kernels.of_this_thread(self.rules, self.effort).merge(tables, least=2)

    def combine(self, bucket: int, tables: Iterable[bytes]) -> bytes:  # noqa: ARG002
        """Combine some of a bucket's tables before the shuffle: one table with their sums."""
        return kernels.of_this_thread(self.rules, self.effort).merge(tables)

    def answer(self, bucket: int, tables: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, Packed]]:
        """Reduce a bucket of pass 1, and return to each split the frequencies of its own phrases only.

        This is for corpora whose table of frequencies is too large to be sent to every worker. ``tables`` come with the numbers
        of their splits; the result is pairs of a split's number and its table.
        """
        from .analysis.counting import restrict  # with numpy, whose import takes 60 ms

        sent = list(tables)
        merged = self.merge(bucket, (table for _, table in sent))
        return ((number, (bucket, restrict(merged, table))) for number, table in sent)

    @staticmethod
    def join(buckets: dict[int, bytes]) -> bytes:
        """Join the merged tables of all buckets to one table of document frequencies."""
        return frequencies.join(buckets[bucket] for bucket in sorted(buckets))

    def score_split(self, split: Split, kept: bytes, table: frequencies.Table) -> Scored:
        """Score a split: write the parts with its keywords and its rejected pages, and return its postings by bucket."""
        kernel = kernels.of_this_thread(self.rules, self.effort)
        read = unpack(kept, schemas.schema("kept"))
        kernel.start_scores(table, self.top, self.bits)

        def results() -> Iterator[Row]:
            for fields in read["documents"]:
                document = Document(**fields)
                yield keywords_row(document, kernel.score(document))

        file_of = {clean(piece.path): "" for piece in split.ranges if piece.kind == "html"}  # counted together
        counts = Counter({"bytes:kept": len(kept), "bytes:frequencies": read["shuffled"]})
        counts.update(f"pages:{file_of.get(page['source'], page['source'])}" for page in read["documents"])
        counts.update({f"skipped:{file_of.get(source, source)}": number for source, number in read["skipped"].items()})
        parts = [write_part(self.parts or self.workdir, "keywords", split.number, results(), counts)]
        if self.keep_text:
            texts = (text_row(Document(**fields)) for fields in read["documents"])
            parts.append(write_part(self.parts or self.workdir, "text", split.number, texts, {}))
        if rejected := read["rejected"]:
            counts = Counter()
            for page in rejected:
                counts[f"reason:{page['reason']}"] += page["records"]
                counts[f"rejected:{file_of.get(page['source'], page['source'])}"] += page["records"]
            parts.append(write_part(self.parts or self.workdir, "rejected", split.number, map(rejected_row, rejected), counts))
        return Scored(parts, kernel.postings())

    def write_bucket(self, bucket: int, packed: Iterable[bytes]) -> Part:
        """Reduce a bucket of pass 2, once, over all its postings: write its part of the index."""
        postings = b"".join(packed)
        rows, keywords = kernels.of_this_thread(self.rules, self.effort).rank(postings)
        counts = {"keywords": keywords, "bytes:postings": len(postings)}
        return write_part(self.parts or self.workdir, "index", bucket, map(index_row, rows), counts)


def _cleaned(rejected: dict[str, object]) -> dict[str, object]:
    return {name: clean(value) if isinstance(value, str) else value for name, value in rejected.items()}


def bits_for(splits: Sequence[Split]) -> int:
    """Return the number of bits that choose a bucket. It depends on the size of the input, never on the number of workers."""
    size = sum(plan.estimated_size(piece) for split in splits for piece in split.ranges)
    return min(max(_MIN_BITS, math.ceil(math.log2(max(size / _BUCKET_BYTES, 1)))), _MAX_BITS)
