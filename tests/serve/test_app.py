"""The pages and the API, from SQLite and from PostgreSQL: what they show, what they refuse, and that text stays text."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing
from html.parser import HTMLParser
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from bigdata_demos.index.database import open_database
from bigdata_demos.index.load import drop
from bigdata_demos.search.compare import compare
from bigdata_demos.search.pool import open_searchers
from bigdata_demos.serve import views
from bigdata_demos.serve.app import Site, make_app
from tests.support.crawls import PAGES, make_index
from tests.support.postgres import postgres_server

API = {
    "/api/search": {"q": "shuffle"},
    "/api/page": {"url": "https://a.example/spark"},
    "/api/related": {"url": "javascript:document.title='harmed'"},
    "/api/top": {},
    "/api/suggest": {"start": "s"},
    "/api/rejected": {},
    "/api/runs": {},
    "/api/stats": {},
}


def client_of(index: str, seconds: float = 5) -> Iterator[TestClient]:
    """A client of the application for an index."""
    with open_searchers(index, seconds) as searchers:
        yield TestClient(make_app(Site(searchers, "the crawl"), ["testserver"]), raise_server_exceptions=False)


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def index(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An index of the pages, in each database."""
    directory = tmp_path_factory.mktemp("serve")
    with ExitStack() as stack:
        address = str(directory / "a.db")
        if request.param == "postgres":
            address = stack.enter_context(postgres_server(tmp_path_factory.mktemp("postgres")))
        make_index(directory, address)
        yield address


@pytest.fixture
def client(index: str) -> Iterator[TestClient]:
    """A client."""
    yield from client_of(index)


class Shown(HTMLParser):
    """What a browser makes of a page: its text, its links, its scripts and its handlers of events."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text, self.links, self.scripts, self.handlers = "", [""], [""], [""]
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect what could run."""
        for name, value in attrs:
            self.links += [value or ""] * (name in ("href", "src", "action"))
            self.handlers += [name] * name.startswith("on")
        self.scripts += [str(attrs)] * (tag == "script")

    def handle_data(self, data: str) -> None:
        """Collect text."""
        self.text += data


def test_search_and_facets(client: TestClient) -> None:
    """Hits with marks, copies shown once, sites and languages with their numbers, which narrow the search."""
    page = client.get("/", params={"q": "shuffle"}).text
    assert "3 pages, the best 2 shown" in page
    assert "<mark>shuffle</mark>" in page.lower()
    assert "and 1 with the same text" in page
    assert re.search(r'href="/\?q=shuffle&amp;lang=de"><bdi>de</bdi></a> <span class="count">1<', page)
    assert re.search(r'href="/\?q=shuffle&amp;site=a.example"><bdi>a.example</bdi></a> <span class="count">2<', page)
    german = client.get("/", params={"q": "shuffle", "lang": "de"}).text
    assert "1 page<" in german
    assert "Shuffle ohne Spark" in german
    assert 'href="/?q=shuffle" aria-label="All pages, not only de">' in german
    of_site = client.get("/", params={"site": "a.example", "fragment": "true"}).text
    assert of_site.lstrip().startswith("<p")
    assert "6 pages" in of_site
    assert "Keywords of most of these pages" in of_site
    first = client.get("/", params={"site": "a.example", "limit": 2}).text
    assert "6 pages, the first 2 by address shown" in first
    more = client.get("/", params={"q": "shuffle", "limit": 1}).text
    assert 'class="more" href="/?q=shuffle&amp;limit=11#hit-2"' in more


def test_without_a_hit(client: TestClient) -> None:
    """Advice, or what is wrong with the query; a site that was chosen can be left; an address that was rejected is told."""
    none = client.get("/", params={"q": "nowhere", "site": "a.example"}).text
    assert 'href="/?q=nowhere" aria-label="All pages, not only a.example"' in none
    assert "The page with this address was rejected: <a" in client.get("/", params={"q": "https://a.example/empty"}).text
    assert "which was rejected: empty (" in client.get("/page", params={"url": "https://a.example/empty"}).text
    assert "did you mean shuffles?" in client.get("/", params={"q": "shufle"}).text
    assert "Query has no word to look for." in client.get("/", params={"q": '-"'}).text
    answer = client.get("/", params={"q": "x" * 1500})
    assert "more than 1000 characters" in answer.text


def test_overview(client: TestClient) -> None:
    """Numbers, keywords with bars, languages, sites; rejected pages by reason; runs."""
    page = client.get("/").text
    assert f"{len(PAGES)} pages with" in page
    assert '<rect width="100.0%"' in page
    assert "2 pages were rejected" in page
    rejected = client.get("/rejected").text
    assert rejected.index(">bad-record<") < rejected.index(">empty<")
    assert "https://a.example/empty" in rejected
    assert "https://a.example/empty" not in client.get("/rejected", params={"reason": "bad-record"}).text
    assert "https://a.example/empty" in client.get("/rejected", params={"part": "EXAMPLE/emp"}).text
    assert "No page was rejected like that" in client.get("/rejected", params={"part": "_xample"}).text
    assert "No page was rejected like that" in client.get("/rejected", params={"reason": "x"}).text
    runs = Shown(client.get("/runs").text).text
    for said in ("pages.jsonl", "serial", "shuffle"):
        assert said in runs.lower()


def test_report(client: TestClient) -> None:
    """The file of `bigdata-demos report`, to be saved."""
    answer = client.get("/report.html")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-disposition"] == 'attachment; filename="report.html"'
    assert answer.headers["content-type"].startswith("text/html")
    assert f"{len(PAGES)} pages with" in answer.text
    assert 'href="/report.html"' in client.get("/").text


def test_page(client: TestClient) -> None:
    """Its keywords, with links to where they are in the text, copies, related pages."""
    page = client.get("/page", params={"url": "https://a.example/spark"}).text
    places = re.findall(r'href="#(k\d+)"', page)
    assert places
    assert all(f'<mark id="{place}">' in page for place in places)
    assert "Same text" in page
    assert '<a class="url" href="https://a.example/spark" rel="noreferrer nofollow">' in page


def test_text_stays_text(client: TestClient) -> None:
    """Titles, addresses and texts of pages neither run nor load anything, on any view."""
    addresses = [("/", {"q": query}) for query in ("harmful", "title", "quotes", "shalom", "shuffle", "<script>")]
    addresses += [("/page", {"url": page["url"]}) for page in PAGES] + [("/", {}), ("/rejected", {}), ("/runs", {})]
    for path, values in addresses:
        answer = client.get(path, params=values)
        assert answer.status_code == 200, (path, values)
        shown = Shown(answer.text)
        assert [one for one in shown.scripts if one] == ["[('src', '/static/search.js'), ('defer', None)]"]
        assert not any(shown.handlers)
        assert all(link in ("", "data:,") or link.startswith(("/", "https://", "#")) for link in shown.links), values
    harmful = Shown(client.get("/", params={"q": "harmful"}).text)
    assert "<script>document.title" in harmful.text
    assert "javascript:document.title" in harmful.text
    long = Shown(client.get("/page", params={"url": "https://a.example/long"}).text).text
    assert "long title" in long
    assert len(long) < 5000


def test_headers(client: TestClient) -> None:
    """Nothing is loaded from elsewhere; other host names are refused, so that other sites cannot read from this machine."""
    for path in ("/", "/nothing", "/api/stats", "/static/search.js"):
        policy = client.get(path).headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'")
        assert "unsafe" not in policy
    assert client.get("/", headers={"Host": "evil.example"}).status_code == 400


def test_errors(client: TestClient) -> None:
    """One line, on a page or as JSON."""
    for path, status, said in (
        ("/page?url=x", 404, "no page of the index has the URL x"),
        ("/?limit=0", 422, "limit: Input should be greater than or equal to 1"),
        ("/nothing", 404, "there is no page /nothing"),
        ("/static/..%2Fstyle.css", 404, ""),
        ("/changes", 404, "--diff INDEX"),
    ):
        answer = client.get(path)
        assert answer.status_code == status, path
        assert said in answer.text
        assert answer.text.startswith("<!doctype html>")
    assert client.get("/api/search", params={"q": "-x"}).json() == {"detail": "query has no word to look for"}
    assert client.get("/api/page?url=x").status_code == client.get("/api/nothing").status_code == 404
    assert client.post("/").status_code == 405


def test_api_is_described(client: TestClient) -> None:
    """Each route of the description answers, and is tried here."""
    described = client.get("/openapi.json").json()["paths"]
    assert described.keys() == API.keys()
    for path, values in API.items():
        answer = client.get(path, params=values)
        assert answer.status_code == 200, path
        assert answer.json(), path
    found = client.get("/api/search", params={"q": "shuffle", "limit": 1}).json()
    assert (found["total"], len(found["hits"]), found["languages"]) == (3, 1, {"en": 2, "de": 1})


def test_both_databases_answer_alike(index: str, tmp_path: Path, client: TestClient) -> None:
    """Pages and API, but for the runs' seconds."""
    make_index(tmp_path, tmp_path / "b.db")
    for other in client_of(str(tmp_path / "b.db")):
        for path, values in [*API.items(), ("/", {"q": "a*"}), ("/", {}), ("/rejected", {}), ("/page", API["/api/page"])]:
            if path not in ("/api/runs", "/api/rejected", "/rejected"):
                assert client.get(path, params=values).text == other.get(path, params=values).text, path


def test_limits(index: str) -> None:
    """A lookup that waits for too long is an answer, not an error of the server."""
    with open_searchers(index, 0.05) as searchers, ExitStack() as busy:
        client = TestClient(make_app(Site(searchers, "the crawl"), ["testserver"]))
        for _ in range(searchers.number):
            busy.enter_context(searchers.lookup())
        answer = client.get("/?q=shuffle")
        assert (answer.status_code, "too many concurrent lookups" in answer.text) == (503, True)
        busy.close()
        assert client.get("/?q=shuffle").status_code == 200


def test_a_lookup_that_takes_too_long(index: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is ended by the database, and the answer says so."""
    sql = "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 1000000000) SELECT count(*) FROM n"
    monkeypatch.setattr(views, "rejected", lambda searcher, *_: searcher.database.execute(sql).fetchone())
    for client in client_of(index, 0.3):
        answer = client.get("/rejected")
        assert (answer.status_code, "the lookup took too long: try again" in answer.text) == (503, True)
        assert client.get("/runs").status_code == 200


def test_a_database_that_fails(tmp_path: Path) -> None:
    """While it is served: one line, on the page and as JSON, and the server goes on."""
    make_index(tmp_path, tmp_path / "a.db")
    for client in client_of(str(tmp_path / "a.db")):
        with closing(sqlite3.connect(tmp_path / "a.db")) as database:
            database.execute("DROP TABLE keywords")
        for path in ("/page?url=https://a.example/spark", "/api/page?url=https://a.example/spark"):
            answer = client.get(path)
            assert (answer.status_code, "the index cannot be read: no such table" in answer.text) == (503, True)
        assert client.get("/rejected").status_code == 200


def test_changes_and_new_runs(tmp_path: Path) -> None:
    """What came, went and changed since another index; and a run that is dropped while the server runs."""
    before = [{**PAGES[0], "text": "Spark shuffles nothing at all."}, {"url": "https://a.example/gone", "text": "tigers roar"}]
    for name, pages in (("before", before), ("after", PAGES[:2])):
        (tmp_path / name).mkdir()
        make_index(tmp_path / name, tmp_path / f"{name}.db", pages)
    with open_database(tmp_path / "before.db") as one, open_database(tmp_path / "after.db") as other:
        comparison = compare(one, other, 10)
    with open_searchers(str(tmp_path / "after.db")) as searchers:
        client = TestClient(make_app(Site(searchers, "after.db", comparison, "before.db"), ["testserver"]))
        shown = client.get("/changes").text
        for said in ("Pages that came", "Pages that went", "Pages that changed", "Keywords that", "before.db"):
            assert said in shown
        assert "https://a.example/gone" in shown
        assert 'href="/changes"' in client.get("/").text
        assert "2 pages with" in client.get("/").text
        with open_database(tmp_path / "after.db", write=True) as database:
            drop(database, "sha256:")
        assert "0 pages with" in client.get("/").text
    with open_database(tmp_path / "before.db") as one, open_database(tmp_path / "before.db") as other:
        nothing = compare(one, other, 10)
    with open_searchers(str(tmp_path / "before.db")) as searchers:
        client = TestClient(make_app(Site(searchers, "before.db", nothing, "before.db"), ["testserver"]))
        assert "Nothing differs" in client.get("/changes").text
