"""The demonstration: what it concludes from a table of figures. (`make demo` itself runs in CI.)"""

import pytest

from bigdata_demos import demo

SERIAL = demo.Row("serial", 0.2, 1.2, 100, "sha256:0")


def test_break_even_by_hand() -> None:
    """One thread works a second for 100 pages. With 2 workers and 3 fixed seconds, both take 6 seconds at 600 pages."""
    assert demo.break_even(demo.Row("spark", 2.0, 4.0, 100, "sha256:0"), SERIAL, 2) == 600
    assert demo.break_even(demo.Row("spark", 2.0, 4.0, 100, "sha256:0"), SERIAL, 4) == 400


def test_digests_that_differ_are_a_failure(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The table is shown, and the exit status is 1."""
    monkeypatch.setattr(demo, "why_not", lambda engine: "not installed" if engine == "hadoop" else "")
    digests = iter("0001")
    monkeypatch.setattr(demo, "run", lambda engine, shown: demo.Row(engine, 0.1, 0.5, 63, f"sha256:{next(digests)}"))
    assert demo.main() == 1
    out = capsys.readouterr().out
    assert "The digests differ" in out
    assert "hadoop    left out: not installed" in out
    assert "All" not in out


def test_equal_digests_are_said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """With the engine that was fastest, and the sizes from which the others pay."""
    monkeypatch.setattr(demo, "why_not", lambda _engine: "")
    monkeypatch.setattr(
        demo, "run", lambda engine, shown: demo.Row(engine, 0.1, 0.2 if engine == "dask" else 0.5, 63, "sha256:0")
    )
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    assert demo.main() == 0
    out = capsys.readouterr().out
    assert "All 5 digests are equal" in out
    assert "dask is the fastest" in out
    assert "break-even" in out


def test_an_engine_that_fails_is_a_failure(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Its error is shown; what the others did is in the table."""
    monkeypatch.setattr(demo, "why_not", lambda _engine: "")
    monkeypatch.setattr(demo, "run", lambda engine, shown: "error: no memory" if engine == "dask" else SERIAL)
    assert demo.main() == 1
    assert "dask failed: error: no memory" in capsys.readouterr().err
