"""The tables of an index in SQLite, and how an output is loaded into them, exactly once.

::

    runs        one row for each output that was loaded: its digest, engine and numbers
    pages       url, site, title, language, run, content (equal for pages with the same text), and the text
    keywords    the keywords of each page, best first
    words       the tokens of :mod:`.analyzer`
    postings    in which pages a word occurs, and its impact there
    body        the tokens of each page in their order, for phrases (FTS5); the rowid is the page's
    rejections  the pages that could not be read

A load is one transaction: a load that is killed leaves nothing, and one that is repeated leaves what it left before. A page that
is in the index already, by its URL, is replaced.

**Impact.** A word's count on a page, in quarters, is the sum over its occurrences of 4 in the text and in the path of the URL, 1
in a weak block and 16 in the title, and 8 for each keyword of the page with the word. Its impact is ``1024 · 1000 · count //
(1000 · count + 5 · (500 + tokens))``: BM25's saturation with k1 = 1.25 and b = 0.5, at an assumed mean of 500 tokens, so that
pages that come later change nothing. It is an integer, so the order of hits does not depend on the database. Source: Robertson
and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009, section 3.4.
"""

import re
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import unquote, urlsplit

from ..errors import InputError, OutputError
from ..storage.places import Place, at
from .analyzer import BETWEEN_LINES, analyzer
from .outputs import Manifest, read_manifest, records

_APPLICATION: Final = 0x62644944  # "bdID"
_VERSION: Final = 1
_STRONG, _WEAK, _TITLE, _KEYWORD = 4, 1, 16, 8
_BATCH: Final = 2_000  # pages whose postings are sorted before they are inserted
_TABLES: Final = f"""
CREATE TABLE runs (id INTEGER PRIMARY KEY, digest TEXT UNIQUE NOT NULL, engine TEXT NOT NULL, pages INTEGER NOT NULL,
    rejected INTEGER NOT NULL, has_text INTEGER NOT NULL);
CREATE TABLE pages (id INTEGER PRIMARY KEY, url TEXT UNIQUE NOT NULL, site TEXT NOT NULL, title TEXT NOT NULL,
    language TEXT NOT NULL, run INTEGER NOT NULL REFERENCES runs, content INTEGER NOT NULL, text TEXT NOT NULL);
CREATE TABLE keywords (page INTEGER, rank INTEGER, phrase TEXT NOT NULL, stems TEXT NOT NULL, score INTEGER NOT NULL,
    tf INTEGER NOT NULL, df INTEGER NOT NULL, PRIMARY KEY (page, rank)) WITHOUT ROWID;
CREATE TABLE words (id INTEGER PRIMARY KEY, token TEXT UNIQUE NOT NULL);
CREATE TABLE postings (word INTEGER, page INTEGER, impact INTEGER NOT NULL, PRIMARY KEY (word, page)) WITHOUT ROWID;
CREATE TABLE rejections (run INTEGER NOT NULL REFERENCES runs, source TEXT NOT NULL, start INTEGER NOT NULL, url TEXT NOT NULL,
    reason TEXT NOT NULL, detail TEXT NOT NULL);
CREATE VIRTUAL TABLE body USING fts5(tokens, tokenize = 'unicode61 remove_diacritics 0');
CREATE INDEX keywords_by_stems ON keywords (stems, page);
CREATE INDEX pages_by_site ON pages (site);
CREATE INDEX pages_by_content ON pages (content);
PRAGMA application_id = {_APPLICATION};
PRAGMA user_version = {_VERSION};
"""


class Page(NamedTuple):
    """A page and what is looked up of it: ``body`` are its tokens in order, ``impacts`` those of its words."""

    url: str
    site: str
    title: str
    language: str
    content: int
    text: str
    keywords: list[tuple[str, str, int, int, int]]
    body: str
    impacts: dict[str, int]


@contextmanager
def open_database(path: str | Path, *, write: bool = False) -> Iterator[sqlite3.Connection]:
    """Open an index. With ``write``, it is created if there is none.

    Raises InputError if there is none, it cannot be read, or it is no index of this version; OutputError if it cannot be written.
    """
    path = Path(path)
    if not write and not path.exists():
        raise InputError(f"{path}: no such index: make it by `bigdata-demos index OUTPUT --db {path}`")
    kind = OutputError if write else InputError
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode={'rwc' if write else 'ro'}", uri=True)) as database:
            (application,), (version,) = (
                database.execute(f"PRAGMA {name}").fetchone() for name in ("application_id", "user_version")
            )
            tables = database.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
            if tables and application != _APPLICATION:
                raise InputError(f"{path} is a database, but not an index of bigdata-demos: name another file")
            if tables and version != _VERSION:
                raise InputError(f"{path} is an index of version {version}, and this is for version {_VERSION}: make it again")
            if not tables and not write:
                raise InputError(f"{path} is an empty database: load it by `bigdata-demos index OUTPUT --db {path}`")
            yield database
    except sqlite3.DatabaseError as error:
        text = str(error)
        hint = ": another process writes to it: try again later" if "locked" in text else ""
        raise kind(f"{path}: {text}{hint}") from None


def load(database: sqlite3.Connection, output: str | Path, progress: Callable[[int, int], None] | None = None) -> Manifest:
    """Load the output of a run, in one transaction; return its manifest.

    Raises InputError if it is none, or one of its parts has changed.
    """
    place = at(str(output))
    manifest = read_manifest(place)
    database.execute("PRAGMA cache_size = -64000")
    with _transaction(database):
        if not database.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
            for statement in _TABLES.split(";\n"):
                database.execute(statement)
        _load(database, place, manifest, progress)
    return manifest


def drop(database: sqlite3.Connection, digest: str) -> int:
    """Remove a run and its pages; return their number. ``digest`` may be cut. Raises InputError if there is no such run."""
    if not database.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
        raise InputError("no run has been loaded into this index: look at the name of the file")
    runs = database.execute("SELECT id FROM runs WHERE substr(digest, 1, length(?)) = ?", (digest, digest)).fetchall()
    if len(runs) != 1:
        raise InputError(f"{digest}: {'several runs have' if runs else 'no run has'} a digest that starts with this")
    with _transaction(database):
        pages = [page for (page,) in database.execute("SELECT id FROM pages WHERE run = ?", runs[0])]
        _remove(database, pages)
        database.execute("DELETE FROM rejections WHERE run = ?", runs[0])
        database.execute("DELETE FROM runs WHERE id = ?", runs[0])
    return len(pages)


@contextmanager
def _transaction(database: sqlite3.Connection) -> Iterator[None]:
    """Make the statements inside one transaction, which excludes other writers from its start."""
    database.isolation_level = None
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
        database.execute("COMMIT")
    except BaseException:
        if database.in_transaction:
            database.execute("ROLLBACK")
        raise


def _load(database: sqlite3.Connection, place: Place, manifest: Manifest, progress: Callable[[int, int], None] | None) -> None:
    has_text = bool(manifest.parts["text"])
    row = (manifest.digest, manifest.engine, manifest.pages, manifest.rejected, has_text)
    database.execute(
        "INSERT INTO runs VALUES (NULL, ?, ?, ?, ?, ?)"
        " ON CONFLICT (digest) DO UPDATE SET has_text = has_text OR excluded.has_text",
        row,
    )
    (run,) = database.execute("SELECT id FROM runs WHERE digest = ?", (manifest.digest,)).fetchone()
    words = dict(database.execute("SELECT token, id FROM words"))
    pages = _pages(place, manifest)
    done = 0
    while batch := list(islice(pages, _BATCH)):
        _insert(database, run, batch, words)
        done += len(batch)
        if progress:
            progress(done, manifest.pages)
    database.execute("DELETE FROM rejections WHERE run = ?", (run,))
    database.executemany(
        "INSERT INTO rejections VALUES (?, ?, ?, ?, ?, ?)",
        (
            (run, *(row[name] for name in ("source", "offset", "url", "reason", "detail")))
            for row in records(place, manifest.parts["rejected"], "rejected")
        ),
    )


def _pages(place: Place, manifest: Manifest) -> Iterator[Page]:
    """Yield the pages of an output. Without their text, they have titles and keywords only."""
    keywords = records(place, manifest.parts["keywords"], "keywords")
    if not manifest.parts["text"]:
        for row in keywords:
            yield analyze(row, "\n".join([row["title"], *(keyword["phrase"] for keyword in row["keywords"])]))
        return
    for row, text in zip(keywords, records(place, manifest.parts["text"], "text"), strict=True):
        if row["url"] != text["url"]:
            raise InputError(f"{place}: the parts of text/ are not those of keywords/: {text['url']} instead of {row['url']}")
        yield analyze(row, text["text"])


def analyze(row: dict[str, Any], text: str) -> Page:
    """Analyze a page: a row of ``keywords/``, and its text as ``schemas/text.avsc`` describes it."""
    tokens_of = analyzer(row["language"])
    body: list[str] = []
    strong: list[str] = []
    weak: list[str] = []
    title: list[str] = []
    for number, line in enumerate([*text.split("\n"), words_of(row["url"])]):
        tokens = tokens_of.tokens(line)
        body += tokens
        body.append(BETWEEN_LINES)
        (weak if line.startswith("\t") else strong if number else title).extend(tokens)
    counts: Counter[str] = Counter()
    for tokens, weight in ((strong, _STRONG), (weak, _WEAK), (title, _TITLE)):
        for token, count in Counter(tokens).items():
            counts[token] += weight * count
    for keyword in row["keywords"]:
        for token in tokens_of.of_stems(keyword["stems"]):
            counts[token] += _KEYWORD
    rest = 5 * (500 + len(body))
    impacts = {token: 1_024_000 * count // (1000 * count + rest) for token, count in counts.items()}
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return Page(
        row["url"],
        site_of(row["url"]),
        row["title"],
        row["language"],
        int.from_bytes(digest, "big", signed=True),
        text,
        [(one["phrase"], one["stems"].replace("-", " "), one["score"], one["tf"], one["df"]) for one in row["keywords"]],
        " ".join(body),
        impacts,
    )


def words_of(url: str) -> str:
    """Return the words of a URL's path, without the suffix of a file."""
    try:
        path = unquote(urlsplit(url).path)
    except ValueError:
        return ""
    return " ".join(re.findall(r"\w+", re.sub(r"\.\w{1,5}$", "", path)))


def site_of(url: str) -> str:
    """Return the host name of a URL without ``www.``, ``""`` if it has none."""
    try:
        return (urlsplit(url).hostname or "").removeprefix("www.")
    except ValueError:
        return ""


def _insert(database: sqlite3.Connection, run: int, pages: Sequence[Page], words: dict[str, int]) -> None:
    """Insert pages, and replace those with the same URLs."""
    known = [database.execute("SELECT id FROM pages WHERE url = ?", (page.url,)).fetchone() for page in pages]
    _remove(database, [row[0] for row in known if row])
    fresh = {token for page in pages for token in page.impacts} - words.keys()
    (last,) = database.execute("SELECT coalesce(max(id), 0) FROM words").fetchone()
    added = {token: number for number, token in enumerate(sorted(fresh), last + 1)}
    database.executemany("INSERT INTO words VALUES (?, ?)", ((number, token) for token, number in added.items()))
    words.update(added)
    (last,) = database.execute("SELECT coalesce(max(id), 0) FROM pages").fetchone()
    numbers = [row[0] if row else (last := last + 1) for row in known]
    numbered = list(zip(numbers, pages, strict=True))
    database.executemany(
        "INSERT OR REPLACE INTO pages VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        ((number, page.url, page.site, page.title, page.language, run, page.content, page.text) for number, page in numbered),
    )
    database.executemany(
        "INSERT OR REPLACE INTO keywords VALUES (?, ?, ?, ?, ?, ?, ?)",
        ((number, rank, *keyword) for number, page in numbered for rank, keyword in enumerate(page.keywords, 1)),
    )
    database.executemany(
        "INSERT OR REPLACE INTO body (rowid, tokens) VALUES (?, ?)", ((number, page.body) for number, page in numbered)
    )
    postings = sorted((words[token], number, impact) for number, page in numbered for token, impact in page.impacts.items())
    database.executemany("INSERT OR REPLACE INTO postings VALUES (?, ?, ?)", postings)


def _remove(database: sqlite3.Connection, pages: Iterable[int]) -> None:
    """Remove pages and everything about them."""
    for page in pages:
        row = database.execute("SELECT tokens FROM body WHERE rowid = ?", (page,)).fetchone()
        stems = database.execute("SELECT stems FROM keywords WHERE page = ?", (page,))
        tokens = {*(row[0].split() if row else ()), *(token for (text,) in stems for token in analyzer("en").of_stems(text))}
        for token in tokens:
            database.execute(
                "DELETE FROM postings WHERE page = ? AND word = (SELECT id FROM words WHERE token = ?)", (page, token)
            )
        for table, column in (("keywords", "page"), ("body", "rowid"), ("pages", "id")):
            database.execute(f"DELETE FROM {table} WHERE {column} = ?", (page,))  # noqa: S608
