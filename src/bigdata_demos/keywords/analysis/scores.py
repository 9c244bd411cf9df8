"""The score of a page's candidates, and the order of the index, as pure functions on arrays.

::

    score_page   document + frequencies → its best keywords         pass 2
    rank_pages   postings → rows of the index                       the reduce of pass 2

All arithmetic is on integers and all ties are broken, so the result does not depend on the place and order of computation.
These functions make up the readable kernel (:mod:`.kernels.plain`).
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Final, NamedTuple

import numpy as np

from ..model import Document, IndexRow, Keyword, PageKeywords, Posting
from . import frequencies
from .candidates import Candidates, Integers, Vocabulary, find_candidates, find_tokens, lines, phrase_of
from .counting import look_up
from .languages import Language, Lexicon
from .logarithms import log_steps
from .tokens import CONNECTOR, SHOUTED

_WHOLE: Final = 64  # the weight of a phrase that is a whole run of words anywhere on the page
_MAX_WEIGHT: Final = 4092  # more does not count, so that scores fit 64 bits: 1,023 occurrences in strong blocks
_LESS: Final = 4  # divides the score of a phrase that adds little to a better one
SHORT: Final = 3  # the most characters of short stems
POOL: Final = 64
"""The best candidates, among which phrases are looked for that occur only inside longer ones."""
FORMS: Final = 256
"""Occurrences that are looked at, from the first on, for the form of a phrase that is written most often."""
INDEX_FORMS: Final = 64
"""Different forms of a keyword, from the best page on, from which the index shows the one of most pages."""


def score_page(document: Document, table: frequencies.Table, top: int, vocabulary: Vocabulary) -> PageKeywords:
    """Score a page: its ``top`` best keywords. ``table`` has the document frequencies of its candidates, at least.

    Ties are broken by first occurrence, then by stems. A phrase that occurs more than once, and only inside a longer one, is not
    shown beside it: the longer one takes its score. A word that seldom stands alone is not shown beside a better phrase with it.
    A phrase that adds little to a better one has a quarter of its score, and so has the name of the site.
    """
    tokens = find_tokens(document, vocabulary)
    candidates = find_candidates(tokens, vocabulary)
    df = look_up(table, candidates.hashes)
    pages = frequencies.pages(table)
    scores = score(candidates, df, pages, vocabulary.lexicon.language, vocabulary.lexicon.english)
    size = top + POOL
    least = max(np.partition(scores, -size)[-size] if len(scores) > size else 0, 0)
    numbers = tokens.numbers.tolist()

    def ranked(i: int) -> _Ranked:
        start = int(candidates.token[i])
        phrase = numbers[start : start + int(candidates.tokens[i])]
        stems = tuple(vocabulary.stems[number] for number in phrase)
        return _Ranked(-int(scores[i]), int(candidates.first[i]), stems, int(candidates.tf[i]), min(int(df[i]), pages))

    best = sorted(map(ranked, np.flatnonzero(scores >= least).tolist()))[:size]
    shown: dict[tuple[str, ...], _Ranked] = {}
    for phrase in best[:POOL]:
        longest = _longest(phrase, best[:POOL])
        shown.setdefault(longest.stems, longest._replace(minus_score=phrase.minus_score))
    site = phrase_of(document.site, vocabulary)
    better: list[_Ranked] = []
    found: list[_Ranked] = []
    for phrase in sorted([*shown.values(), *best[POOL:]]):
        if any(_is_part(phrase, other, vocabulary.lexicon) for other in better):
            continue
        less = any(_adds_little(phrase, other) for other in better)
        divided = less or phrase.stems == site
        found.append(phrase._replace(minus_score=-(-phrase.minus_score // _LESS)) if divided else phrase)
        if not less and len(better) < POOL:
            better.append(phrase)
    keywords = sorted(found)[:top]
    forms = _surface_forms(document, vocabulary, [keyword.stems for keyword in keywords])
    return PageKeywords(
        document.url,
        document.source,
        document.offset,
        document.title,
        document.language,
        [
            Keyword(form, " ".join(keyword.stems), -keyword.minus_score, keyword.tf, keyword.df)
            for keyword, form in zip(keywords, forms, strict=True)
        ],
        document.declared,
    )


class _Ranked(NamedTuple):
    """A candidate with its score; they sort best first."""

    minus_score: int
    first: int
    stems: tuple[str, ...]
    tf: int
    df: int


def _longest(phrase: _Ranked, best: list[_Ranked]) -> _Ranked:
    """Return the longest, then the best, phrase that a phrase always occurs in, if it occurs more than once; else itself."""
    if phrase.tf < 2:
        return phrase
    n = len(phrase.stems)
    around = [
        other
        for other in best
        if other.tf == phrase.tf and any(other.stems[i : i + n] == phrase.stems for i in range(len(other.stems) - n + 1))
    ]
    return max(around, key=lambda other: len(other.stems))


def _is_part(word: _Ranked, phrase: _Ranked, lexicon: Lexicon) -> bool:
    """Whether a word is part of a phrase and seldom occurs outside of it.

    That is at most once, or at most half as often as the phrase occurs (a third outside English).
    """
    if len(word.stems) > 1 or len(phrase.stems) == 1 or word.stems[0] not in phrase.stems:
        return False
    outside = word.tf - phrase.tf
    return outside <= 1 or outside * (2 if lexicon.english else 3) <= phrase.tf


def _adds_little(phrase: _Ranked, better: _Ranked) -> bool:
    """Whether a phrase is a single word of a better phrase, or a better phrase of two words with one more."""
    if len(phrase.stems) == 1:
        return len(better.stems) > 1 and phrase.stems[0] in better.stems
    return len(phrase.stems) == 3 and better.stems in (phrase.stems[:2], phrase.stems[1:])


def score(candidates: Candidates, df: Integers, pages: int, language: Language, english: bool) -> Integers:
    """Return the scores of a page's candidates (docs/keywords.md), computed in integers; -1 for those that are no keywords.

    ``((weight · W · I · (64 if ever a whole run else 1)) << 4) // ((10 + first) · D)``, with ``L(n) = ⌊256 · log₂ n⌋``,
    ``I = L(N + 1) - L(df) + 185``, ``W`` the sum of ``weight · (L(N + 1) - L(df + 1) + 369)`` over the phrase's words, and
    ``D`` 1 for phrases of two words, and for single ones outside English, and 2 for others, times 4 if its stems are short.
    """
    if not len(candidates.tf):
        return candidates.tf
    weight = np.minimum(candidates.weight, _MAX_WEIGHT)
    most = log2_256(np.array([pages + 1]))
    rarity = most - log2_256(df) + 185
    of_word = np.append(weight * (most - log2_256(df + 1) + 369), 0)[candidates.word_at]  # of the word at each token
    words = of_word[candidates.token]
    for more in range(1, 3):
        words = words + np.where(candidates.tokens > more, of_word[candidates.token + more], 0)
    divisor = np.where((candidates.tokens == 2) | ((candidates.tokens == 1) & (not english)), 1, 2)
    divisor = divisor * np.where((candidates.length <= SHORT) & (not language.short), 4, 1)
    scores = ((weight * words * rarity * np.where(candidates.whole, _WHOLE, 1)) << 4) // ((10 + candidates.first) * divisor)
    result: Integers = np.where(candidates.barred, -1, scores)
    return result


def rank_pages(postings: Iterable[Posting]) -> Iterator[IndexRow]:
    """Yield the rows of the index: keywords in order of their stems, each with its pages, by score, then by URL.

    A keyword is shown in the form that most of its pages have; of several such, in that of the best page.
    """
    ordered = sorted(postings, key=lambda posting: (posting.stems, -posting.score, posting.url, posting.phrase))
    for stems, group in groupby(ordered, key=lambda posting: posting.stems):
        pages = list(group)
        forms: Counter[str] = Counter()
        for page in pages:
            if page.phrase in forms or len(forms) < INDEX_FORMS:
                forms[page.phrase] += 1
        shown = max(forms, key=lambda form: forms[form])  # the first of them
        for rank, page in enumerate(pages, 1):
            yield IndexRow(stems, shown, rank, page.score, page.url)


def _surface_forms(document: Document, vocabulary: Vocabulary, phrases: list[tuple[str, ...]]) -> list[str]:
    """Return phrases, given by their stems, as the page writes them most often; in capitals only if it never does otherwise."""
    counts: dict[tuple[str, ...], Counter[tuple[int, ...]]] = {phrase: Counter() for phrase in phrases}
    written: dict[tuple[int, ...], str] = {}
    lengths = sorted(set(map(len, phrases)))
    for text, _, matches in lines(document):
        numbers = [vocabulary[match[0]] for match in matches]
        for length in lengths:
            for start in range(len(numbers) - length + 1):
                form = tuple(numbers[start : start + length])
                stems = tuple(vocabulary.stems[number] for number in form)
                first, last = vocabulary.words[form[0]], vocabulary.words[form[-1]]
                if stems in counts and counts[stems].total() < FORMS and not (first.flags | last.flags) & CONNECTOR:
                    counts[stems][form] += 1
                    begin = matches[start].start() + first.skipped
                    end = matches[start + length - 1].end() - last.cut
                    written.setdefault(form, text[begin:end].replace("\u200b", ""))

    def rank(form: tuple[int, ...], count: int) -> tuple[bool, int]:
        return not all(vocabulary.words[number].flags & (SHOUTED | CONNECTOR) for number in form), count

    return [written[max(counts[phrase].items(), key=lambda item: rank(*item))[0]] for phrase in phrases]


def log2_256(n: Integers) -> Integers:
    """Return L(n) = ⌊256 · log₂ n⌋ for each n ≥ 1, exactly."""
    steps = np.frombuffer(log_steps(int(n.max(initial=1)).bit_length()), np.int64)
    return np.searchsorted(steps, n, side="right") - 1
