"""Words of languages that are written without spaces: BudouX's models find where they end."""

from collections.abc import Callable
from functools import cache
from typing import Any, Final

from .languages import LANGUAGES

_MODELS: Final = {
    "ja": "load_default_japanese_parser",
    "th": "load_default_thai_parser",
    "zh": "load_default_simplified_chinese_parser",
}
BETWEEN: Final = "\u200b"
"""The zero-width space, which is put between two words."""


def insert(utf8: bytes, language: str) -> bytes:
    """Return lines of text with zero-width spaces between the words, if the language is written without spaces."""
    if LANGUAGES[language].spaces:
        return utf8
    parse = _parser(language)
    return "\n".join(BETWEEN.join(parse(line)) if line else "" for line in utf8.decode().split("\n")).encode()


@cache
def _parser(language: str) -> Callable[[str], list[str]]:
    import budoux

    parser: Any = getattr(budoux, _MODELS[language])()
    return parser.parse  # type: ignore[no-any-return]
