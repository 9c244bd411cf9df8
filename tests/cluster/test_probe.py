"""Checks of workers before a job: Python's version, amounts of memory."""

import re
import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bigdata_demos.cluster.probe import check_python, mebibytes, seconds
from bigdata_demos.errors import EngineUnavailable, UsageError


def test_another_python_is_refused() -> None:
    """The minor versions must be equal; patch levels may differ."""
    check_python("somewhere", {".".join(map(str, sys.version_info[:2])) + ".99"})
    with pytest.raises(EngineUnavailable, match=r"3\.8\.1 on somewhere: driver and workers must have the same minor version"):
        check_python("somewhere", {"3.8.1"})


@given(st.integers(1, 1 << 40), st.sampled_from("kKmMgGtT"), st.sampled_from(["", "b", "B", "iB", "IB"]))
@example(number=1023, unit="k", rest="b")
def test_any_amount_of_memory(number: int, unit: str, rest: str) -> None:
    """A number and a power of 1024, in MiB, rounded down."""
    power = " kmgt".index(unit.lower())
    assert (
        mebibytes("NAME", f"{number}{unit}{rest}")
        == mebibytes("NAME", f" {number}{unit}{rest} ")
        == number * 1024**power // 1024**2
    )


@pytest.mark.parametrize("text", ["", "1", "-1g", "1.5g", "1p", "1gi", "0g", "nonsense"])
def test_no_amounts_of_memory(text: str) -> None:
    """The error has the variable's name."""
    with pytest.raises(UsageError, match=f"^{re.escape(f'NAME={text}')}: not an amount of memory"):
        mebibytes("NAME", text)


def test_seconds() -> None:
    """Whole ones, at least one."""
    assert seconds("NAME", "120") == 120
    for text in ("", "0", "-1", "1.5", "1e9", "1234567", "soon"):
        with pytest.raises(UsageError, match=f"^{re.escape(f'NAME={text}')}: not a number of seconds"):
            seconds("NAME", text)
