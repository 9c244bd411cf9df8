"""From text to the tokens of the index: words are split and stemmed as the job does it, stopwords and numbers, too.

A database's own tokenizer must not change tokens, so they are encoded: a word of ASCII letters and digits stays as it is, any
other one is ``zz`` and the hexadecimal digits of its UTF-8. The encoding of a prefix is a prefix of the word's encoding, unless
only the word has other characters; then it is one of the hexadecimal form (:func:`prefixes`).
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import Final

from ..keywords.analysis.candidates import BREAK, lower, segment, word_of
from ..keywords.analysis.languages import LANGUAGES, Lexicon, Rules
from ..keywords.analysis.segments import insert
from ..keywords.analysis.text import clean

_ESCAPE: Final = "zz"
_PLAIN = re.compile(r"[a-z0-9]+")
_MAX_TOKEN: Final = 64  # characters; more are cut
BETWEEN_LINES: Final = _ESCAPE
"""The token between two lines, so that no phrase goes across."""


def encode(token: str) -> str:
    """Return a token in letters and digits of ASCII."""
    token = token[:_MAX_TOKEN]
    if _PLAIN.fullmatch(token) and not token.startswith(_ESCAPE):
        return token
    return _ESCAPE + token.encode("utf-8", "surrogatepass").hex()


def decode(token: str) -> str:
    """Return the token that :func:`encode` was given."""
    return bytes.fromhex(token.removeprefix(_ESCAPE)).decode("utf-8", "surrogatepass") if token.startswith(_ESCAPE) else token


def prefixes(start: str) -> tuple[str, ...]:
    """Return what the encodings of tokens that start with ``start`` start with."""
    plain, coded = encode(start), _ESCAPE + start.encode("utf-8", "surrogatepass").hex()
    return (plain,) if plain == coded else (plain, coded)


class Analyzer(dict[str, tuple[str, ...]]):
    """The tokens of a language by words as they are written: none for punctuation and addresses, several for ``map-reduce``.

    ``stops`` are the tokens of stopwords.
    """

    _LIMIT: Final = 300_000

    def __init__(self, language: str) -> None:
        super().__init__()
        self.language = language if language in LANGUAGES else "en"
        self.lexicon: Lexicon = Rules().lexicon(self.language)
        self.stops: set[str] = set()

    def __missing__(self, written: str) -> tuple[str, ...]:
        if len(self) > self._LIMIT:
            self.clear()
        tokens = self[written] = tuple(filter(None, map(self._token, written.split("-"))))
        return tokens

    def _token(self, written: str) -> str:
        word = word_of(written, self.lexicon)
        if word.number == BREAK:
            return ""
        form = lower(written)
        token = encode(self.lexicon.stem([word.text or form])[0])
        if form in self.lexicon.stopwords.words:
            self.stops.add(token)
        return token

    def matches(self, line: str) -> Iterator[tuple[str, int, int]]:
        """Yield the tokens of a line of a page's text, with their starts and ends in the line without zero-width spaces."""
        text, pattern = segment(line)
        gone = last = 0  # zero-width spaces so far
        for match in pattern.finditer(text):
            gone += text.count("\u200b", last, match.start())
            last = match.start()
            for token in self[match[0]]:
                yield token, match.start() - gone, match.end() - gone

    def tokens(self, line: str) -> list[str]:
        """Return the tokens of a line of a page's text."""
        text, pattern = segment(line)
        return [token for written in pattern.findall(text) for token in self[written]]

    def of_query(self, text: str) -> list[str]:
        """Return the tokens of a piece of a query."""
        return self.tokens(insert(clean(text).encode(), self.language).decode())

    def of_stems(self, stems: str) -> list[str]:
        """Return the tokens of a keyword, which is given by the job's stems."""
        return [encode(stem) for whole in stems.split(" ") for stem in whole.split("-") if stem]


def shown(line: str) -> str:
    """Return a line of a page's text as it is shown: without the marks of the job."""
    return line.removeprefix("\t").replace("\u200b", "")


@cache
def analyzer(language: str) -> Analyzer:
    """Return the analyzer of a language."""
    return Analyzer(language)
