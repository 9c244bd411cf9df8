"""Words that end a run of words: the one assumption about language that the job makes."""

from pathlib import Path
from typing import Final, NamedTuple

from ..errors import UsageError

ENGLISH: Final = """
a about above across after again against all almost along already also although always am among amongst an and another any
anybody anyone anything anywhere are aren't around as at away be became because become becomes been before behind being below
beside besides between beyond both but by came can can't cannot come comes could couldn't did didn't do does doesn't doing don't
done down during each either else enough etc even ever every everybody everyone everything everywhere except far few for from
further gave get gets getting give given gives giving go goes going gone got had hadn't has hasn't have haven't having he he'd
he'll he's hence her here hers herself him himself his how however i i'd i'll i'm i've if in indeed instead into is isn't it it'd
it'll it's its itself just keep keeps kept knew know known knows last least less let let's like made make makes making many may
maybe me might mine more moreover most mostly much must my myself near need needs neither never nevertheless no nobody none nor
not nothing now nowhere of off often on once one ones only onto or other others otherwise ought our ours ourselves out over own
per perhaps put quite rather said same saw say says see seem seemed seems seen several shall she she'd she'll she's should
shouldn't since so some somebody someone something sometimes somewhere still such take taken takes taking than that that's the
their theirs them themselves then there there's thereby therefore these they they'd they'll they're they've thing things this
those though three through throughout thus to together too took toward towards two under unless until unto up upon us use used
uses using via very was wasn't we we'd we'll we're we've well went were weren't what what's whatever when whenever where whereas
wherever whether which while who who's whoever whole whom whose why will with within without won't would wouldn't yet you you'd
you'll you're you've your yours yourself yourselves
*ly
"""


class Stopwords(NamedTuple):
    """Words in lower case, and endings of words, that a candidate never contains."""

    words: frozenset[str]
    endings: tuple[str, ...]

    def __contains__(self, word: object) -> bool:
        """Whether a word, in lower case, is one of these."""
        return word in self.words or (isinstance(word, str) and bool(self.endings) and word.endswith(self.endings))


def parse(text: str) -> Stopwords:
    """Stopwords from text: separated by white space; ``*ly`` means all words that end in ``ly``."""
    words = text.lower().replace("’", "'").split()
    return Stopwords(
        frozenset(word for word in words if not word.startswith("*")),
        tuple(sorted({word[1:] for word in words if word.startswith("*")} - {""})),
    )


def load(name: str) -> Stopwords:
    """Stopwords by name: ``en`` (:data:`ENGLISH`), ``none``, another ISO 639-1 code (stopwords-iso), or a file's path.

    Raises:
        UsageError: if there is no such language and no such file.

    """
    if name == "en":
        return parse(ENGLISH)
    if name == "none":
        return Stopwords(frozenset(), ())
    if len(name) == 2:  # noqa: PLR2004 (a language code's length)
        import stopwordsiso

        if stopwordsiso.has_lang(name):
            return parse("\n".join(stopwordsiso.stopwords(name)))
    try:
        return parse(Path(name).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"--stopwords {name}: neither a language of stopwords-iso (a code such as de), nor a readable file: {error}"
        ) from None
