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


OWN: Final = ("la", "th", "zh")
"""Languages for which the package has stopwords beside those of stopwords-iso; the Latin ones are of placeholder text."""

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
    """Load stopwords by name: ``en``, ``none``, another ISO 639-1 code (stopwords-iso), or a file's path.

    The English ones are this package's own, with verbs and adverbs that were counted by ``docs/count_words.py``.

    Raises UsageError if there is no such language and no such file.
    """
    if name == "en":
        files = (_WORDS / f"{kind}_en.txt" for kind in ("stopwords", "verbs", "adverbs"))
        return parse(" ".join(file.read_text(encoding="utf-8") for file in files))
    if name == "none":
        return NONE
    if len(name) == 2:
        import stopwordsiso

        if stopwordsiso.has_lang(name):
            words = {word.replace("\u0e4d\u0e32", "\u0e33") for word in stopwordsiso.stopwords(name)}  # Thai am, as it is written
            own = (_WORDS / f"stopwords_{name}.txt").read_text(encoding="utf-8") if name in OWN else ""
            return parse(" ".join((*words, own)))
    try:
        return parse(Path(name).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"`stopword_list={name}`: neither a language of stopwords-iso (a code such as de), nor a readable file: {error}"
        ) from None
