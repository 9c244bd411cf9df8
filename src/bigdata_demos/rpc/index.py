"""An output directory of the keyword job, opened for lookups.

Its parts are read once, at the start, block by block, into an SQLite database in a temporary file: lookups need an order that
the parts do not have (URLs; prefixes), and a crawl's index may be larger than the memory. The costs are in docs/rpc.md.
The file has no name from then on: it is gone with the process, however that ends.
"""

import hashlib
import json
import os
import queue
import re
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from itertools import groupby
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple, Self, cast

import Stemmer

from ..avro.binary import Schema, pack, unpack
from ..avro.containers import read_header, read_records
from ..avro.resolution import compatibility, resolver
from ..avro.schemas import PREFIX, canonical, schema
from ..avro.streams import Source
from ..avro.values import untagged
from ..errors import BadAvro, InputError, OutputError
from ..keywords.analysis.candidates import lower, segment
from ..keywords.analysis.text import clean
from ..keywords.output.commit import MANIFEST
from ..storage.places import Place, at

_READERS: Final = 4
"""Lookups at once; others wait for their turn."""
_BUILD_CACHE: Final = 16_000
"""KiB of SQLite's cache while the database is made; each reader's is SQLite's default, 2,000."""
STEPS: Final = 10_000
"""Instructions of SQLite between two looks at the clock."""
_PART = re.compile(r"(keywords|index)/part-[0-9]+\.avro")
CHUNK: Final = 1 << 20
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
    """A keyword: its identity, how its best page writes it, how many pages are under it."""

    stems: str
    phrase: str
    pages: int


class Index:
    """The lookups. Close it at the end."""

    def __init__(self, readers: list[sqlite3.Connection], stats: dict[str, Any], seconds: float) -> None:
        """Use some connections to one database; a lookup may take some seconds."""
        self.readers: queue.SimpleQueue[sqlite3.Connection] = queue.SimpleQueue()
        self.all, self.stats, self.seconds = readers, stats, seconds
        for reader in readers:
            self.readers.put(reader)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *what: object) -> None:
        for reader in self.all:
            reader.interrupt()  # a lookup under way is given up
        with suppress(queue.Empty):
            for _ in self.all:
                self.readers.get(timeout=1).close()

    def select(self, query: str, *values: object) -> list[Any]:
        """The rows of a query.

        Raises:
            TimeoutError: if that takes too long.

        """
        deadline = time.monotonic() + self.seconds
        try:
            reader = self.readers.get(timeout=self.seconds)
        except queue.Empty:
            raise TimeoutError("too many lookups at once") from None
        try:
            reader.set_progress_handler(lambda: time.monotonic() > deadline, STEPS)
            return reader.execute(query, values).fetchall()
        except sqlite3.OperationalError as error:
            raise TimeoutError(f"the lookup was given up: {error}") from None
        finally:
            self.readers.put(reader)

    def page(self, url: str) -> dict[str, Any] | None:
        """A page's record (schemas/keywords.avsc). Takes as long as the depth of a tree, O(log pages)."""
        for (packed,) in self.select("SELECT packed FROM page WHERE url = ?", url):
            return unpack(packed, schema("keywords"))  # type: ignore[no-any-return]
        return None

    def phrase(self, stems: str) -> Phrase | None:
        """The keyword of some stems. O(log phrases)."""
        rows = self.select("SELECT stems, phrase, pages FROM phrase WHERE stems = ?", stems)
        return Phrase(*rows[0]) if rows else None

    def postings(self, stems: str, limit: int) -> list[dict[str, Any]]:
        """The best pages under a keyword. O(log postings + limit)."""
        rows = self.select("SELECT rank, score, url FROM posting WHERE stems = ? ORDER BY rank LIMIT ?", stems, limit)
        return [{"rank": rank, "score": score, "url": url} for rank, score, url in rows]

    def starting(self, prefix: str, limit: int) -> list[Phrase]:
        """Keywords that start with a prefix in lower case, most pages first. O(keywords that start with it)."""
        start = lower(prefix)
        rows = self.select(
            "SELECT stems, phrase, pages FROM phrase WHERE lowered >= ? AND lowered < ?"
            " ORDER BY pages DESC, lowered, stems LIMIT ?",
            start,
            start + LAST,
            limit,
        )
        return [Phrase(*row) for row in rows]


def stems_of(phrase: str) -> str:
    """The identity of a phrase, as the job has it of keywords: the Porter stems of its words, with spaces between them."""
    text, token = segment(clean(phrase))
    words = [lower(word).removesuffix("'s") for word in token.findall(text) if any(map(str.isalnum, word))]
    stemmer = Stemmer.Stemmer("porter")
    return " ".join(stemmer.stemWord(word) or word for word in words)


@contextmanager
def open_index(output: str | Path, seconds: float = 5) -> Iterator[Index]:
    """The index of an output directory, a path or a ``webhdfs://`` address; a lookup may take some seconds.

    Raises:
        InputError: if there is none, or it cannot be read, or is not what its manifest says.
        OutputError: if there is no place for the temporary file.

    """
    place = at(str(output))
    parts, rejected, digest = _read_manifest(place)
    try:
        with tempfile.TemporaryDirectory(prefix="bigdata-demos-rpc-") as directory:
            path = os.path.join(directory, "index.sqlite")
            with closing(sqlite3.connect(path)) as database:
                counts = build(database, place, parts)
            uri = f"{Path(path).as_uri()}?mode=ro&immutable=1"
            readers = [sqlite3.connect(uri, uri=True, check_same_thread=False) for _ in range(_READERS)]
            for reader in readers:
                reader.execute("SELECT count(*) FROM sqlite_schema").fetchall()  # now, as the file will have no name
    except sqlite3.IntegrityError as error:
        raise InputError(f"{output} has a page or a posting twice, or without a part of it: {error}") from None
    except (sqlite3.Error, OSError) as error:
        raise OutputError(f"the table for lookups cannot be made in {tempfile.gettempdir()}: {error}") from None
    with Index(readers, {**counts, "rejected": rejected, "digest": digest}, seconds) as index:
        yield index


def _read_manifest(place: Place) -> tuple[dict[str, dict[str, str]], int, str]:
    """Of a manifest: the parts of each kind, with their SHA-256; pages rejected; the run's digest."""
    try:
        with (place / MANIFEST).open("rb") as file:
            manifest = json.loads(file.read())
        parts: dict[str, dict[str, str]] = {"keywords": {}, "index": {}}
        for part in manifest["parts"]:
            if found := _PART.fullmatch(part["path"]):
                parts[found[1]][found[0]] = str(part["sha256"])
        return parts, int(manifest["counts"]["rejected"]), str(manifest["digest"])
    except OSError as error:
        raise InputError(f"{place} is no output of the keyword job: {MANIFEST}: {error.strerror or error}") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"{place / MANIFEST} is no manifest of the keyword job: {type(error).__name__}: {error}") from None


def build(database: sqlite3.Connection, place: Place, parts: dict[str, dict[str, str]]) -> dict[str, int]:
    """Put an output's pages and postings into an empty database; returns how many there are.

    Raises:
        InputError: if a part cannot be read.

    """
    database.executescript(f"PRAGMA cache_size = -{_BUILD_CACHE};{TABLES}")
    keywords, pages, postings, phrases = schema("keywords"), 0, 0, 0
    for page in records(place, parts["keywords"], "keywords"):
        database.execute("INSERT INTO page VALUES (?, ?)", (page["url"], pack(page, keywords)))
        pages += 1
    for stems, group in groupby(
        records(place, parts["index"], "index"), lambda row: row["stems"]
    ):  # which are sorted within a part
        phrase, before = "", postings
        for row in group:
            database.execute("INSERT INTO posting VALUES (?, ?, ?, ?)", (stems, row["rank"], row["score"], row["url"]))
            phrase = phrase or row["phrase"]
            postings += 1
        database.execute("INSERT INTO phrase VALUES (?, ?, ?, ?)", (stems, phrase, lower(phrase), postings - before))
        phrases += 1
    database.execute("CREATE INDEX lowered ON phrase (lowered, pages)")
    database.commit()
    return {"pages": pages, "phrases": phrases, "postings": postings}


def records(place: Place, parts: dict[str, str], kind: str) -> Iterator[dict[str, Any]]:
    """The records of an output's parts, part by part, each with its SHA-256, which Avro's blocks lack.

    They are as the present schema of their ``kind`` has them, whichever version they are of.

    Raises:
        InputError: if one cannot be read, or is another one.

    """
    for name, sha256 in sorted(parts.items()):
        path = place / name
        try:
            with path.open("rb") as file:
                hashed = hashlib.sha256()
                while chunk := file.read(CHUNK):
                    hashed.update(chunk)
                if hashed.hexdigest() != sha256:
                    raise InputError(f"{path} is not what the job has written: its SHA-256 is not the manifest's")
                source = Source(cast(BinaryIO, file), str(path), offset=0)
                header = read_header(source)
                yield from map(_presently(header.schema, str(path), kind), read_records(source, header))
        except BadAvro as error:
            raise InputError(str(error)) from None
        except OSError as error:
            raise InputError(f"cannot read {path}: {error.strerror or error}") from error


def _presently(written: Schema, path: str, kind: str) -> Callable[[Any], dict[str, Any]]:
    """What makes a record of a part one of the present schema of its kind."""
    present = schema(kind)
    if canonical(written) == canonical(present):
        return untagged
    if reasons := compatibility(written, present):
        raise InputError(f"{path} is of no version of {PREFIX}{kind}: {reasons[0]}")
    resolve = resolver(written, present)
    return lambda record: untagged(resolve(record))
