"""The tokens of a text: words and, each for itself, the characters that end a run of words; and what a word means.

Words with a hyphen between them are one word. Where words are written without spaces, zero-width spaces have been put between
them (:mod:`.segments`).
"""

import re
import unicodedata
from functools import cache
from typing import Final, NamedTuple

from .languages import Lexicon

_MAX_WORD: Final = 64  # the most characters of a word in a candidate


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
    ("\u2e80-\u2fdf", "\u3005-\u3007", "\u3400-\u4dbf", "\u4e00-\u9fff", "\uf900-\ufaff", "\U00020000-\U0003ffff"),
    ("\u3041-\u309f",),
    ("\u30a0-\u30ff",),
)
"""Each as ranges of characters; to compile a regular expression of them takes milliseconds, so this is done only where needed."""
# Most texts have neither marks nor such scripts; smaller character classes are three times as fast on them.
_NOT_SIMPLE = re.compile(r"[^\0-\u02ff\u0370-\u0482\u2010-\u20cf\u2100-\u2bff]")


def is_simple(text: str) -> bool:
    """Whether a text has only characters for which the tokens of :func:`segment` are found three times as fast."""
    return text.isascii() or not _NOT_SIMPLE.search(text)


@cache
def _unspaced() -> re.Pattern[str]:
    return re.compile("|".join(f"[{''.join(ranges)}]+" for ranges in SCRIPTS))


def segment(text: str) -> tuple[str, re.Pattern[str]]:
    """Put zero-width spaces around words of scripts without spaces; return the text, and the pattern of its tokens."""
    if is_simple(text):
        return text, _token(r"\w")
    return _unspaced().sub("\u200b\\g<0>\u200b", text), _token(word_character())


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
