"""The tokens of a whole page, and how much each counts: in readable Python, and by the job's C kernel, which is faster.

Both give the same answers, and a test holds them to it; ``BIGDATA_DEMOS_KERNEL`` chooses, as for the job.
"""

import threading
from array import array
from collections import Counter
from collections.abc import Sequence
from itertools import accumulate, repeat
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from ..keywords.analysis.kernels import name
from ..keywords.analysis.kernels.native import LEARNED, NativeScanner
from .analyzer import BETWEEN_LINES, analyzer

_TITLE, _STRONG, _WEAK, _KEYWORD = 16, 4, 1, 8  # quarters
_WORD: Final = 2  # the kind of words, as kernel.c has it: they are numbered from 2 on


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
    tokens: npt.NDArray[np.int32]
    counts: npt.NDArray[np.int32]


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
        numbers = np.array([self.vocabulary[token] for token in counts], np.int32)
        return PageWords(f" {BETWEEN_LINES} ".join(body), self.vocabulary, numbers, np.array(list(counts.values()), np.int32))


class Native(NativeScanner):
    """Does so by the kernel, which learns words as they are written, with their tokens as their stems."""

    def __init__(self) -> None:
        super().__init__()
        self._start()

    def _start(self) -> None:
        self.vocabulary = Vocabulary()
        self._ids = array("i")  # of the tokens of all words, one word after another
        self._ends = array("I", [0] * _WORD)  # where those of a word end, by its number

    def forget(self) -> None:
        """Forget all words."""
        super().forget()
        self._start()

    def learn(self, words: list[str], language: str) -> None:
        """Analyze new words; those without tokens get the number of punctuation."""
        tokens = analyzer(language).analyzed(words)
        self._ids.extend(map(self.vocabulary.__getitem__, " ".join(tokens).split()))
        end = self._ends[-1]
        self._ends.extend([end := end + token.count(" ") + 1 for token in tokens if token])
        kinds = (_WORD if token else 0 for token in tokens)
        records = map(LEARNED.pack, accumulate(map(len, tokens)), kinds, repeat(0), repeat(0), repeat(0))
        self.learned(b"".join(records), "".join(tokens).encode("ascii"))

    def words_of(self, text: str, language: str, keywords: Sequence[str]) -> PageWords:
        """See :func:`words_of`."""
        self.split(text.encode("utf-8", "surrogatepass"), analyzer(language).language, 0)
        more = [self.vocabulary[token] for token in keywords]
        body, counted = self.indexed(self._ids, self._ends, f" {BETWEEN_LINES} ", (_TITLE, _STRONG, _WEAK, _KEYWORD), more)
        numbers, counts = np.frombuffer(counted, np.int32).reshape(-1, 2).T
        return PageWords(body, self.vocabulary, numbers, counts)


_of_this_thread = threading.local()


def _finder() -> "Plain | Native":
    kind = Native if name() == "native" else Plain
    if not isinstance(getattr(_of_this_thread, "finder", None), kind):
        _of_this_thread.finder = kind()
    found: Plain | Native = _of_this_thread.finder
    return found
