"""The plot of F1 against speed."""

import itertools
import xml.etree.ElementTree as ET

import pytest

from bigdata_demos.errors import UsageError
from bigdata_demos.quality.plot import Point, plot
from bigdata_demos.web import plots

SVG = "{http://www.w3.org/2000/svg}"


def places_of(tree: ET.Element, count: int) -> list[tuple[float, float]]:
    """Where the points are drawn, in their order."""
    found = []
    for index in range(count):
        (point,) = [element for element in tree.iter(f"{SVG}g") if element.attrib.get("id") == f"point-{index}"]
        (use,) = point.iter(f"{SVG}use")
        found.append((float(use.attrib["x"]), float(use.attrib["y"])))
    return found


def test_points_are_where_their_figures_say() -> None:
    """Faster is further right, on a logarithmic axis; better is higher; names are escaped."""
    tree = ET.fromstring(plot({"ours": Point(20, 1000), "a<b": Point(10, 100), "slow": Point(10, 10)}, "F1 & speed"))
    ours, other, slow = places_of(tree, 3)
    assert slow[0] < other[0] < ours[0]
    assert abs((ours[0] - other[0]) - (other[0] - slow[0])) < 0.3
    assert ours[1] < other[1] == slow[1]
    assert {"a<b", "slow", "F1 & speed"} < {element.text for element in tree.iter(f"{SVG}text")}


def test_labels_do_not_overlap() -> None:
    """Labels of points that are near each other stand on different sides, or below each other, inside the picture."""
    points = {
        "one": Point(20, 1000),
        "two": Point(20, 900),
        "three": Point(19.9, 950),
        "four": Point(20, 1000),
        "slow": Point(1, 1),
    }
    tree = ET.fromstring(plot(points, "t"))
    labels = [element for element in tree.iter(f"{SVG}text") if element.text in points]
    assert len(labels) == len(points)
    places = [("text-anchor: end" in element.attrib["style"], float(element.attrib["y"])) for element in labels]
    for (side, height), (other_side, other_height) in itertools.combinations(places, 2):
        assert side != other_side or abs(height - other_height) >= 13
    assert all(0 < float(element.attrib["x"]) < 518 and 0 < float(element.attrib["y"]) < 274 for element in labels)


def test_without_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said what to install."""
    monkeypatch.setattr(plots, "find_spec", lambda _: None)
    with pytest.raises(UsageError, match=r"bigdata-demos\[plots\]"):
        plot({"ours": Point(20, 1000)}, "t")


def test_title_that_is_too_long_for_the_picture() -> None:
    """It ends at a word; the SVG's own title is whole."""
    title = "F1 and speed: " + ", ".join(["gold"] * 30)
    tree = ET.fromstring(plot({"ours": Point(20, 1000)}, title))
    shown = [text for element in tree.iter() if (text := element.text or "").startswith("F1 and speed")]
    assert title in shown
    assert any(text.endswith("gold, …") and len(text) <= 84 for text in shown)
