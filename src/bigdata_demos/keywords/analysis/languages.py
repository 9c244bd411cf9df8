"""What the job knows of languages: which one a page is written in, and the stopwords, stems and rules of each.

:data:`LANGUAGES` is the table; a language is added by a line in it (CONTRIBUTING.md, "Add a language").
"""

import re
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

import Stemmer
from resiliparse.parse.lang import detect_fast

from ...errors import UsageError
from .stopwords import NONE, Stopwords, load, parse

_WORDS: Final = Path(__file__).with_name("words")
_SAMPLE: Final = 1000  # characters that the language is detected from
_UNSURE: Final = 800  # a rank (a distance) above which a detected language is not believed: texts of fewer than about 80 letters
_SCRIPTS: Final = {
    "hi": ("\u0900", "\u097f"),
    "hy": ("\u0531", "\u058f"),
    "ja": ("\u3041", "\u30ff"),
    "ko": ("\uac00", "\ud7a3"),
    "ta": ("\u0b80", "\u0bff"),
    "th": ("\u0e01", "\u0e4e"),
    "zh": ("\u3400", "\u9fff"),
}
"""The first and last characters of scripts that tell a language. (Regular expressions of so many characters compile slowly.)"""
_MAY_BE_IN_SCRIPTS: Final = re.compile(rb"[\xd4-\xd6\xe3-\xed]|\xe0[\xa4-\xb9]")  # UTF-8 of these, and of few others
_ALSO: Final = {"hi": "ne", "zh": "ja"}  # other languages that are written in the same script
_SCRIPT_SHARE: Final = 5  # a text is in the language of a script if 1 in so many of its characters is of that
_HIRAGANA = re.compile("[\u3041-\u309f]+")  # the script of Japanese endings and particles
_PLACEHOLDER: Final = re.compile("lorem ipsum|dolor sit amet", re.IGNORECASE)  # the text of unfinished pages, a kind of Latin
_PLACEHOLDER_SHARE: Final = 3, 4  # 3 of 4 words of such a text, at least, are Latin stopwords
_CLOSE: Final = 40  # the declared language, or English, is believed if its rank is not further than this from the best one


class Language(NamedTuple):
    """The rules of a language.

    Attributes:
        stemmer: the name of its Snowball stemmer, ``""`` if words are compared as they are.
        connectors: words that may stand between the two words of a phrase ("Torre de Belém").
        elided: words that are written together with the next one, with an apostrophe between ("l'eau").
        verb_endings: endings of words of five letters or more that are verb forms or adverbs, at which phrases end.
        nouns: whether nouns are written with a capital.
        spaces: whether there are spaces between words.
        short: whether words of two or three characters are as good as longer ones.
        mixed: whether its pages have English words among the others, so that English stopwords count, too.
    """

    stemmer: str = ""
    connectors: frozenset[str] = frozenset()
    elided: frozenset[str] = frozenset()
    verb_endings: tuple[str, ...] = ()
    nouns: bool = False
    spaces: bool = True
    short: bool = False
    mixed: bool = False


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _endings(text: str) -> tuple[str, ...]:
    return tuple(text.split())


LANGUAGES: Final = {
    "ar": Language("arabic"),
    "bg": Language(),
    "ca": Language("catalan", _words("de del"), _words("d l m n s t")),
    "cs": Language("czech"),
    "da": Language("danish"),
    "de": Language("german", nouns=True),
    "el": Language("greek"),
    "en": Language("porter"),
    "es": Language("spanish", _words("de del"), verb_endings=_endings("aron ieron mente ando iendo ó ará erá irá")),
    "et": Language("estonian"),
    "fa": Language("persian"),
    "fi": Language("finnish"),
    "fr": Language(
        "french",
        _words("de du des"),
        _words("c d j jusqu l lorsqu m n puisqu qu s t"),
        _endings("aient èrent eront"),
    ),
    "he": Language(),
    "hi": Language("hindi"),
    "hr": Language("serbian"),
    "hu": Language("hungarian"),
    "id": Language("indonesian"),
    "it": Language(
        "italian",
        _words("di del della dei delle degli"),
        _words("all c d dall dell gl l m n nell quest s sull t un"),
        _endings("mente arono irono"),
    ),
    "ja": Language(spaces=False, short=True, mixed=True),
    "ko": Language(short=True),
    "lt": Language("lithuanian"),
    "lv": Language(),
    "nl": Language("dutch"),
    "no": Language("norwegian"),
    "pl": Language("polish"),
    "pt": Language(
        "portuguese",
        _words("de da do das dos"),
        verb_endings=_endings("aram eram iram mente ando endo indo ou ará erá irá"),
    ),
    "ro": Language("romanian"),
    "ru": Language("russian"),
    "sk": Language(),
    "sl": Language(),
    "sr": Language("serbian"),
    "sv": Language("swedish"),
    "th": Language(spaces=False, short=True, mixed=True),
    "tr": Language("turkish"),
    "uk": Language(),
    "vi": Language(),
    "zh": Language(spaces=False, short=True, mixed=True),
    # Detected only in pages that declare them, or by their script: others are taken for them too easily.
    "af": Language(),
    "br": Language(),
    "eo": Language("esperanto"),
    "eu": Language("basque"),
    "ga": Language("irish"),
    "gl": Language("portuguese", _words("de da do das dos")),
    "hy": Language("armenian"),
    "la": Language(mixed=True),
    "ne": Language("nepali"),
    "sw": Language(),
    "ta": Language("tamil"),
    "tl": Language(),
    "ur": Language(),
    "yi": Language("yiddish"),
}
"""Languages by their ISO 639-1 codes."""

_DECLARED_ONLY: Final = "af"  # the first of them
_DETECTED: Final = tuple(LANGUAGES)[: tuple(LANGUAGES).index(_DECLARED_ONLY)]
_SAME: Final = {"nb": "no", "nn": "no", "iw": "he", "in": "id", "sh": "sr", "bs": "hr", "ji": "yi"}  # other codes for them


def known(code: str) -> str:
    """Return the table's code for the ``lang`` attribute of a page, ``""`` if it has none."""
    code = re.split("[-_]", code.strip().lower(), maxsplit=1)[0]
    code = _SAME.get(code, code)
    return code if code in LANGUAGES else ""


def detect(text: str, declared: str = "") -> str:
    """Return the code of the language of a text, by resiliparse's detector (a distance between profiles of bytes).

    Placeholder text ("Lorem ipsum dolor sit amet …") is treated as Latin. A text in one of the scripts that tell a language is in
    that language. Otherwise the detector decides; but ``declared``, the value of the page's ``lang`` attribute, or English if
    there is none, is kept if it fits almost as well, or if the text is too short to tell: templates often have a wrong attribute.
    """
    sample, declared = text[:_SAMPLE], known(declared)
    among = (*_DETECTED, declared) if declared and declared not in _DETECTED else _DETECTED
    if _PLACEHOLDER.search(sample) and _is_placeholder(sample):
        return "la"
    language, rank = detect_fast(sample, langs=among)
    assumed, script = declared or "en", _by_script(sample)
    also = _ALSO.get(script, script)
    if script and not {language, assumed} <= {script, also}:  # words of other languages among it do not change that
        return also if also in (assumed, language) else script
    not_there = language in _SCRIPTS and not _count(language, sample)
    if language not in LANGUAGES or rank > _UNSURE or not_there:
        return declared or assumed
    may_be = language == assumed or detect_fast(sample, langs=(assumed,), cutoff=rank + _CLOSE)[0] == assumed
    return assumed if may_be else language


def _is_placeholder(text: str) -> bool:
    """Whether so many words of a text are Latin stopwords, which have all words of placeholder text."""
    words = re.findall(r"\w+", text.lower())
    latin = load("la").words
    share, of = _PLACEHOLDER_SHARE
    return of * sum(word in latin for word in words) >= share * len(words)


def _by_script(text: str) -> str:
    """Return the language that a text's script tells, ``""`` if it tells none. Japanese has Chinese characters, too."""
    if not _MAY_BE_IN_SCRIPTS.search(text.encode(errors="ignore")):  # as on most pages
        return ""
    counts = {code: _count(code, text) for code in _SCRIPTS}
    if _SCRIPT_SHARE * counts["ja"] <= counts["zh"]:
        counts["ja"] = 0
    else:
        counts["ja"] += counts["zh"]
    return next((code for code, count in counts.items() if _SCRIPT_SHARE * count > len(text)), "")


def _count(language: str, text: str) -> int:
    """Return how many characters of a text are in the script that tells a language."""
    first, last = _SCRIPTS[language]
    return sum(first <= char <= last for char in text)


class Lexicon:
    """The words of a language: which of them end a phrase, and which join two words to one."""

    def __init__(self, code: str, stopwords: Stopwords | None = None) -> None:
        """Use the stopwords of the language, or others."""
        self.code = code
        self.language = LANGUAGES[code]
        self.english = code == "en"
        self.stopwords = _stopwords(code) if stopwords is None else stopwords
        if "" in self.stopwords.endings:
            raise UsageError("`stopwords`: an empty ending would make every word a stopword")
        self.generic = _generic(code)
        self.verb_endings = self.language.verb_endings if stopwords is None else ()
        self.stemmer = Stemmer.Stemmer(self.language.stemmer, 0) if self.language.stemmer else None  # 0: without a cache

    def elision(self, lowered: str) -> int:
        """Return how many characters at the start of a word, in lower case, are another word, such as ``l'``."""
        before, apostrophe, rest = lowered.partition("'")
        return len(before) + 1 if apostrophe and rest and before in self.language.elided else 0

    def is_stopword(self, word: str, written: str) -> bool:
        """Whether a word, in lower case, ends a phrase; ``written`` is the word as the page writes it."""
        if word in self.stopwords.words or (self.code == "ja" and _HIRAGANA.fullmatch(word)):
            return True
        if self.stopwords.endings and word.endswith(self.stopwords.endings):
            return True
        return bool(self.verb_endings) and len(word) > 4 and written[0].islower() and word.endswith(self.verb_endings)

    def stem(self, words: list[str]) -> list[str]:
        """Return the stems of words in lower case."""
        if self.stemmer is None:
            return words
        stems: list[str] = self.stemmer.stemWords(words)
        return stems if all(stems) else [stem or word for stem, word in zip(stems, words, strict=True)]


class Rules(NamedTuple):
    """How words are treated: by the language of each page, unless one is given, and by its stopwords, unless others are."""

    language: str = ""
    stopwords: Stopwords | None = None

    def lexicon(self, language: str) -> Lexicon:
        """Return the words of a page's language."""
        return lexicon(language, self.stopwords)


@cache
def lexicon(code: str, stopwords: Stopwords | None = None) -> Lexicon:
    """Return the lexicon of a language, made once."""
    return Lexicon(code, stopwords)


@cache
def _stopwords(code: str) -> Stopwords:
    try:
        own = load(code)
    except UsageError:  # a language without a list
        return NONE
    if not LANGUAGES[code].mixed:
        return own
    english = parse((_WORDS / "stopwords_en.txt").read_text(encoding="utf-8"))
    return Stopwords(own.words | english.words, own.endings)


@cache
def _generic(code: str) -> frozenset[str]:
    """Return a language's words that are no keywords alone: months and weekdays, words of user interfaces, units and the like."""
    files = (_WORDS / f"{name}.txt" for name in ("dates", "interface", "generic"))
    lines = (line for file in files for line in file.read_text(encoding="utf-8").splitlines() if line.startswith(f"{code} "))
    return frozenset(word for line in lines for word in line.split()[1:])


def check(code: str) -> str:
    """Return a language's code if it is in the table. Raises UsageError if it is not."""
    if code and code not in LANGUAGES:
        raise UsageError(f"`language={code}`: must be one of {', '.join(sorted(LANGUAGES))}")
    return code
