"""Where keywords are in a text, by hand."""

from bigdata_demos.search.occurrences import Line, Piece, marked


def test_keywords_in_lines() -> None:
    """In any form, the longer one where two overlap; the title is left out; weak lines are known by their tab."""
    text = "Map tasks\nA map task writes maps; tasks wait.\n\tMapping task\nnothing"
    lines, left_out = marked(text, "en", ["map", "map task"])
    assert left_out == 0
    assert lines == [
        Line([Piece("A "), Piece("map task", 2, True), Piece(" writes "), Piece("maps", 1, True), Piece("; tasks wait.")], False),
        Line([Piece("Mapping task", 2)], True),
        Line([Piece("nothing")], False),
    ]


def test_scripts_without_spaces() -> None:
    """Zero-width spaces between words are not shown."""
    lines, _ = marked("題\n分散\u200b処理\u200bの\u200b例", "ja", ["処理"])
    assert lines == [Line([Piece("分散"), Piece("処理", 1, True), Piece("の例")], False)]


def test_long_texts_are_cut() -> None:
    """At the end of a line, if there is one."""
    text = "title\n" + "word word\n" * 20_000
    lines, left_out = marked(text, "en", [])
    assert 6_000 <= len(lines) < 6_100
    assert len(text) - left_out == 6 + 10 * len(lines) - 1
    _, left_out = marked("title\n" + "x" * 200_000, "en", [])
    assert left_out == 80_006
