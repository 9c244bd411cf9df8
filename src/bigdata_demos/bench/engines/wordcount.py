r"""A typical word count with FastWARC and Resiliparse, which the workers of all peers run.

It does much less than the job: a single pass without boilerplate rules, phrases, scores, index or output, and a damaged record
makes it fail. Words are ``\w+`` in the lower-cased text.
"""

import re
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from fastwarc.warc import ArchiveIterator, WarcRecord, WarcRecordType
from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.encoding import bytes_to_str, detect_encoding, map_encoding_to_html5

WORD: Final = re.compile(r"\w+")
HTML: Final = ("text/html", "application/xhtml+xml")


class Words(NamedTuple):
    """The number of pages, and the count of each word."""

    pages: int
    counts: Counter[str]


class Sums(NamedTuple):
    """Checksums of word counts, independent of their order."""

    tokens: int = 0
    distinct: int = 0
    check: int = 0

    @property
    def digest(self) -> str:
        """The sums as a string."""
        return f"words:{self.tokens}:{self.distinct}:{self.check & (2**64 - 1):016x}"


def bodies(path: str) -> Iterator[tuple[bytes, str]]:
    """Yield the body of each HTML page with status 200 in a WARC file, and the character set of its HTTP header, if any."""
    with open(path, "rb") as file:
        for record in ArchiveIterator(file, record_types=WarcRecordType.response, func_filter=is_page, auto_decode="all"):
            yield record.reader.read(), record.http_charset or ""


def decode(body: bytes, charset: str) -> str:
    """Decode a page as browsers do (``iso-8859-1`` means Windows-1252); the character set is detected if none is given."""
    return str(bytes_to_str(body, (map_encoding_to_html5(charset) if charset else detect_encoding(body)) or "utf-8"))


def extract(body: bytes, charset: str) -> str:
    """Return the plain text of a page."""
    return str(extract_plain_text(decode(body, charset)))


def texts(path: str) -> Iterator[str]:
    """Yield the lower-cased text of each page in a WARC file."""
    for body, charset in bodies(path):
        yield extract(body, charset).lower()


def is_page(record: WarcRecord) -> bool:
    """Return whether a record is an HTML page with status 200."""
    return bool(record.http_headers and record.http_headers.status_code == 200 and record.http_content_type in HTML)


def count_file(path: str) -> Words:
    """Count the words of a file."""
    pages, counts = 0, Counter[str]()
    for text in texts(path):
        pages += 1
        counts.update(WORD.findall(text))
    return Words(pages, counts)


def texts_of_file(path: str) -> list[str]:
    """Return the texts of a file, for peers that cannot extract them."""
    return list(texts(path))


def add(parts: Iterable[Words]) -> Words:
    """Add up the counts."""
    pages, counts = 0, Counter[str]()
    for part in parts:
        pages += part.pages
        counts.update(part.counts)
    return Words(pages, counts)


def sums(counts: Iterable[tuple[str, int]]) -> Sums:
    """Return the checksums of distinct words with their counts."""
    tokens = distinct = check = 0
    for word, number in counts:
        tokens += number
        distinct += 1
        check += zlib.crc32(word.encode()) * number
    return Sums(tokens, distinct, check)
