"""The job once more, plainly: strings, dicts and exact integers. The engines' results are held against this one's.

It shares no code with :mod:`bigdata_demos` and little of its method: it walks over characters where the job has regular
expressions, keeps phrases as tuples of stems where the job has hashes, and takes its stemmer from NLTK.
"""

import unicodedata
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby

from nltk.stem.porter import PorterStemmer

Page = tuple[str, str, str, list[str]]  # URL, title, text (a line for each block), declared keywords (not made use of)
Keyword = tuple[str, str, int, int, int]  # phrase, stems, score, tf, df
Stopwords = tuple[Collection[str], tuple[str, ...]]  # words and endings of words, in lower case
Row = tuple[str, str, int, int, str]  # stems, phrase, rank, score, URL

HAN = "2E80-2FDF 3005-3007 3400-4DBF 4E00-9FFF F900-FAFF 20000-3FFFF"
LONGEST, MOST, SHORT = 64, 1023, 3  # characters of a word, occurrences that count, characters of short stems


class Stemmer(PorterStemmer):  # type: ignore[misc]  # NLTK has no types
    """Porter's original algorithm as Snowball has it: it undoubles only these consonants (``trekked`` → ``trekk``)."""

    def _ends_double_consonant(self, word: str) -> bool:
        return super()._ends_double_consonant(word) and word[-1] in "bdfglmnprstz"


STEMMER = Stemmer(PorterStemmer.ORIGINAL_ALGORITHM)


@dataclass
class Candidate:
    """A phrase of a page: where it is first, how it is written there, its occurrences, if it ever is a whole run."""

    first: int
    shown: str
    tf: int = 0
    whole: bool = False


def is_letter(char: str) -> bool:
    """Whether a word can have this character."""
    mark = unicodedata.category(char) in {"Mn", "Mc"} and char <= "\U0001ffff"
    return char.isalnum() or mark or char in "_\u200c\u200d"


@cache
def script(char: str) -> str:
    """Which of the scripts without spaces a character is of; "" if of another."""
    bounds = (pair.split("-") for pair in HAN.split())
    if any(int(low, 16) <= ord(char) <= int(high, 16) for low, high in bounds):
        return "Han"
    return "Hiragana" if "\u3041" <= char <= "\u309f" else "Katakana" if "\u30a0" <= char <= "\u30ff" else ""


def touching(text: str, left: int) -> bool:
    """Whether there are a character at ``left`` and one after it, and nothing sets them apart."""
    return 0 <= left < len(text) - 1 and script(text[left]) == script(text[left + 1]) != "Han"


def continues(text: str, at: int) -> bool:
    """Whether the word that the character before ``at`` belongs to goes on there."""
    if touching(text, at - 1) and text[at] in "-'\u2019":
        return touching(text, at) and is_letter(text[at - 1]) and is_letter(text[at + 1])
    return touching(text, at - 1) and is_letter(text[at])


def breaks(text: str, at: int) -> bool:
    """Whether a character that is no part of a word ends a run of words."""
    return text[at] == "\n" or not (text[at].isspace() or text[at] == "\u200b")


def tokens(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of each word, and of each single character that ends a run."""
    at = 0
    while at < len(text):
        start, at = at, at + 1
        while is_letter(text[start]) and continues(text, at):
            at += 1
        if is_letter(text[start]) or breaks(text, start):
            yield start, at


def runs(text: str, stopwords: Stopwords) -> list[list[tuple[str, int, int, int]]]:
    """The runs of words of a text; of each word its stem, its offset in words, its start and its end."""
    found: list[list[tuple[str, int, int, int]]] = [[]]
    offset = 0
    for start, end in tokens(text):
        word = text[start:end].lower().replace("\u2019", "'")
        counts = any(map(str.isalnum, word))
        stopword = word in stopwords[0] or any(map(word.endswith, stopwords[1]))
        if counts and not stopword and len(word) <= LONGEST and any(map(str.isalpha, word)):
            word = word.removesuffix("'s")
            found[-1].append((STEMMER.stem(word) or word, offset, start, end))
        else:
            found.append([])
        offset += counts
    return found


def candidates(page: Page, stopwords: Stopwords) -> dict[tuple[str, ...], Candidate]:
    """The candidates of a page, by their stems."""
    source = f"{page[1]}\n{page[2]}"
    found: dict[tuple[str, ...], Candidate] = {}
    for run in runs(source, stopwords):
        for i in range(len(run)):
            for part in (run[i : i + words] for words in (1, 2, 3) if i + words <= len(run)):
                shown = source[part[0][2] : part[-1][3]].replace("\u200b", "")
                candidate = found.setdefault(tuple(word[0] for word in part), Candidate(part[0][1], shown))
                candidate.tf += 1
                candidate.whole |= len(part) == len(run)
    return found


@cache
def log(n: int) -> int:
    """256 times the binary logarithm of n, rounded down: the bits of its 256th power after the first."""
    return (n**256).bit_length() - 1


def keywords(pages: Sequence[Page], stopwords: Stopwords, top: int) -> list[list[Keyword]]:
    """The ``top`` best keywords of each page, best first (``docs/keywords.md``)."""
    corpus = [candidates(page, stopwords) for page in pages]
    df = Counter(stems for page in corpus for stems in page)
    most = log(len(pages) + 1)

    def ranked(page: dict[tuple[str, ...], Candidate]) -> Iterator[tuple[int, int, str, Keyword]]:
        for stems, its in page.items():
            words = sum(min(page[word,].tf, MOST) * (most - log(df[word,] + 1) + 369) for word in stems)
            value = min(its.tf, MOST) * words * (most - log(df[stems]) + 185) * (64 if its.whole else 1) * 256
            joined = " ".join(stems)
            score = value // ((10 + its.first) * (1 if len(stems) == 2 else 2) * (4 if len(joined) <= SHORT else 1))
            yield -score, its.first, joined, (its.shown, joined, score, its.tf, df[stems])

    return [[keyword for *_, keyword in sorted(ranked(page))[:top]] for page in corpus]


def index(pages: Sequence[Page], found: Sequence[Sequence[Keyword]]) -> list[Row]:
    """The index: each keyword's pages, best first, under the form that the best of them has."""
    entries = sorted((k[1], -k[2], page[0], k[0]) for page, some in zip(pages, found, strict=True) for k in some)
    groups = [list(group) for _, group in groupby(entries, key=lambda entry: entry[0])]
    return [(g[0][0], g[0][3], rank, -minus, url) for g in groups for rank, (_, minus, url, _) in enumerate(g, 1)]
