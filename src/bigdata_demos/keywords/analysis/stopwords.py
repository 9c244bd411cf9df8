"""Stopwords, which end a run of words."""

from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from ...errors import UsageError

_WORDS: Final = Path(__file__).with_name("words")


class Stopwords(NamedTuple):
    """Words in lower case, and endings of words, that a candidate never contains."""

    words: frozenset[str]
    endings: tuple[str, ...]

    def match(self, word: str) -> bool:
        """Whether a word, given in lower case, is a stopword."""
        return word in self.words or word.endswith(self.endings)


NONE: Final = Stopwords(frozenset(), ())


def parse(text: str) -> Stopwords:
    """Parse stopwords, separated by white space; ``*ly`` stands for all words that end in ``ly``."""
    words = text.lower().replace("’", "'").split()
    return Stopwords(
        frozenset(word for word in words if not word.startswith("*")),
        tuple(sorted({word[1:] for word in words if word.startswith("*")} - {""})),
    )


@cache
def load(name: str) -> Stopwords:
    """Load stopwords by name: ``en``, ``none``, another ISO 639-1 code, or a file's path.

    The English ones are this package's own, with verbs and adverbs that were counted by ``docs/count_words.py``. Those of another
    language are the list of stopwords-iso and this package's own (``words/stopwords_CODE.txt``), of which one may be missing.

    Raises UsageError if there is no such language and no such file.
    """
    if name == "en":
        files = (_WORDS / f"{kind}_en.txt" for kind in ("stopwords", "verbs", "adverbs"))
        return parse(" ".join(file.read_text(encoding="utf-8") for file in files))
    if name == "none":
        return NONE
    if len(name) == 2:
        import stopwordsiso

        listed = stopwordsiso.stopwords(name) if stopwordsiso.has_lang(name) else frozenset[str]()
        if name == "vi":  # whose words of several syllables, with spaces between them, would make each syllable a stopword
            listed = {word for word in listed if " " not in word}
        words = [word.replace("\u0e4d\u0e32", "\u0e33") for word in listed]  # Thai am, as it is written
        own = _WORDS / f"stopwords_{name}.txt"
        if own.is_file():
            words.append(own.read_text(encoding="utf-8"))
        if words:
            return parse(" ".join(words))
    try:
        return parse(Path(name).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"`stopword_list={name}`: neither the code of a language with stopwords, such as de, nor a readable file: {error}"
        ) from None
