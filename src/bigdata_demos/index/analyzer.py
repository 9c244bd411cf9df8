"""From text to the tokens of the index: words are split and stemmed as the job does it, stopwords and numbers, too.

A database's own tokenizer must not change tokens, so they are encoded: a word of ASCII letters and digits stays as it is, any
other one is ``zz`` and the hexadecimal digits of its UTF-8. The encoding of a prefix is a prefix of the word's encoding, unless
only the word has other characters; then it is one of the hexadecimal form (:func:`prefixes`).
"""

from collections.abc import Collection, Iterable, Iterator
from functools import cache, lru_cache
from typing import Final

from ..keywords.analysis.candidates import BREAK, is_simple, lower, segment, word_of
from ..keywords.analysis.languages import LANGUAGES, Lexicon, Rules
from ..keywords.analysis.segments import insert
from ..keywords.analysis.text import clean

_ESCAPE: Final = "zz"
_BREAK: Final = "\x02"  # a word of its own, which the text of a page does not have
_JOINTS: Final = str.maketrans("-_", "  ")
_MAX_TOKEN: Final = 64  # characters; more are cut
BETWEEN_LINES: Final = _ESCAPE
"""The token between two lines, so that no phrase goes across."""


@lru_cache(maxsize=1 << 16)
def encode(token: str) -> str:
    """Return a token in letters and digits of ASCII."""
    token = token[:_MAX_TOKEN]
    if token.isascii() and token.isalnum() and token == token.lower() and not token.startswith(_ESCAPE):
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

    Those of a word are one text, with spaces between them. ``stops`` are the tokens of stopwords.
    """

    _LIMIT: Final = 300_000

    def __init__(self, language: str) -> None:
        super().__init__({_BREAK: BETWEEN_LINES})
        self.language = language if language in LANGUAGES else "en"
        self.lexicon: Lexicon = Rules().lexicon(self.language)
        self.stops: set[str] = set()

    def __missing__(self, written: str) -> str:
        self.learn([written])
        return self[written]

    def learn(self, words: Collection[str]) -> None:
        """Analyze words that are not known yet, all at once, since stemming one after another takes much longer."""
        if len(self) + len(words) > self._LIMIT:
            self.clear()
            self[_BREAK] = BETWEEN_LINES
        owners, forms, texts = [], [], []
        for written in words:
            for part in parts_of(written):
                form = text = lower(part)
                if not part.isalpha():
                    word = word_of(part, self.lexicon)
                    if word.number == BREAK:
                        continue
                    text = word.text or form
                owners.append(written)
                forms.append(form)
                texts.append(text)
        self.update(dict.fromkeys(words, ""))
        stopwords = self.lexicon.stopwords.words
        for written, form, token in zip(owners, forms, map(encode, self.lexicon.stem(texts)), strict=True):
            self[written] += f" {token}" if self[written] else token
            if form in stopwords:
                self.stops.add(token)

    def lines(self, lines: Iterable[str]) -> str:
        """Return the tokens of lines of a page's text, with spaces between them, and :data:`BETWEEN_LINES` after each line.

        Lines whose words take longer to find come last.
        """
        groups: tuple[list[str], list[str]] = ([], [])
        for line in lines:
            groups[not is_simple(line)].append(line)
        found: list[str] = []
        for group in filter(None, groups):
            text, pattern = segment(f"\n{_BREAK}\n".join([*group, ""]))
            found += pattern.findall(text)
        tokens = list(map(self.get, found))
        if None in tokens:
            self.learn({written for written, known in zip(found, tokens, strict=True) if known is None})
            tokens = list(map(self.__getitem__, found))
        return " ".join(filter(None, tokens))

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
