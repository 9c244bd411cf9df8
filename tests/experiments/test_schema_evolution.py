"""Some changes of a schema can be read in one direction only."""

from collections.abc import Callable

from bigdata_demos.experiments import Outcome


def test_effect(measure: Callable[[str], Outcome]) -> None:
    """A field with a default is read both ways; without it, not backward; of a field that became optional, all but nulls."""
    counts = dict(measure("schema-evolution").counts)
    records = counts.pop("records")
    refused = {
        "field added without a default, backward": records,
        "field removed, forward": records,
        "field renamed, with an alias, forward": records,
        "field promoted, int to long, forward": records,
        "field made optional, forward": records / 10,
        "field retyped, string to int, backward": records,
        "field retyped, string to int, forward": records,
    }
    assert {name: number for name, number in counts.items() if number} == refused
