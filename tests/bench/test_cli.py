"""The benchmark, as a user runs it: real runs in processes of their own, on the bundled crawl."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from bigdata_demos.bench import cli, results
from bigdata_demos.bench.engines import contestants, peers, rounds
from bigdata_demos.bench.engines.containers import find, locate
from bigdata_demos.bench.engines.measure import measure
from bigdata_demos.errors import UsageError
from tests.support.benchmarks import a_run
from tests.support.paths import DATA
from tests.support.requirements import require, require_cc_pyspark
from tests.support.warc import page

CRAWL = str(DATA / "site.warc.gz")
BENCH = [sys.executable, "-m", "bigdata_demos.bench"]
SHORT = ["--engines", "asyncio", "--workers", "2", "--peers", "wordcount,pool-wordcount", "--no-cold"]


def bench(*arguments: str | Path, **more: Any) -> "subprocess.CompletedProcess[str]":
    """Run the command to its end."""
    return subprocess.run([*BENCH, *map(str, arguments)], capture_output=True, text=True, timeout=300, check=False, **more)


def one_error(done: "subprocess.CompletedProcess[str]", status: int) -> str:
    """The one line that a failed command said."""
    assert (done.returncode, done.stdout) == (status, ""), done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    return line


def customized(directory: Path, code: str) -> dict[str, str]:
    """An environment in which every Python runs some code before all else."""
    directory.mkdir()
    (directory / "sitecustomize.py").write_text(code)
    return {**os.environ, "PYTHONPATH": str(directory)}


def test_benchmark_end_to_end(tmp_path: Path) -> None:
    """Equal answers, all figures there, every run on the page and in the raw results, and no output of a run left."""
    done = bench(*SHORT, "--sizes", "1,2", "--runs", "2", "--output", tmp_path / "b")
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (tmp_path / "b").iterdir()) == ["index.html", "results.json"]
    made = results.load(tmp_path / "b")
    assert (made.sizes, made.rounds, made.machine.id) == ([1, 2], 2, results.machine_id())
    assert made.contestants() == [("serial", 1, ""), ("asyncio", 2, ""), ("wordcount", 1, ""), ("pool-wordcount", 2, "")]
    assert len(made.runs) == 2 * 2 * 4
    assert not [one.error for one in made.runs if one.error]
    for size, pages in ((1, 63), (2, 126)):
        engines = {one.digest for one in made.runs if one.size == size and one.kind == results.ENGINE}
        assert engines == {made.job(size).digest}
        assert (made.job(size).pages, made.job(size).input_bytes) == (pages, size * Path(CRAWL).stat().st_size)
        assert len({one.digest for one in made.runs if one.size == size and one.kind == results.PEER}) == 1
    for one in made.runs:
        assert one.seconds > 0
        assert one.cpu_seconds
        assert one.peak_memory_bytes or "too short" in one.unmeasured["peak_memory_bytes"]
        assert one.work
        assert ("map" in one.phases) == (one.kind == results.ENGINE)
    rounds = [[one.contestant for one in made.runs if (one.round, one.size) == (number, 1)] for number in (1, 2)]
    assert sorted(rounds[0]) == sorted(rounds[1])
    page = (tmp_path / "b" / "index.html").read_text()
    every = page.partition("Every run</h2>")[2]
    assert every.count("<tr>") == len(made.runs) + 1
    for text in (done.stdout, page):
        assert "asyncio ×2" in text
        assert "pool-wordcount" in text
    assert str(made.job(1).digest) in done.stdout

    again = bench("report", tmp_path / "b")
    assert (again.returncode, again.stdout) == (0, done.stdout)
    assert (tmp_path / "b" / "index.html").read_text() == page
    same = bench("compare", tmp_path / "b", tmp_path / "b" / "results.json")
    assert same.returncode == 0
    assert "no difference shown" in same.stdout
    assert "exists" not in one_error(bench(*SHORT, "--output", tmp_path / "b"), 2)


def test_estimate_before_a_benchmark(tmp_path: Path) -> None:
    """Each contestant runs once, the time of the whole plan is printed, and nothing is left."""
    output = tmp_path / "b"
    done = bench("--estimate", "--engines", "asyncio", "--workers", "1", "--peers", "none", "--sizes", "1,3", "--output", output)
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"16 runs, which take about \d+ (min|s)\n", done.stdout)
    assert [line for line in done.stderr.splitlines() if line.startswith(("1/2", "2/2"))]
    assert not output.exists()


def test_estimate_scales_the_work_and_not_the_startup() -> None:
    """A size that has been measured counts as it was; of another one, the work grows with the size; an unknown one has none."""
    control, other = contestants.Contestant("serial", results.ENGINE, 1), contestants.Contestant("dask", results.ENGINE, 2)
    runs = [a_run(size=1, seconds=3.0, work=2.0), a_run(size=4, seconds=8.0, work=7.0)]
    assert rounds.estimate([(1, 1, control), (2, 4, control)], runs) == 11.0
    assert rounds.estimate([(1, 8, control)], runs) == 8.0 + 7.0
    assert rounds.estimate([(1, 1, other)], runs) is None
    assert rounds.estimate([], runs) == 0


def test_hadoop_runs_only_where_it_is_asked_for(tmp_path: Path) -> None:
    """By its name, or by the address of its cluster."""
    for given, there in (([], False), (["--engines", "hadoop"], True), (["--cluster", "hdfs://localhost:8020"], True)):
        arguments = cli.parser().parse_args(["--input", CRAWL, *given])
        plan, absent = cli.prepare(arguments, tmp_path)
        assert ("hadoop" in {one.name for one in plan.contestants} | absent.keys()) is there


def test_peers_sum_to_the_clock_around_them(tmp_path: Path) -> None:
    """What a process says of its phases, and the rest, is what the clock around it saw."""
    done = bench("--engines", "none", "--peers", "wordcount", "--no-cold", "--runs", "1", "--output", tmp_path / "b")
    assert done.returncode == 0, done.stderr
    (peer,) = [one for one in results.load(tmp_path / "b").runs if one.contestant == "wordcount"]
    assert peer.startup is not None
    assert sum(peer.phases.values()) == pytest.approx(peer.seconds, abs=contestants.CLOCKS)
    assert peer.startup < peer.seconds + contestants.CLOCKS


def test_another_answer_does_not_count_and_fails_the_benchmark(tmp_path: Path) -> None:
    """An engine whose answer differs keeps its runs, has no figures, is named, and the command's status is 1."""
    code = "import sys\nif {'asyncio', '--engine'} <= {*sys.orig_argv}: sys.argv += ['--top', '3']\n"
    environment = customized(tmp_path / "site", code)
    done = bench(*SHORT, "--runs", "1", "--output", tmp_path / "b", env=environment)
    assert done.returncode == 1
    made = results.load(tmp_path / "b")
    wrong = [one for one in made.runs if one.error]
    assert {one.contestant for one in wrong} == {"asyncio"}
    assert "another answer: its digest is sha256:" in str(wrong[0].error)
    assert "FAILED asyncio ×2, size 1, round 1: another answer" in done.stdout
    assert str(wrong[0].error) in (tmp_path / "b" / "index.html").read_text()
    (row,) = [line for line in done.stdout.splitlines() if line.startswith("asyncio")]
    assert "FAILED 1 of 1" in row
    assert row.split()[2] == "–"  # no time


def test_failures_stay_in_the_table(tmp_path: Path) -> None:
    """An engine that dies says why in one line; the others' times count; the status is 1."""
    dies = "print('error: <no> asyncio today', file=sys.stderr); os._exit(1)"
    code = f"import os, sys\nif {{'asyncio', '--engine'}} <= {{*sys.orig_argv}}: {dies}\n"
    done = bench(*SHORT, "--runs", "1", "--output", tmp_path / "b", env=customized(tmp_path / "site", code))
    assert done.returncode == 1
    assert "FAILED asyncio ×2, size 1, round 1: error: <no> asyncio today (status 1)" in done.stdout
    assert "error: &lt;no&gt; asyncio today" in (tmp_path / "b" / "index.html").read_text()
    assert sum(one.error is None for one in results.load(tmp_path / "b").runs) == 3


def test_a_try_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    """With all that it started."""
    code = "import sys, time\nif {'asyncio', '--engine'} <= {*sys.orig_argv}: time.sleep(600)\n"
    environment = customized(tmp_path / "site", code)
    more = ["--engines", "asyncio", "--peers", "none", "--workers", "1", "--no-cold", "--runs", "1", "--timeout", "10"]
    done = bench(*more, "--output", tmp_path / "b", env=environment)
    assert done.returncode == 1
    assert "FAILED asyncio ×1, size 1, round 1: it was ended after 10 s (--timeout)" in done.stdout
    assert "serial" in done.stdout


def wait_for_tries(path: Path, number: int) -> None:
    """Wait until a benchmark that runs has saved some runs."""
    for _ in range(1200):
        if path.exists() and len(results.load(path).runs) >= number:
            return
        time.sleep(0.05)
    pytest.fail("no runs were saved")


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_benchmark_that_is_killed_keeps_its_tries(tmp_path: Path, how: signal.Signals) -> None:
    """What was run is there and valid; but for SIGKILL nothing that was started runs on, and outputs are removed."""
    with subprocess.Popen(
        [*BENCH, *SHORT, "--runs", "500", "--output", str(tmp_path / "b")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        wait_for_tries(tmp_path / "b" / "results.json", 3)
        children = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(how)
        _, said = process.communicate(timeout=60)
    made = results.load(tmp_path / "b")
    assert len(made.runs) >= 3
    assert not [one.error for one in made.runs if one.error]
    if how == signal.SIGKILL:
        assert process.returncode == -signal.SIGKILL
        psutil.wait_procs(children, timeout=60)
    else:
        assert process.returncode == (130 if how == signal.SIGINT else 143), said
        assert said.splitlines()[-1].startswith(("error: interrupted: results.json has", "error: terminated: results.json has"))
        assert not [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]
        assert [path.name for path in (tmp_path / "b").iterdir()] == ["results.json"]
    assert bench("report", tmp_path / "b").returncode == 0
    assert "(of 500: it was stopped before its end)" in (tmp_path / "b" / "index.html").read_text()


def test_compare_fails_when_something_got_slower(tmp_path: Path) -> None:
    """A constructed slowdown of a fifth: status 1, and named."""
    done = bench("--engines", "none", "--peers", "wordcount", "--no-cold", "--runs", "1", "--output", tmp_path / "b")
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "b" / "results.json").read_text())
    for name, factor in (("before", 1.0), ("after", 1.2)):
        runs = []
        for number in range(1, 7):
            for one in found["runs"]:
                slower = factor if one["contestant"] == "serial" else 1.0
                runs.append({**one, "round": number, "seconds": (1 + number / 100) * slower})
        (tmp_path / f"{name}.json").write_text(json.dumps({**found, "runs": runs}))
    compared = bench("compare", tmp_path / "before.json", tmp_path / "after.json")
    assert compared.returncode == 1
    (line,) = [line for line in compared.stdout.splitlines() if line.startswith("serial")]
    assert line.endswith("time ÷ wordcount's  slower")
    assert "1.20" in line
    assert bench("compare", tmp_path / "after.json", tmp_path / "before.json").returncode == 0
    assert "cannot read" in one_error(bench("compare", tmp_path / "before.json", tmp_path / "nothing"), 1)


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["--engines", "flink"], "no such engine or peer: 'flink'"),
        (
            ["--cluster", "spark://localhost:1", "--engines", "asyncio", "--peers", "none"],
            "no selected engine uses such an address",
        ),
        (["--timeout", "0"], "--timeout must be more than 0"),
    ],
)
def test_wrong_usage(tmp_path: Path, arguments: list[str], what: str) -> None:
    """One line, status 2, and nothing is left."""
    assert what in one_error(bench(*arguments, "--output", tmp_path / "b"), 2)
    assert list(tmp_path.iterdir()) == []


def test_standard_input_cannot_be_measured(tmp_path: Path) -> None:
    """It could be read once only."""
    assert "standard input" in one_error(bench("--input", "-", "--output", tmp_path / "b"), 1)


def test_help_names_the_commands() -> None:
    """With examples."""
    done = bench("--help")
    assert done.returncode == 0
    for word in ("--engines", "compare two benchmarks", "write table and page again", "examples:", "Exit status"):
        assert word in done.stdout


# Who runs


def test_who_runs_and_who_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control first, once; clusters go to their engines; what is missing is named, with how to get it."""
    monkeypatch.setitem(peers.PEERS, "lacking", peers.Peer(peers.one_thread, ("no_such_package",), "nothing"))
    url = "spark://localhost:7077"
    chosen, absent = contestants.choose(["serial", "asyncio", "spark"], ["wordcount", "lacking"], [1, 2], [url])
    assert [(one.name, one.workers, one.cluster) for one in chosen] == [
        ("serial", 1, ""), ("asyncio", 1, ""), ("asyncio", 2, ""), ("spark", 1, url), ("spark", 2, url), ("wordcount", 1, ""),
    ]  # fmt: skip
    assert absent == {"lacking": "not installed: pip install no_such_package"}
    both, _ = contestants.choose(["spark"], [], [2], [url, contestants.LOCAL])
    assert [one.cluster for one in both[1:]] == ["", url]
    with pytest.raises(UsageError, match="no selected engine uses such an address"):
        contestants.choose(["asyncio"], [], [1], [url])


def test_an_engine_runs_by_the_public_command() -> None:
    """As a user types it; an embedded engine does not follow a cluster of the environment."""
    one = contestants.Contestant("dask", results.ENGINE, 2)
    line = one.command([CRAWL, CRAWL], Path("/o"), ["--split-bytes", "9"])
    assert line[1:5] == ["-m", "bigdata_demos.keywords", CRAWL, CRAWL]
    assert "--cluster  " in " ".join(line)
    assert line[-2:] == ["--split-bytes", "9"]


def test_peers_read_warcs_only() -> None:
    """Other inputs leave them out, with the reason; the engines run."""
    chosen = [contestants.Contestant("wordcount", results.PEER, 1)]
    assert contestants.check_peers([CRAWL], chosen) == {}
    (why,) = contestants.check_peers([str(DATA / "site")], chosen).values()
    assert "only local WARC files can be read here" in why
    peer = [sys.executable, "-m", "bigdata_demos.bench.engines.peers", "wordcount"]
    done = subprocess.run([*peer, DATA / "site"], capture_output=True, text=True, check=False)
    assert "only local WARC files can be read here" in one_error(done, 2)


ODD = [
    (b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=iso-8859-1\r\n", b"<p>\x8akoda na\x9eivo"),  # as browsers read it
    (b"HTTP/1.1 200 OK\r\nContent-Type: application/xhtml+xml; charset=utf-8\r\n", "<table><td>İzmir<td>ΟΔΟΣ".encode()),
    (b"HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\n", b"<p>absent"),
    (b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n", b"plain"),
    (b"HTTP/1.1 200 OK\r\n", b"<p>untyped"),
]
"""Pages that peers might read in different ways: the head of HTTP, and the body."""


@pytest.mark.parametrize("name", peers.PEERS)
def test_peers_count_alike(name: str, tmp_path: Path) -> None:
    """All of them count the same words as a plain loop does."""
    peer = peers.PEERS[name]
    if name == "cc-pyspark":
        require_cc_pyspark()
    elif name.startswith("spark"):
        require("spark")
    elif peer.missing:
        pytest.skip(f"{name}: {peer.missing}")  # nothing of ours depends on it
    from bigdata_demos.bench.engines import wordcount

    odd = tmp_path / "odd pages %41.warc"
    odd.write_bytes(b"".join(page(f"http://odd.example/{number}", body, head) for number, (head, body) in enumerate(ODD)))
    assert wordcount.count_file(str(odd)).counts.keys() == {"škoda", "naživo", "i", "zmir", "οδος"}
    files = [CRAWL, CRAWL, str(odd)]
    words = wordcount.add(map(wordcount.count_file, files))
    assert words.pages == 2 * 66 + 2
    line = [sys.executable, "-m", "bigdata_demos.bench.engines.peers", name, "--workers", "2", *files]
    done = subprocess.run(line, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert (said["pages"], said["digest"]) == (words.pages, wordcount.sums(words.counts.items()).digest)
    assert words.counts["mapreduce"] > 10


# Measuring


def python(code: str) -> list[str]:
    """A process that runs some code."""
    return [sys.executable, "-c", code]


def test_cpu_of_processes_that_nobody_waits_for() -> None:
    """Whose parent ignores that they end, and so the kernel forgets them."""
    busy = "import time\nwhile time.process_time() < 1.5: pass"
    parent = f"import signal, subprocess, sys; signal.signal(signal.SIGCHLD, signal.SIG_IGN); subprocess.call([sys.executable, '-c', {busy!r}])"
    found = measure(python(parent), timeout=60)
    assert found.cpu_seconds is not None
    assert 0.5 <= found.cpu_seconds < 3


def test_cpu_and_memory_are_of_the_whole_tree() -> None:
    """A grandchild's work and memory count."""
    burn = "import time; x = bytearray(120 << 20); t = time.process_time()\nwhile time.process_time() - t < 0.6: pass"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {burn!r}])"
    found = measure(python(code), timeout=60)
    assert found.status == 0
    assert found.cpu_seconds is not None
    assert found.cpu_seconds >= 0.6
    assert found.peak_memory_bytes is not None
    assert found.peak_memory_bytes > 120 << 20


def test_a_daemon_counts_and_is_not_left() -> None:
    """A process that outlives its parent becomes ours: its CPU time counts, and the next run does not run beside it."""
    burn = "import time; t = time.process_time()\nwhile time.process_time() - t < 0.5: pass"
    code = (
        "import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', "
        f"{burn!r}], start_new_session=True, stdout=-3); print(p.pid)"
    )
    found = measure(python(code), timeout=60)
    assert found.cpu_seconds is not None
    assert found.cpu_seconds >= 0.5
    assert not psutil.pid_exists(int(found.stdout))


def test_the_timeout_ends_the_whole_tree() -> None:
    """Also a child that minds no signal."""
    deaf = "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(600)"
    code = f"import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', {deaf!r}]); print(p.pid, flush=True); p.wait()"
    found = measure(python(code), timeout=1)
    assert found.status is None
    assert not psutil.pid_exists(int(found.stdout))


def test_what_runs_elsewhere_is_not_measured() -> None:
    """A part of it would be a wrong number."""
    found = measure(python("pass"), timeout=60, elsewhere="on another machine")
    assert (found.cpu_seconds, found.peak_memory_bytes) == (None, None)
    assert found.unmeasured == {"cpu_seconds": "on another machine", "peak_memory_bytes": "on another machine"}
    containers, why = find("spark://elsewhere:7077")
    assert containers == []
    assert "no compose cluster of this host" in why


@pytest.mark.parametrize("version", [1, 2])
def test_containers_by_their_control_groups(tmp_path: Path, version: int) -> None:
    """CPU seconds and processes of a container, if the kernel says that its process is in a group of its name."""
    name, proc, groups = "c0ffee" * 10, tmp_path / "proc", tmp_path / "cgroup"
    (proc / "7").mkdir(parents=True)
    if version == 1:
        (proc / "7" / "cgroup").write_text(f"4:cpuacct,cpu:/docker/{name}\n0::/\n")
        group = groups / "cpuacct,cpu" / "docker" / name
        group.mkdir(parents=True)
        (group / "cpu.stat").write_text("nr_periods 0\n")
        (group / "cpuacct.usage").write_text("2500000000\n")
    else:
        (proc / "7" / "cgroup").write_text(f"0::/system.slice/docker-{name}.scope\n")
        group = groups / "system.slice" / f"docker-{name}.scope"
        group.mkdir(parents=True)
        (group / "cpu.stat").write_text("usage_usec 2500000\nuser_usec 1\n")
    (group / "cgroup.procs").write_text("7\n")
    (group / "below").mkdir()
    (group / "below" / "cgroup.procs").write_text("8\n9\n")
    found = locate(name, 7, proc, groups)
    assert found is not None
    assert found.cpu_seconds() == 2.5
    assert sorted(found.processes()) == [7, 8, 9]
    assert locate("another", 7, proc, groups) is None
    assert locate(name, 8, proc, groups) is None
