"""Makes a gold standard of a crawl's own pages: those that declare keywords in ``<meta name="keywords">`` and the like.

The job never reads what a page declares about itself when it chooses keywords, so the page can be kept as it is. Declared lists
are often the site's and not the page's, or stuffed for search engines: a list that two pages share is left out, and so are
lists of fewer or more keywords than given bounds.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from ..crawl import plan, reader
from ..crawl.charset import decode_html
from ..crawl.model import Page, Unreadable
from ..keywords.analysis import kernels
from ..keywords.analysis.languages import Rules
from ..keywords.analysis.text import extract


class Counts(NamedTuple):
    """What became of the pages."""

    pages: int
    examples: int
    shared: int


def make_gold(inputs: Sequence[str], *, least: int = 3, most: int = 25) -> tuple[list[dict[str, Any]], Counts]:
    """Return the rows of a gold standard (:mod:`.gold`), and counts.

    Args:
        inputs: paths, globs, directories and URLs, as the job takes them; none for the bundled crawl.
        least: the fewest declared keywords of a page.
        most: the most.

    Raises:
        InputError: an input does not exist or cannot be read.
    """
    rows, pages, lists = [], 0, Counter[frozenset[str]]()
    for page in _pages(inputs):
        pages += 1
        try:
            document = extract(page, kernels.of_this_thread(Rules()).scanner)
        except Unreadable:
            continue
        declared = list(dict.fromkeys(document.declared))
        lists[frozenset(declared)] += 1
        if least <= len(declared) <= most:
            row = {"id": document.url, "html": _markup(page), "gold": declared, "language": document.language}
            rows.append(row)
    own = [row for row in rows if lists[frozenset(row["gold"])] == 1]
    return own, Counts(pages, len(own), len(rows) - len(own))


def _pages(inputs: Sequence[str]) -> Iterator[Page]:
    splits, _ = plan.plan(list(inputs) or [str(plan.bundled_crawl())])
    for split in splits:
        yield from (page for page in reader.read(split) if isinstance(page, Page) and not page.is_text)


def _markup(page: Page) -> str:
    if isinstance(page.content, str):
        return page.content
    return decode_html(page.content, page.content_type).decode()
