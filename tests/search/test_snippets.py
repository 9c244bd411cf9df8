"""The part of a page that is shown with a hit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bigdata_demos.index.analyzer import encode
from bigdata_demos.search import snippets
from bigdata_demos.search.snippets import snippet


def test_snippets() -> None:
    """The line with most of the words; marks fit also after a weak block's tab and in text without spaces."""
    text, marks = snippet("Title\nnothing\n\ta zebra and an apple\nzebra", "en", {"zebra": 0, "appl": 1})
    assert (text, [text[start:end] for start, end in marks]) == ("a zebra and an apple", ["zebra", "apple"])
    words = "全文\u200b検索\u200bの\u200b仕組み"
    text, marks = snippet(f"Title\n{words}", "ja", {encode("検索"): 0})
    assert (text, [text[start:end] for start, end in marks]) == ("全文検索の仕組み", ["検索"])
    long = "filler " * 100 + "zebra " + "filler " * 100
    text, marks = snippet(f"Title\n{long}", "en", {"zebra": 0})
    assert [text[start:end] for start, end in marks] == ["zebra"]
    assert len(text) <= 160
    assert snippet("Title", "en", {"zebra": 0})[1] == []


def test_the_best_line_is_looked_for_in_all_that_may_have_the_terms() -> None:
    """A line whose words only start as the terms do is no hit; one far below with both terms is better than many with one."""
    near = "\n".join(["zebras are zebroid, and zebra crossings have stripes, which is said here at length"] * 20)
    text, marks = snippet(f"Title\n{near}\napplause for zebrawood\nthe zebra ate an apple", "en", {"zebra": 0, "appl": 1})
    assert (text, len(marks)) == ("the zebra ate an apple", 2)
    accents = {encode("zebre"): 0}  # as French stems have it, and the text has not
    assert snippet("Titre\nrien\nun zèbre dans la savane", "fr", accents)[0] == "un zèbre dans la savane"


def test_long_lines_are_divided() -> None:
    """The sentence with both words is shown, and not the start of the paragraph that has one of them."""
    filler = "Nothing of interest is said in this sentence, or in the next. "
    line = f"{filler * 3}A zebra. {filler * 30}The zebra ate an apple in the shade. {filler * 30}"
    text, marks = snippet(f"Title\n{line}", "en", {"zebra": 0, "appl": 1})
    assert [text[start:end] for start, end in marks] == ["zebra", "apple"]
    spaceless = "文字\u200b" * 700 + "検索\u200b" + "文字\u200b" * 700
    text, marks = snippet(f"Title\n{spaceless}", "ja", {encode("検索"): 0})
    assert [text[start:end] for start, end in marks] == ["検索"]


WORDS = st.sampled_from(["shuffle", "map", "the", "a", "word", "reduce"])
LINES = st.lists(st.lists(WORDS, max_size=30).map(" ".join), min_size=1, max_size=12)


@given(LINES, st.integers(1, 300))
def test_the_beginning_of_a_page_is_enough_if_it_has_the_best_line(lines: list[str], size: int) -> None:
    """A snippet is that of the whole text, however long the part that is looked at first."""
    text, terms = "\n".join(lines), {"shuffl": 0, "reduc": 1}
    with pytest.MonkeyPatch.context() as patch:
        found = []
        for beginning in (size, 0):
            patch.setattr(snippets, "_BEGINNING", beginning)
            found.append(snippets.snippet(text, "en", terms))
    assert found[0] == found[1]
