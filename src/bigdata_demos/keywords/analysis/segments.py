"""Words of languages that are written without spaces: BudouX's models find where they end."""

import string
from functools import cache
from typing import Any, Final

from .languages import LANGUAGES

MODELS: Final = {
    "ja": "load_default_japanese_parser",
    "th": "load_default_thai_parser",
    "zh": "load_default_simplified_chinese_parser",
    "zh-Hant": "load_default_traditional_chinese_parser",
}
"""BudouX's models, by language, and the functions that load them."""

_SAMPLE: Final = 4000  # characters of a text by which traditional Chinese is told from simplified
_LATIN: Final = string.ascii_letters + string.digits
_NEVER: Final = -1_000_000  # a weight below all others
BETWEEN: Final = "\u200b"
"""The zero-width space, which is put between two words."""


def insert(utf8: bytes, language: str) -> bytes:
    """Return lines of text with zero-width spaces between the words, if the language is written without spaces."""
    model = model_of(utf8, language)
    if not model:
        return utf8
    parse = parser(model).parse
    return "\n".join(BETWEEN.join(parse(line)) if line else "" for line in utf8.decode().split("\n")).encode()


def model_of(utf8: bytes, language: str) -> str:
    """Return the model that finds the words of a text, ``""`` if the language is written with spaces."""
    if LANGUAGES[language].spaces:
        return ""
    if language != "zh":
        return language
    sample = utf8[: 4 * _SAMPLE].decode(errors="ignore")[:_SAMPLE]
    # traditional, if Big5 has more of the text's characters than GB 2312
    return "zh-Hant" if len(sample.encode("big5", "ignore")) > len(sample.encode("gb2312", "ignore")) else "zh"


@cache
def parser(model: str) -> Any:
    """Return BudouX's parser for a model: its ``model`` maps kinds of features to features to weights.

    A word of Latin letters and digits is never cut: each pair of them has a weight that no others outweigh. A feature that no
    text has balances these weights, since a word starts where the weights are more than half of all weights.
    """
    import budoux

    weights = getattr(budoux, MODELS[model])().model
    pairs = {a + b: _NEVER for a in _LATIN for b in _LATIN}
    before = sum(weights["BW2"].get(pair, 0) for pair in pairs)
    balance = {"\0": before - _NEVER * len(pairs)}
    return budoux.Parser({**weights, "BW2": {**weights["BW2"], **pairs}, "UW1": {**weights["UW1"], **balance}})
