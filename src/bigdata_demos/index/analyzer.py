"""From text to the tokens of the index: words are split and stemmed as the job does it, stopwords and numbers, too.

A database's own tokenizer must not change tokens, so they are encoded: a word of ASCII letters and digits stays as it is, any
other one is ``zz`` and the hexadecimal digits of its UTF-8. The encoding of a prefix is a prefix of the word's encoding, unless
only the word has other characters; then it is one of the hexadecimal form (:func:`prefixes`).
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, cached_property
from typing import Final

from ..keywords.analysis.languages import LANGUAGES, Lexicon, Rules
from ..keywords.analysis.segments import insert
from ..keywords.analysis.text import clean
from ..keywords.analysis.tokens import is_break, lower, segment, word_of

_ESCAPE: Final = "zz"
_JOINTS: Final = str.maketrans("-_", "  ")
_MAX_TOKEN: Final = 64  # characters; more are cut
_is_plain: Final = re.compile(rf"(?!{_ESCAPE})[0-9a-z]{{1,{_MAX_TOKEN}}}").fullmatch
BETWEEN_LINES: Final = _ESCAPE
"""The token between the tokens of two lines, so that no phrase goes across."""


def encode(token: str) -> str:
    """Return a token in letters and digits of ASCII."""
    token = token[:_MAX_TOKEN]
    return token if _is_plain(token) else _ESCAPE + token.encode("utf-8", "surrogatepass").hex()


def encoded(tokens: Iterable[str]) -> list[str]:
    """Return tokens as :func:`encode` does."""
    return [token if _is_plain(token) else encode(token) for token in tokens]


def decode(token: str) -> str:
    """Return the token that :func:`encode` was given."""
    return bytes.fromhex(token.removeprefix(_ESCAPE)).decode("utf-8", "surrogatepass") if token.startswith(_ESCAPE) else token


def prefixes(start: str) -> tuple[str, ...]:
    """Return what the encodings of tokens that start with ``start`` start with."""
    plain, coded = encode(start), _ESCAPE + start.encode("utf-8", "surrogatepass").hex()
    return (plain,) if plain == coded else (plain, coded)


class Analyzer(dict[str, str]):
    """The tokens of a language by words as they are written: none for punctuation and addresses, several for ``map-reduce``.

    Those of a word are one text, with spaces between them.
    """

    _LIMIT: Final = 300_000

    def __init__(self, language: str) -> None:
        super().__init__()
        self.language = language if language in LANGUAGES else "en"
        self.lexicon: Lexicon = Rules().lexicon(self.language)

    def __missing__(self, written: str) -> str:
        self.learn([written])
        return self[written]

    def learn(self, words: Sequence[str]) -> None:
        """Analyze words that are not known yet."""
        if len(self) + len(words) > self._LIMIT:
            self.clear()
        self.update(zip(words, self.analyzed(words), strict=True))

    def analyzed(self, words: Sequence[str]) -> list[str]:
        """Return the tokens of each word, all at once, since stemming one after another takes much longer."""
        tokens = [""] * len(words)
        owners, texts = [], []
        for number, written in enumerate(words):
            if written.isalnum():
                owners.append(number)
                texts.append(written.lower())
            elif not is_break(written):
                for part in parts_of(written):
                    if part.isalnum():
                        owners.append(number)
                        texts.append(part.lower())
                    elif not is_break(part):
                        owners.append(number)
                        texts.append(word_of(part, self.lexicon).text or lower(part))
        for owner, token in zip(owners, encoded(self.lexicon.stem(texts)), strict=True):
            tokens[owner] = f"{tokens[owner]} {token}" if tokens[owner] else token
        return tokens

    @cached_property
    def stops(self) -> frozenset[str]:
        """The tokens of stopwords."""
        return frozenset(" ".join(self.analyzed(sorted(self.lexicon.stopwords.words))).split())

    def matches(self, line: str) -> Iterator[tuple[str, int, int]]:
        """Yield the tokens of a line of a page's text, with their starts and ends in the line without zero-width spaces."""
        text, pattern = segment(line)
        spaced, gone, last = "\u200b" in text, 0, 0  # zero-width spaces so far
        for match in pattern.finditer(text):
            if spaced:
                gone += text.count("\u200b", last, match.start())
                last = match.start()
            for token in self[match[0]].split():
                yield token, match.start() - gone, match.end() - gone

    def tokens(self, line: str) -> list[str]:
        """Return the tokens of a line of a page's text."""
        text, pattern = segment(line)
        words = pattern.findall(text)
        if new := [word for word in words if word not in self]:
            self.learn(new)
        return " ".join(map(self.__getitem__, words)).split()

    def of_query(self, text: str) -> list[str]:
        """Return the tokens of a piece of a query."""
        return self.tokens(insert(clean(text).encode(), self.language).decode())


def parts_of(words: str) -> list[str]:
    """Return the parts of words that are compounds or names in programs: map-reduce and map_reduce are two words each."""
    return words.translate(_JOINTS).split()


def shown(line: str) -> str:
    """Return a line of a page's text as it is shown: without the marks of the job."""
    return line.removeprefix("\t").replace("\u200b", "")


@cache
def analyzer(language: str) -> Analyzer:
    """Return the analyzer of a language."""
    return Analyzer(language)
