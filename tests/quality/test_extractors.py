"""The extractors that are compared."""

from pathlib import Path

import pytest

from bigdata_demos.errors import UsageError
from bigdata_demos.keywords import run
from bigdata_demos.quality import extractors
from bigdata_demos.quality.extractors import EXTRACTORS, TOP, texts_of
from bigdata_demos.quality.gold import Example
from tests.support.paths import SITE

ENGLISH = """\
Gradient descent is an algorithm for the optimization of functions. Stochastic gradient descent replaces the gradient
by an estimate. Gradient descent with momentum remembers the last step. Many neural networks are trained by stochastic gradient
descent, and the learning rate decides how far gradient descent goes. A small learning rate makes training slow.
"""
GERMAN = """\
Die Bundesbahn baut eine neue Brücke. Die Brücke führt über den Rhein. Der Bau der Brücke kostet viel Geld, sagt die Bundesbahn.
Bürger aus Köln klagen gegen die Brücke über den Rhein.
"""
EXAMPLES = [
    Example("en", "Gradient descent", ENGLISH, None, []),
    Example("de", "Neue Brücke", GERMAN, None, []),
    Example("html", "", "", f"<title>Gradient descent</title><nav>Home</nav><p>{ENGLISH}".encode(), []),
    Example("short", "", "word", None, []),
    Example("nothing", "", "", "", []),
]


@pytest.mark.parametrize("name", EXTRACTORS)
def test_each_finds_the_topic(name: str) -> None:
    """The topic of a text is among the first ten keywords, in two languages; texts without one are no error."""
    extractor = EXTRACTORS[name]
    english, german, html, short, nothing = extractor.extract(texts_of(EXAMPLES) if extractor.of_texts else EXAMPLES)
    assert any("gradient" in keyword.lower() for keyword in english[:10]), english
    assert any("brücke" in keyword.lower() or "rhein" in keyword.lower() for keyword in german[:10]), german
    assert any("gradient" in keyword.lower() for keyword in html[:10]), html
    assert short in ([], ["word"])
    assert nothing == []
    assert all(len(keywords) <= TOP for keywords in (english, german, html))


def test_texts_for_others() -> None:
    """Other extractors get title and text without markup, navigation and marks, as sentences; and the language."""
    english, german, html, _, nothing = texts_of(EXAMPLES)
    assert (english.language, german.language) == ("en", "de")
    assert html.whole.startswith("Gradient descent.\nGradient descent is an algorithm")
    assert "Home" not in html.whole
    assert html.title == "Gradient descent"
    assert nothing.whole == ""


def test_ours_is_the_job(tmp_path: Path) -> None:
    """The keywords are those that the job gives for the same pages."""
    paths = sorted(SITE.glob("s*.html"))
    result = run(paths, engine="serial", top=TOP, output=tmp_path / "out")
    expected = {page["url"]: [keyword["phrase"] for keyword in page["keywords"]] for page in result.read_keywords()}
    examples = [Example(path.name, "", "", path.read_bytes(), []) for path in paths]
    found = EXTRACTORS["ours"].extract(examples)
    assert found == [expected[path.name] for path in paths]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["ours", "bert"], "extractors=bert: must be some of ours, ours-fast"),
        (["ours", "ours"], "extractors must be different names"),
        ([""], "must be some of"),
        ([], "must be different names"),
    ],
)
def test_names(names: list[str], message: str) -> None:
    """Unknown and repeated names are refused."""
    with pytest.raises(UsageError, match=message):
        extractors.check(names)


def test_missing_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """An extractor that is not installed says how to get it; this package's own need nothing."""
    monkeypatch.setattr(extractors, "find_spec", lambda name: None)
    assert extractors.check(["ours", "ours-fast"]) == ["ours", "ours-fast"]
    with pytest.raises(UsageError, match=r"needs the package yake: pip install 'bigdata-demos\[quality\]'"):
        extractors.check(["ours", "yake"])
