"""The benchmark's figures: statistics by hand, results that survive the disk, a comparison that does not cry wolf."""

import json
import math
import random
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bigdata_demos.bench import results, statistics
from bigdata_demos.bench.engines.rounds import judge
from bigdata_demos.bench.report import compare, summary
from bigdata_demos.bench.report.page import page
from bigdata_demos.bench.report.table import headline, number, size_of, table
from bigdata_demos.bench.results import Job, Run
from bigdata_demos.errors import InputError
from bigdata_demos.interview import figures
from tests.support.benchmarks import MACHINE, a_run, benchmark
from tests.support.paths import ROOT


def times(contestant: str, seconds: list[float], **more: Any) -> list[Run]:
    """A run in each round."""
    return [a_run(contestant, seconds=value, number=index + 1, **more) for index, value in enumerate(seconds)]


# Statistics


def test_spread_by_hand() -> None:
    """Median, range, number; unstable above 1.25-fold."""
    assert statistics.spread([3.0, 1.0, 2.0]) == (2.0, 1.0, 3.0, 3)
    assert statistics.spread([4.0, 1.0, 2.0, 3.0]) == (2.5, 1.0, 4.0, 4)
    assert statistics.spread([]) is None
    steady, loose = statistics.spread([1.0, 1.25]), statistics.spread([1.0, 1.26])
    assert steady
    assert loose
    assert (steady.unstable, loose.unstable) == (False, True)


def test_ratios_are_paired_by_round() -> None:
    """A slow round that slows both is no difference: the ratio of medians would say 1.5, and each round says 2."""
    control = {1: 1.0, 2: 2.0, 3: 4.0}
    engine = {1: 2.0, 2: 4.0, 3: 8.0, 4: 99.0}
    assert statistics.paired(engine, control) == [2.0, 2.0, 2.0]
    assert statistics.ratio(engine, control) == (2.0, 2.0, 2.0)
    assert statistics.ratio({5: 1.0}, control) is None
    assert statistics.ratio({1: 3.0}, control) == (3.0, None, None)


def test_bootstrap_of_a_known_distribution() -> None:
    """Of two values, medians of samples are the two (1/4 each) and their mean (1/2): so the interval's ends are the two."""
    assert statistics.bootstrap([[1.0, 3.0]], lambda sample: sum(sample) / 2) == (2.0, 1.0, 3.0)
    # At 40 %, the middle is cut out of the half in the middle
    assert statistics.bootstrap([[1.0, 3.0]], lambda sample: sum(sample) / 2, confidence=0.4) == (2.0, 2.0, 2.0)


@given(st.lists(st.floats(0.01, 100), min_size=2, max_size=8), st.lists(st.floats(0.01, 100), min_size=2, max_size=8))
def test_an_interval_holds_its_middle_and_stays_within_what_was_seen(some: list[float], others: list[float]) -> None:
    """Low ≤ middle ≤ high, and no end is beyond the most extreme ratio of two runs; the other way round it is the inverse."""
    found = statistics.ratio_of_medians(some, others)
    assert found.low is not None
    assert found.high is not None
    slack = 1 + 1e-9
    assert min(some) / max(others) / slack <= found.low <= found.high <= max(some) / min(others) * slack
    assert min(some) / max(others) / slack <= found.middle <= max(some) / min(others) * slack
    assert math.isclose(statistics.ratio_of_medians(others, some).middle, 1 / found.middle)


def test_cost_by_hand() -> None:
    """The smallest number that beats one thread, even if larger ones do not."""
    assert statistics.cost({1: 1.4, 2: 0.9, 4: 0.6}) == 2
    assert statistics.cost({1: 1.4, 2: 0.9, 4: 1.1}) == 2
    assert statistics.cost({1: 1.4, 2: 1.0}) is None
    assert statistics.cost({}) is None


def test_crossover_by_hand() -> None:
    """Ratios 4 at 100 and 1/4 at 10,000 cross 1 half way on logarithmic scales, at 1,000."""
    cases: list[tuple[dict[float, float], float]] = [
        ({100: 4.0, 10_000: 0.25}, 1000),
        ({100: 0.9, 200: 1.5, 400: 1 / 1.5}, 200 * math.sqrt(2)),
    ]
    for ratios, pages in cases:
        found = statistics.crossover(ratios)
        assert found
        assert found[0] == pytest.approx(pages)
        assert found[1]
    assert statistics.crossover({100: 2.0, 200: 1.5}) is None
    assert statistics.crossover({100: 0.9, 200: 0.5}) == (100, False)
    assert statistics.crossover({100: 0.9, 200: 1.1}) is None
    assert statistics.crossover({}) is None


@given(st.floats(1.01, 50), st.floats(0.02, 0.99), st.integers(1, 1000), st.integers(2, 1000))
def test_crossover_is_between_the_sizes(slow: float, fast: float, size: int, factor: int) -> None:
    """Wherever it is, it is between a size where one thread won and one where it lost."""
    found = statistics.crossover({float(size): slow, float(size * factor): fast})
    assert found
    assert found[1]
    assert size * 0.999 <= found[0] <= size * factor * 1.001


# Results


def test_results_survive_the_disk(tmp_path: Path) -> None:
    """What is loaded is what was saved; failures, and figures that could not be measured, too."""
    failed = a_run("spark", 2, error="no Java", digest=None, startup=None, work=None, cpu_seconds=None, peak_memory_bytes=None,
                   shuffle=None, pages=None, memory_is=None, unmeasured={"cpu_seconds": "elsewhere"})  # fmt: skip
    made = benchmark([a_run(), failed], absent={"ray": "not installed: pip install ray"}, notes={"wordcount": "less"})
    results.save(made, tmp_path / "results.json")
    assert results.load(tmp_path) == results.load(tmp_path / "results.json") == made
    assert [path.name for path in tmp_path.iterdir()] == ["results.json"]


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"format": 3}, "format is 3"),
        ({"format": True}, "format is True"),
        ({"rounds": "five"}, r"Expected int, got str - at \$\.rounds"),
        ({"runs": "five"}, r"Expected array, got str - at \$\.runs"),
        ({"machine": None}, r"Expected object, got null - at \$\.machine"),
        ({"runs": [{}]}, r"missing required field contestant - at \$\.runs\[0\]"),
        ({"rounds": True}, r"Expected int, got bool - at \$\.rounds"),
        ({"seed": None}, r"Expected int, got null - at \$\.seed"),
        ({"surprise": 1}, "unknown field surprise"),
        ({"jobs": []}, "runs of size 1"),
    ],
)
def test_results_that_are_none_are_refused(change: dict[str, Any], what: str) -> None:
    """In one line that says where."""
    found = msgspec.to_builtins(benchmark([a_run()])) | change
    with pytest.raises(InputError, match=what):
        results.validate(found)


@pytest.mark.parametrize("path", sorted((ROOT / "docs" / "benchmark").rglob("results.json")), ids=str)
def test_committed_results_load(path: Path) -> None:
    """Format 1 calls the rounds `runs` and the runs `tries`; nothing is lost, and what is saved again is format 2."""
    before = json.loads(path.read_text())
    after = msgspec.to_builtins(results.load(path))
    if before["format"] == 2:
        assert {**after, **before} == after
        return
    assert (before["format"], after["format"], after["rounds"], after["runs"]) == (1, 2, before["runs"], before["tries"])
    if before.get("access"):
        assert (after["access"]["rounds"], after["access"]["runs"]) == (before["access"]["runs"], before["access"]["tries"])


def test_load_says_what_is_wrong(tmp_path: Path) -> None:
    """A file that is not there, and one that is not JSON."""
    with pytest.raises(InputError, match="cannot read"):
        results.load(tmp_path)
    (tmp_path / "results.json").write_text("{")
    with pytest.raises(InputError, match="is not JSON"):
        results.load(tmp_path)


def test_newest_of_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The latest by its own date, of this machine only; what cannot be read is passed over."""
    other = msgspec.structs.replace(MACHINE, id="another")
    for name, created, machine in (
        ("old", "2026-01-01", MACHINE),
        ("new", "2026-01-02", MACHINE),
        ("alien", "2026-01-03", other),
    ):
        (tmp_path / "out" / "bench" / name).mkdir(parents=True)
        results.save(benchmark([a_run()], created=created, machine=machine), tmp_path / "out" / "bench" / name / "results.json")
    (tmp_path / "out" / "bench" / "results.json").write_text("{")
    monkeypatch.chdir(tmp_path)
    assert (newest := figures.find().here)
    assert newest.path == "out/bench/new/results.json"
    assert (old := figures.find(str(tmp_path / "out" / "bench" / "old")).here)
    assert old.path == str(tmp_path / "out" / "bench" / "old" / "results.json")
    with pytest.raises(InputError, match="does not exist"):
        figures.find(str(tmp_path / "nowhere"))
    assert len(results.machine_id()) == 16


def test_another_answer_is_an_error_and_counts_nowhere() -> None:
    """The control's digest is the right one, whoever ran first; peers are compared with one another."""
    runs = [
        a_run("asyncio", 2, digest="sha256:wrong"),
        a_run(),
        a_run("wordcount"),
        a_run("pool-wordcount", 2, digest="words:2"),
    ]
    judged, jobs = judge(runs, {1: Job(1, None, None, None)})
    assert [one.error is None for one in judged] == [False, True, True, False]
    assert "sha256:wrong" in str(judged[0].error)
    assert jobs[1] == Job(1, 100, None, "sha256:right")
    by_name = {row.key[0]: row for row in summary.rows(benchmark(judged), 1)}
    assert by_name["asyncio"].seconds is None
    assert by_name["asyncio"].ratio is None
    assert by_name["serial"].seconds


# Summary


def test_rows_leave_out_cold_tries_and_failures() -> None:
    """Figures by hand: the cold run of 9 s and the failed one of 0.1 s are in the table, and in no median."""
    runs = [
        a_run(seconds=9.0, number=0, cold=True), *times("serial", [2.0, 2.0, 4.0]),
        *times("asyncio", [1.0, 1.5, 2.0], workers=2), a_run("asyncio", 2, 0.1, 4, error="died"),
    ]  # fmt: skip
    serial, engine = summary.rows(benchmark(runs), 1)
    assert (serial.key, len(serial.runs)) == (("serial", 1, ""), 4)
    assert serial.seconds == (2.0, 2.0, 4.0, 3)
    assert serial.rate == 50
    assert engine.seconds == (1.5, 1.0, 2.0, 3)
    assert engine.ratio
    assert engine.ratio.middle == 0.5  # of 0.5, 0.75, 0.5
    assert engine.errors == ["died"]
    assert engine.shuffled == (1024, 1024, 1024, 3)  # what was kept was not shuffled
    assert engine.phases() == pytest.approx({"plan": 0.3, "map": 1.05, "finish": 0.15})


def test_speedup_cost_and_crossover_of_a_benchmark() -> None:
    """An engine that takes 1 s to start and halves the work: it loses at 100 pages, and wins at 400."""
    runs = []
    for size, seconds in ((1, 1.0), (4, 4.0)):
        runs += times("serial", [seconds] * 3, size=size, pages=100 * size, startup=0.0, work=seconds)
        runs += times("asyncio", [1 + seconds / 2] * 3, workers=2, size=size, pages=100 * size, startup=1.0, work=seconds / 2)
    made = benchmark(runs)
    (line,) = summary.speedups(made, 4)
    assert line.work[2].middle == 2.0
    assert line.total[2].middle == pytest.approx(4 / 3)
    assert [summary.costs(made, size)[0].workers for size in (1, 4)] == [None, 2]
    (overtaking,) = summary.overtakings(made)
    assert overtaking.crossed
    assert overtaking.pages == pytest.approx(100 * 4 ** (math.log(1.5) / (math.log(1.5) - math.log(0.75))))
    assert "COST asyncio: does not beat one thread with 2 workers" in table(made)
    assert "COST asyncio: 2 workers beat one thread; measured with 2" in table(made)
    assert "overtakes one thread: asyncio ×2: at about 225 pages" in table(made)


def test_page_has_every_run_escapes_everything_and_needs_no_network() -> None:
    """Each run is in the last table; what was not measured is told; nothing is loaded from elsewhere."""
    evil = "<script>alert(1)</script>"
    runs = [
        a_run(number=0, cold=True), *times("serial", [1.0, 1.1]), *times("wordcount", [0.5, 0.6]),
        *times("spark", [2.0, 2.1], workers=2, cluster="spark://h:1", cpu_seconds=None, unmeasured={"cpu_seconds": "not ours to see"}),
        a_run("dask", 2, error=evil, digest=None, startup=None, work=None, phases={}, shuffle=None, pages=None),
        *times("serial", [4.0, 4.1], size=4), *times("spark", [2.5, 2.6], workers=2, size=4, cluster="spark://h:1"),
    ]  # fmt: skip
    made = page(benchmark(runs, inputs=[evil], absent={"ray-wordcount": "not installed: pip install ray"}))
    assert made.partition("Every run</h2>")[2].count("<tr>") == len(runs) + 1
    assert "<script" not in made
    assert "&lt;script&gt;" in made
    assert not re.search(r"""(?:src|href)=(?!["'](?:results.json|#))""", made)
    assert "@import" not in made
    assert "not measured: not ours to see" in made
    assert "ray-wordcount did not run: not installed: pip install ray" in made
    for heading in ("Time, and pages a second", "Ratio to serial", "Start-up against work", "Stages", "Speed-up by workers",
                    "Cost by size, and COST", "CPU seconds", "Peak memory", "Bytes shuffled", "Environment and exact command"):  # fmt: skip
        assert f"<h2>{heading}</h2>" in made
    assert (
        made.count('<svg class="plot wide" role="img" aria-label="')
        == made.count('<svg class="plot narrow" role="img" aria-label="')
        > 8
    )


def test_page_of_nothing() -> None:
    """A benchmark that was stopped at once, and one in which all failed, have a page and a table."""
    assert "No run has ended" in page(benchmark([]))
    broken = benchmark([a_run(error="no disk", digest=None, startup=None, work=None, phases={}, cpu_seconds=None, shuffle=None)],
                       jobs=[Job(1, None, None, None)])  # fmt: skip
    assert "no disk" in page(broken)
    assert "FAILED serial, size 1, round 1: no disk" in table(broken)


def test_headline_by_hand() -> None:
    """The fastest engine, and those that are never faster than one thread, at no size and with no number of workers."""
    serial = [*times("serial", [1.0] * 3), *times("serial", [4.0] * 3, size=4)]
    dask = [*times("dask", [2.0] * 3, workers=2), *times("dask", [8.0] * 3, workers=2, size=4)]
    spark = [*times("spark", [0.5] * 3, workers=2), *times("spark", [5.0] * 3, workers=2, size=4)]
    fast = [*times("asyncio", [3.0] * 3, workers=2, size=4), *times("asyncio", [2.0] * 3, workers=4, size=4)]
    assert headline(benchmark([*serial, *dask, *spark, *fast])) == (
        "For 400 pages, asyncio with 4 workers is 2.0 times as fast as one thread, start-up included. "
        "Dask never beats one thread here."
    )
    assert headline(benchmark([*serial, *dask])) == (
        "For 400 pages, one thread is the fastest: no engine beats it, start-up included."
    )
    assert headline(benchmark(serial)) == "No engine finished beside one thread."
    peers = [*times("pool-wordcount", [0.1] * 3, workers=2, size=4)]
    assert headline(benchmark([*serial, *peers])) == "No engine finished beside one thread."


def test_numbers_as_people_write_them() -> None:
    """Three digits, units."""
    assert [number(value) for value in (None, 0, 1.0, 1.2345, 123.4, 1234.5, 0.01234)] == [
        "–",
        "0",
        "1",
        "1.23",
        "123",
        "1,234",
        "0.012",
    ]
    assert [size_of(value) for value in (None, 999, 1536, 3 << 20, 5 << 30)] == ["–", "999 B", "1.50 KiB", "3 MiB", "5 GiB"]


# Compare


def noisy(contestant: str, seconds: float, noise: float, draw: random.Random, runs: int = 10, **more: Any) -> list[Run]:
    """Runs that scatter."""
    return times(contestant, [seconds * math.exp(draw.gauss(0, noise)) for _ in range(runs)], **more)


def test_compare_sees_a_slowdown_of_a_fifth() -> None:
    """In the engine that got slower, and in no other; also on a machine that is twice as slow the second time."""
    draw = random.Random(1)
    before = benchmark(
        [*noisy("serial", 10, 0.03, draw), *noisy("asyncio", 6, 0.03, draw, workers=2), *noisy("dask", 7, 0.03, draw, workers=2)]
    )
    after = benchmark(
        [
            *noisy("serial", 20, 0.03, draw),
            *noisy("asyncio", 14.4, 0.03, draw, workers=2),
            *noisy("dask", 14, 0.03, draw, workers=2),
        ]
    )
    found = {one.key[0]: one for one in compare.compare(before, after)}
    assert found["asyncio"].verdict == compare.SLOWER
    assert found["asyncio"].by == "serial"
    assert found["asyncio"].ratio
    assert found["asyncio"].ratio.middle == pytest.approx(1.2, rel=0.06)
    assert found["dask"].verdict == compare.SAME
    assert (found["serial"].verdict, found["serial"].by) == (compare.UNJUDGED, "")  # no control of its own here: the row says so
    assert compare.worse(list(found.values()))


def test_compare_of_serial_is_by_the_word_count() -> None:
    """Which shares no code with it: a slow machine is no difference, a slow job is one."""
    draw = random.Random(2)
    before = benchmark([*noisy("serial", 10, 0.02, draw), *noisy("wordcount", 5, 0.02, draw)])
    slow_machine = benchmark([*noisy("serial", 15, 0.02, draw), *noisy("wordcount", 7.5, 0.02, draw)])
    slow_job = benchmark([*noisy("serial", 12, 0.02, draw), *noisy("wordcount", 5, 0.02, draw)])
    verdicts = [[one.verdict for one in compare.compare(before, after)] for after in (slow_machine, slow_job)]
    assert verdicts == [[compare.SAME, compare.UNJUDGED], [compare.SLOWER, compare.UNJUDGED]]
    assert compare.compare(slow_job, before)[0].verdict == compare.FASTER


def test_compare_does_not_cry_wolf() -> None:
    """Of a hundred comparisons of a thing with itself, at 5 % of noise and five rounds, at most five say slower."""
    draw, wolves = random.Random(3), 0
    for _ in range(100):
        before, after = (
            benchmark([*noisy("serial", 10, 0.05, draw, 5), *noisy("asyncio", 6, 0.05, draw, 5, workers=2)]) for _ in range(2)
        )
        wolves += compare.compare(before, after)[1].verdict == compare.SLOWER
    assert wolves <= 5


def test_compare_of_what_fails_now_and_of_too_little() -> None:
    """What counted before and only fails now is broken; one run says nothing; another input and another machine are told."""
    before = benchmark(
        [*times("serial", [1.0, 1.0]), *times("asyncio", [1.0, 1.0], workers=2), *times("dask", [1.0, 1.0], workers=2)]
    )
    after = benchmark([*times("serial", [1.0]), a_run("asyncio", 2, error="died", digest=None), *times("dask", [1.0], workers=2)],
                      machine=msgspec.structs.replace(MACHINE, id="another"), jobs=[Job(1, 50, 500, "sha256:other")])  # fmt: skip
    found = compare.compare(before, after)
    assert [(one.key[0], one.verdict) for one in found] == [
        ("serial", compare.UNJUDGED), ("asyncio", compare.BROKEN), ("dask", compare.FEW)
    ]  # fmt: skip
    assert compare.worse(found)
    notes = compare.warnings(before, after)
    assert any(note.startswith("two machines") for note in notes)
    assert "size 1 is another input: 100 pages before, 50 after" in notes
    assert compare.BROKEN in compare.report(found, notes)


def test_compare_without_a_control_judges_nothing() -> None:
    """And says what to do; what fails now is broken all the same."""
    before, after = benchmark(times("serial", [1.0] * 5)), benchmark(times("serial", [2.0] * 5))
    assert [one.verdict for one in compare.compare(before, after)] == [compare.UNJUDGED]
    assert compare.without_control(compare.compare(before, after)) == [
        "size 1: serial cannot be judged without a control in both: run both with --peers wordcount"
    ]
    slower = [benchmark([*times("serial", [1.0 * slow] * 5), *times("asyncio", [1.0 * slow] * 5, workers=2)]) for slow in (1, 2)]
    assert [one.verdict for one in compare.compare(*slower)] == [compare.UNJUDGED, compare.SAME]
    assert "serial cannot be judged" in compare.without_control(compare.compare(*slower))[0]
    failed = benchmark([a_run("serial", error="died", digest=None)])
    assert [one.verdict for one in compare.compare(before, failed)] == [compare.BROKEN]
    assert compare.without_control(compare.compare(before, failed)) == []  # it fails, which is said, and lacks no control
