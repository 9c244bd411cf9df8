"""The score of a page's candidates, and the order of the index, as pure functions on arrays.

::

    score_page   document + frequencies → its best keywords         pass 2
    rank_pages   postings → rows of the index                       the reduce of pass 2

All arithmetic is on integers and all ties are broken, so the result does not depend on the place and order of computation.
These functions make up the readable kernel (:mod:`.kernels.plain`).
"""

from collections.abc import Iterable, Iterator
from functools import cache
from itertools import groupby, islice
from typing import Final

import numpy as np

from ..model import Document, IndexRow, Keyword, PageKeywords, Posting
from . import frequencies
from .candidates import Candidates, Integers, Vocabulary, find_candidates, segment

_WHOLE: Final = 64  # the weight of a phrase that is a whole run of words anywhere on the page
_MAX_TF: Final = 1023  # further occurrences do not count, so that scores fit 64 bits
SHORT: Final = 3  # the most characters of short stems


def score_page(document: Document, table: frequencies.Table, top: int, vocabulary: Vocabulary) -> PageKeywords:
    """Score a page: its ``top`` best keywords. ``table`` has the document frequencies of its candidates, at least.

    Ties are broken by first occurrence, then by stems.
    """
    numbers = vocabulary.numbers(tokens(document))
    candidates = find_candidates(numbers, vocabulary)
    df = frequencies.look_up(table, candidates.hashes)
    scores = score(candidates, df, frequencies.pages(table))
    least = np.partition(scores, -top)[-top] if len(scores) > top else 0

    def stems(i: int) -> str:
        start = candidates.token[i]
        return " ".join(vocabulary.stems[number] for number in numbers[start : start + candidates.words[i]])

    best = sorted(np.flatnonzero(scores >= least).tolist(), key=lambda i: (-scores[i], candidates.first[i], stems(i)))[:top]
    phrases = _surface_forms(document, [(int(candidates.token[i]), int(candidates.words[i])) for i in best])
    return PageKeywords(
        document.url,
        document.source,
        document.offset,
        document.title,
        [
            Keyword(phrase, stems(i), int(scores[i]), int(candidates.tf[i]), int(df[i]))
            for i, phrase in zip(best, phrases, strict=True)
        ],
        document.declared,
    )


def score(candidates: Candidates, df: Integers, pages: int) -> Integers:
    """Return the scores of a page's candidates (docs/keywords.md), computed in integers.

    ``((tf · W · I · (64 if ever a whole run else 1)) << 8) // ((10 + first) · D)``, with ``L(n) = ⌊256 · log₂ n⌋``,
    ``I = L(N + 1) - L(df) + 185``, ``W`` the sum of ``tf · (L(N + 1) - L(df + 1) + 369)`` over the phrase's words, and
    ``D`` 2 but for phrases of two words, times 4 if its stems are short.
    """
    if not len(candidates.tf):
        return candidates.tf
    tf = np.minimum(candidates.tf, _MAX_TF)
    most = log2_256(np.array([pages + 1]))
    rarity = most - log2_256(df) + 185
    weight = (tf * (most - log2_256(df + 1) + 369))[candidates.word_at]  # of the word at each token
    words = weight[candidates.token]
    for more in range(1, 3):
        words = words + np.where(candidates.words > more, weight[candidates.token + more], 0)
    divisor = np.where(candidates.words == 2, 1, 2) * np.where(candidates.length <= SHORT, 4, 1)
    scores: Integers = ((tf * words * rarity * np.where(candidates.whole, _WHOLE, 1)) << 8) // ((10 + candidates.first) * divisor)
    return scores


def rank_pages(postings: Iterable[Posting]) -> Iterator[IndexRow]:
    """Yield the rows of the index: keywords in order of their stems, each with its pages, by score, then by URL."""
    ordered = sorted(postings, key=lambda posting: (posting.stems, -posting.score, posting.url, posting.phrase))
    for stems, pages in groupby(ordered, key=lambda posting: posting.stems):
        shown = ""
        for rank, (_, phrase, points, url) in enumerate(pages, 1):
            shown = shown or phrase
            yield IndexRow(stems, shown, rank, points, url)


def tokens(document: Document) -> list[str]:
    """Return the tokens of a page, its title first."""
    text, token = segment(f"{document.title}\n{document.text}")
    return token.findall(text)


def _surface_forms(document: Document, phrases: list[tuple[int, int]]) -> list[str]:
    """Return phrases, given by first token and number of words, as the page writes them."""
    text, word = segment(f"{document.title}\n{document.text}")
    matches, passed = word.finditer(text), 0
    spans: dict[int, tuple[int, int]] = {}
    for token in sorted({token for start, words in phrases for token in (start, start + words - 1)}):
        spans[token] = next(islice(matches, token - passed, None)).span()
        passed = token + 1
    return [text[spans[start][0] : spans[start + words - 1][1]].replace("\u200b", "") for start, words in phrases]


def log2_256(n: Integers) -> Integers:
    """Return L(n) = ⌊256 · log₂ n⌋ for each n ≥ 1, exactly."""
    steps = log_steps(int(n.max(initial=1)).bit_length())
    return np.searchsorted(steps, n, side="right") - 1


@cache
def log_steps(bits: int) -> Integers:
    """Return the smallest n with L(n) ≥ v, for v from 0 to 256 · bits: the least n whose 256th power has more than v bits."""
    steps = []
    for v in range(256 * bits + 1):
        n = int(2 ** (v / 256))  # at most one off: then the powers themselves decide
        steps.append(next(m for m in range(max(n - 1, 1), n + 3) if (m**256).bit_length() > v))
    return np.array(steps, np.int64)
