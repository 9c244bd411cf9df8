"""What the job's table says of languages, as the reference takes it: data only."""

from collections.abc import Mapping
from functools import cache

import Stemmer

from bigdata_demos.keywords.analysis.languages import LANGUAGES, Rules
from bigdata_demos.keywords.analysis.stopwords import Stopwords
from tests.support import reference


@cache
def languages(stopwords: Stopwords | None = None) -> Mapping[str, reference.Language]:
    """Every language of the table, with its own stopwords or others."""
    return {code: _language(code, stopwords) for code in LANGUAGES}


def _language(code: str, stopwords: Stopwords | None) -> reference.Language:
    its = Rules("", stopwords).lexicon(code)
    stemmer = its.language.stemmer
    stem = Stemmer.Stemmer(stemmer).stemWord if stemmer else str
    return reference.Language(
        its.stopwords.words,
        its.stopwords.endings,
        its.generic,
        its.language.connectors,
        its.language.elided,
        its.language.verb_endings if stopwords is None else (),
        reference.STEMMER.stem if stemmer == "porter" else stem,
        english=code == "en",
        nouns=its.language.nouns,
        short=its.language.short,
        japanese=code == "ja",
    )
