"""Tokens: their encoding, and that documents and queries have the same."""

import re

from hypothesis import given
from hypothesis import strategies as st

from bigdata_demos.index.analyzer import analyzer, decode, encode, prefixes, shown

TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)


@given(TEXT, TEXT)
def test_encoding_is_reversible_and_plain(one: str, other: str) -> None:
    """Letters and digits of ASCII only, different for different words, and a prefix of a word can be looked for."""
    for word in (one, other):
        assert re.fullmatch(r"[a-z0-9]+", encode(word))
        assert decode(encode(word)) == word
    assert (encode(one) == encode(other)) == (one == other)
    whole = (one + other)[:60]
    assert any(encode(whole).startswith(start) for start in prefixes(one))


def test_words() -> None:
    """As people write them: forms of a word are one token, parts of a compound are tokens, punctuation is none."""
    english = analyzer("en")
    assert english.of_query("Shuffles, shuffled; shuffling!") == ["shuffl"] * 3
    assert english.of_query("map-reduce") == english.of_query("map_reduce") == english.of_query("map reduce") == ["map", "reduc"]
    assert english.of_query("__init__ _ -") == ["init"]
    assert list(map(decode, english.of_query("C++ AT&T Node.js U.S."))) == ["c++", "at&t", "node.j", "u.s."]
    assert english.of_query("the 1984 3.11 https://a.example/b — …") == ["the", "1984", "3", "11"]
    assert english.of_query("") == []
    assert "the" in english.stops
    assert analyzer("de").of_query("Häuser Haus") == [encode("haus")] * 2
    assert analyzer("xx").language == "en"


def test_languages_without_spaces() -> None:
    """Queries are segmented as pages are."""
    japanese = analyzer("ja")
    [token] = {*japanese.of_query("検索")} & {*japanese.of_query("全文検索の仕組み")} or {""}
    assert decode(token) in ("検索", "全文検索", "")
    assert len(japanese.of_query("全文検索の仕組み")) > 1
    assert len(analyzer("th").of_query("การค้นหาข้อความ")) > 1


@given(
    st.lists(
        st.sampled_from(["map-reduce", "Shuffle", "日本\u200b語", "  ", "a\u0301b", "C++", "ﬁn", ",", "x@y.org", "é"]),
        max_size=12,
    )
)
def test_matches_say_where_tokens_are(words: list[str]) -> None:
    """Each token's place is a word that has this token; there are as many as tokens."""
    line = " ".join(words)
    english = analyzer("en")
    matches = list(english.matches(line))
    assert [token for token, _, _ in matches] == english.tokens(line)
    without = line.replace("\u200b", "")
    assert all(token in english.tokens(without[start:end]) for token, start, end in matches)
    assert shown("\t" + line) == without
