"""THE JOB as engines see it: four functions on splits and buckets, called in this order.

::

    map_split      pages of a split → what is kept of them, and a table of their phrases       pass 1
    merge          a bucket's tables → one table of document frequencies                       the reduce of pass 1
    score_split    what was kept + frequencies → keywords of each page, postings               pass 2
    write_bucket   a bucket's postings → its part of the index                                 the reduce of pass 2

What they do to one page is told in :mod:`.pages`; here it is done for many at once, by a kernel (:mod:`.kernels`).
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from ..avro import core
from ..crawl import plan
from ..crawl.model import Page, Rejected, Skipped, Split, Unreadable
from ..crawl.reader import read
from .analysis import frequencies, kernels
from .analysis.stopwords import Stopwords
from .analysis.text import clean, extract
from .model import Document, Mapped, Packed, Part, Scored
from .output.parts import Row, index_row, keywords_row, rejected_row, write_part

BUCKET_BYTES: Final = 64 << 20
"""Bytes of input, not compressed, for each bucket of the shuffle."""
MIN_BITS, MAX_BITS = 3, 12  # so 8 to 4,096 buckets


@dataclass(frozen=True, slots=True)
class Job:
    """The job as engines see it. They call its four methods, in this order, and look into nothing that is packed.

    ``bits``: there are 2**bits buckets. ``workdir``: a directory that all workers see, for what tasks hand on; ``parts``: the
    path or address of where parts are written, ``""`` if that is the same (see :mod:`.places`). ``reader``: the schema, as
    JSON, that Avro input is read with, ``""`` for its own.
    """

    top: int
    stopwords: Stopwords
    bits: int
    workdir: str
    parts: str = ""
    reader: str = ""

    def map_split(self, split: Split) -> Mapped:
        """Pass 1 over a split: what is kept of it, and its document frequencies by bucket, combined already."""
        return self.map_pages(read(split, self.reader))

    def map_pages(self, pages: Iterable[Page | Rejected | Skipped]) -> Mapped:
        """Pass 1 over the pages of a split, for engines that read the input themselves."""
        kernel = kernels.of_this_thread(self.stopwords)
        documents, rejected, skipped = [], [], 0
        kernel.start_counts()
        for page in pages:
            found = self.map_page(page, kernel) if isinstance(page, Page) else page
            if isinstance(found, Document):
                documents.append(found._asdict())
            elif isinstance(found, Rejected):
                rejected.append(found._asdict())
            else:
                skipped += 1
        tables = frequencies.cut(kernel.counted(), self.bits)
        shuffled = sum(len(table) for _, table in tables)
        kept = {"documents": documents, "rejected": list(map(cleaned, rejected)), "skipped": skipped, "shuffled": shuffled}
        return Mapped(core.pack(kept, core.schema("kept")), tables)

    @staticmethod
    def map_page(page: Page, kernel: kernels.Kernel) -> Document | Rejected:
        """Pass 1 of a page: its candidates are counted; what is kept of it, or why it cannot be read."""
        try:
            document = extract(page, kernel.scanner)
        except Unreadable as error:
            reason, detail = error.args
            return Rejected(page.source, page.offset, page.url, reason, detail)
        kernel.count(document)
        return document

    def merge(self, bucket: int, tables: Iterable[bytes]) -> bytes:  # noqa: ARG002 (each bucket is merged alike)
        """Reduce a bucket of pass 1, once over all its tables: document frequencies, but for those of 1."""
        return kernels.of_this_thread(self.stopwords).merge(tables, least=2)

    def combine(self, bucket: int, tables: Iterable[bytes]) -> bytes:  # noqa: ARG002
        """What a combiner makes of some of a bucket's tables: one with their sums, so that less is shuffled."""
        return kernels.of_this_thread(self.stopwords).merge(tables)

    def answer(self, bucket: int, tables: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, Packed]]:
        """Reduce a bucket of pass 1 for those who sent its tables: to each split, the frequencies of its own phrases.

        For corpora whose whole table is too large to be everywhere. ``tables`` are given with their splits' numbers.
        """
        sent = list(tables)
        merged = self.merge(bucket, (table for _, table in sent))
        return ((number, (bucket, frequencies.restrict(merged, table))) for number, table in sent)

    @staticmethod
    def join(buckets: dict[int, bytes]) -> bytes:
        """The one table of document frequencies, from all merged buckets."""
        return frequencies.join(buckets[bucket] for bucket in sorted(buckets))

    def score_split(self, split: Split, kept: bytes, table: frequencies.Table) -> Scored:
        """Pass 2 over a split: writes its keywords and its dead letters, returns its postings by bucket."""
        kernel = kernels.of_this_thread(self.stopwords)
        read = core.unpack(kept, core.schema("kept"))
        kernel.start_scores(table, self.top, self.bits)

        def results() -> Iterator[Row]:
            for fields in read["documents"]:
                document = Document(**fields)
                yield keywords_row(document, kernel.score(document))

        counts = {"skipped": read["skipped"], "bytes:kept": len(kept), "bytes:frequencies": read["shuffled"]}
        parts = [write_part(self.parts or self.workdir, "keywords", split.number, results(), counts)]
        if letters := read["rejected"]:
            reasons = Counter(f"rejected:{letter['reason']}" for letter in letters)
            parts.append(write_part(self.parts or self.workdir, "rejected", split.number, map(rejected_row, letters), reasons))
        return Scored(parts, kernel.postings())

    def write_bucket(self, bucket: int, packed: Iterable[bytes]) -> Part:
        """Reduce a bucket of pass 2, once over all its postings: writes its part of the index."""
        postings = b"".join(packed)
        rows, keywords = kernels.of_this_thread(self.stopwords).rank(postings)
        counts = {"keywords": keywords, "bytes:postings": len(postings)}
        return write_part(self.parts or self.workdir, "index", bucket, map(index_row, rows), counts)


def cleaned(letter: dict[str, object]) -> dict[str, object]:
    """A dead letter whose texts any format can hold."""
    return {name: clean(value) if isinstance(value, str) else value for name, value in letter.items()}


def bits_for(splits: Sequence[Split]) -> int:
    """The number of bits that choose a bucket: by the size of the input, never by the number of workers."""
    size = sum(plan.weigh(piece) for split in splits for piece in split.ranges)
    return min(max(MIN_BITS, math.ceil(math.log2(max(size / BUCKET_BYTES, 1)))), MAX_BITS)
