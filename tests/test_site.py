"""The documentation as a site: ``mkdocs build`` has no warnings, and every link of the built pages leads somewhere."""

import functools
import http.server
import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urldefrag

import pytest
from selectolax.lexbor import LexborHTMLParser

from tests.support.browser import chromium
from tests.support.paths import ROOT, SITE

PAGES = ("index.html", "tour.html", "cluster.html", "source/src/bigdata_demos/keywords/job.py.html")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of the built site."""
    directory = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(directory)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return directory


def references(page: Path) -> list[tuple[str, str]]:
    """Return the references of a page: the name of the element, and the address that it names."""
    nodes = LexborHTMLParser(page.read_bytes()).css("[href], [src]")
    return [(str(node.tag), node.attributes.get("href") or node.attributes.get("src") or "") for node in nodes]


@functools.cache
def anchors(page: Path) -> set[str]:
    """Return the anchors of a page."""
    nodes = LexborHTMLParser(page.read_bytes()).css("[id], a[name]")
    return {node.attributes.get("id") or node.attributes.get("name") or "" for node in nodes}


def readable(built: Path) -> list[Path]:
    """Return the pages of the site, without those that are broken on purpose."""
    return [page for page in sorted(built.rglob("*.html")) if page.parent != built / "concepts" / "bad"]


def test_every_link_leads_somewhere(built: Path) -> None:
    """A link within the site names a file that is there, and an anchor that its page has."""
    broken, followed = [], 0
    for page in readable(built):
        for _, reference in references(page):
            address, anchor = urldefrag(reference)
            if re.match(r"[a-z]+:", address) or reference == "#":
                continue
            if page.name == "404.html":  # is served at any address, so its links begin at the root
                address = str(built) + address if address else address
            target = (page.parent / unquote(address)).resolve() if address else page
            followed += 1
            if not target.is_file() or (anchor and unquote(anchor) not in anchors(target)):
                broken.append((str(page.relative_to(built)), reference))
    assert not broken
    assert followed > 5000


def test_nothing_comes_from_the_network(built: Path) -> None:
    """Styles, scripts and pictures are files of the site: it can be read offline."""
    foreign = [
        (page.name, tag, to)
        for page in readable(built)
        for tag, to in references(page)
        if tag != "a" and re.match(r"\w+:|//", to)
    ]
    assert [found for found in foreign if not found[2].startswith("data:image/")] == []
    styles = "".join(path.read_text(encoding="utf-8") for path in built.rglob("*.css"))
    assert not re.search(r"@import|url\(['\"]?(https?:|//)", styles)


def test_articles_are_listed(built: Path) -> None:
    """Each article of the bundled crawl is in the site, as it is in ``data/site``, and on the list of the concepts."""
    listed = {to for tag, to in references(built / "concepts.html") if tag == "a"}
    articles = sorted(path for path in SITE.glob("*.html") if path.name != "index.html")
    assert len(articles) > 50
    for article in articles:
        assert f"concepts/{article.name}" in listed
        assert (built / "concepts" / article.name).read_bytes() == article.read_bytes()


def test_every_page_can_be_searched(built: Path) -> None:
    """The search index has each page of the documentation."""
    index = json.loads((built / "search" / "search_index.json").read_text(encoding="utf-8"))
    found = {entry["location"].partition("#")[0] for entry in index["docs"]}
    assert {f"{path.stem}.html" for path in (ROOT / "docs").glob("*.md") if path.stem != "README"} <= found


def test_in_a_browser(built: Path) -> None:
    """No page is wider than a telephone, no script fails, the search finds, and the switch to dark takes effect."""
    with serve(built) as address, chromium() as browser:
        page = browser.new_page(viewport={"width": 390, "height": 844}, color_scheme="light")
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        for name in PAGES:
            page.goto(f"{address}/{name}")
            assert page.evaluate("document.documentElement.scrollWidth") <= 390, name
        page.set_viewport_size({"width": 1280, "height": 800})
        page.click("#theme-menu")
        page.click("[data-bs-theme-value=dark]")
        assert page.evaluate("document.documentElement.dataset.bsTheme") == "dark"
        page.goto(f"{address}/index.html?q=speculative")  # opens the search
        page.wait_for_selector("#mkdocs-search-results article")
        assert not errors


@contextmanager
def serve(directory: Path) -> Iterator[str]:
    """Serve a directory over HTTP."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(directory))) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
