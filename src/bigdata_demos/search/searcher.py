"""Finds and ranks the pages of a query, in an index of any database.

A word of a query is analyzed in each language of the index, since it is not known which one it is in; a page has it if it has any
of the resulting tokens. A hit's score is the sum over the query's words of ``impact · idf``, with the word's impact on the page
(:mod:`bigdata_demos.index.pages`), and ``idf = L(N + 1) - L(df) + 64``, where ``L(n) = ⌊256 · log₂ n⌋``, of N pages df have the
word; if a word has several tokens, df is the sum of theirs, at most N. Ties are broken by URL. Pages with the same text are one
hit.
"""

import difflib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple

from ..errors import InputError
from ..index.analyzer import analyzer, decode, encode, encoded, parts_of, prefixes
from ..index.database import Database, open_database
from ..keywords.analysis.tokens import lower
from .query import Term, parse
from .snippets import FROM, Mark, snippet

_MAX_EXPANDED: Final = 500  # words that a prefix stands for, in alphabetical order
_MAX_SLOTS: Final = 40  # tables in a statement; SQLite joins 64
_COMMON: Final = 10  # a stopword need not be in a page if 1 of so many pages has it
_LAST: Final = "\U0010ffff"
_NEAREST_AMONG: Final = 20_000  # words that a misspelt one is compared with
_ALIKE: Final = 0.7  # of 1: how much it must be like one of them


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
    """The answer to a query: the number of pages, and the best hits."""

    total: int
    hits: list[Hit]


class _Slot(NamedTuple):
    """A word that a page may have: the numbers of its tokens, and the number of pages with any of them."""

    numbers: tuple[int, ...]
    df: int


class _Meaning(NamedTuple):
    """What a term says: words that hits must have, sets of pages (``IN …``) that they must be in, ``tokens`` to be marked."""

    slots: Sequence[_Slot] = ()
    conditions: Sequence[tuple[str, Sequence[object]]] = ()
    tokens: frozenset[str] = frozenset()


class Searcher:
    """Searches an open index."""

    def __init__(self, database: Database) -> None:
        self.database = database
        rows = database.execute("SELECT language, count(*) FROM pages GROUP BY language ORDER BY 2 DESC, 1").fetchall()
        self.languages: list[str] = [language for language, _ in rows] or ["en"]
        self.pages = sum(count for _, count in rows)

    def search(self, query: str, limit: int = 10) -> Found:
        """Return the best hits of a query. Raises UsageError if the query is empty."""
        return self._search(parse(query), limit)

    def facets(self, query: str) -> tuple[Counter[str], Counter[str]]:
        """Return the sites and the languages of the hits of a query, with numbers of hits. Raises UsageError if it is empty."""
        sites, languages = Counter[str](), Counter[str]()
        if selection := self._selection(parse(query)):
            sql, values, _ = selection
            sql = f"SELECT site, language, count(*) FROM ({sql}) AS scored JOIN pages ON id = page GROUP BY site, language"  # noqa: S608 (values are bound)
            for site, language, count in self.database.execute(sql, values):
                sites[site] += count
                languages[language] += count
        return sites, languages

    def _search(self, terms: Sequence[Term], limit: int) -> Found:
        selection = self._selection(terms)
        return self._ranked(*selection, limit) if selection else Found(0, [])

    def _selection(self, terms: Sequence[Term]) -> tuple[str, list[object], dict[str, int]] | None:
        """Return a query for the hits and their scores, its values, and the tokens to be marked; None if there can be no hit."""
        languages = [term.text.lower() for term in terms if term.field == "lang" and not term.without] or self.languages
        meanings = [(term, self._meaning(term, languages)) for term in terms]
        common = {term for term, meaning in meanings if self._is_common(term, meaning, languages)}
        if all(term in common or term.without for term in terms):  # "to be or not to be"
            common.clear()
        required: list[_Slot] = []
        optional: list[_Slot] = []
        conditions: list[tuple[str, Sequence[object]]] = []
        for term, meaning in meanings:
            if term.without:
                sets = meaning.conditions or [(_pages_of(slot), ()) for slot in meaning.slots if slot.numbers]
                conditions += [(f"NOT {some}", given) for some, given in sets]
            elif term in common:
                optional += meaning.slots
            else:
                required += meaning.slots
                conditions += meaning.conditions
        if any(not slot.numbers for slot in required):  # a word that no page has
            return None
        required = sorted(dict.fromkeys(required), key=lambda slot: slot.df)
        optional = [slot for slot in dict.fromkeys(optional) if slot.numbers][: max(0, _MAX_SLOTS - len(required))]
        sql, values = self._scored(required, optional, conditions)
        marked = {
            token: number for number, (term, meaning) in enumerate(meanings) if not term.without for token in meaning.tokens
        }
        return sql, values, marked

    def _meaning(self, term: Term, languages: Sequence[str]) -> _Meaning:
        """Look a term up."""
        if term.field == "site":
            site = term.text.lower().removeprefix("www.").rstrip("/")
            condition = "IN (SELECT id FROM pages WHERE site = ? OR substr(site, length(site) - length(?) + 1) = ?)"
            return _Meaning(conditions=[(condition, [site, f".{site}", f".{site}"])])
        if term.field == "lang":
            return _Meaning(conditions=[("IN (SELECT id FROM pages WHERE language = ?)", [term.text.lower()])])
        if term.field == "keyword":
            stems = sorted({" ".join(map(decode, analyzer(language).of_query(term.text))) for language in languages})
            marks = ", ".join("?" * len(stems))
            return _Meaning(conditions=[(f"IN (SELECT page FROM keywords WHERE stems IN ({marks}))", stems)])  # noqa: S608
        if term.field == "prefix":
            found = [row for start in prefixes(lower(term.text)) for row in self._starting(start)]
            return _Meaning([self._slot(found)], tokens=frozenset(token for token, _, _ in found))
        sequences = sorted({tuple(analyzer(language).of_query(term.text)) for language in languages} - {()})
        if not sequences:  # an address
            return _Meaning(conditions=[("IN (SELECT id FROM pages WHERE url = ?)", [term.text])])
        sizes = {len(sequence) for sequence in sequences}
        places = [set(tokens) for tokens in zip(*sequences, strict=True)] if len(sizes) == 1 else [set().union(*sequences)]
        slots = [self._slot(self._words(tokens)) for tokens in places[:_MAX_SLOTS]]
        phrase = [] if sizes == {1} else [(self.database.phrase, [self.database.phrases(sequences)])]
        return _Meaning(slots, phrase, frozenset().union(*sequences))

    def _words(self, tokens: set[str]) -> list[Any]:
        marks = ", ".join("?" * len(tokens))
        sql = f"SELECT token, id, pages FROM words WHERE token IN ({marks}) ORDER BY token"  # noqa: S608 (question marks)
        return self.database.execute(sql, sorted(tokens)).fetchall()

    def _starting(self, start: str) -> list[Any]:
        sql = "SELECT token, id, pages FROM words WHERE token >= ? AND token < ? ORDER BY token LIMIT ?"
        return self.database.execute(sql, (start, start + _LAST, _MAX_EXPANDED)).fetchall()

    def _slot(self, rows: Sequence[tuple[str, int, int]]) -> _Slot:
        return _Slot(tuple(number for _, number, _ in rows), min(self.pages, sum(pages for _, _, pages in rows)))

    def _is_common(self, term: Term, meaning: _Meaning, languages: Sequence[str]) -> bool:
        """Whether pages need not have a term: a stopword of the first language that is in many pages, or in none."""
        tokens = analyzer(languages[0]).of_query(term.text)
        if term.field != "word" or term.without or not tokens or not analyzer(languages[0]).stops.issuperset(tokens):
            return False
        df = min(slot.df for slot in meaning.slots)
        return df == 0 or _COMMON * df >= self.pages

    def _scored(
        self, required: Sequence[_Slot], optional: Sequence[_Slot], conditions: Sequence[tuple[str, Sequence[object]]]
    ) -> tuple[str, list[object]]:
        """Return a query for the pages that have all required words and meet all conditions, with their scores.

        It starts from the rarest word, and looks the others up. A word with many tokens, such as a prefix, is merged first.
        """
        scores, tables, where = ["0"], [], []
        for number, slot in enumerate(required):
            lookups = len(slot.numbers) * required[0].df  # of each token, on each page with the rarest word
            if number == 0 or len(slot.numbers) == 1 or lookups > slot.df:
                tables.append(f"{_postings(slot)} AS r{number}")
                scores.append(f"r{number}.impact * {self._idf(slot)}")
                if number:
                    where.append(f"r{number}.page = r0.page")
            else:
                scores.append(f"{_best_impact(slot)} * {self._idf(slot)}")
                where.append(f"EXISTS (SELECT 1 FROM postings WHERE {_is_any(slot)} AND page = r0.page)")  # noqa: S608 (numbers)
        if not tables:
            tables.append("(SELECT id AS page FROM pages) AS r0")
        scores += [f"coalesce({_best_impact(slot)}, 0) * {self._idf(slot)}" for slot in optional]
        where += [f"r0.page {some}" for some, _ in conditions]
        sql = f"SELECT r0.page AS page, {' + '.join(scores)} AS score FROM {' CROSS JOIN '.join(tables)}"  # noqa: S608
        return f"{sql} WHERE {' AND '.join(where) or 'true'}", [value for _, values in conditions for value in values]

    def _idf(self, slot: _Slot) -> int:
        return _log(self.pages + 1) - _log(max(slot.df, 1)) + 64

    def _ranked(self, scored: str, values: Sequence[object], terms: Mapping[str, int], limit: int) -> Found:
        """Return the best hits of a query for pages and scores."""
        wanted = limit
        while True:
            rows = self.database.execute(
                f"WITH scored AS MATERIALIZED ({scored})"  # noqa: S608 (values are bound)
                " SELECT id, url, content, score, (SELECT count(*) FROM scored) FROM scored JOIN pages ON id = page"
                " WHERE score >= coalesce((SELECT score FROM scored ORDER BY score DESC LIMIT 1 OFFSET ?), 0)"
                " ORDER BY score DESC, url LIMIT ?",
                (*values, wanted - 1, wanted),
            ).fetchall()
            best: dict[int, tuple[int, int]] = {}  # by content
            for page, _, content, score, _ in rows:
                best.setdefault(content, (page, score))
            total = rows[0][4] if rows else 0
            if len(best) >= limit or len(rows) == total:
                return Found(total, self._hits(dict(islice(best.values(), limit)), terms))
            wanted *= 4

    def _hits(self, scores: Mapping[int, int], terms: Mapping[str, int]) -> list[Hit]:
        """Return hits, given by pages and scores, in their order, by two statements: a server answers each one with a delay."""
        pages = f"IN ({', '.join(map(str, scores)) or 'NULL'})"
        facts = {
            page: rest
            for page, *rest in self.database.execute(
                "SELECT id, url, title, language, substr(text, 1, ?), (SELECT count(*) - 1 FROM pages AS same"  # noqa: S608 (numbers)
                f" WHERE same.content = pages.content) FROM pages JOIN texts ON page = id WHERE id {pages}",
                (FROM,),
            )
        }
        matched: dict[int, list[str]] = {page: [] for page in scores}
        for page, phrase, stems in self.database.execute(
            f"SELECT page, phrase, stems FROM keywords WHERE page {pages} ORDER BY page, rank"  # noqa: S608 (numbers)
        ):
            if not terms.keys().isdisjoint(encoded(parts_of(stems))):
                matched[page].append(phrase)
        hits = []
        for page, score in scores.items():
            url, title, language, text, copies = facts[page]
            hits.append(Hit(url, title, language, score, *snippet(text, language, terms), matched[page], copies))
        return hits

    def page(self, url: str) -> dict[str, Any] | None:
        """Return the URL, title, site, language, keywords and declared keywords of a page; None if it is not in the index.

        Keywords have their phrase, stems, score, tf and df, best first. ``has_text`` says whether the page's text was kept.
        """
        row = self.database.execute(
            "SELECT pages.id, title, site, language, declared, has_text FROM pages JOIN runs ON runs.id = run WHERE url = ?",
            (url,),
        ).fetchone()
        if row is None:
            return None
        page, title, site, language, declared, has_text = row
        names = ("phrase", "stems", "score", "tf", "df")
        rows = self.database.execute(f"SELECT {', '.join(names)} FROM keywords WHERE page = ? ORDER BY rank", (page,))  # noqa: S608
        keywords = [dict(zip(names, keyword, strict=True)) for keyword in rows]
        facts = {"url": url, "title": title, "site": site, "language": language, "has_text": bool(has_text)}
        return {**facts, "keywords": keywords, "declared": json.loads(declared)}

    def text(self, url: str) -> str:
        """Return the text of a page as ``schemas/text.avsc`` describes it: its title and keywords, if it was not kept."""
        row = self.database.execute("SELECT text FROM texts JOIN pages ON id = page WHERE url = ?", (url,)).fetchone()
        return str(row[0]) if row else ""

    def copies(self, url: str, limit: int = 20) -> list[str]:
        """Return other URLs with the text of a page."""
        rows = self.database.execute(
            "SELECT other.url FROM pages AS own JOIN pages AS other ON other.content = own.content"
            " WHERE own.url = ? AND other.url <> ? ORDER BY other.url LIMIT ?",
            (url, url, limit),
        )
        return [other for (other,) in rows]

    def stats(self) -> dict[str, Any]:
        """Return the numbers of pages, keywords, pairs of these, rejected pages and runs, and the digest of the last run."""
        numbers = self.database.execute(
            "SELECT (SELECT count(*) FROM pages), (SELECT count(DISTINCT stems) FROM keywords), (SELECT count(*) FROM keywords),"
            " (SELECT count(*) FROM rejections), (SELECT count(*) FROM runs)"
        ).fetchone()
        last = self.database.execute("SELECT digest FROM runs ORDER BY id DESC LIMIT 1").fetchone()
        names = ("pages", "phrases", "postings", "rejected", "runs")
        return {**dict(zip(names, numbers, strict=True)), "digest": last[0] if last else ""}

    def related(self, url: str, limit: int = 10) -> list[tuple[str, str, list[str]]]:
        """Return the URL, the title and the common keywords of the pages that share the rarest keywords with a page.

        Raises InputError if the page is not in the index.
        """
        row = self.database.execute("SELECT id, content FROM pages WHERE url = ?", (url,)).fetchone()
        if row is None:
            raise InputError(f"{url}: no page of the index has this URL")
        page, content = row
        own = self.database.execute(
            "SELECT stems, (SELECT count(*) FROM keywords WHERE stems = own.stems) FROM keywords AS own WHERE page = ?", (page,)
        ).fetchall()
        weights = [(stems, _log(self.pages + 1) - _log(df)) for stems, df in own]
        if not weights:
            return []
        pairs = ", ".join(f"(CAST(? AS TEXT), {weight})" for _, weight in weights)
        rows = self.database.execute(
            f"WITH own (stems, weight) AS (VALUES {pairs}), scores AS (SELECT page, sum(weight) AS score"  # noqa: S608 (numbers)
            " FROM own JOIN keywords ON keywords.stems = own.stems GROUP BY page)"
            " SELECT id, url, title FROM scores JOIN pages ON id = page WHERE content <> ? ORDER BY score DESC, url LIMIT ?",
            (*(stems for stems, _ in weights), content, limit),
        ).fetchall()
        return [(url, title, self._common(page, other)) for other, url, title in rows]

    def _common(self, page: int, other: int) -> list[str]:
        """Return the keywords of another page that a page has, too, in the order of the page."""
        rows = self.database.execute(
            "SELECT other.phrase FROM keywords AS own JOIN keywords AS other ON other.stems = own.stems"
            " WHERE own.page = ? AND other.page = ? ORDER BY own.rank",
            (page, other),
        )
        return [phrase for (phrase,) in rows]

    def top(self, *, site: str = "", language: str = "", run: str = "", limit: int = 20) -> list[tuple[str, int]]:
        """Return the keywords of most pages, of a site, in a language or of a run, as most of these write them, and how many."""
        chosen = {"site = ?": site, "language = ?": language, "run = (SELECT id FROM runs WHERE digest = ?)": run}
        conditions = [condition for condition, value in chosen.items() if value]
        where = f"WHERE page IN (SELECT id FROM pages WHERE {' AND '.join(conditions)})" if conditions else ""  # noqa: S608 (constants)
        return self._phrases(where, [value for value in chosen.values() if value], limit)

    def suggestions(self, start: str, limit: int = 10) -> list[tuple[str, int]]:
        """Return the keywords that start with a prefix, those of most pages first, and the numbers of pages."""
        start = lower(start)
        return self._phrases("WHERE lowered >= ? AND lowered < ?", (start, start + _LAST), limit)

    def _phrases(self, where: str, values: Sequence[object], limit: int) -> list[tuple[str, int]]:
        return self.database.execute(
            f"WITH forms AS (SELECT stems, phrase, count(*) AS pages FROM keywords {where} GROUP BY stems, phrase),"  # noqa: S608
            " ranked AS (SELECT phrase, stems, sum(pages) OVER (PARTITION BY stems) AS total,"
            " row_number() OVER (PARTITION BY stems ORDER BY pages DESC, phrase) AS place FROM forms)"
            " SELECT phrase, CAST(total AS INTEGER) FROM ranked WHERE place = 1 ORDER BY total DESC, stems LIMIT ?",
            (*values, limit),
        ).fetchall()

    def advice(self, query: str) -> str:
        """Return, for a query without hits, in how many pages each word is, what else it may be, and what to leave out."""
        parts = []
        terms = parse(query)
        for term in terms:
            if term.without or term.field not in ("word", "phrase", "prefix"):
                continue
            if self._is_common(term, self._meaning(term, self.languages), self.languages):
                parts.append(f"{term} is too common")
                continue
            count = self._search([term], 1).total
            nearest = "" if count else self._nearest(lower(term.text))
            parts.append(f"{term}: {count} pages{f', did you mean {nearest}?' if nearest else ''}")
        if sum(not term.without for term in terms) > 1:
            for term in terms:
                rest = [other for other in terms if other is not term]
                if not all(other.without for other in rest) and (total := self._search(rest, 1).total):
                    parts.append(f"without {term}: {total} pages")
        return "; ".join(parts)

    def _nearest(self, word: str) -> str:
        """Return the word of a page that is written most like another one, among those with the same first letter."""
        tokens = analyzer(self.languages[0]).of_query(word)
        if len(tokens) != 1:
            return ""
        wanted = decode(tokens[0])
        near = "token >= ? AND token < ? AND length(token) BETWEEN ? AND ?"
        sql = f"SELECT token FROM words WHERE {near} ORDER BY pages DESC, token LIMIT ?"  # noqa: S608 (a constant)
        start, size = tokens[0][:1], len(tokens[0])
        rows = self.database.execute(sql, (start, start + _LAST, size - 2, size + 2, _NEAREST_AMONG))
        nearest = difflib.get_close_matches(wanted, [decode(token) for (token,) in rows], 1, _ALIKE)
        return self._written(encode(nearest[0])) if nearest else ""

    def _written(self, token: str) -> str:
        """Return a word with this token as the best page for it writes it."""
        language, text = self.database.execute(
            "SELECT language, text FROM words JOIN postings ON words.id = word JOIN pages ON pages.id = postings.page"
            " JOIN texts ON texts.page = pages.id WHERE token = ? ORDER BY impact DESC, url LIMIT 1",
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


def _is_any(slot: _Slot) -> str:
    """Return the condition that a posting is one of a word."""
    return f"word IN ({', '.join(map(str, slot.numbers))})"


def _postings(slot: _Slot) -> str:
    """Return a query for the pages that have a word, and its impact there."""
    if len(slot.numbers) == 1:
        return f"(SELECT page, impact FROM postings WHERE {_is_any(slot)})"  # noqa: S608 (a number)
    return f"(SELECT page, max(impact) AS impact FROM postings WHERE {_is_any(slot)} GROUP BY page)"  # noqa: S608 (numbers)


def _best_impact(slot: _Slot) -> str:
    """Return a query for the impact of a word on the page ``r0.page``, NULL if it does not have it."""
    return f"(SELECT max(impact) FROM postings WHERE {_is_any(slot)} AND page = r0.page)"  # noqa: S608 (numbers)


def _pages_of(slot: _Slot) -> str:
    return f"IN (SELECT page FROM {_postings(slot)} AS found)"  # noqa: S608 (numbers)


@contextmanager
def open_searcher(path: str | Path) -> Iterator[Searcher]:
    """Open an index for searching. For errors see :func:`bigdata_demos.index.database.open_database`."""
    with open_database(path) as database:
        yield Searcher(database)
