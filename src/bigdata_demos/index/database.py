"""The tables of an index, and what the databases that can have them have in common.

::

    runs        one row for each output that was loaded: its digest, engine, numbers and manifest
    pages       url, site, title, language, content (equal for pages with the same text), the keywords that the page declares
    texts       the text of the pages
    keywords    the keywords of each page, best first
    words       the tokens of :mod:`.analyzer`, and the number of pages with each
    postings    in which pages a word occurs, and its impact there (:mod:`.pages`)
    rejections  the pages that could not be read
    body        the tokens of each page in their order, for phrases: a table that each database has in its own way

The statements of SQL in this package and in :mod:`bigdata_demos.search` are the same for all databases, with ``?`` for values.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, ClassVar, Final, Protocol

from .pages import Page

VERSION: Final = 5
"""Of the tables, and of the tokens in them. An index of another version has to be made again."""
_TABLES: Final = """
CREATE TABLE runs (id {id}, digest {text} UNIQUE NOT NULL, engine {text} NOT NULL, pages INTEGER NOT NULL,
    rejected INTEGER NOT NULL, has_text INTEGER NOT NULL, manifest {text} NOT NULL);
CREATE TABLE pages (id {id}, url {text} UNIQUE NOT NULL, site {text} NOT NULL, title {text} NOT NULL, language {text} NOT NULL,
    run INTEGER NOT NULL REFERENCES runs, content BIGINT NOT NULL, declared {text} NOT NULL);
CREATE TABLE texts (page INTEGER PRIMARY KEY, text {text} NOT NULL);
CREATE TABLE keywords (page INTEGER, rank INTEGER, phrase {text} NOT NULL, lowered {text} NOT NULL, stems {text} NOT NULL,
    score BIGINT NOT NULL, tf INTEGER NOT NULL, df BIGINT NOT NULL, PRIMARY KEY (page, rank)) {clustered};
CREATE TABLE words (id INTEGER PRIMARY KEY, token {text} UNIQUE NOT NULL, pages INTEGER NOT NULL);
CREATE TABLE postings (word INTEGER, page INTEGER, impact INTEGER NOT NULL, PRIMARY KEY (word, page) {covering}) {clustered};
CREATE TABLE rejections (run INTEGER NOT NULL REFERENCES runs, source {text} NOT NULL, start BIGINT NOT NULL, url {text} NOT NULL,
    reason {text} NOT NULL, detail {text} NOT NULL);
CREATE INDEX keywords_by_stems ON keywords (stems, page);
CREATE INDEX keywords_by_prefix ON keywords (lowered, stems, phrase);
CREATE INDEX pages_by_site ON pages (site);
CREATE INDEX pages_by_language ON pages (language);
CREATE INDEX pages_by_content ON pages (content);
CREATE INDEX rejections_by_reason ON rejections (run, reason)
"""
_STAGED: Final = """
CREATE {unlogged} TABLE {staged}.pages (n BIGINT PRIMARY KEY, url {text} NOT NULL, site {text} NOT NULL, title {text} NOT NULL,
    language {text} NOT NULL, content BIGINT NOT NULL, declared {text} NOT NULL, text {text} NOT NULL);
CREATE {unlogged} TABLE {staged}.keywords (n BIGINT NOT NULL, rank INTEGER NOT NULL, phrase {text} NOT NULL,
    lowered {text} NOT NULL, stems {text} NOT NULL, score BIGINT NOT NULL, tf INTEGER NOT NULL, df BIGINT NOT NULL)
"""


class Rows(Protocol):
    """The rows of a result: what the cursors of :mod:`sqlite3` and psycopg have in common."""

    def fetchone(self) -> Any:
        """Return the next row, or ``None``."""

    def fetchall(self) -> list[Any]:
        """Return the rows that are left."""

    def __iter__(self) -> Iterator[Any]:
        """Yield the rows that are left."""


class Database(ABC):
    """An open index."""

    name: str
    """The database in messages, without a password."""
    types: ClassVar[Mapping[str, str]]
    """The words of ``_TABLES`` and ``_STAGED`` in braces."""
    staged: str
    """The name of the schema of the staged tables."""
    body: str
    """The statements that create the table of tokens."""
    merge_body: str
    """The statement that merges the staged tokens into it."""
    body_page: str
    """The column of its pages."""
    errors: ClassVar[tuple[type[Exception], ...]]
    """What a statement raises if the database fails."""
    phrase: str
    """A set of pages, ``IN …``: those that have one of some phrases."""

    @property
    @abstractmethod
    def has_tables(self) -> bool:
        """Whether something was loaded."""

    @abstractmethod
    def execute(self, sql: str, values: Sequence[object] = ()) -> Rows:
        """Execute a statement, in which ``?`` stands for the values."""

    @abstractmethod
    def insert(self, table: str, *columns: Sequence[object]) -> None:
        """Insert many rows at once: numbers, and tokens of :mod:`.analyzer`."""

    @abstractmethod
    def phrases(self, sequences: Iterable[Sequence[str]]) -> str:
        """Return the value for :attr:`phrase`: phrases as sequences of tokens."""

    @abstractmethod
    def transaction(self) -> AbstractContextManager[None]:
        """Make the statements inside one transaction, which excludes other writers from its start."""

    @abstractmethod
    def staging(self, directory: Path) -> AbstractContextManager[str]:
        """Create the staged tables (files in the directory), and remove them at the end; yields the address for stage_into."""

    @abstractmethod
    def deadline(self, seconds: float) -> AbstractContextManager[None]:
        """Abort statements after some seconds: they raise TimeoutError."""

    def create(self) -> None:
        """Create the tables, if there are none."""
        if not self.has_tables:
            for statement in f"{_TABLES.strip()};\n{self.body}".format(**self.types).split(";\n"):
                self.execute(statement)

    def create_staged(self) -> None:
        """Create the staged tables."""
        for statement in _STAGED.format(staged=self.staged, **self.types).split(";\n"):
            self.execute(statement)

    @abstractmethod
    def tidy(self) -> None:
        """Collect statistics after a load."""


class Stage(Protocol):
    """Writes the pages of a part into the staged tables; ``first`` is the number of the first page."""

    def __call__(self, address: str, first: int, pages: Iterable[Page]) -> int:
        """Write pages; return their number."""


def storable(value: object) -> object:
    """Return a value without the character NUL, which texts of PostgreSQL cannot have."""
    return value.replace("\0", "") if isinstance(value, str) else value


def is_address(database: str | Path) -> bool:
    """Whether a database is named by the address of a server, and not by a path."""
    return str(database).startswith(("postgresql://", "postgres://"))


def shown_name(index: str) -> str:
    """Return what an index, or an output, is called on pages: without directories, and without a password."""
    if is_address(index):
        from .postgres import without_password

        return without_password(index)
    return Path(index).name or index


@contextmanager
def open_database(database: str | Path, *, write: bool = False) -> Iterator[Database]:
    """Open an index: an SQLite file, or a database of PostgreSQL (``postgresql://…``). With ``write``, a file is created.

    Raises InputError if there is none, it cannot be read, or it is no index of this version; OutputError if it cannot be written;
    UsageError if it needs a package that is not installed.
    """
    if is_address(database):
        from . import postgres

        opening: AbstractContextManager[Database] = postgres.opened(str(database), write=write)
    else:
        from . import sqlite

        opening = sqlite.opened(Path(database), write=write)
    with opening as opened:
        yield opened


def stage_into(address: str) -> Stage:
    """Return the function that stages pages at an address of :meth:`Database.staging`."""
    if is_address(address):
        from . import postgres

        return postgres.stage
    from . import sqlite

    return sqlite.stage
