"""The job of the peer cc-pyspark: its word count of HTML pages, with its reader of whole WARC files by FastWARC.

cc-pyspark's word counts read texts that others have extracted (``WordCountFastWarcJob``), or pages that a query of Common
Crawl's index finds, with a request for each (``CCIndexWordCountJob``). The job here is the latter, reading as the former does.
As cc-pyspark does, it takes bodies as they are stored: Common Crawl stores them without Content-Encoding and Transfer-Encoding.
"""

import fastwarc.stream_io
import resiliparse.parse
from fastwarc.warc import WarcRecord, WarcRecordType
from resiliparse.parse.encoding import detect_encoding

from . import wordcount

# Two names that cc-pyspark imports, and that FastWARC and Resiliparse 2 do not have, or not there
if not hasattr(fastwarc.stream_io, "FastWARCError"):
    fastwarc.stream_io.FastWARCError = OSError  # type: ignore[attr-defined]
if not hasattr(resiliparse.parse, "detect_encoding"):
    resiliparse.parse.detect_encoding = detect_encoding  # type: ignore[attr-defined]

from cc_index_word_count import CCIndexWordCountJob
from cc_pyspark.sparkcc import CCSparkJob
from cc_pyspark.sparkcc_fastwarc import CCFastWarcSparkJob
from resiliparse_parser import HTMLParser


class WordCountOfPages(CCFastWarcSparkJob, CCIndexWordCountJob):  # type: ignore[misc]
    """Count words of the HTML pages in WARC files, extracted by Resiliparse."""

    name = "WordCountOfPages"
    fastwarc_record_filter = WarcRecordType.response
    # Those of jobs without an index
    add_arguments = CCSparkJob.add_arguments
    run_job = CCSparkJob.run_job

    # What makes its words those of the other peers: pages of status 200, HTTP's character set, lower case before words are found

    @staticmethod
    def is_html(record: WarcRecord) -> bool:
        """Return whether a record is a page for both cc-pyspark and the other peers."""
        return wordcount.is_page(record) and bool(CCFastWarcSparkJob.is_html(record))

    @staticmethod
    def get_warc_header(record: WarcRecord, header: str, default: str | None = None) -> str | None:
        """Return a header of a record; for the character set that a crawler has identified, that of HTTP."""
        if header == "WARC-Identified-Content-Charset":
            return record.http_charset or None
        return record.headers.get(header, default)

    def get_html_parser(self) -> "LowerCase":
        """Return cc-pyspark's parser that uses Resiliparse."""
        return LowerCase()


class LowerCase(HTMLParser):  # type: ignore[misc]
    """cc-pyspark's parser with lower-cased text: a lower-cased "İ" is two characters, the second of which is not of a word."""

    def html_to_text(self, tree: object) -> str:
        """Return the lower-cased text of a page."""
        return str(super().html_to_text(tree)).lower()
