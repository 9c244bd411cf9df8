"""Words of languages that are written without spaces."""

import pytest

from bigdata_demos.crawl.model import Page
from bigdata_demos.keywords.analysis.languages import LANGUAGES, Rules
from bigdata_demos.keywords.analysis.segments import BETWEEN, insert
from bigdata_demos.keywords.analysis.text import extract


@pytest.mark.parametrize(
    ("language", "text", "word"),
    [
        ("ja", "今日は天気が良いので東京都庁に行きました。", "天気が"),
        ("zh", "北京市政府宣布了机器学习的新研究计划。", "研究"),
        ("zh", "台灣的半導體產業在全球供應鏈中扮演重要角色。", "半導體"),
        ("th", "วันนี้อากาศดีมากและรัฐบาลไทยประกาศแผนการวิจัยใหม่", "รัฐบาล"),
    ],
)
def test_words_are_set_apart(language: str, text: str, word: str) -> None:
    """Zero-width spaces are put in, and nothing else is changed: neither lines nor the tabs of weak blocks."""
    lines = f"{text}\n\t{text}\n\nenglish words\n{text}"
    found = insert(lines.encode(), language).decode()
    assert found.replace(BETWEEN, "") == lines
    assert word in found.split("\n")[0].split(BETWEEN)
    assert [line.startswith("\t") for line in found.split("\n")] == [False, True, False, False, False]


def test_languages_with_spaces_are_left_alone() -> None:
    """All others of the table."""
    for code, language in LANGUAGES.items():
        if language.spaces:
            assert insert("東京 word".encode(), code) == "東京 word".encode()


def test_page_is_segmented_by_its_language() -> None:
    """Also its title's line; the title itself stays as it is."""
    document = extract(Page("u", "s", 0, "机器学习研究计划", is_text=True, title="北京市政府"), rules=Rules("zh"))
    assert document.title == "北京市政府"
    assert all(BETWEEN in line for line in document.text.split("\n"))


@pytest.mark.parametrize("language", ["zh", "ja", "th"])
@pytest.mark.parametrize("word", ["GNU", "sRGB", "a1b2C3", "HTTPS", "365"])
def test_latin_words_are_not_cut(language: str, word: str) -> None:
    """BudouX's models know few of them, and would cut some in two."""
    before, after = {"zh": ("研究", "计划"), "ja": ("研究の", "を使う"), "th": ("แผนการ", "วิจัย")}[language]
    found = insert(f"{before}{word}{after}\n".encode(), language).decode()
    assert found.replace(BETWEEN, "") == f"{before}{word}{after}\n"
    assert word in found
