"""Stopwords, which end a run of words: the job's only assumption about language."""

from pathlib import Path
from typing import Final, NamedTuple

from ...errors import UsageError

ENGLISH: Final = """
a able about above according achieve achieved across after again against all allow allowed allowing allows almost along
already also although always am among amongst an and another any anybody anyone anything anywhere appear appears appropriate
are aren't around as associated at available away based be became because become becomes been before behind being below
beside besides best better between beyond both brief but by came can can't cannot certain changes come comes concerning
consider considered considering contain contained containing contains corresponding could couldn't course demonstrate
demonstrated described describes despite did didn't different discuss discussed discusses do does doesn't doing don't done
down due during each eg eight either else enough especially etc even ever every everybody everyone everything everywhere
except far few find first five follow followed following follows for found four from further gave general get gets getting
give given gives giving go goes going gone got had hadn't has hasn't have haven't having he he'd he'll he's helps hence her
here hers herself him himself his how however i i'd i'll i'm i've ie if important in include included includes including
indeed indicate indicates instead into introduce introduced introduces involve involves involving is isn't it it'd it'll
it's its itself just keep keeps kept knew know known knows last latter least less let let's like likely little look looking
looks made make makes making many may maybe me means might mine more moreover most mostly much must my myself near necessary
need needs neither never nevertheless new next nine no nobody non none nor not nothing novel now nowhere obtain obtained of
off often old on once one ones only onto or other others otherwise ought our ours ourselves out over own per perhaps please
plus possible present presented presents propose proposed proposes provide provided provides providing put quite rather
regarding related require required requires respect said same saw say says see seem seemed seems seen set seven several
shall she she'd she'll she's should shouldn't show showed showing shown shows similar since six so some somebody someone
something sometimes somewhere specific specified still studied such suggest suggested suggests take taken takes taking tell
tends than that that's the their theirs them themselves then there there's thereby therefore these they they'd they'll
they're they've thing things this those though three through throughout thus to together too took toward towards tried tries
try trying twice two under unless until unto up upon us use used useful uses using various very via want wants was wasn't
way ways we we'd we'll we're we've well went were weren't what what's whatever when whenever where whereas wherever whether
which while who who's whoever whole whom whose why will with within without won't would wouldn't yes yet you you'd you'll
you're you've your yours yourself yourselves zero
*ly
"""


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
