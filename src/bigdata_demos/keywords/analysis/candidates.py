"""From the text of a page to its candidate keyphrases, as arrays.

A **candidate** is 1 to 3 words inside an unbroken run of words. A run ends at punctuation, a stopword, a number, a word
longer than 64 characters, and at the boundary of a block. Words with a hyphen between them are one word.

The identity of a phrase is the sequence of its words' Porter stems; a stable 64-bit hash stands for it (version 1:
:func:`word_hash` of each stem, mixed by :func:`mix`). Among 10**8 phrases the chance of any collision is
(10**8)**2 / 2 / 2**64 = 2.7e-4 (the birthday bound).
"""

import re
import unicodedata
from functools import cache
from hashlib import blake2b
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import Stemmer

from .stopwords import Stopwords

Hashes = npt.NDArray[np.uint64]
Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_MAX_WORDS: Final = 3  # the most words of a candidate

_MAX_WORD: Final = 64  # the most characters of a word in a candidate


def ranges(categories: str, last: int = 0x1FFFF) -> str:
    """Return the characters of some Unicode categories, as the inside of a regular expression's ``[…]``."""
    wanted = categories.split()
    codes = [code for code in range(last + 1) if unicodedata.category(chr(code)) in wanted]
    starts = [code for code, before in zip(codes, [-2, *codes], strict=False) if code != before + 1]
    ends = [code for code, after in zip(codes, [*codes[1:], -2], strict=True) if code != after - 1]
    return "".join(f"{chr(start)}-{chr(end)}" for start, end in zip(starts, ends, strict=True))


@cache
def word_character() -> str:
    """Return a regular expression for the characters of words.

    Python's word characters lack the marks that many scripts write their vowels with, and the joiners inside their words.
    """
    return rf"[\w{ranges('Mn Mc')}\u200c\u200d]"


@cache
def _token() -> re.Pattern[str]:
    """Return the pattern of tokens: words, with apostrophes and hyphens inside, and punctuation and newlines, which end runs."""
    return re.compile(rf"{word_character()}+(?:['’-]{word_character()}+)*|[^\w\s\u200b]|\n")


# Scripts without spaces between words: each Han character is a word, and so is each run of Hiragana or of Katakana.
SCRIPTS: Final = (
    r"[\u2e80-\u2fdf\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]",
    r"[\u3041-\u309f]",
    r"[\u30a0-\u30ff]",
)
_UNSPACED = re.compile("{}|{}+|{}+".format(*SCRIPTS))
# Most texts have neither marks nor such scripts; smaller character classes are three times as fast on them.
_SIMPLE_TOKEN = re.compile(r"\w+(?:['’-]\w+)*|[^\w\s\u200b]|\n")
_NOT_SIMPLE = re.compile(r"[^\0-\u02ff\u0370-\u0482\u2010-\u20cf\u2100-\u2bff]")


def segment(text: str) -> tuple[str, re.Pattern[str]]:
    """Put zero-width spaces around words of scripts without spaces; return the text, and the pattern of its tokens."""
    if text.isascii() or not _NOT_SIMPLE.search(text):
        return text, _SIMPLE_TOKEN
    return _UNSPACED.sub("\u200b\\g<0>\u200b", text), _token()


def word_hash(stem: str) -> int:
    """Return the hash of a stem: BLAKE2b's first 8 bytes, little-endian, of its UTF-8."""
    return int.from_bytes(blake2b(stem.encode(), digest_size=8).digest(), "little")


def mix(left: Hashes, right: Hashes) -> Hashes:
    """Return the hash of a phrase and a word after it: ``left`` times an odd constant, plus ``right``, finished as SplitMix64.

    Source of the finisher: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
    """
    z = left * np.uint64(0x9E3779B97F4A7C15) + right
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


_BREAK: Final = 0  # the number of all tokens that are not words: punctuation

STOPWORD: Final = 1
"""The number of all words that end a run: stopwords, numbers, and very long ones."""


def lower(text: str) -> str:
    """Return text in the form in which words are compared: in lower case, with one kind of apostrophe."""
    return text.lower().replace("’", "'")


def word_of(token: str, lowered: str, stopwords: Stopwords) -> str | int:
    """Return the word of a token, to be stemmed, or :data:`_BREAK` or :data:`STOPWORD` if it ends a run of words."""
    if not token[0].isalnum() and not any(map(str.isalnum, token)):
        return _BREAK
    if len(lowered) > _MAX_WORD or stopwords.match(lowered) or not any(map(str.isalpha, lowered)):
        return STOPWORD
    return lowered.removesuffix("'s")


class Vocabulary(dict[str, int]):
    """Numbers tokens in the order in which they appear, and has the stem of each number, its hash and its length.

    Numbers above :data:`STOPWORD` are words. Each thread has one vocabulary for all its tasks.
    """

    LIMIT: Final = 500_000  # tokens, about 150 MB; then all are forgotten

    def __init__(self, stopwords: Stopwords) -> None:
        """Start with the two numbers that are not words."""
        super().__init__()
        self.stopwords = stopwords
        self.stemmer = Stemmer.Stemmer("porter")
        self.start_anew()

    def start_anew(self) -> None:
        """Forget all words."""
        self.clear()
        self.stems = ["", ""]
        self.hashes: Hashes = np.zeros(1 << 12, np.uint64)
        self.lengths: Integers = np.zeros(1 << 12, np.int64)

    def __missing__(self, token: str) -> int:
        """Number a token that appears for the first time."""
        number = self[token] = self.number(token)
        return number

    def number(self, token: str) -> int:
        """Return a new number for a token, unless it ends a run of words."""
        word = word_of(token, lower(token), self.stopwords)
        if isinstance(word, int):
            return word
        stem = self.stemmer.stemWord(word) or word
        number = len(self.stems)
        self.stems.append(stem)
        if number == len(self.hashes):
            self.hashes = np.resize(self.hashes, 2 * number)
            self.lengths = np.resize(self.lengths, 2 * number)
        self.hashes[number] = word_hash(stem)
        self.lengths[number] = len(stem)
        return number

    def numbers(self, tokens: list[str]) -> Integers:
        """Return the numbers of a page's tokens."""
        if len(self) > self.LIMIT:
            self.start_anew()
        return np.fromiter(map(self.__getitem__, tokens), np.int64, len(tokens))


class Candidates(NamedTuple):
    """The n candidates of a page, in the order of their hashes: arrays of length n, except for the last one.

    ``hashes`` identifies them; ``tf`` is the number of occurrences; ``first`` the words before the first one; ``whole`` whether
    any is a whole run; ``token`` the first occurrence's first token; ``words`` how many words it has (1 to 3); ``length``
    characters of its stems joined by spaces.
    ``word_at[t]`` is the index of the candidate that consists of token t only (0 for breaks).
    """

    hashes: Hashes
    tf: Integers
    first: Integers
    whole: Flags
    token: Integers
    words: Integers
    length: Integers
    word_at: Integers


def find_candidates(numbers: Integers, vocabulary: Vocabulary) -> Candidates:
    """Find the candidates of a page, from the numbers of its tokens."""
    ids = np.concatenate([numbers, np.zeros(_MAX_WORDS, np.int64)])  # breaks at the end, so that no window goes beyond it
    offset = np.cumsum(ids > 0) - 1  # words before this one; stopwords and numbers count
    inside = ids > 1
    run_starts = np.concatenate([[True], ~inside[:-1]])
    hashes, lengths = vocabulary.hashes[ids], vocabulary.lengths[ids]

    at = np.flatnonzero(inside)  # where a phrase of this many words starts …
    phrase, length = hashes[at], lengths[at]  # … its hash, its stems' length
    columns: list[tuple[Any, ...]] = []
    for words in range(1, _MAX_WORDS + 1):
        if words > 1:
            longer = inside[at + words - 1]
            at = at[longer]
            phrase = mix(phrase[longer], hashes[at + words - 1])
            length = length[longer] + 1 + lengths[at + words - 1]
        columns.append((phrase, at, run_starts[at] & ~inside[at + words], np.full(len(at), words), length))
    phrase, at, whole, words_, length = map(np.concatenate, zip(*columns, strict=True))

    order = np.argsort(phrase, kind="stable")  # stable: the first of a group is the first on the page
    phrase = phrase[order]
    is_start = np.concatenate([[True], phrase[1:] != phrase[:-1]])[: len(phrase)]
    starts = np.flatnonzero(is_start)
    firsts = order[starts]
    group = np.cumsum(is_start) - 1
    word_at = np.zeros(len(ids), np.int64)
    singles = order < len(columns[0][0])
    word_at[at[order[singles]]] = group[singles]
    return Candidates(
        hashes=phrase[starts],
        tf=np.diff(np.append(starts, len(phrase))),
        first=offset[at[firsts]],
        whole=np.logical_or.reduceat(whole[order], starts) if len(starts) else whole,
        token=at[firsts],
        words=words_[firsts],
        length=length[firsts],
        word_at=word_at,
    )
