"""What an index stores of a page: the page as the job wrote it, its tokens in their order, and the impact of each word.

**Impact.** A word's count on a page, in quarters, is the sum over its occurrences of 4 in the text and in the path of the URL, 1
in a weak block and 16 in the title, and 8 for each keyword of the page with the word. Its impact is ``1024 · 1000 · count //
(1000 · count + 5 · (500 + tokens))``: BM25's saturation with k1 = 1.25 and b = 0.5, at an assumed mean of 500 tokens, so that
pages that come later change nothing. It is an integer, so the order of hits does not depend on the database. Source: Robertson
and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009, section 3.4.
"""

import json
import re
from collections.abc import Iterator
from hashlib import blake2b
from itertools import chain
from typing import Any, Final, NamedTuple
from urllib.parse import unquote, urlsplit

import numpy as np
import numpy.typing as npt

from ..errors import InputError
from ..keywords.analysis.tokens import lower
from ..keywords.output.reading import Manifest, records
from ..storage.places import Place
from .analyzer import encoded, parts_of
from .words import PageWords, words_of

_MODEL_LENGTH: Final = 500  # tokens
_SUFFIX: Final = re.compile(r"\.\w{1,5}$")


class Keyword(NamedTuple):
    """A row of the table of keywords, without the page.

    ``lowered`` is the phrase as prefixes of it are compared; in ``stems``, the parts of a compound are words.
    """

    rank: int
    phrase: str
    lowered: str
    stems: str
    score: int
    tf: int
    df: int


class Page(NamedTuple):
    """A page and what is looked up of it: its words, and the impact of each.

    ``content`` is a hash of the text, ``declared`` a JSON array of the keywords that the page itself declares.
    """

    url: str
    site: str
    title: str
    language: str
    content: int
    declared: str
    text: str
    keywords: list[Keyword]
    words: PageWords
    impacts: npt.NDArray[np.int16]


def pages_of(place: Place, manifest: Manifest, number: str) -> Iterator[Page]:
    """Yield the pages of one part of an output. If their text was not kept, titles and keywords are all that is searched.

    Raises InputError if a part cannot be read, or its text belongs to other pages.
    """
    rows = records(place, _only(manifest, "keywords", number), "keywords")
    texts = _only(manifest, "text", number)
    if not texts:
        if manifest.parts["text"]:
            raise InputError(f"{place}: keywords/{number} has no part of the same number in text/")
        for row in rows:
            yield analyze(row, "\n".join([row["title"], *(keyword["phrase"] for keyword in row["keywords"])]))
        return
    for row, text in zip(rows, records(place, texts, "text"), strict=True):
        if row["url"] != text["url"]:
            raise InputError(f"{place}: the parts of text/ are not those of keywords/: {text['url']} instead of {row['url']}")
        yield analyze(row, text["text"])


def _only(manifest: Manifest, kind: str, number: str) -> dict[str, str]:
    name = f"{kind}/{number}"
    return {name: manifest.parts[kind][name]} if name in manifest.parts[kind] else {}


def analyze(row: dict[str, Any], text: str) -> Page:
    """Analyze a page: a row of ``keywords/``, and its text as ``schemas/text.avsc`` describes it."""
    stems = [parts_of(keyword["stems"]) for keyword in row["keywords"]]
    words = words_of(f"{text}\n{path_of(row['url'])}", row["language"], encoded(chain.from_iterable(stems)))
    weighted = 1000 * words.counts.astype(np.int64)
    rest = 5 * (_MODEL_LENGTH + words.body.count(" ") + 1)
    return Page(
        row["url"],
        site_of(row["url"]),
        row["title"],
        row["language"],
        int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big", signed=True),
        json.dumps(row["declared"], ensure_ascii=False),
        text,
        [
            Keyword(
                rank,
                keyword["phrase"],
                lower(keyword["phrase"]),
                " ".join(parts),
                keyword["score"],
                keyword["tf"],
                keyword["df"],
            )
            for rank, (keyword, parts) in enumerate(zip(row["keywords"], stems, strict=True), 1)
        ],
        words,
        (1024 * weighted // (weighted + rest)).astype(np.int16),
    )


def path_of(url: str) -> str:
    """Return the words of a URL's path, without the suffix of a file."""
    try:
        path = unquote(urlsplit(url).path)
    except ValueError:
        return ""
    return " ".join(re.findall(r"\w+", _SUFFIX.sub("", path)))


def site_of(url: str) -> str:
    """Return the host name of a URL without ``www.``, ``""`` if it has none."""
    try:
        return (urlsplit(url).hostname or "").removeprefix("www.")
    except ValueError:
        return ""
