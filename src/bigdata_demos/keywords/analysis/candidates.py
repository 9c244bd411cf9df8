"""From the text of a page to its candidate keyphrases, as arrays.

A **candidate** is 1 to 3 words inside an unbroken run of words, or two words with a connector between them, in languages that
have such ("Torre de Belém"). A run ends at punctuation, a stopword, a number, an address, a word of one character or of more
than 64, and at the boundary of a block. Words with a hyphen between them are one word.

The identity of a phrase is the sequence of its words' stems; a stable 64-bit hash stands for it (version 2: :func:`word_hash`
of each stem, connectors among them, mixed by :func:`mix`). Among 10**8 phrases the chance of any collision is
(10**8)**2 / 2 / 2**64 = 2.7e-4 (the birthday bound).

Each occurrence of a candidate has a **weight**, in quarters: less in a weak block, more where it is written like a name, and less
or none where its capitals say that it is cut by a verb.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from hashlib import blake2b
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from ..model import Document
from .languages import Lexicon

Hashes = npt.NDArray[np.uint64]
Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_MAX_WORDS: Final = 3  # the most words of a candidate
_MAX_WORD: Final = 64  # the most characters of a word in a candidate
_STRONG, _WEAK = 4, 1  # the weight of a word in a strong and in a weak block
_TITLE: Final = 64  # the words of a title that other lines are compared with
_LONG: Final = 300  # a text with so many words beside its title is expected to name the title's subjects again
_PARTICLE: Final = 3  # the most characters of the stem of a word that names have inside ("Rio de Janeiro", "van Gogh")
_MOSTLY_LOWER: Final = 6  # a page with less than 1 word in so many capitalized does not follow the rules for capitals


def is_word_character(char: str) -> bool:
    """Return whether a character can be in a word.

    Python's word characters lack the marks that many scripts write their vowels with, and the joiners inside their words.
    """
    return char.isalnum() or char in "_\u200c\u200d" or (unicodedata.category(char) in ("Mn", "Mc") and char <= _LAST_MARK)


_LAST_MARK: Final = "\U0001ffff"  # those beyond choose between forms of a character


@cache
def word_character() -> str:
    """Return a regular expression for the characters of words."""
    others = [code for code in range(ord(_LAST_MARK) + 1) if is_word_character(chr(code)) and not chr(code).isalnum()]
    starts = [code for code, before in zip(others, [-2, *others], strict=False) if code != before + 1]
    ends = [code for code, after in zip(others, [*others[1:], -2], strict=True) if code != after - 1]
    return rf"[\w{''.join(f'{chr(start)}-{chr(end)}' for start, end in zip(starts, ends, strict=True))}]"


# Words, with what may be inside or after them, and any other character, which ends a run. Where a part in the first line
# follows a word, all up to the next space is an address.
_PATTERN: Final = r"""
    (?:[A-Z]\.){2,}                                     # U.S.
  | [A-Z](?:\+\+|\#)                                    # C++, C#
  | St\.(?=\ [A-Z])                                     # St. Louis
  | W+(?:['’-]W+|(?<=[A-Z])&(?=[A-Z])W+|·W+)*           # T-Mobile, AT&T, col·lecció
      (?:(?:://|@|(?<=www)\.)[^ \n\t]* | \.(?:js|NET)(?!W))?    # an address; Node.js, ASP.NET
  | \.NET(?!W)
  | [^\w\s\u200b]
"""


@cache
def _token(character: str) -> re.Pattern[str]:
    return re.compile(_PATTERN.replace("W", character), re.VERBOSE)


# Scripts whose words are written without spaces between them: a word ends where the script changes.
SCRIPTS: Final = (
    r"[\u2e80-\u2fdf\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]",
    r"[\u3041-\u309f]",
    r"[\u30a0-\u30ff]",
)
_UNSPACED = re.compile("{}+|{}+|{}+".format(*SCRIPTS))
# Most texts have neither marks nor such scripts; smaller character classes are three times as fast on them.
_NOT_SIMPLE = re.compile(r"[^\0-\u02ff\u0370-\u0482\u2010-\u20cf\u2100-\u2bff]")


def is_simple(text: str) -> bool:
    """Whether a text has only characters for which the tokens of :func:`segment` are found three times as fast."""
    return text.isascii() or not _NOT_SIMPLE.search(text)


def segment(text: str) -> tuple[str, re.Pattern[str]]:
    """Put zero-width spaces around words of scripts without spaces; return the text, and the pattern of its tokens."""
    if is_simple(text):
        return text, _token(r"\w")
    return _UNSPACED.sub("\u200b\\g<0>\u200b", text), _token(word_character())


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


BREAK: Final = 0
"""The number of all tokens that are not words: punctuation and addresses."""

STOPWORD: Final = 1
"""The number of all words that end a run: stopwords, numbers, very short and very long ones."""

CONNECTOR, CAPITAL, NOUN, SHOUTED, GENERIC = 1, 2, 4, 8, 16
"""What is known of a word as it is written: that it is a connector; that it starts with a capital; that it has a capital or
a digit; that all of it is in capitals; that it is no keyword alone, such as the name of a month."""


class Word(NamedTuple):
    """What a token means: its number if that is :data:`BREAK` or :data:`STOPWORD`, else its word in lower case, to be stemmed.

    ``skipped`` and ``cut`` are the numbers of characters at its start and end that are not part of the word.
    """

    number: int
    text: str = ""
    flags: int = 0
    skipped: int = 0
    cut: int = 0


def lower(text: str) -> str:
    """Return text in the form in which words are compared: in lower case, with one kind of apostrophe."""
    return text.lower().replace("’", "'")


_NO_WORD, _STOPWORD = Word(BREAK), Word(STOPWORD)


def is_break(token: str) -> bool:
    """Whether a token is punctuation or an address."""
    return not any(map(str.isalnum, token)) or "@" in token or "://" in token or "www." in token


def word_of(token: str, lexicon: Lexicon) -> Word:
    """Return what a token means in a language."""
    word, written = lower(token), token
    skipped = cut = 0
    if not token.isalpha():
        if is_break(token):
            return _NO_WORD
        if lexicon.is_stopword(word, token):
            return _STOPWORD
        skipped = lexicon.elision(word)
        cut = 2 if word.endswith("'s") else 1 if word == "st." else 0
        word, written = word[skipped : len(word) - cut], token[skipped : len(token) - cut]
        if not any(map(str.isalpha, word)):
            return _STOPWORD
    if not 1 < len(word) <= _MAX_WORD:
        return _STOPWORD
    if word in lexicon.language.connectors:
        return Word(STOPWORD + 1, word, CONNECTOR)
    if lexicon.is_stopword(word, written):
        return _STOPWORD
    flags = GENERIC if word in lexicon.generic else 0
    if not written.islower():
        flags |= CAPITAL * written[0].isupper() | SHOUTED * written.isupper() | NOUN * any(map(str.isupper, written))
    if not token.isalpha() and any(map(str.isdigit, written)):
        flags |= NOUN
    return Word(STOPWORD + 1, word, flags, skipped, cut)


class Vocabulary(dict[str, int]):
    """Numbers the tokens of a language in the order in which they appear, and has what is known of each number.

    Numbers above :data:`STOPWORD` are words and connectors. Each thread has one vocabulary of each language for all its tasks.
    """

    LIMIT: Final = 500_000  # tokens, about 150 MB; then all are forgotten

    def __init__(self, lexicon: Lexicon) -> None:
        """Start with the two numbers that are not words."""
        super().__init__()
        self.lexicon = lexicon
        self.start_anew()

    def start_anew(self) -> None:
        """Forget all words."""
        self.clear()
        self.words = [Word(BREAK), Word(STOPWORD)]
        self.stems = ["", ""]
        self.hashes: Hashes = np.zeros(1 << 12, np.uint64)
        self.lengths: Integers = np.zeros(1 << 12, np.int64)
        self.flags: Integers = np.zeros(1 << 12, np.int64)

    def __missing__(self, token: str) -> int:
        """Number a token that appears for the first time."""
        number = self[token] = self.number(token)
        return number

    def number(self, token: str) -> int:
        """Return a new number for a token, unless it ends a run of words."""
        word = word_of(token, self.lexicon)
        if word.number <= STOPWORD:
            return word.number
        number = len(self.stems)
        stem = self.lexicon.stem([word.text])[0]
        self.words.append(word)
        self.stems.append(stem)
        if number == len(self.hashes):
            self.hashes = np.resize(self.hashes, 2 * number)
            self.lengths = np.resize(self.lengths, 2 * number)
            self.flags = np.resize(self.flags, 2 * number)
        self.hashes[number], self.lengths[number], self.flags[number] = word_hash(stem), len(stem), word.flags
        return number


class Tokens(NamedTuple):
    """The n tokens of a page, in arrays of length n.

    They are their numbers, the weights of their blocks, and whether they are in the title or in a line that repeats a part of it.
    """

    numbers: Integers
    weights: Integers
    in_title: Flags


def lines(document: Document) -> Iterator[tuple[str, int, list[re.Match[str]]]]:
    """Yield the lines of a page, the title's first: the text, its weight, and the matches of its tokens."""
    for line in document.text.split("\n"):
        text, token = segment(line)
        yield text, _WEAK if line.startswith("\t") else _STRONG, list(token.finditer(text))


def find_tokens(document: Document, vocabulary: Vocabulary) -> Tokens:
    """Find the tokens of a page. There is a break after each line."""
    if len(vocabulary) > vocabulary.LIMIT:
        vocabulary.start_anew()
    numbers: list[int] = []
    weights: list[int] = []
    in_title: list[bool] = []
    title: list[str] = []
    for index, (_, weight, matches) in enumerate(lines(document)):
        line = [vocabulary[match[0]] for match in matches]
        stems = [vocabulary.stems[number] for number in line if number > BREAK]
        if index == 0:
            title = stems[:_TITLE]
        repeats = len(stems) > 1 and any(title[i : i + len(stems)] == stems for i in range(len(title) - len(stems) + 1))
        numbers += [*line, BREAK]
        weights += [weight] * (len(line) + 1)
        in_title += [index == 0 or repeats] * (len(line) + 1)
    return Tokens(np.array(numbers, np.int64), np.array(weights, np.int64), np.array(in_title, np.bool_))


class Candidates(NamedTuple):
    """The n candidates of a page, in the order of their hashes: arrays of length n, except for the last one.

    ``hashes`` identifies them; ``tf`` is the number of occurrences, ``weight`` the sum of their weights; ``first`` the words
    before the first one; ``whole`` whether any is a whole run; ``token`` the first occurrence's first token; ``tokens`` how many
    it has (1 to 3); ``length`` the characters of its stems joined by spaces; ``barred`` whether it is no keyword: it consists of
    generic words only, or of several words that only the title of a long text has, or no occurrence counts.
    ``word_at[t]`` is the index of the candidate that consists of token t only, -1 if there is none.
    """

    hashes: Hashes
    tf: Integers
    weight: Integers
    first: Integers
    whole: Flags
    token: Integers
    tokens: Integers
    length: Integers
    barred: Flags
    word_at: Integers


def find_candidates(tokens: Tokens, vocabulary: Vocabulary) -> Candidates:
    """Find the candidates of a page."""
    ids = np.concatenate([tokens.numbers, np.zeros(_MAX_WORDS, np.int64)])  # breaks at the end: no window goes beyond it
    offset = np.cumsum(ids > BREAK) - 1  # words before this one; stopwords and numbers count
    flags = vocabulary.flags[ids]
    connects = flags & CONNECTOR > 0
    inside = (ids > STOPWORD) & ~connects
    starts_run = inside & ~np.concatenate([[False], inside[:-1]])
    hashes, lengths = vocabulary.hashes[ids], vocabulary.lengths[ids]

    at = np.flatnonzero(inside)  # where a phrase of this many tokens starts …
    phrase, length, generic = hashes[at], lengths[at], flags[at] & GENERIC > 0  # … its hash, its stems' length, if it is generic
    columns: list[tuple[Any, ...]] = []
    for count in range(1, _MAX_WORDS + 1):
        last = at + count - 1
        if count > 1:
            longer = inside[last]
            at, last = at[longer], last[longer]
            phrase = mix(phrase[longer], hashes[last])
            length = length[longer] + 1 + lengths[last]
            generic = generic[longer] & (flags[last] & GENERIC > 0)
        columns.append((phrase, at, starts_run[at] & ~inside[last + 1], np.full(len(at), count), length, generic))
    at = np.flatnonzero(inside[:-2] & connects[1:-1] & inside[2:])
    phrase = mix(mix(hashes[at], hashes[at + 1]), hashes[at + 2])
    never = np.zeros(len(at), np.bool_)
    columns.append((phrase, at, never, np.full(len(at), 3), lengths[at] + lengths[at + 1] + lengths[at + 2] + 2, never))
    phrase, at, whole, count_, length, generic = map(np.concatenate, zip(*columns, strict=True))
    weight = _weights(tokens, at, at + count_ - 1, flags, lengths, starts_run, vocabulary.lexicon)

    order = np.argsort(phrase, kind="stable")  # stable: the first of a group is the first on the page
    phrase = phrase[order]
    is_start = np.concatenate([[True], phrase[1:] != phrase[:-1]])[: len(phrase)]
    starts = np.flatnonzero(is_start)
    firsts = order[starts]
    group = np.cumsum(is_start) - 1
    elsewhere = ~tokens.in_title
    long_text = np.count_nonzero(elsewhere & (tokens.numbers > BREAK)) >= _LONG
    only_in_title = (count_[firsts] > 1) & ~np.isin(phrase[starts], phrase[elsewhere[at[order]]]) & long_text
    word_at = np.full(len(ids), -1)
    singles = order < len(columns[0][0])
    word_at[at[order[singles]]] = group[singles]
    weight = np.add.reduceat(weight[order], starts) if len(starts) else weight
    return Candidates(
        hashes=phrase[starts],
        tf=np.diff(np.append(starts, len(phrase))),
        weight=weight,
        first=offset[at[firsts]],
        whole=np.logical_or.reduceat(whole[order], starts) if len(starts) else whole,
        token=at[firsts],
        tokens=count_[firsts],
        length=length[firsts],
        barred=generic[firsts] | only_in_title | (weight == 0),
        word_at=word_at,
    )


def _weights(
    tokens: Tokens, first: Integers, last: Integers, flags: Integers, lengths: Integers, starts_run: Flags, lexicon: Lexicon
) -> Integers:
    """Return the weights of occurrences, given by their first and last tokens.

    A phrase that starts and ends with a capital is taken for a name, and counts twice. Outside English, this does not hold for
    a single word at the start of a run, whose capital may be that of a sentence. An English name after a word without a capital
    or digit has weight 1, since that word is mostly a verb ("investigating WeWork").

    Where nouns have capitals, capitals tell no names. A word that is no noun counts a quarter there, and a phrase that ends with
    such a word, or has one between two nouns ("Hund vertreibt Einbrecher"), does not count at all, unless the page does without
    capitals. Short words are taken for particles of names.
    """
    weight = tokens.weights[first]
    less = np.maximum(weight // 4, 1)
    capital, noun, phrase, long = flags & CAPITAL > 0, flags & NOUN > 0, first < last, lengths > _PARTICLE
    if lexicon.language.nouns:
        words = tokens.numbers > STOPWORD
        if _MOSTLY_LOWER * np.count_nonzero(capital[: len(words)] & words) <= np.count_nonzero(words):
            return weight
        cut = phrase & (~noun[last] | (noun[first] & ~noun[first + 1] & long[first + 1]))
        return np.where(cut, 0, np.where(noun[last], weight, less))
    if lexicon.english:
        weight = np.where(phrase & ~noun[first] & long[first] & capital[last] & (flags[last] & SHOUTED == 0), less, weight)
    name = capital[first] & capital[last] & (lexicon.english | (first != last) | ~starts_run[first])
    return weight * np.where(name, 2, 1)
