"""Lookups in an output directory of the keyword job.

The parts are read once, at the start, into an SQLite database in a temporary file: lookups need an order that the parts do not
have (by URL, by prefix), and an index may be larger than the memory. For the costs see docs/rpc.md. The file is unlinked as
soon as it is open, so it disappears with the process.
"""

import os
import queue
import sqlite3
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from itertools import groupby
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

from ..avro.binary import pack, unpack
from ..avro.schemas import schema
from ..errors import InputError, OutputError
from ..index.outputs import read_manifest, records
from ..keywords.analysis.candidates import BREAK, lower, segment, word_of
from ..keywords.analysis.languages import LANGUAGES, Rules
from ..keywords.analysis.segments import insert
from ..keywords.analysis.text import clean
from ..storage.places import Place, at

_READERS: Final = 4  # the most lookups at once; others wait
_BUILD_CACHE: Final = 16_000  # kiB of SQLite's cache while the database is built; each reader has SQLite's default, 2,000
STEPS: Final = 10_000
"""SQLite's instructions between two checks of the time."""
LAST: Final = "\U0010ffff"
TABLES: Final = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
CREATE TABLE page (url TEXT PRIMARY KEY, packed BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE posting (stems TEXT, rank INTEGER, score INTEGER NOT NULL, url TEXT NOT NULL,
    PRIMARY KEY (stems, rank)) WITHOUT ROWID;
CREATE TABLE phrase (stems TEXT PRIMARY KEY, phrase TEXT NOT NULL, lowered TEXT NOT NULL, pages INTEGER NOT NULL) WITHOUT ROWID;
"""


class Phrase(NamedTuple):
    """A keyword: its stems, the form in which the index shows it, and the number of its pages."""

    stems: str
    phrase: str
    pages: int


class Index:
    """The lookups. It must be closed at the end."""

    def __init__(
        self, readers: list[sqlite3.Connection], stats: dict[str, Any], seconds: float, languages: tuple[str, ...] = ("en",)
    ) -> None:
        """Use connections to one database; ``seconds`` is the limit for a lookup, ``languages`` are those of the pages."""
        self.languages = languages
        self.readers: queue.SimpleQueue[sqlite3.Connection] = queue.SimpleQueue()
        self.all, self.stats, self.seconds = readers, stats, seconds
        for reader in readers:
            self.readers.put(reader)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *what: object) -> None:
        for reader in self.all:
            reader.interrupt()  # interrupts running lookups
        with suppress(queue.Empty):
            for _ in self.all:
                self.readers.get(timeout=1).close()

    def select(self, query: str, *values: object) -> list[Any]:
        """Return the rows of a query. Raises TimeoutError if it takes too long."""
        deadline = time.monotonic() + self.seconds
        try:
            reader = self.readers.get(timeout=self.seconds)
        except queue.Empty:
            raise TimeoutError("too many concurrent lookups") from None
        try:
            reader.set_progress_handler(lambda: time.monotonic() > deadline, STEPS)
            return reader.execute(query, values).fetchall()
        except sqlite3.OperationalError as error:
            raise TimeoutError(f"the lookup was aborted: {error}") from None
        finally:
            self.readers.put(reader)

    def page(self, url: str) -> dict[str, Any] | None:
        """Return the record of a page (schemas/keywords.avsc). O(log pages)."""
        for (packed,) in self.select("SELECT packed FROM page WHERE url = ?", url):
            return unpack(packed, schema("keywords"))  # type: ignore[no-any-return]
        return None

    def phrase(self, stems: str) -> Phrase | None:
        """Return the keyword with given stems. O(log phrases)."""
        rows = self.select("SELECT stems, phrase, pages FROM phrase WHERE stems = ?", stems)
        return Phrase(*rows[0]) if rows else None

    def find(self, phrase: str) -> Phrase | None:
        """Return the keyword that a phrase is in one of the languages of the pages, tried in the order of how many these are."""
        found = (self.phrase(stems_of(phrase, language)) for language in self.languages)
        return next(filter(None, found), None)

    def postings(self, stems: str, limit: int) -> list[dict[str, Any]]:
        """Return the best pages of a keyword. O(log postings + limit)."""
        rows = self.select("SELECT rank, score, url FROM posting WHERE stems = ? ORDER BY rank LIMIT ?", stems, limit)
        return [{"rank": rank, "score": score, "url": url} for rank, score, url in rows]

    def starting(self, prefix: str, limit: int) -> list[Phrase]:
        """Return the keywords that start with a prefix in lower case, most pages first. O(keywords with that prefix)."""
        start = lower(prefix)
        rows = self.select(
            "SELECT stems, phrase, pages FROM phrase WHERE lowered >= ? AND lowered < ?"
            " ORDER BY pages DESC, lowered, stems LIMIT ?",
            start,
            start + LAST,
            limit,
        )
        return [Phrase(*row) for row in rows]


def stems_of(phrase: str, language: str) -> str:
    """Return the stems of a phrase, as the job computes them in a language: those of its words, with spaces between them."""
    text, token = segment(insert(clean(phrase).encode(), language).decode())
    lexicon = Rules().lexicon(language)
    words = [word for match in token.findall(text) if (word := word_of(match, lexicon)).number != BREAK]
    return " ".join(lexicon.stem([word.text for word in words]))


@contextmanager
def open_index(output: str | Path, seconds: float = 5) -> Iterator[Index]:
    """Open the index of an output directory, a path or a ``webhdfs://`` address; ``seconds`` is the limit for a lookup.

    Raises InputError if there is none, it cannot be read, or a checksum differs from the manifest's; OutputError if the temporary
    file cannot be written.
    """
    place = at(str(output))
    manifest = read_manifest(place)
    try:
        with tempfile.TemporaryDirectory(prefix="bigdata-demos-rpc-") as directory:
            path = os.path.join(directory, "index.sqlite")
            with closing(sqlite3.connect(path)) as database:
                counts, languages = build(database, place, manifest.parts)
            uri = f"{Path(path).as_uri()}?mode=ro&immutable=1"
            readers = [sqlite3.connect(uri, uri=True, check_same_thread=False) for _ in range(_READERS)]
            for reader in readers:
                reader.execute("SELECT count(*) FROM sqlite_schema").fetchall()  # while the file still has a name
    except sqlite3.IntegrityError as error:
        raise InputError(f"{output} has duplicate or incomplete pages or postings: {error}") from None
    except (sqlite3.Error, OSError) as error:
        raise OutputError(f"cannot build the lookup table in {tempfile.gettempdir()}: {error}") from None
    with Index(readers, {**counts, "rejected": manifest.rejected, "digest": manifest.digest}, seconds, languages) as index:
        yield index


def build(database: sqlite3.Connection, place: Place, parts: dict[str, dict[str, str]]) -> tuple[dict[str, int], tuple[str, ...]]:
    """Insert an output's pages and postings into an empty database; return their numbers, and the pages' languages.

    Raises InputError if a part cannot be read.
    """
    database.executescript(f"PRAGMA cache_size = -{_BUILD_CACHE};{TABLES}")
    keywords, pages, postings, phrases = schema("keywords"), 0, 0, 0
    languages: Counter[str] = Counter()
    for page in records(place, parts["keywords"], "keywords"):
        database.execute("INSERT INTO page VALUES (?, ?)", (page["url"], pack(page, keywords)))
        pages += 1
        languages[page["language"] if page["language"] in LANGUAGES else "en"] += 1
    for stems, group in groupby(
        records(place, parts["index"], "index"), lambda row: row["stems"]
    ):  # rows are sorted within a part
        phrase, before = "", postings
        for row in group:
            database.execute("INSERT INTO posting VALUES (?, ?, ?, ?)", (stems, row["rank"], row["score"], row["url"]))
            phrase = phrase or row["phrase"]
            postings += 1
        database.execute("INSERT INTO phrase VALUES (?, ?, ?, ?)", (stems, phrase, lower(phrase), postings - before))
        phrases += 1
    database.execute("CREATE INDEX lowered ON phrase (lowered, pages)")
    database.commit()
    counts = {"pages": pages, "phrases": phrases, "postings": postings}
    return counts, tuple(language for language, _ in languages.most_common()) or ("en",)
