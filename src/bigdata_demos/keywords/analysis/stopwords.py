"""Stopwords, which end a run of words: the job's only assumption about language."""

from pathlib import Path
from typing import Final, NamedTuple

from ...errors import UsageError

ENGLISH: Final = Path(__file__).with_name("stopwords_en.txt").read_text(encoding="utf-8")


class Stopwords(NamedTuple):
    """Words in lower case, and endings of words, that a candidate never contains."""

    words: frozenset[str]
    endings: tuple[str, ...]

    def match(self, word: str) -> bool:
        """Whether a word, given in lower case, is a stopword."""
        return word in self.words or word.endswith(self.endings)


def parse(text: str) -> Stopwords:
    """Parse stopwords, separated by white space; ``*ly`` stands for all words that end in ``ly``."""
    words = text.lower().replace("’", "'").split()
    return Stopwords(
        frozenset(word for word in words if not word.startswith("*")),
        tuple(sorted({word[1:] for word in words if word.startswith("*")} - {""})),
    )


def load(name: str) -> Stopwords:
    """Load stopwords by name: ``en`` (:data:`ENGLISH`), ``none``, another ISO 639-1 code (stopwords-iso), or a file's path.

    Raises UsageError if there is no such language and no such file.
    """
    if name == "en":
        return parse(ENGLISH)
    if name == "none":
        return Stopwords(frozenset(), ())
    if len(name) == 2:
        import stopwordsiso

        if stopwordsiso.has_lang(name):
            return parse("\n".join(stopwordsiso.stopwords(name)))
    try:
        return parse(Path(name).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"`stopword_list={name}`: neither a language of stopwords-iso (a code such as de), nor a readable file: {error}"
        ) from None
