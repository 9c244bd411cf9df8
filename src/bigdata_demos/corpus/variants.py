"""Makes many pages of a few: copies with other words, so that words and phrases grow in number about as in a larger crawl.

By Heaps' law, n times as many pages have n**b times as many different words (Heaps, "Information Retrieval", 1978, section
7.5). The exponent b is that of the given pages. Copy k (the original is copy 1) needs k**b - (k - 1)**b as many new words as the
original has words. So that share of the words, the rarest first, is spelled anew in it: consonants become other consonants, and
vowels other vowels. Phrases grow faster than words. Therefore the other words of a page that are on few of n pages (at most the
square root of n) change places, each with a word of the page that is on about as many. Words without ASCII letters are not
spelled anew, and the markup stays as it is. Text in character sets that use bytes of ASCII in other characters, such as Shift_JIS
and GBK, is damaged.
"""

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Final, NamedTuple

from ..crawl.model import Page, Rejected, Skipped
from ..errors import InputError
from . import convert

_DOUBLINGS: Final = 3  # of the pages, over which growth is measured
_CONSONANTS, _VOWELS = b"bcdfghjklmnpqrstvwxz", b"aeiou"
# What is not text, and words, which are group 2. Each part is found in one pass, also in damaged markup.
_WORDS: Final = re.compile(
    rb"<(script|style)\b.*?(?:</\1|\Z)|<!--.*?(?:-->|\Z)|<[^>]*(?:>|\Z)|&#?\w+;|([A-Za-z\x80-\xff]{2,})",
    re.IGNORECASE | re.DOTALL,
)


class Growth(NamedTuple):
    """How the vocabulary of some pages grows.

    ``exponent`` is that of Heaps' law, ``pages`` the number of pages, ``df`` the number of pages that have a word, and ``places``
    where a word is among all, from 0 (the rarest) to 1.
    """

    exponent: float
    pages: int
    df: Counter[bytes]
    places: dict[bytes, float]

    def share(self, copy: int) -> float:
        """Return the share of the words that are new in a copy; 0 in copy 1, the original."""
        return float(copy**self.exponent - (copy - 1) ** self.exponent) if copy > 1 else 0.0


def growth(inputs: Sequence[str], progress: Callable[[], object] = lambda: None) -> Growth:
    """Measure how the vocabulary of some pages grows. ``progress`` is called for each page.

    Raises InputError if they have too few words to tell.
    """
    pages = 0
    df = Counter[bytes]()
    for page in _pages(inputs):
        pages += 1
        df.update({word.lower() for word in words_of(_content(page))})
        progress()
    if pages < 1 << _DOUBLINGS or not df:
        few = f"{pages} pages are too few" if df else "there are no words"
        raise InputError(f"{' '.join(inputs)}: {few} to measure how their vocabulary grows")
    counts = Counter(df.values())
    part = 1 / (1 << _DOUBLINGS)
    # the words that such a part of the pages has, on average
    some = sum(number * (1 - (1 - part) ** frequency) for frequency, number in counts.items())
    ranked = sorted(df, key=lambda word: (df[word], word))
    return Growth(
        math.log2(len(df) / some) / _DOUBLINGS, pages, df, {word: place / len(ranked) for place, word in enumerate(ranked)}
    )


def pages(inputs: Sequence[str], copies: int, grown: Growth) -> Iterator[Page | Rejected | Skipped]:
    """Yield the pages of the inputs, rejected and skipped ones among them, then ``copies - 1`` copies of each page.

    Raises InputError if an input does not exist or has an unknown type.
    """
    return chain(convert.pages(inputs), chain.from_iterable(_copy(inputs, copy, grown) for copy in range(2, copies + 1)))


def words_of(content: bytes) -> Iterator[bytes]:
    """Yield the words of a page's text, as they are written."""
    return (match[2] for match in _WORDS.finditer(content) if match[2])


def _pages(inputs: Sequence[str]) -> Iterator[Page]:
    return (page for page in convert.pages(inputs) if isinstance(page, Page))


def _content(page: Page) -> bytes:
    return page.content if isinstance(page.content, bytes) else page.content.encode("utf-8", "surrogatepass")


def _copy(inputs: Sequence[str], copy: int, grown: Growth) -> Iterator[Page]:
    for page in _pages(inputs):
        content = vary(_content(page), copy, grown)
        url = f"{page.url}{'&' if '?' in page.url else '?'}copy={copy}"
        yield page._replace(
            url=url, content=content if isinstance(page.content, bytes) else content.decode("utf-8", "surrogatepass")
        )


def vary(content: bytes, copy: int, grown: Growth) -> bytes:
    """Return the content of a copy of a page. Raises KeyError if a word is in none of the pages that were measured."""
    words = {word.lower() for word in words_of(content)}
    share, spelling = grown.share(copy), _spelling(copy)
    others = sorted(
        (word for word in words if grown.places[word] >= share and grown.df[word] ** 2 <= grown.pages),
        key=lambda word: (grown.df[word], word),
    )
    instead = {word: others[(at + copy - 1) % len(others)] for at, word in enumerate(others)}
    instead |= {word: word.translate(spelling) for word in words if grown.places[word] < share}

    def other(match: re.Match[bytes]) -> bytes:
        word = match[2]
        new = instead.get(word.lower()) if word else None
        if not new:
            return match[0]
        return new.upper() if word.isupper() else new.capitalize() if word[:1].isupper() else new

    return _WORDS.sub(other, content)


def _spelling(copy: int) -> bytes:
    """Return the table of a copy, by which each letter becomes another of its kind."""
    vowels, consonants = divmod(copy - 1, len(_CONSONANTS))

    def turned(letters: bytes, by: int) -> bytes:
        by %= len(letters)
        return letters[by:] + letters[:by]

    after = turned(_CONSONANTS, consonants) + turned(_VOWELS, vowels)
    before = _CONSONANTS + _VOWELS
    return bytes.maketrans(before, after)
