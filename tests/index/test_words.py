"""The tokens of pages: by hand, and the two implementations against each other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bigdata_demos.index import words
from bigdata_demos.index.analyzer import BETWEEN_LINES, encode
from bigdata_demos.keywords.analysis.kernels import native
from bigdata_demos.keywords.analysis.text import clean
from tests.support.texts import messy

lines = st.lists(st.tuples(messy, st.booleans()), max_size=6)


@given(
    messy, lines, st.sampled_from(["en", "de", "fr", "ja", "th", "hi", "xx"]), st.lists(st.sampled_from(["data", "zzz", "new"]))
)
def test_both_give_the_same(title: str, rest: list[tuple[str, bool]], language: str, keywords: list[str]) -> None:
    """On messy pages of many languages, with weak and empty lines."""
    if not native.available():
        pytest.skip(native.why_not())
    flat = [" ".join(clean(line).split("\n")).replace("\t", " ") for line in (title, *(line for line, _ in rest))]
    weak = [False, *(weak for _, weak in rest)]
    text = "\n".join("\t" * it_is + line for it_is, line in zip(weak, flat, strict=True))
    assert known(words.Native().words_of(text, language, keywords)) == known(words.Plain().words_of(text, language, keywords))


def known(found: words.PageWords) -> tuple[str, dict[str, int]]:
    """The tokens and their counts, by name."""
    names = [found.vocabulary.tokens[number] for number in found.tokens]
    assert len({*names}) == len(names)
    return found.body, dict(zip(names, found.counts.tolist(), strict=True))


@pytest.mark.parametrize("kernel", ["plain", "native"])
def test_by_hand(kernel: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The title counts sixteen quarters, the page's own blocks four, others one; lines are kept apart; compounds are words."""
    if kernel == "native" and not native.available():
        pytest.skip(native.why_not())
    monkeypatch.setenv("BIGDATA_DEMOS_KERNEL", kernel)
    text = "Shuffles\nA map-reduce shuffle, the\n\n—\n\tMENÜ shuffle https://a.example/x"
    body, counts = known(words.words_of(text, "en", ["map", "reduc", "rare"]))
    menu = encode("menü")
    assert body == f"shuffl {BETWEEN_LINES} a map reduc shuffl the {BETWEEN_LINES} {menu} shuffl"
    assert counts == {"shuffl": 16 + 4 + 1, "a": 4, "map": 4 + 8, "reduc": 4 + 8, "rare": 8, "the": 4, menu: 1}


def test_words_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """When there are too many: the numbers of new ones start again."""
    if not native.available():
        pytest.skip(native.why_not())
    monkeypatch.setattr(native, "LIMIT", 2)
    one, other = words.Native(), words.Plain()
    vocabularies = set()
    for text in ("one two three", "three four five six", "six one two"):
        found = one.words_of(text, "en", [])
        assert known(found) == known(other.words_of(text, "en", []))
        vocabularies.add(id(found.vocabulary))
    assert len(vocabularies) > 1
