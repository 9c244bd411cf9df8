"""The tokens of a whole page, and how much each counts: in readable Python, and by the job's C kernel, which is faster.

Both give the same answers, and a test holds them to it; ``BIGDATA_DEMOS_KERNEL`` chooses, as for the job.
"""

import threading
from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from ..keywords.analysis.kernels import name
from ..keywords.analysis.kernels.native import LEARNED, STRONG, NativeScanner
from .analyzer import BETWEEN_LINES, analyzer

_TITLE, _STRONG, _WEAK, _KEYWORD = 16, 4, 1, 8  # quarters
_WORD: Final = 2  # the kind of words, as kernel.c has it: they are numbered from 2 on
_BETWEEN: Final = 1  # the number that it gives to stopwords, of which there are none here
Numbers = npt.NDArray[np.int64]


class Vocabulary(dict[str, int]):
    """Numbers tokens in the order in which they appear; ``tokens`` has them by number."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens: list[str] = []

    def __missing__(self, token: str) -> int:
        number = self[token] = len(self.tokens)
        self.tokens.append(token)
        return number


class PageWords(NamedTuple):
    """The tokens of a page: in their order, as a text with spaces; and each once, as numbers, with their counts in quarters."""

    body: str
    vocabulary: Vocabulary
    tokens: Numbers
    counts: Numbers


def words_of(text: str, language: str, keywords: Sequence[str]) -> PageWords:
    """Return the tokens of a page.

    Args:
        text: its text as ``schemas/text.avsc`` describes it, whose first line is the title.
        language: its language.
        keywords: the tokens of its keywords, which count more, but are not in the body.
    """
    return _finder().words_of(text, language, keywords)


class Plain:
    """Finds the tokens of pages in Python."""

    def __init__(self) -> None:
        self.vocabulary = Vocabulary()

    def words_of(self, text: str, language: str, keywords: Sequence[str]) -> PageWords:
        """See :func:`words_of`."""
        words = analyzer(language)
        body, counts = [], Counter[str]()
        for number, line in enumerate(text.split("\n")):
            weight = _TITLE if number == 0 else _WEAK if line.startswith("\t") else _STRONG
            tokens = words.tokens(line)
            for token in tokens:
                counts[token] += weight
            if tokens:
                body.append(" ".join(tokens))
        for token in keywords:
            counts[token] += _KEYWORD
        numbers = np.array([self.vocabulary[token] for token in counts], np.int64)
        order = np.argsort(numbers)
        return PageWords(
            f" {BETWEEN_LINES} ".join(body), self.vocabulary, numbers[order], np.array(list(counts.values()), np.int64)[order]
        )


class Native(NativeScanner):
    """Does so by the kernel, which numbers words as they are written: by these, it has their tokens, as a text and as numbers."""

    def __init__(self) -> None:
        super().__init__()
        self._start()

    def _start(self) -> None:
        self.vocabulary = Vocabulary()
        self._written = ["", BETWEEN_LINES]
        self._numbers = np.zeros(1 << 10, np.int64)  # -1 for a word of several tokens: its numbers are in _parts
        self._parts: dict[int, list[int]] = {}

    def forget(self) -> None:
        """Forget all words."""
        super().forget()
        self._start()

    def learn(self, words: list[str], language: str) -> None:
        """Analyze new words; those without tokens get the number of punctuation."""
        tokens = analyzer(language).analyzed(words)
        start = len(self._written)
        self._written += filter(None, tokens)
        new = self._written[start:]
        while len(self._numbers) < len(self._written):
            self._numbers = np.concatenate([self._numbers, self._numbers])
        self._numbers[start : len(self._written)] = [-1 if " " in token else self.vocabulary[token] for token in new]
        self._parts |= {
            number: [self.vocabulary[part] for part in token.split()] for number, token in enumerate(new, start) if " " in token
        }
        records = np.zeros(len(words), LEARNED)
        records["kind"] = [_WORD if token else 0 for token in tokens]
        self.learned(records)

    def words_of(self, text: str, language: str, keywords: Sequence[str]) -> PageWords:
        """See :func:`words_of`."""
        utf8 = text.encode("utf-8", "surrogatepass")
        self.split(utf8, analyzer(language).language, 0)
        words = self.scanned()
        words = words[words["number"] >= _WORD]
        written = words["number"]
        lines = np.searchsorted(np.flatnonzero(np.frombuffer(utf8, np.uint8) == ord("\n")), words["start"])
        weights = np.where(lines == 0, _TITLE, np.where(words["flags"] & STRONG, _STRONG, _WEAK))
        numbers = self._numbers[written]
        several = numbers < 0
        more: list[int] = [self.vocabulary[token] for token in keywords]
        weights_of_more = [_KEYWORD] * len(more)
        for word, weight in zip(written[several].tolist(), weights[several].tolist(), strict=True):
            more += self._parts[word]
            weights_of_more += [weight] * len(self._parts[word])
        tokens, inverse = np.unique(np.append(numbers[~several], np.array(more, np.int64)), return_inverse=True)
        counts = np.bincount(inverse, np.append(weights[~several], weights_of_more)).astype(np.int64)
        between = np.flatnonzero(np.diff(lines)) + 1
        body = " ".join(map(self._written.__getitem__, np.insert(written, between, _BETWEEN).tolist()))
        return PageWords(body, self.vocabulary, tokens, counts)


_of_this_thread = threading.local()


def _finder() -> "Plain | Native":
    kind = Native if name() == "native" else Plain
    if not isinstance(getattr(_of_this_thread, "finder", None), kind):
        _of_this_thread.finder = kind()
    found: Plain | Native = _of_this_thread.finder
    return found
