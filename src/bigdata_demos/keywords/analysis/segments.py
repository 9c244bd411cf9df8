"""Words of languages that are written without spaces: BudouX's models find where they end."""

from collections.abc import Callable
from functools import cache
from typing import Any, Final

from .languages import LANGUAGES

_MODELS: Final = {
    "ja": "load_default_japanese_parser",
    "th": "load_default_thai_parser",
    "zh": "load_default_simplified_chinese_parser",
    "zh-Hant": "load_default_traditional_chinese_parser",
}
_SAMPLE: Final = 4000  # characters of a text by which traditional Chinese is told from simplified
BETWEEN: Final = "\u200b"
"""The zero-width space, which is put between two words."""


def insert(utf8: bytes, language: str) -> bytes:
    """Return lines of text with zero-width spaces between the words, if the language is written without spaces."""
    if LANGUAGES[language].spaces:
        return utf8
    text = utf8.decode()
    parse = _parser("zh-Hant" if language == "zh" and _is_traditional(text[:_SAMPLE]) else language)
    return "\n".join(BETWEEN.join(parse(line)) if line else "" for line in text.split("\n")).encode()


def _is_traditional(text: str) -> bool:
    """Whether Big5 has more of a Chinese text's characters than GB 2312."""
    return len(text.encode("big5", "ignore")) > len(text.encode("gb2312", "ignore"))


@cache
def _parser(language: str) -> Callable[[str], list[str]]:
    import budoux

    parser: Any = getattr(budoux, _MODELS[language])()
    return parser.parse  # type: ignore[no-any-return]
