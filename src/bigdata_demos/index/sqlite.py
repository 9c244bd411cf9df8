"""An index in SQLite: a file, which other tools can open, too. Phrases are looked up by FTS5.

Staged tables are a database of their own in the temporary directory, which is attached for the merge.
"""

import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import ClassVar, Final

from ..errors import BigDataDemosError, InputError, OutputError
from .database import VERSION, Database, Rows
from .pages import Keyword, Page

_APPLICATION: Final = 0x62644944  # "bdID"
_STEPS: Final = 10_000  # SQLite's instructions between two checks of the time
_CACHE: Final = 64_000  # kiB, while an output is loaded: of tables, and of phrases
_WAIT: Final = 600.0  # seconds that a process waits for another one to finish its staging
_BATCH: Final = 500  # pages that are staged at once
_ROWS: Final = 50  # that a statement inserts; SQLite allows 32,766 values, and 999 before version 3.32
_FACTS: Final = Page._fields.index("keywords")  # columns of a page before its keywords


class Sqlite(Database):
    """An index in a file."""

    types: ClassVar = {
        "id": "INTEGER PRIMARY KEY",
        "text": "TEXT",
        "clustered": "WITHOUT ROWID",
        "covering": "",
        "unlogged": "",
    }
    errors = (sqlite3.Error,)
    staged = "staged"
    body = (
        "CREATE VIRTUAL TABLE body USING fts5(tokens, tokenize = 'ascii', columnsize = 0);\n"
        f"INSERT INTO body (body, rank) VALUES ('hashsize', {_CACHE << 10});\n"
        f"PRAGMA application_id = {_APPLICATION};\nPRAGMA user_version = {VERSION}"
    )
    merge_body = "INSERT INTO body (rowid, tokens) SELECT page, tokens FROM staged.body JOIN numbers USING (n) ORDER BY page"
    body_page = "rowid"
    phrase = "IN (SELECT rowid FROM body WHERE body MATCH ?)"

    def __init__(self, connection: sqlite3.Connection, name: str) -> None:
        self.connection, self.name = connection, name
        self.connection.isolation_level = None

    @property
    def has_tables(self) -> bool:
        return bool(self.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0])

    def execute(self, sql: str, values: Sequence[object] = ()) -> Rows:
        return self.connection.execute(sql, values)

    def insert(self, table: str, *columns: Sequence[object]) -> None:
        _insert(self.connection, table, len(columns), zip(*columns, strict=True))

    def phrases(self, sequences: Iterable[Sequence[str]]) -> str:
        return " OR ".join(f'"{" ".join(sequence)}"' for sequence in sequences)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self.execute(f"PRAGMA cache_size = -{_CACHE}")
        self.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.execute("COMMIT")
        except BaseException:
            if self.connection.in_transaction:
                self.execute("ROLLBACK")
            raise

    @contextmanager
    def staging(self, directory: Path) -> Iterator[str]:
        path = str(directory / "staged.db")
        self.execute("ATTACH ? AS staged", (path,))
        try:
            for statement in ("PRAGMA staged.journal_mode = OFF", "PRAGMA staged.synchronous = OFF"):
                self.execute(statement)
            self.create_staged()
            self.execute("CREATE TABLE staged.body (n INTEGER PRIMARY KEY, tokens TEXT NOT NULL)")
            yield path
        finally:
            self.execute("DETACH staged")

    @contextmanager
    def deadline(self, seconds: float) -> Iterator[None]:
        end = time.monotonic() + seconds
        self.connection.set_progress_handler(lambda: time.monotonic() > end, _STEPS)
        try:
            yield
        except sqlite3.OperationalError as error:
            if "interrupted" not in str(error):
                raise
            raise TimeoutError("the lookup took too long") from None
        finally:
            self.connection.set_progress_handler(None, _STEPS)

    def tidy(self) -> None:
        self.execute("PRAGMA optimize")


@contextmanager
def opened(path: Path, *, write: bool) -> Iterator[Sqlite]:
    """Open a file: see :func:`.database.open_database`."""
    if not write and not path.exists():
        raise InputError(f"{path}: no such index: make it by `bigdata-demos index OUTPUT --db {path}`")
    kind: type[BigDataDemosError] = OutputError if write else InputError
    was_there = path.exists()
    try:
        uri = f"{path.absolute().as_uri()}?mode={'rwc' if write else 'ro'}"
        with closing(sqlite3.connect(uri, uri=True, check_same_thread=False)) as connection:
            database = Sqlite(connection, str(path))
            (application,), (version,) = (
                database.execute(f"PRAGMA {name}").fetchone() for name in ("application_id", "user_version")
            )
            if database.has_tables:
                if application != _APPLICATION:
                    raise InputError(f"{path} is a database, but not an index of bigdata-demos: name another file")
                if version != VERSION:
                    raise InputError(f"{path} is an index of version {version}, and this is for version {VERSION}: make it again")
            elif not write:
                raise InputError(f"{path} is an empty database: load it by `bigdata-demos index OUTPUT --db {path}`")
            yield database
    except sqlite3.DatabaseError as error:
        text = str(error)
        hint = ": another process writes to it: try again later" if "locked" in text else ""
        raise kind(f"{path}: {text}{hint}") from None
    finally:
        if not was_there and path.exists() and not path.stat().st_size:  # nothing was loaded
            path.unlink()


def stage(address: str, first: int, pages: Iterable[Page]) -> int:
    """Stage pages. Each batch is one transaction, for which others wait."""
    number = first
    pages = iter(pages)
    with closing(sqlite3.connect(address, timeout=_WAIT, isolation_level=None)) as database:
        for statement in ("PRAGMA journal_mode = OFF", "PRAGMA synchronous = OFF"):
            database.execute(statement)
        while batch := list(enumerate(islice(pages, _BATCH), number)):
            number += len(batch)
            database.execute("BEGIN IMMEDIATE")
            _insert(database, "pages", 1 + _FACTS, ((n, *page[:_FACTS]) for n, page in batch))
            keywords = ((n, *keyword) for n, page in batch for keyword in page.keywords)
            _insert(database, "keywords", 1 + len(Keyword._fields), keywords)
            _insert(database, "body", 2, ((n, page.words.body) for n, page in batch))
            database.execute("COMMIT")
    return number - first


def _insert(database: sqlite3.Connection, table: str, columns: int, rows: Iterable[tuple[object, ...]]) -> None:
    """Insert rows, many by each statement: that takes less than half of the time of one by each."""
    one = f"({', '.join('?' * columns)})"
    rows = iter(rows)
    while batch := list(islice(rows, 1000 * _ROWS)):
        whole = len(batch) // _ROWS * _ROWS
        values = chain.from_iterable(batch[:whole])
        statement = f"INSERT INTO {table} VALUES {', '.join([one] * _ROWS)}"  # noqa: S608 (our own names)
        database.executemany(statement, zip(*[values] * (columns * _ROWS), strict=True))
        database.executemany(f"INSERT INTO {table} VALUES {one}", batch[whole:])  # noqa: S608 (our own names)
