"""Searching: the bundled crawl's articles, a plain search that shares only the tokens, snippets, and hostile queries."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bigdata_demos.errors import InputError, UsageError
from bigdata_demos.index.analyzer import analyzer
from bigdata_demos.index.database import open_database
from bigdata_demos.index.load import load
from bigdata_demos.keywords import run
from bigdata_demos.search.query import parse
from bigdata_demos.search.searcher import Searcher, open_searcher
from tests.support.paths import SITE


@pytest.fixture(scope="module")
def searcher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Searcher]:
    """The index of the bundled site."""
    path = tmp_path_factory.mktemp("search")
    run([SITE], engine="serial", output=path / "out", keep_text=True)
    with open_database(path / "site.db", write=True) as database:
        load(database, path / "out")
    with open_searcher(path / "site.db") as opened:
        yield opened


QUESTIONS = {  # what one would ask of this site, and the article that answers it
    "map reduce": "mapreduce",
    "spark shuffle": "shuffle",
    "gil": "gil",
    "HDFS": "hdfs",
    "small files": "small-files",
    "hadoop history": "hadoop-history",
    "what is a combiner": "combiners",
    "data skew": "skew",
    "amdahl": "amdahls-law",
    "process pool": "process-pools",
    '"global interpreter lock"': "gil",
    "warc": "warc",
    "common crawl": "common-crawl",
    "avro container": "avro-container-files",
    "avro rpc": "avro-rpc",
    "remote procedure call": "avro-rpc",
    "hadoop streaming": "hadoop-streaming",
    "dask": "dask",
    "asyncio": "asyncio",
    "pyspark": "pyspark",
    "robots.txt": "web-crawling",
    "accumulators": "accumulators",
    "dag scheduler": "dag-scheduler",
    "keyword extraction": "keyword-extraction",
    "batch or streaming": "batch-and-streaming",
    "crawling politely": "web-crawling",
    "shuffle partitions": "shuffle",
    "mapreduce auf deutsch": "mapreduce-de",
    "yahoo nutch": "hadoop-history",
    "stop words": "keyword-extraction",
}


def test_questions(searcher: Searcher) -> None:
    """The right article is among the first three."""
    urls = {url for (url,) in searcher.database.execute("SELECT url FROM pages")}
    assert {f"{name}.html" for name in QUESTIONS.values()} <= urls
    wrong = {}
    for query, name in QUESTIONS.items():
        best = [hit.url for hit in searcher.search(query, 3).hits]
        if f"{name}.html" not in best:
            wrong[query] = best
    assert not wrong


def plainly(searcher: Searcher, words: list[str], without: list[str]) -> list[tuple[str, int]]:
    """URLs and scores of the pages with all of some words, by going through all pages; of one language."""
    pages = searcher.database.execute("SELECT url, tokens, body.rowid FROM pages JOIN body ON body.rowid = id").fetchall()
    tokens_of = {url: set(tokens.split()) for url, tokens, _ in pages}
    impacts = dict[tuple[str, str], int]()
    for token, url, impact in searcher.database.execute(
        "SELECT token, url, impact FROM postings JOIN words ON words.id = word JOIN pages ON pages.id = page"
    ):
        impacts[token, url] = impact
    n = len(pages)
    found = []
    for url, tokens in tokens_of.items():
        if all(word in tokens for word in words) and not any(word in tokens for word in without):
            score = 0
            for word in words:
                df = sum(word in others for others in tokens_of.values())
                score += impacts[word, url] * (((n + 1) ** 256).bit_length() - (df**256).bit_length() + 64)
            found.append((url, score))
    return sorted(found, key=lambda pair: (-pair[1], pair[0]))


def test_against_a_plain_search(searcher: Searcher) -> None:
    """Random words of random pages, one, two or three, some of them excluded: the same pages, with the same scores."""
    rows = searcher.database.execute("SELECT tokens FROM body JOIN pages ON body.rowid = id WHERE language = 'en'").fetchall()
    english = analyzer("en")
    checked = 0
    for seed in range(60):
        chance = random.Random(seed)
        tokens = [
            token
            for token in chance.choice(rows)[0].split()
            if token not in english.stops
            and token.isalpha()
            and english.of_query(token) == [token]
            and not token.startswith("zz")
        ]
        words = sorted({chance.choice(tokens) for _ in range(1 + seed % 3)})
        without = [token for token in [chance.choice(tokens)] if seed % 4 == 0 and token not in words]
        query = " ".join([*words, *(f"-{word}" for word in without), "lang:en"])
        found = searcher.search(query, 100)
        expected = [pair for pair in plainly(searcher, words, without) if "-de" not in pair[0] and "-ja" not in pair[0]]
        assert [(hit.url, hit.score) for hit in found.hits] == expected, query
        assert found.total == len(expected)
        checked += bool(expected)
    assert checked > 40


@pytest.mark.parametrize(
    ("word", "prefix", "looked_up"),
    [("gil", "map*", True), ("robots", "par*", True), ("spark", "map*", False), ("gil", "par*", False)],
)
def test_word_with_several_tokens(searcher: Searcher, word: str, prefix: str, looked_up: bool) -> None:
    """It is looked up on the pages of a rarer word, or merged: the hits are those of both, and each has the sum of their scores."""
    scores = [{hit.url: hit.score for hit in searcher.search(query, 1000).hits} for query in (word, prefix)]
    selection = searcher._selection(parse(f"{word} {prefix}"))
    assert selection
    assert ("EXISTS" in selection[0]) == looked_up
    both = {hit.url: hit.score for hit in searcher.search(f"{prefix} {word}", 1000).hits}
    assert both == {url: scores[0][url] + scores[1][url] for url in scores[0].keys() & scores[1].keys()} != {}


def test_conditions(searcher: Searcher) -> None:
    """Each kind of term limits the hits."""

    def urls(query: str) -> set[str]:
        return {hit.url for hit in searcher.search(query, 1000).hits}

    assert urls("lang:de") == {"mapreduce-de.html"}
    assert urls("spark -shuffle") == urls("spark") - urls("spark shuffle")
    assert urls('"global interpreter lock"') < urls("global interpreter lock") | {"gil.html"}
    assert urls("hado*") >= urls("hadoop")
    assert urls("keyword:shuffle") < urls("shuffle")
    assert urls("the shuffle") == urls("shuffle")
    assert urls("map reduce") >= urls("map") & urls("reduce")
    assert urls("spark reduce -avro") == urls("spark reduce") - urls("avro")
    assert urls("https://a.example/x") == set()
    assert urls("x@y.example") == set()
    assert urls("site:nowhere.example shuffle") == set()
    assert len(urls("the")) > 30


def test_hits(searcher: Searcher) -> None:
    """Snippets have the words, marked; keywords that have them are named; a limit limits the hits, not their number."""
    found = searcher.search("shuffle partitions", 2)
    assert len(found.hits) == 2 < found.total
    for hit in found.hits:
        marked = [hit.snippet[start:end].lower() for start, end in hit.marks]
        assert marked
        assert all(word.startswith(("shuffl", "partition")) for word in marked), hit
        assert len(hit.snippet) <= 160
    assert any("shuffle" in keyword.lower() for keyword in found.hits[0].keywords)


def test_related_and_top(searcher: Searcher) -> None:
    """Pages with common keywords, not the page itself; the keywords of most pages."""
    related = searcher.related("gil.html")
    assert related
    assert all(common for _, _, common in related)
    assert "gil.html" not in [url for url, _, _ in related]
    with pytest.raises(InputError, match="no page of the index has this URL"):
        searcher.related("none.html")
    top = searcher.top(limit=5)
    assert [count for _, count in top] == sorted((count for _, count in top), reverse=True)
    assert searcher.top(language="de", limit=5) != top
    assert searcher.top(site="nowhere.example") == []


def test_advice(searcher: Searcher) -> None:
    """A misspelt word has a suggestion, a word of no page is named, and one that is everywhere."""
    assert searcher.advice("shufle the spark").startswith("shufle: 0 pages, did you mean shuffle?; the is too common; spark: ")
    assert "qqqq: 0 pages" in searcher.advice("qqqq")
    without = searcher.search("crawler").total
    assert searcher.advice("crawler qqqq").endswith(f"; without qqqq: {without} pages")


NASTY = st.sampled_from(
    [
        '"',
        "*",
        "NEAR",
        "AND",
        "OR",
        "NOT",
        "(",
        ")",
        "'",
        "--",
        ";",
        "DROP TABLE pages",
        "%",
        "_",
        "\\",
        "{",
        "}",
        "^",
        ":",
        "body:",
        "\0",
        "\ud800",
        "é",
        "日本",
    ]
)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.one_of(NASTY, st.text(max_size=8)), max_size=12), st.sampled_from(["", " "]))
def test_queries_are_never_syntax(searcher: Searcher, pieces: list[str], between: str) -> None:
    """No query is SQL or FTS5's by accident: it is answered, or refused for having no word."""
    query = between.join(pieces)
    try:
        found = searcher.search(query)
        searcher.advice(query)
    except UsageError:
        return
    assert found.total >= len(found.hits)
    assert parse(query)


def test_copies_are_one_hit(tmp_path: Path) -> None:
    """The same text under three addresses is shown once, with the number of the others."""
    (tmp_path / "in").mkdir()
    for name in "abc":
        (tmp_path / "in" / f"{name}.html").write_text("<!doctype html><title>Zebras</title><p>A zebra is striped.")
    (tmp_path / "in" / "d.html").write_text("<!doctype html><title>Other</title><p>Another zebra.")
    run([tmp_path / "in"], engine="serial", output=tmp_path / "out", keep_text=True)
    with open_database(tmp_path / "a.db", write=True) as database:
        load(database, tmp_path / "out")
    with open_searcher(tmp_path / "a.db") as opened:
        found = opened.search("zebra")
    assert [(hit.url, hit.copies) for hit in found.hits] == [("a.html", 2), ("d.html", 0)]
    assert found.total == 4
