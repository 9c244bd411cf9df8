"""What each page shows: from an open index to the values of its template."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

from ..errors import InputError, UsageError
from ..search import overview
from ..search.compare import Comparison
from ..search.occurrences import marked
from ..search.searcher import Searcher

STEP: Final = 10
"""Hits that a page shows more than the one before."""
MOST: Final = 100
"""Hits that are shown at most."""
_LISTED: Final = 12  # sites and languages beside hits
_TOP_OF_RUN: Final = 6  # keywords of a run
_FEW: Final = 5  # rejected pages of each reason, if all are listed
_TOP: Final = 24  # keywords of the overview
_TOP_OF_CHOSEN: Final = 12  # keywords of a site, or of a language


def index(searcher: Searcher) -> dict[str, Any]:
    """Return the overview of a crawl, which only changes when a run is loaded or dropped."""
    return {
        "stats": searcher.stats(),
        "top": searcher.top(limit=_TOP),
        "sites": overview.sites(searcher.database, _LISTED),
        "languages": overview.languages(searcher.database)[:_LISTED],
        "last": next(iter(overview.runs(searcher.database)), None),
    }


def runs(searcher: Searcher) -> list[tuple[overview.Run, list[tuple[str, int]]]]:
    """Return the runs, and the keywords of most of their pages."""
    return [
        (run, searcher.top(run=run.digest, limit=_TOP_OF_RUN) if run.present else []) for run in overview.runs(searcher.database)
    ]


def top(searcher: Searcher, site: str, lang: str) -> list[tuple[str, int]]:
    """Return the keywords of most pages of a site, or in a language."""
    return searcher.top(site=site, language=lang, limit=_TOP_OF_CHOSEN)


def query_of(q: str, site: str, lang: str) -> str:
    """Return the query that a search box and the chosen site and language are."""
    chosen = (f'{field}:"{value}"' for field, value in (("site", site), ("lang", lang)) if value)
    return " ".join(filter(None, [q.strip(), *(one.replace("\n", " ") for one in chosen)]))


def address(chosen: Mapping[str, str], **other: object) -> str:
    """Return the address of a search with other values than those that were chosen."""
    return "/?" + urlencode({name: value for name, value in {**chosen, **other}.items() if value})


def results(searcher: Searcher, q: str, site: str, lang: str, limit: int) -> dict[str, Any]:
    """Return hits, facets and, if there is no hit, advice; or what is wrong with the query."""
    chosen = {"q": q, "site": site, "lang": lang}
    filters = [(value, address(chosen, **{field: ""})) for field, value in (("site", site), ("lang", lang)) if value]
    shown: dict[str, Any] = {**chosen, "total": 0, "hits": [], "wrong": "", "advice": "", "facets": [], "filters": filters}
    shown |= {"rejected": None, "top": []}
    query = query_of(q, site, lang)
    try:
        found = searcher.search(query, limit)
        if not found.hits:
            rejection = overview.rejection_of(searcher.database, q.strip())
            return {**shown, "advice": searcher.advice(query), "rejected": rejection}
        sites, languages = searcher.facets(query)
    except UsageError as error:
        return {**shown, "wrong": str(error)}
    facets = [
        {"title": title, "values": [] if chosen[field] else values}
        for title, field, values in (
            ("Sites", "site", _facet(sites, chosen, "site")),
            ("Languages", "lang", _facet(languages, chosen, "lang")),
        )
    ]
    more = f"{address(chosen, limit=limit + STEP)}#hit-{limit + 1}" if found.total > len(found.hits) == limit < MOST else ""
    return {**shown, "total": found.total, "hits": found.hits, "facets": facets, "more": more}


def _facet(counts: Counter[str], chosen: dict[str, str], field: str) -> list[dict[str, Any]]:
    """Return the commonest values of a facet with the addresses that choose them; pages without a host cannot be chosen."""
    ranked = sorted(counts.items(), key=lambda one: (-one[1], one[0]))[:_LISTED]
    return [{"name": name, "pages": pages, "address": address(chosen, **{field: name}) if name else ""} for name, pages in ranked]


def page(searcher: Searcher, url: str) -> dict[str, Any]:
    """Return a page's keywords, where they are in its text, related pages and copies. Raises InputError if there is none."""
    found = searcher.page(url)
    if found is None:
        rejection = overview.rejection_of(searcher.database, url)
        why = f", which was rejected: {rejection.reason} ({rejection.detail})" if rejection else ""
        raise InputError(f"no page of the index has the URL {url}{why}")
    lines, left_out = marked(searcher.text(url), found["language"], [keyword["stems"] for keyword in found["keywords"]])
    return {
        "page": found,
        "lines": lines,
        "there": {piece.rank for line in lines for piece in line.pieces},
        "left_out": left_out,
        "related": searcher.related(url),
        "copies": searcher.copies(url),
    }


def rejected(searcher: Searcher, reason: str, part: str) -> dict[str, Any]:
    """Return the reasons for which pages were rejected, and examples of one reason, or of each: all that have a ``part``."""
    reasons = overview.reasons(searcher.database, part)
    shown = [one for one in reasons if reason in ("", one.name)]
    limit = MOST if reason or part else _FEW
    examples = [(one, overview.rejections(searcher.database, one.name, part, limit)) for one in shown]
    return {"reasons": reasons, "reason": reason, "part": part, "examples": examples}


def changes(comparison: Comparison) -> dict[str, Any]:
    """Return what differs from another index, by kind."""
    kinds = [
        (f"{kind.capitalize()}s", kind, change, comparison.numbers[kind, change], [
            one for one in comparison.shown if (one.kind, one.change) == (kind, change)
        ])
        for kind in ("page", "keyword")
        for change in ("came", "went", "changed")
    ]  # fmt: skip
    return {"kinds": kinds}
