"""Plots as SVG in a page: in the colours of its style, for two widths, with nothing that clashes with another plot."""

import re
import xml.etree.ElementTree as ET
from typing import Any

from bigdata_demos.web import plots
from bigdata_demos.web.render import static


def drawn(title: str = "a < b") -> list[ET.Element]:
    """Draw a plot; return its two versions."""

    def draw(axes: Any, narrow: bool) -> None:
        axes.plot([1, 2], [3, 4], color=plots.series(12))
        axes.set_xlabel("narrow" if narrow else "wide")
        axes.text(1, 3, "<b>", color=plots.colour("bad"))

    made = plots.figure(title, 2, draw)
    return [ET.fromstring(part + "</svg>") for part in str(made).replace("xlink:href", "href").split("</svg>")[:-1]]


def test_two_widths() -> None:
    """Each is named, has its own layout, and takes the width that it gets."""
    wide, narrow = drawn()
    for one, name in ((wide, "wide"), (narrow, "narrow")):
        assert (one.attrib["class"], one.attrib["aria-label"]) == (f"plot {name}", "a < b")
        assert {"<b>", name} <= {element.text for element in one.iter("text")}
        assert not {"width", "height"} & one.attrib.keys()
    assert float(wide.attrib["viewBox"].split()[2]) > 1.5 * float(narrow.attrib["viewBox"].split()[2])


def test_colours_are_those_of_the_style() -> None:
    """All are variables that the style defines for both colour schemes; numbers of series start again after the last."""
    made = plots.figure("t", 2, lambda axes, _: axes.plot([1, 2], [3, 4], color=plots.series(12)))
    found = static("style.css")
    assert found
    names = set(re.findall(r"var\((--[a-z0-9-]+)\)", made))
    assert {"--series-1", "--quiet"} <= names
    assert all(found[0].count(f"{name}:") == 2 for name in names)
    assert "#fe00" not in made


def test_identifiers_of_two_plots_differ() -> None:
    """Only what a plot refers to itself has an identifier, and the same plot is the same each time."""
    first, second = (plots.figure(title, 2, lambda axes, _: axes.plot([1, 2], "o-")) for title in ("one", "two"))
    some, others = (re.findall(r' id="([^"]*)"', made) for made in (first, second))
    assert some
    assert len(set(some)) == len(some)
    assert not set(some) & set(others)
    assert first == plots.figure("one", 2, lambda axes, _: axes.plot([1, 2], "o-"))
