"""How text, numbers and addresses of pages are shown."""

import pytest

from bigdata_demos.web.render import link, number, short, static


@pytest.mark.parametrize(
    ("url", "is_link"),
    [
        ("https://a.example/x?y#z", True),
        ("HTTP://a.example", True),
        ("javascript:alert(1)", False),
        (" javascript:alert(1)", False),
        ("java\nscript:alert(1)", False),
        ("data:text/html,x", False),
        ("//a.example/x", False),
        ("index.html", False),
        ("http:", False),
        ("http://[bad", False),
        ("", False),
    ],
)
def test_only_addresses_of_the_web_are_links(url: str, is_link: bool) -> None:
    assert link(url) == (url if is_link else "")


def test_numbers_and_long_texts() -> None:
    assert number(1234567) == "1\u202f234\u202f567"
    assert short("x" * 200) == "x" * 200
    assert short("x" * 201) == "x" * 199 + "…"


def test_files() -> None:
    """Only those that are listed."""
    for name, kind in (("style.css", "text/css"), ("search.js", "text/javascript"), ("report.js", "text/javascript")):
        found = static(name)
        assert found
        assert found[0]
        assert found[1] == kind
    assert static("../render.py") is None
