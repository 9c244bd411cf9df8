"""Queries are parsed, whatever they are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bigdata_demos.errors import UsageError
from bigdata_demos.search.query import Term, parse


@pytest.mark.parametrize(
    ("query", "terms"),
    [
        ("map reduce", [Term("word", "map"), Term("word", "reduce")]),
        ('"map reduce" -spark', [Term("phrase", "map reduce"), Term("word", "spark", without=True)]),
        ('hado* -"a b"', [Term("prefix", "hado"), Term("phrase", "a b", without=True)]),
        ("x site:a.example LANG:de", [Term("word", "x"), Term("site", "a.example"), Term("lang", "de")]),
        ('keyword:"map task" -keyword:x', [Term("keyword", "map task"), Term("keyword", "x", without=True)]),
        ('"not closed', [Term("phrase", "not closed")]),
        ("a:b url:x NEAR(a b) OR {", [Term("word", one) for one in ("a:b", "url:x", "NEAR(a", "b)", "OR")]),
        ("* - -- x", [Term("word", "x")]),
    ],
)
def test_terms(query: str, terms: list[Term]) -> None:
    """Each kind of term, and what looks like one."""
    assert parse(query) == terms


@pytest.mark.parametrize("query", ["", " ", "-x", '-"a b" -c', "***", '"', "x" * 1001, "a " * 33])
def test_what_is_refused(query: str) -> None:
    """Nothing to look for, and too much."""
    with pytest.raises(UsageError):
        parse(query)


@given(st.text(max_size=200))
def test_anything(query: str) -> None:
    """Whatever is typed is terms or a UsageError; shown terms are parsed to themselves."""
    try:
        terms = parse(query)
    except UsageError:
        return
    assert terms
    assert parse(" ".join(map(str, terms))) == terms
