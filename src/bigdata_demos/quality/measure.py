"""Precision, recall and F1 of extracted keywords, as the literature on keyphrase extraction computes them.

A keyword is right if it equals a gold keyword after both are lower-cased, other characters than letters and digits are replaced
by spaces, and the words are stemmed by NLTK's Porter stemmer. Figures are averaged over documents (macro average). See Kim et
al., "SemEval-2010 Task 5: Automatic Keyphrase Extraction from Scientific Articles", https://aclanthology.org/S10-1004/.
"""

import re
from collections.abc import Sequence
from functools import cache
from typing import Any, Final, NamedTuple

from ..errors import UsageError

_NOT_A_WORD: Final = re.compile(r"[\W_]+")


class Figures(NamedTuple):
    """Precision, recall and F1 (the harmonic mean of both) of one document, from 0 to 1."""

    precision: float
    recall: float
    f1: float


def normalized(phrase: str, *, stemmed: bool = False) -> str:
    """Return a phrase in lower case, its words stemmed (unless they are already) and separated by single spaces."""
    words = _NOT_A_WORD.sub(" ", phrase.lower()).split()
    return " ".join(words if stemmed else map(_stem, words))


def figures(keywords: Sequence[str], gold: Sequence[frozenset[str]], k: int) -> Figures:
    """Return the figures of a document's first ``k`` keywords; of keywords that are equal when normalized, the first counts."""
    first = list(dict.fromkeys(filter(None, map(normalized, keywords))))[:k]
    left = list(gold)
    for keyword in first:
        match = next((forms for forms in left if keyword in forms), None)
        if match is not None:
            left.remove(match)
    right = len(gold) - len(left)
    return Figures(
        right / len(first) if first else 0, right / len(gold) if gold else 0, 2 * right / (len(first) + len(gold) or 1)
    )


@cache
def _stem(word: str) -> str:
    return str(_stemmer().stem(word))


@cache
def _stemmer() -> Any:
    try:
        from nltk.stem.porter import PorterStemmer
    except ModuleNotFoundError:
        raise UsageError("comparing keywords needs the package nltk: pip install 'bigdata-demos[quality]'") from None
    return PorterStemmer()
