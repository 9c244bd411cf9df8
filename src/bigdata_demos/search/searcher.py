"""Finds and ranks the pages of a query, in an index of SQLite.

A word of a query is analyzed in each language of the index, since it is not known which one it is in; a page has it if it has any
of the resulting tokens. A hit's score is the sum over the query's words of ``impact · idf``, with the word's impact on the page
(:mod:`bigdata_demos.index.tables`), and ``idf = L(N + 1) - L(df) + 64``, where ``L(n) = ⌊256 · log₂ n⌋``, of N pages df have the
word. Ties are broken by URL. Pages with the same text are one hit.
"""

import difflib
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from ..errors import InputError
from ..index.analyzer import analyzer, decode, encode, prefixes, shown
from ..index.tables import open_database
from ..keywords.analysis.candidates import lower
from .query import Term, parse

_MAX_EXPANDED: Final = 500  # words that a prefix stands for, in alphabetical order
_COMMON: Final = 10  # a stopword need not be in a page if 1 of so many pages has it
_SNIPPET: Final = 160  # characters
_SENTENCE: Final = 60  # characters of a line that is not a heading
_SNIPPET_FROM: Final = 100_000  # characters of a page that a snippet is looked for in
_LAST: Final = "\U0010ffff"
_NEAREST_AMONG: Final = 20_000  # words that a misspelt one is compared with
_ALIKE: Final = 0.7  # of 1: how much it must be like one of them
Mark = tuple[int, int]


class Hit(NamedTuple):
    """A page that was found. ``marks`` are the places of hits in the ``snippet``; ``copies`` other URLs with its text."""

    url: str
    title: str
    language: str
    score: int
    snippet: str
    marks: list[Mark]
    keywords: list[str]
    copies: int


class Found(NamedTuple):
    """The answer to a query: the number of hits, and the best of them."""

    total: int
    hits: list[Hit]


class _Words(NamedTuple):
    """A term as numbers of words, any of which a page must have, and as a condition of FTS5; ``tokens`` are marked."""

    tokens: frozenset[str]
    numbers: tuple[int, ...]
    match: str


class Searcher:
    """Searches an open database."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self.database = database
        rows = database.execute("SELECT language, count(*) FROM pages GROUP BY language ORDER BY 2 DESC, 1").fetchall()
        self.languages = [language for language, _ in rows] or ["en"]
        self.pages = sum(count for _, count in rows)

    def search(self, query: str, limit: int = 10) -> Found:
        """Return the best pages of a query. Raises UsageError if the query is empty."""
        terms = parse(query)
        languages = [term.text.lower() for term in terms if term.field == "lang" and not term.without] or self.languages
        conditions: list[str] = []
        values: list[object] = []
        scored: list[_Words] = []
        common = {term for term in terms if self._is_common(term, languages)}
        if all(term in common or term.without for term in terms):  # "to be or not to be"
            common.clear()
        for term in terms:
            condition, given, words = self._condition(term, languages)
            if term not in common:
                conditions.append(f"NOT ({condition})" if term.without else f"({condition})")
                values += given
            if words and words.numbers and not term.without:
                scored.append(words)
        return self._ranked(conditions, values, scored, limit)

    def _condition(self, term: Term, languages: Sequence[str]) -> tuple[str, list[object], _Words | None]:
        """Return a condition of SQL for the table of pages, its values, and the words that count for the score."""
        if term.field == "site":
            site = term.text.lower().removeprefix("www.").rstrip("/")
            return "site = ? OR substr(site, -?) = ?", [site, len(site) + 1, f".{site}"], None
        if term.field == "lang":
            return "language = ?", [term.text.lower()], None
        if term.field == "keyword":
            stems = sorted({" ".join(map(decode, analyzer(language).of_query(term.text))) for language in languages})
            marks = ", ".join("?" * len(stems))
            return f"id IN (SELECT page FROM keywords WHERE stems IN ({marks}))", list(stems), None  # noqa: S608 (question marks)
        words = self._words(term, languages)
        if words is None:
            return "url = ?", [term.text], None
        if words.match:
            return "id IN (SELECT rowid FROM body WHERE body MATCH ?)", [words.match], words
        return f"id IN (SELECT page FROM postings WHERE word IN ({_list(words.numbers)}))", [], words  # noqa: S608 (numbers)

    def _words(self, term: Term, languages: Sequence[str]) -> _Words | None:
        """Return the words that a term stands for; ``None`` for an address, which has none."""
        if term.field == "prefix":
            numbers: list[int] = []
            tokens: list[str] = []
            for start in prefixes(lower(term.text)):
                sql = "SELECT id, token FROM words WHERE token >= ? AND token < ? ORDER BY token LIMIT ?"
                for number, token in self.database.execute(sql, (start, start + _LAST, _MAX_EXPANDED)):
                    numbers.append(number)
                    tokens.append(token)
            return _Words(frozenset(tokens), tuple(numbers), "")
        sequences = {tuple(analyzer(language).of_query(term.text)) for language in languages} - {()}
        if not sequences:
            return None
        every = frozenset(token for sequence in sequences for token in sequence)
        numbers = [number for token in sorted(every) for number in self._number(token)]
        if term.field == "word" and all(len(sequence) == 1 for sequence in sequences):
            return _Words(every, tuple(numbers), "")
        return _Words(every, tuple(numbers), " OR ".join(f'"{" ".join(sequence)}"' for sequence in sorted(sequences)))

    def _is_common(self, term: Term, languages: Sequence[str]) -> bool:
        """Whether pages need not have a term: a stopword of the first language that is in many pages, or in none."""
        tokens = analyzer(languages[0]).of_query(term.text)
        if term.field != "word" or term.without or not tokens or not analyzer(languages[0]).stops.issuperset(tokens):
            return False
        words = self._words(term, languages)
        df = self._df(words.numbers) if words else 0
        return df == 0 or _COMMON * df >= self.pages

    def _df(self, numbers: Sequence[int]) -> int:
        sql = f"SELECT count(DISTINCT page) FROM postings WHERE word IN ({_list(numbers)})"  # noqa: S608 (numbers)
        return int(self.database.execute(sql).fetchone()[0])

    def _number(self, token: str) -> list[int]:
        return [number for (number,) in self.database.execute("SELECT id FROM words WHERE token = ?", (token,))]

    def _ranked(self, conditions: list[str], values: list[object], scored: list[_Words], limit: int) -> Found:
        where = " AND ".join(conditions) or "1"
        matching = f"SELECT id, url, content FROM pages WHERE {where}"  # noqa: S608 (values are bound)
        parts = []
        for words in scored:
            some = _list(words.numbers)
            idf = _log(self.pages + 1) - _log(max(self._df(words.numbers), 1)) + 64
            parts.append(f"SELECT page, max(impact) * {idf} AS score FROM postings WHERE word IN ({some}) GROUP BY page")  # noqa: S608
        scores = " UNION ALL ".join(parts) or "SELECT 0 AS page, 0 AS score"
        ranking = (
            f"WITH matching AS MATERIALIZED ({matching}), scores AS ({scores}),"  # noqa: S608
            " ranked AS (SELECT id, url, content, coalesce(sum(score), 0) AS score"
            " FROM matching LEFT JOIN scores ON page = id GROUP BY id),"
            " groups AS (SELECT *, row_number() OVER (PARTITION BY content ORDER BY score DESC, url) AS place,"
            " count(*) OVER (PARTITION BY content) AS copies FROM ranked)"
            " SELECT id, score, copies, count(*) OVER () FROM groups WHERE place = 1 ORDER BY score DESC, url LIMIT ?"
        )  # values are bound
        rows = self.database.execute(ranking, (*values, limit)).fetchall()
        terms = {token: number for number, words in enumerate(scored) for token in words.tokens}
        return Found(rows[0][3] if rows else 0, [self._hit(page, score, copies - 1, terms) for page, score, copies, _ in rows])

    def _hit(self, page: int, score: int, copies: int, terms: Mapping[str, int]) -> Hit:
        url, title, language, text = self.database.execute(
            "SELECT url, title, language, text FROM pages WHERE id = ?", (page,)
        ).fetchone()
        rows = self.database.execute("SELECT phrase, stems FROM keywords WHERE page = ? ORDER BY rank", (page,)).fetchall()
        keywords = [phrase for phrase, stems in rows if not terms.keys().isdisjoint(analyzer(language).of_stems(stems))]
        return Hit(url, title, language, score, *snippet(text, language, terms), keywords, copies)

    def related(self, url: str, limit: int = 10) -> list[tuple[str, str, list[str]]]:
        """Return the URL, the title and the common keywords of the pages that share the rarest keywords with a page.

        Raises InputError if the page is not in the index.
        """
        row = self.database.execute("SELECT id, content FROM pages WHERE url = ?", (url,)).fetchone()
        if row is None:
            raise InputError(f"{url}: no page of the index has this URL")
        rows = self.database.execute(
            "SELECT pages.url, pages.title, other.phrase, (SELECT count(*) FROM keywords WHERE stems = own.stems) AS df"
            " FROM keywords AS own JOIN keywords AS other ON other.stems = own.stems JOIN pages ON pages.id = other.page"
            " WHERE own.page = ? AND pages.content <> ? ORDER BY own.rank",
            row,
        ).fetchall()
        scores: dict[str, int] = {}
        about: dict[str, tuple[str, list[str]]] = {}
        for other, title, phrase, df in rows:
            scores[other] = scores.get(other, 0) + _log(self.pages + 1) - _log(df)
            about.setdefault(other, (title, []))[1].append(phrase)
        best = sorted(scores, key=lambda other: (-scores[other], other))[:limit]
        return [(other, *about[other]) for other in best]

    def top(self, *, site: str = "", language: str = "", limit: int = 20) -> list[tuple[str, int]]:
        """Return the keywords of most pages, of a site or in a language, and the number of these."""
        return self.database.execute(
            "SELECT min(phrase), count(*) FROM keywords JOIN pages ON id = page"
            " WHERE (? = '' OR site = ?) AND (? = '' OR language = ?)"
            " GROUP BY stems ORDER BY 2 DESC, stems LIMIT ?",
            (site, site, language, language, limit),
        ).fetchall()

    def advice(self, query: str) -> str:
        """Return, for a query without hits, in how many pages each word is, what else it may be, and what to leave out."""
        parts = []
        terms = parse(query)
        for term in terms:
            if term.without or term.field not in ("word", "phrase", "prefix"):
                continue
            condition, values, words = self._condition(term, self.languages)
            if self._is_common(term, self.languages):
                parts.append(f"{term} is too common")
                continue
            (count,) = self.database.execute(f"SELECT count(*) FROM pages WHERE {condition}", values).fetchone()  # noqa: S608
            nearest = "" if count or words is None else self._nearest(lower(term.text))
            parts.append(f"{term}: {count} pages{f', did you mean {nearest}?' if nearest else ''}")
        if sum(not term.without for term in terms) > 1:
            for term in terms:
                rest = [other for other in terms if other is not term]
                if not all(other.without for other in rest) and (total := self.search(" ".join(map(str, rest)), 1).total):
                    parts.append(f"without {term}: {total} hits")
        return "; ".join(parts)

    def _nearest(self, word: str) -> str:
        """Return the word of a page that is written most like another one, among those with the same first letter."""
        tokens = analyzer(self.languages[0]).of_query(word)
        if len(tokens) != 1:
            return ""
        wanted = decode(tokens[0])
        sql = (
            "SELECT token FROM words WHERE token >= ? AND token < ? AND length(token) BETWEEN ? AND ?"
            " AND EXISTS (SELECT 1 FROM postings WHERE word = words.id) LIMIT ?"
        )
        start, size = tokens[0][:1], len(tokens[0])
        rows = self.database.execute(sql, (start, start + _LAST, size - 2, size + 2, _NEAREST_AMONG))
        nearest = difflib.get_close_matches(wanted, [decode(token) for (token,) in rows], 1, _ALIKE)
        return self._written(encode(nearest[0])) if nearest else ""

    def _written(self, token: str) -> str:
        """Return a word with this token as the best page for it writes it."""
        language, text = self.database.execute(
            "SELECT language, text FROM postings JOIN words ON words.id = word JOIN pages ON pages.id = page WHERE token = ?"
            " ORDER BY impact DESC, url LIMIT 1",
            (token,),
        ).fetchone()
        for line in text.split("\n"):
            for other, start, end in analyzer(language).matches(line):
                if other == token:
                    return lower(line.replace("\u200b", "")[start:end])
        return decode(token)


def _log(n: int) -> int:
    """Return ⌊256 · log₂ n⌋, exactly."""
    return int(n**256).bit_length() - 1


def _list(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))


def snippet(text: str, language: str, terms: Mapping[str, int]) -> tuple[str, list[Mark]]:
    """Return the part of a page's text with the most terms of a query, and where their tokens are in it.

    ``terms`` has the number of the term for each token.

    Sentences are preferred to headings, lines after the title to the title, and among equal ones the first.
    """
    best: tuple[int, int, list[Mark], str] = (-1, 0, [], "")
    title, *lines = text[:_SNIPPET_FROM].split("\n")
    find, most = analyzer(language).matches, len({*terms.values()})
    for line in [*lines, title]:
        marks = [(terms[token], start, end) for token, start, end in find(line) if token in terms]
        number = len({term for term, _, _ in marks})
        size = min(len(line), _SENTENCE)
        if (number, size) > best[:2]:
            best = (number, size, [(start, end) for _, start, end in marks], line)
            if (number, size) == (most, _SENTENCE):
                break
    *_, marks_, line = best
    whole = shown(line)
    indent = len(line) - len(line.removeprefix("\t"))
    first = marks_[0][0] - indent if marks_ else 0
    start = max(0, first - _SNIPPET // 3)
    start = 0 if len(whole) <= _SNIPPET else whole.rfind(" ", 0, start) + 1 if start else 0
    end = start + _SNIPPET
    if end < len(whole):
        end = max(whole.rfind(" ", start, end), start + _SNIPPET // 2)
    shift = indent + start
    return whole[start:end], [(a - shift, b - shift) for a, b in marks_ if start <= a - indent and b - indent <= end]


@contextmanager
def open_searcher(path: str | Path) -> Iterator[Searcher]:
    """Open an index for searching. For errors see :func:`bigdata_demos.index.tables.open_database`."""
    with open_database(path) as database:
        yield Searcher(database)
