"""From text to the tokens of the index: words are split and stemmed as the job does it, stopwords and numbers, too.

A database's own tokenizer must not change tokens, so they are encoded: a word of ASCII letters and digits stays as it is, any
other one is ``zz`` and the hexadecimal digits of its UTF-8. The encoding of a prefix is a prefix of the word's encoding, unless
only the word has other characters; then it is one of the hexadecimal form (:func:`prefixes`).
"""

from collections.abc import Iterator, Sequence
from functools import cache, cached_property
from typing import Final

from ..keywords.analysis.candidates import BREAK, lower, segment, word_of
from ..keywords.analysis.languages import LANGUAGES, Lexicon, Rules
from ..keywords.analysis.segments import insert
from ..keywords.analysis.text import clean

_ESCAPE: Final = "zz"
_JOINTS: Final = str.maketrans("-_", "  ")
_MAX_TOKEN: Final = 64  # characters; more are cut
BETWEEN_LINES: Final = _ESCAPE
"""The token between the tokens of two lines, so that no phrase goes across."""


def encode(token: str) -> str:
    """Return a token in letters and digits of ASCII."""
    token = token[:_MAX_TOKEN]
    if token.isascii() and token.isalnum() and not token.startswith(_ESCAPE) and token == token.lower():
        return token
    return _ESCAPE + token.encode("utf-8", "surrogatepass").hex()


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
            if written.isalpha():
                owners.append(number)
                texts.append(written.lower())
                continue
            whole = word_of(written, self.lexicon)
            if whole.number == BREAK:  # an address
                continue
            for part in parts_of(written):
                text = lower(part)
                if not part.isalpha():
                    word = whole if part == written else word_of(part, self.lexicon)
                    if word.number == BREAK:
                        continue
                    text = word.text or text
                owners.append(number)
                texts.append(text)
        for owner, token in zip(owners, map(encode, self.lexicon.stem(texts)), strict=True):
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
        return " ".join(map(self.__getitem__, pattern.findall(text))).split()

    def of_query(self, text: str) -> list[str]:
        """Return the tokens of a piece of a query."""
        return self.tokens(insert(clean(text).encode(), self.language).decode())

    def of_stems(self, stems: str) -> list[str]:
        """Return the tokens of a keyword, which is given by the job's stems."""
        return list(map(encode, parts_of(stems)))


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
