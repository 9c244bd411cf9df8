"""The pages, and a report, in a real browser: typing, clicking, going back; narrow and wide, dark and light; accessibility."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from bigdata_demos.cluster.standalone import free_ports
from bigdata_demos.index.database import open_database
from bigdata_demos.index.load import load
from bigdata_demos.keywords import run
from bigdata_demos.report.file import report
from bigdata_demos.search.compare import compare
from bigdata_demos.search.pool import open_searchers
from bigdata_demos.search.searcher import open_searcher
from bigdata_demos.serve.app import Site, make_app
from tests.support.browser import chromium
from tests.support.crawls import PAGES, make_index
from tests.support.paths import SITE

VIEWS = (
    "/",
    "/?q=spark+shuffle",
    "/?q=harmful&site=a.example",
    "/?q=nowhere",
    "/page?url=shuffle.html",
    "/rejected",
    "/runs",
    "/changes",
    "/x",
)
WIDTHS = (390, 1400)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of the bundled site and of pages that are meant to harm, another index, and a report."""
    directory = tmp_path_factory.mktemp("browser")
    make_index(directory, directory / "a.db")
    (directory / "b").mkdir()
    make_index(directory / "b", directory / "b.db", PAGES[:3])
    run([SITE], engine="serial", output=directory / "site", keep_text=True)
    with open_database(directory / "a.db", write=True) as database:
        load(database, directory / "site")
    with open_searcher(directory / "a.db") as searcher:
        (directory / "report.html").write_text(report(searcher, "a.db"), encoding="utf-8")
    return directory


@pytest.fixture(scope="module")
def address(directory: Path) -> Iterator[str]:
    """A server of the index."""
    with open_database(directory / "b.db") as before, open_database(directory / "a.db") as after:
        comparison = compare(before, after, 50)
    with open_searchers(str(directory / "a.db")) as searchers:
        app = make_app(Site(searchers, "a.db", comparison, "b.db"), ["127.0.0.1"])
        (port,) = free_ports([0])
        server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning", lifespan="off"))
        thread = threading.Thread(target=server.run)
        thread.start()
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The browser."""
    with chromium() as browser:
        yield browser


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """An empty page; at the end, nothing may have gone wrong on it, nor have been asked of another machine."""
    with_errors: list[str] = []
    page = browser.new_page(viewport={"width": 1400, "height": 900})
    page.on("console", lambda message: with_errors.append(message.text))
    page.on("pageerror", lambda error: with_errors.append(str(error)))
    page.on(
        "request",
        lambda request: with_errors.extend([request.url] * (not request.url.startswith(("http://127.0.0.1", "file:", "data:")))),
    )
    yield page
    assert [error for error in with_errors if "404" not in error] == []
    page.close()


def test_type_and_go_back(page: Page, address: str) -> None:
    """Hits come while one types; the address can be shared; one step back leads to what was shown before."""
    page.goto(address)
    expect(page.get_by_role("heading", name="Keywords of most pages")).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.type("dag scheduler", delay=20)
    expect(page.locator("#results h2").first).to_have_text("Inside the DAG scheduler")
    assert page.url == f"{address}/?q=dag+scheduler"
    page.get_by_role("link", name="Inside the DAG scheduler").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Inside the DAG scheduler")
    page.go_back()
    expect(page.get_by_role("searchbox")).to_have_value("dag scheduler")
    expect(page.locator("#results h2").first).to_have_text("Inside the DAG scheduler")
    page.go_back()
    expect(page.get_by_role("heading", name="Keywords of most pages")).to_be_visible()
    expect(page.get_by_role("searchbox")).to_have_value("")


def test_facets_and_more(page: Page, address: str) -> None:
    """A language narrows the search, and can be left; more hits are shown on demand; the query is kept."""
    page.goto(f"{address}/?q=spark")
    page.get_by_role("link", name="de", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("pages")
    assert "lang=de" in page.url
    page.get_by_role("link", name="All pages, not only de").click()
    assert page.url == f"{address}/?q=spark"
    expect(page.locator(".hits > li")).to_have_count(10)
    page.get_by_role("link", name="Show more").click()
    expect(page.locator(".hits > li")).to_have_count(20)
    page.get_by_role("searchbox").fill("shuffle")
    page.get_by_role("searchbox").press("Enter")
    expect(page.get_by_role("searchbox")).to_have_value("shuffle")


def test_places_of_keywords(page: Page, address: str) -> None:
    """A link leads to where a keyword is in the text first."""
    page.goto(f"{address}/page?url=shuffle.html")
    link = page.locator("td a[href^='#k']").last
    place = link.get_attribute("href")
    link.click()
    expect(page.locator(f"mark{place}")).to_be_in_viewport()


def test_without_scripts(browser: Browser, address: str) -> None:
    """The form works, too; a shared address shows the hits."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    page.get_by_role("searchbox").fill("shuffle")
    page.get_by_role("button", name="Search").click()
    expect(page.locator(".hits > li").first).to_be_visible()
    page.goto(f"{address}/?q=harmful&site=a.example")
    expect(page.locator(".hits > li")).to_have_count(1)
    context.close()


def test_nothing_of_a_page_runs(page: Page, address: str) -> None:
    """Neither a title nor an address nor a text, on any view; a link to a page that runs is no link."""
    for path in ("/?q=harmful", "/?q=title", *(f"/page?url={one['url'].replace('#', '%23')}" for one in PAGES)):
        page.goto(address + path)
        assert page.title() != "harmed", path
        assert page.locator("a[href^='javascript:'], a[href^='data:']").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_every_view(browser: Browser, address: str, directory: Path, width: int, scheme: Any) -> None:
    """Nothing is wider than the window, and nobody is kept out: contrast, names, order, roles (axe-core)."""
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    for url in (*(address + path for path in VIEWS), (directory / "report.html").as_uri()):
        page.goto(url)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, url
        if width == max(WIDTHS):  # it takes a second, and does not depend on the width
            found = Axe().run(page)
            assert found.violations_count == 0, f"{url}: {found.generate_report()}"
    page.close()


def test_report(page: Page, directory: Path) -> None:
    """The search over titles and keywords: words by their starts, in any script; nothing found; from the start again."""
    page.goto((directory / "report.html").as_uri())
    box, hits, status = page.get_by_role("searchbox"), page.locator(".hits > li"), page.locator("#status")
    expect(status).to_contain_text("The first 30 of 72 pages")
    box.fill("SHUF spark")
    expect(hits.first.locator("h3")).to_have_text("Spark shuffles")
    box.fill("cafe")
    expect(hits.first).to_contain_text("café")
    box.fill("strassenbahn")
    expect(status).to_have_text("0 pages")
    box.fill("script")
    expect(hits.first).to_be_visible()
    assert page.title() == "a.db"
    assert page.locator("a[href^='javascript:']").count() == 0
    box.fill("")
    expect(status).to_have_text("72 pages, the first 50 shown")
