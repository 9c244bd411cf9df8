"""The plot of F1 against speed."""

import itertools
import re
import xml.etree.ElementTree as ET

from bigdata_demos.quality.plot import Point, plot

SVG = "{http://www.w3.org/2000/svg}"


def test_points_are_where_their_figures_say() -> None:
    """Faster is further right, on a logarithmic axis; better is higher; names are escaped."""
    drawn = plot({"ours": Point(20, 1000), "a<b": Point(10, 100), "slow": Point(10, 10)}, "F1 & speed")
    tree = ET.fromstring(drawn)
    ours, other, slow = ((float(circle.attrib["cx"]), float(circle.attrib["cy"])) for circle in tree.iter(f"{SVG}circle"))
    assert slow[0] < other[0] < ours[0]
    assert abs((ours[0] - other[0]) - (other[0] - slow[0])) < 0.3
    assert ours[1] < other[1] == slow[1]
    assert {"a<b", "slow"} < {element.text for element in tree.iter(f"{SVG}text")}
    assert re.search("<title>F1 &amp; speed</title>", drawn)


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
    places = [(element.attrib.get("text-anchor", "start"), float(element.attrib["y"])) for element in labels]
    for (side, height), (other_side, other_height) in itertools.combinations(places, 2):
        assert side != other_side or abs(height - other_height) >= 14
    assert all(80 < float(element.attrib["x"]) < 640 or element.text == "slow" for element in labels)
