"""Makes the file: the overview is in it as text; the search is a script over the titles and keywords of the pages."""

import base64
import hashlib
import json
from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

from ..search import overview
from ..search.searcher import Searcher
from ..web.render import render, static

MOST: Final = 10_000
"""Pages that the search of a report knows."""
_TOP, _LISTED, _EXAMPLES = 48, 30, 10  # keywords, sites and languages, rejected pages of each reason


def report(searcher: Searcher, name: str) -> str:
    """Return the HTML of a report."""
    database = searcher.database
    style, script = (found[0] for file in ("style.css", "report.js") if (found := static(file)))
    pages = list(_pages(searcher))
    return render(
        "report",
        name=name,
        stats=searcher.stats(),
        top=searcher.top(limit=_TOP),
        sites=overview.sites(database, _LISTED),
        languages=overview.languages(database)[:_LISTED],
        runs=overview.runs(database),
        rejected=[(one, overview.rejections(database, one.name, limit=_EXAMPLES)) for one in overview.reasons(database)],
        first=pages[:_LISTED],
        shown=len(pages),
        data=json.dumps(pages, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c"),
        script=script,
        policy=f"default-src 'none'; img-src data:; style-src {_hash(style)}; script-src {_hash(script)}; base-uri 'none'",
    )


def _hash(text: str) -> str:
    """Return what allows an inline style or script in a Content-Security-Policy."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _pages(searcher: Searcher) -> Iterator[tuple[str, str, str, list[str]]]:
    """Yield URL, title, language and keywords of the first pages, in the order of URLs."""
    rows: Any = searcher.database.execute(
        "SELECT listed.id, url, title, language, phrase FROM (SELECT * FROM pages ORDER BY url LIMIT ?) AS listed"
        " LEFT JOIN keywords ON keywords.page = listed.id ORDER BY url, rank",
        (MOST,),
    )
    for (_, *page), keywords in groupby(rows, itemgetter(0, 1, 2, 3)):
        url, title, language = page
        yield url, title, language, [row[4] for row in keywords if row[4] is not None]
