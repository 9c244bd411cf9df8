"""From the text of a page to its candidate keyphrases, as arrays.

A **candidate** is 1 to 3 words inside an unbroken run of words, or two words with a connector between them, in languages that
have such ("Torre de Belém"). A run ends at punctuation, a stopword, a number, an address, a word of one character or of more
than 64, and at the boundary of a block. Words with a hyphen between them are one word.

The identity of a phrase is the sequence of its words' stems; a stable 64-bit hash stands for it (version 2: :func:`word_hash`
of each stem, connectors among them, mixed by :func:`mix`). Among 10**8 phrases the chance of any collision is
(10**8)**2 / 2 / 2**64 = 2.7e-4 (the birthday bound).

Each occurrence of a candidate has a **weight**, in quarters: less in a weak block, more where it is written like a name, and less
or none where its capitals say that it is cut by a verb. A phrase that occurs only in weak blocks weighs at most 1 in all.
"""

import re
from collections.abc import Iterator
from hashlib import blake2b
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from ..model import Document
from .languages import Lexicon
from .tokens import BREAK, CAPITAL, CONNECTOR, GENERIC, NOUN, SHOUTED, STOPWORD, Word, segment, word_of

Hashes = npt.NDArray[np.uint64]
Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_MAX_WORDS: Final = 3  # the most words of a candidate
_STRONG, _WEAK = 4, 1  # the weight of a word in a strong and in a weak block
_TITLE: Final = 64  # the words of a title that other lines are compared with
_LONG: Final = 300  # a text with so many words beside its title is expected to name the title's subjects again
_PARTICLE: Final = 3  # the most characters of the stem of a word that names have inside ("Rio de Janeiro", "van Gogh")
_MOSTLY_LOWER: Final = 6  # a page with less than 1 word in so many capitalized does not follow the rules for capitals


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


def phrase_hash(stems: str) -> int:
    """Return the hash of a phrase, given by its stems with spaces between them."""
    first, *others = map(word_hash, stems.split(" "))
    hashed = np.array([first], np.uint64)
    for other in others:
        hashed = mix(hashed, np.array([other], np.uint64))
    return int(hashed[0])


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


def phrase_of(text: str, vocabulary: Vocabulary) -> tuple[str, ...]:
    """Return the stems of the candidate that a text is, but for stopwords and punctuation at its ends; ``()`` if it is none."""
    marked, token = segment(text)
    numbers = [vocabulary[match[0]] for match in token.finditer(marked)]
    while numbers and numbers[0] <= STOPWORD:
        del numbers[0]
    while numbers and numbers[-1] <= STOPWORD:
        del numbers[-1]
    connects = [bool(vocabulary.words[number].flags & CONNECTOR) for number in numbers]
    if len(numbers) > _MAX_WORDS or min(numbers, default=0) <= STOPWORD or (any(connects) and connects != [False, True, False]):
        return ()
    return tuple(vocabulary.stems[number] for number in numbers)


class Candidates(NamedTuple):
    """The n candidates of a page, in the order of their hashes: arrays of length n, except for the last one.

    ``hashes`` identifies them; ``tf`` is the number of occurrences, ``weight`` the sum of their weights, at most 1 if all are
    in weak blocks; ``first`` the words before the first one; ``whole`` whether any is a whole run; ``token`` the first
    occurrence's first token; ``tokens`` how many it has (1 to 3); ``length`` the characters of its stems joined by spaces;
    ``barred`` whether it is no keyword: it consists of generic words only, or of several words that only the title of a long
    text has, or no occurrence counts.
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
    if len(starts):
        in_strong = np.maximum.reduceat(tokens.weights[at[order]], starts) == _STRONG
        weight = np.add.reduceat(weight[order], starts)
        weight = np.where(in_strong, weight, np.minimum(weight, _WEAK))
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
