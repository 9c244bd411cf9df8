"""The command, as a user runs it: in a process of its own."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from bigdata_demos.keywords import engines
from tests.support.paths import ROOT, SITE
from tests.support.requirements import require

SUMMARY = re.compile(
    r"^pages=\d+ rejected=\d+ skipped=\d+ keywords=\d+ digest=sha256:[0-9a-f]{64} startup=\d+\.\d+ seconds=\d+\.\d+$"
)


def command(*arguments: str | Path, **more: Any) -> "subprocess.CompletedProcess[str]":
    """Run the command to its end."""
    line = [sys.executable, "-m", "bigdata_demos.keywords", *map(str, arguments)]
    return subprocess.run(line, capture_output=True, text=True, timeout=300, check=False, **more)


def last_line(text: str) -> str:
    """The last line of a text."""
    return text.splitlines()[-1]


def one_error(done: "subprocess.CompletedProcess[str]", status: int) -> str:
    """The one line that a failed command said, and nothing on stdout."""
    assert done.returncode == status, done.stderr
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    return line


def test_jsonl_is_data_and_the_summary_is_last() -> None:
    """stdout has one object a page, with the keys that are promised; stderr ends in the summary."""
    done = command(SITE, "--format", "jsonl", "--engine", "serial", "--top", "3")
    assert done.returncode == 0
    pages = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(pages) == 63
    for page in pages:
        assert list(page) == ["url", "title", "language", "keywords", "declared"]
        assert 0 < len(page["keywords"]) <= 3
        scores = [keyword["score"] for keyword in page["keywords"]]
        assert scores == sorted(scores, reverse=True)
        assert all(list(keyword) == ["phrase", "score", "tf", "df"] for keyword in page["keywords"])
    assert SUMMARY.match(last_line(done.stderr))
    assert "pages=63 rejected=3 skipped=3 " in done.stderr
    declared = {page["url"]: page["declared"] for page in pages}
    assert declared["mapreduce.html"] == ["mapreduce", "map", "shuffle", "reduce", "batch processing"]


def test_a_pipe_gets_every_page_and_a_table_the_first_twenty() -> None:
    """Without --format, what is no terminal gets JSON lines; the table shows twenty pages and says so."""
    assert len(command(SITE, "--engine", "serial", "-q").stdout.splitlines()) == 63
    table = command(SITE, "--engine", "serial", "-q", "--format", "table").stdout
    assert "… and 43 more pages" in table
    assert table.count("\n\n") == 20


def test_stdin_and_stdout_compose() -> None:
    """JSON lines in, JSON lines out."""
    done = command("-", "--engine", "serial", input='{"id": 7, "text": "alpha beta gamma. alpha beta gamma"}\n')
    (page,) = map(json.loads, done.stdout.splitlines())
    assert (page["url"], page["keywords"][0]["phrase"]) == ("7", "alpha beta gamma")


def test_reader_that_goes_away_is_no_failure() -> None:
    """`… | head -1` ends quietly."""
    line = f"{sys.executable} -m bigdata_demos.keywords {SITE} --engine serial --format jsonl | head -1"
    done = subprocess.run(["bash", "-c", f"set -o pipefail; {line}"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 1
    assert "Traceback" not in done.stderr


def test_output_has_parts_and_a_manifest_that_names_them(tmp_path: Path) -> None:
    """What --output leaves is what the manifest says, to the byte."""
    import hashlib

    import fastavro

    done = command(SITE, "--engine", "serial", "--output", tmp_path / "out", "--format", "table")
    assert done.returncode == 0
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["engine"] == "serial"
    assert manifest["digest"] in last_line(done.stderr)
    assert manifest["counts"] == {"pages": 63, "rejected": 3, "skipped": 3, "keywords": manifest["counts"]["keywords"]}
    assert manifest["rejections"] == {"empty": 1, "not-html": 1, "too-deep": 1}
    assert manifest["files"] == {
        "(HTML files)": {"pages": 63, "rejected": 3, "skipped": 0},
        "(other files)": {"pages": 0, "rejected": 0, "skipped": 3},
    }
    assert set(manifest["seconds"]) >= {"plan", "start", "map", "score", "index"}
    assert set(manifest["versions"]) >= {"python", "bigdata-demos", "fastavro", "selectolax"}
    files = {str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.avro")}
    assert files == {part["path"] for part in manifest["parts"]}
    kinds = set()
    for part in manifest["parts"]:
        raw = (tmp_path / "out" / part["path"]).read_bytes()
        assert (hashlib.sha256(raw).hexdigest(), len(raw)) == (part["sha256"], part["bytes"])
        with (tmp_path / "out" / part["path"]).open("rb") as file:
            assert sum(1 for _ in fastavro.reader(file)) == part["records"]
        kinds.add(part["path"].split("/")[0])
    assert kinds == {"keywords", "index", "rejected"}


def test_existing_output_is_refused_and_then_replaced(tmp_path: Path) -> None:
    """An output is not overwritten without being told, and what is no output never."""
    out = tmp_path / "out"
    assert command(SITE / "spark.html", "--engine", "serial", "--output", out, "-q").returncode == 0
    before = (out / "manifest.json").read_text()
    assert "set --overwrite" in one_error(command(SITE, "--engine", "serial", "--output", out, "-q"), 1)
    assert (out / "manifest.json").read_text() == before
    assert command(SITE, "--engine", "serial", "--output", out, "--overwrite", "-q").returncode == 0
    assert json.loads((out / "manifest.json").read_text())["counts"]["pages"] == 63
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "thesis.txt").write_text("years of work")
    one_error(command(SITE, "--engine", "serial", "--output", precious, "--overwrite", "-q"), 1)
    assert (precious / "thesis.txt").read_text() == "years of work"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "precious"]


def test_too_many_rejected_pages_fail_the_run(tmp_path: Path) -> None:
    """Above the limit nothing is written; with a higher one it is."""
    lines = '{"url": "good", "text": "good words"}\n' + '{"broken\n' * 3
    arguments = ("-", "--engine", "serial", "--output", tmp_path / "out", "-q")
    assert "3 of 4 pages were rejected (bad-record 3)" in one_error(command(*arguments, input=lines), 1)
    assert list(tmp_path.iterdir()) == []
    assert command(*arguments, "--max-rejected", "75", input=lines).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["/no/such/path"], "/no/such/path: no such file or directory"),
        (["/no/such/*.warc"], "no file matches"),
        ([str(SITE / "style.css")], "not a web page, WARC, Avro or JSON lines file"),
        ([str(SITE), "--output", "/proc/out"], "cannot write"),
        ([str(SITE), "--engine", "spark", "--cluster", "spark://127.0.0.1:9"], "nothing answers at spark://127.0.0.1:9"),
        ([str(SITE), "--engine", "dask", "--cluster", "tcp://127.0.0.1:9"], "nothing answers at tcp://127.0.0.1:9"),
    ],
)
def test_failures_are_one_line_and_status_1(arguments: list[str], said: str) -> None:
    """What is wrong outside the command line."""
    if "spark" in arguments:
        require("spark")
    assert said in one_error(command(*(arguments if "--engine" in arguments else [*arguments, "--engine", "serial"]), "-q"), 1)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--engine", "hive"],
        ["--no-such-option"],
        ["--top", "0"],
        [""],
        ["-", "-"],
        ["--output", "s3://bucket/out"],
        ["--engine", "dask", "--engine-option", "memory=much"],
        ["--engine", "spark", "--engine-option", "memory=much"],
        ["--engine", "spark", "--cluster", "spark://far.example:7077"],
        ["--top", "many"],
        ["--workers", "-1"],
        ["--max-rejected", "101"],
        ["--page-seconds", "-1"],
        ["--page-seconds", "nan"],
        ["--stopwords", "no-such-list"],
        ["--engine", "serial", "--workers", "2"],
        ["--engine", "serial", "--cluster", "spark://x:1"],
        ["--engine", "asyncio", "--engine-option", "memory=1g"],
        ["--engine", "asyncio", "--engine-option", "memory"],
        ["--engine", "spark", "--cluster", "http://localhost"],
        ["--engine", "dask", "--cluster", "tcp://localhost"],
    ],
)
def test_wrong_usage_is_status_2(arguments: list[str]) -> None:
    """What is wrong with the command line, and no traceback."""
    if "spark" in arguments:
        require("spark")
    done = command(SITE, *arguments)
    assert done.returncode == 2
    assert "error:" in last_line(done.stderr)
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_help_has_examples_and_names_every_engine() -> None:
    """--help works without any engine's packages, and so quickly that none of them is imported."""
    check = "import sys; from bigdata_demos.keywords.cli import parser; print(parser().format_help()); "
    check += "assert not {'numpy', 'dask', 'pyspark', 'fastavro', 'asyncio'} & set(sys.modules), sys.modules.keys()"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert "examples:" in done.stdout
    assert all(engine in done.stdout for engine in engines.ENGINES)


def test_missing_java_and_old_java_are_told(tmp_path: Path) -> None:
    """Spark without Java, and with one that is too old, says which and what to do."""
    require("spark")
    no_java = {**os.environ, "JAVA_HOME": str(tmp_path)}
    assert "engine spark needs Java" in one_error(command(SITE, "--engine", "spark", "-q", env=no_java), 1)
    (tmp_path / "bin").mkdir()
    fake = tmp_path / "bin" / "java"
    fake.write_text("#!/bin/sh\necho 'openjdk version \"1.8.0_402\"' >&2\n")
    fake.chmod(0o755)
    line = one_error(command(SITE, "--engine", "spark", "-q", env=no_java), 1)
    assert "is Java 8, and Spark needs 17 or newer" in line


def test_engine_that_is_not_installed_is_told() -> None:
    """Without Dask's package, the line says how to get it."""
    hide = "import sys; sys.modules['dask'] = None; from bigdata_demos.keywords.cli import main; sys.exit(main())"
    done = subprocess.run([sys.executable, "-c", hide, "--engine", "dask", "-q"], capture_output=True, text=True, check=False)
    assert "pip install dask distributed" in one_error(done, 1)


def children_of(pid: int) -> list[int]:
    """The processes that a process started, and theirs."""
    import psutil

    return [child.pid for child in psutil.Process(pid).children(recursive=True)]


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("engine", ["serial", "asyncio", "dask", "spark"])
def test_interrupt_stops_all_that_was_started(engine: str, signal_number: int, tmp_path: Path) -> None:
    """Ctrl-C or SIGTERM in the middle of the job: no process is left, no output, status 130 or 143, and a message."""
    import psutil

    require(engine)
    big = tmp_path / "big.jsonl"
    with big.open("w") as file:
        for number in range(8_000):
            words = " ".join(f"word{(number * 31 + i * i) % 5003} data" for i in range(150))
            file.write(json.dumps({"id": number, "text": words}) + "\n")
    out = tmp_path / "results" / "out"
    out.parent.mkdir()
    line = [sys.executable, "-m", "bigdata_demos.keywords", str(big), "--engine", engine, "--output", str(out)]
    line += ["--split-bytes", "400000", "-q", *(["--workers", "2"] if engine != "serial" else [])]
    process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
    deadline = time.monotonic() + 120
    try:
        while not any(out.parent.rglob("*.avro")):  # the second pass has begun
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        started = children_of(process.pid)
        if signal_number == signal.SIGINT:
            os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all in the foreground
        else:
            process.send_signal(signal_number)
        said, errors = process.communicate(timeout=60)
    finally:
        if process.poll() is None:
            process.kill()
    status, word = (130, "interrupted") if signal_number == signal.SIGINT else (143, "terminated")
    assert process.returncode == status, errors
    assert f"{word}: all that was started has been stopped" in last_line(errors)
    assert "Traceback" not in errors
    assert said == ""
    assert list(out.parent.iterdir()) == []
    psutil.wait_procs([psutil.Process(pid) for pid in started if psutil.pid_exists(pid)], timeout=10)
    assert not [pid for pid in started if psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE]


@pytest.mark.parametrize("seconds", [1.0, 2.5, 4.0])
def test_interrupt_while_spark_starts(seconds: float, tmp_path: Path) -> None:
    """Ctrl-C while the JVM starts: it does not stay behind."""
    import psutil

    require("spark")
    line = [
        sys.executable,
        "-m",
        "bigdata_demos.keywords",
        str(SITE),
        "--engine",
        "spark",
        "--output",
        str(tmp_path / "out"),
        "-q",
    ]
    process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
    time.sleep(seconds)
    started = children_of(process.pid)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert errors.splitlines() == ["error: interrupted: all that was started has been stopped, nothing was written"]
    psutil.wait_procs([psutil.Process(pid) for pid in started if psutil.pid_exists(pid)], timeout=10)
    assert not [pid for pid in started if psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE]
    assert list(tmp_path.iterdir()) == []


def test_interrupt_while_printing_says_that_the_output_is_there(tmp_path: Path) -> None:
    """After the commit, Ctrl-C stops the printing only, and the message says so."""
    lines = tmp_path / "pages.jsonl"
    lines.write_text("".join(json.dumps({"id": i, "text": f"data pipeline number{i}"}) + "\n" for i in range(20_000)))
    out = tmp_path / "out"
    line = [sys.executable, "-m", "bigdata_demos.keywords", str(lines), "--engine", "serial", "--output", str(out), "-q"]
    process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not (out / "manifest.json").exists():  # nobody reads its stdout, so it cannot get to the end
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert f"{out} is complete" in last_line(errors)
    assert json.loads((out / "manifest.json").read_text())["counts"]["pages"] == 20_000


def test_killed_driver_leaves_no_worker(tmp_path: Path) -> None:
    """asyncio's workers end with their driver, even if it is killed."""
    import psutil

    line = [
        sys.executable,
        "-m",
        "bigdata_demos.keywords",
        "-",
        "--engine",
        "asyncio",
        "--workers",
        "2",
        "--output",
        str(tmp_path / "out"),
    ]
    process = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    assert process.stdin
    process.stdin.write(b"".join(b'{"id": %d, "text": "data pipeline %d"}\n' % (i, i) for i in range(300_000)))
    process.stdin.close()
    deadline = time.monotonic() + 60
    while len(children_of(process.pid)) < 3:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    started = [psutil.Process(pid) for pid in children_of(process.pid)]
    process.kill()
    process.wait()
    assert not psutil.wait_procs(started, timeout=20)[1]


def test_stdin_is_named_as_such_and_not_kept(tmp_path: Path) -> None:
    """What was spooled of stdin is gone, and records say that they come from -."""
    lines = '{"id": 1, "text": "some good words"}\n{"broken\n'
    assert command("-", "--engine", "serial", "--output", tmp_path / "out", "-q", input=lines).returncode == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["index", "keywords", "manifest.json", "rejected"]
    from bigdata_demos.keywords.output import reading

    (letter,) = reading.read(tmp_path / "out", "rejected")
    assert (letter["source"], letter["offset"]) == ("-", 37)
    assert json.loads((tmp_path / "out" / "manifest.json").read_text())["splits"][0][0][0] == "-"


def test_full_or_closed_stdout_is_one_line() -> None:
    """What cannot be printed is told."""
    for redirection, said in ((">/dev/full", "No space left on device"), (">&-", "standard output is closed")):
        line = f"{sys.executable} -m bigdata_demos.keywords {SITE} --engine serial -q {redirection}"
        done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=60, check=False)
        assert said in one_error(done, 1)


def test_readmes_python_example_runs(tmp_path: Path) -> None:
    """The README's example is a script that works; without its guard, one line says what is missing."""
    readme = (ROOT / "README.md").read_text()
    code = readme.split("```python\n")[1].split("```")[0].replace("out/pydoc.warc.gz", str(SITE))
    script = tmp_path / "script.py"
    script.write_text(code)
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=60, check=True, cwd=tmp_path)
    assert done.stdout.startswith("sha256:")
    assert len(done.stdout.splitlines()) == 1 + 5
    script.write_text(code.replace('if __name__ == "__main__":', "if True:").replace('"out/from-python"', '"out/other"'))
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path)
    assert done.returncode == 1
    assert "in a script, call run() below" in last_line(done.stderr)


def test_input_without_a_page_is_an_error(tmp_path: Path) -> None:
    """Nothing in a directory, files of other kinds only, records that are no pages: one line, and no output."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "others" / "_temporary").mkdir(parents=True)
    (tmp_path / "others" / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (tmp_path / "others" / "_temporary" / "a.jsonl").write_text('{"url": "u", "text": "x"}\n')
    warcinfo = b"WARC/1.0\r\nWARC-Type: warcinfo\r\nContent-Length: 4\r\n\r\nx: y\r\n\r\n"
    (tmp_path / "info.warc").write_bytes(warcinfo)
    (tmp_path / "crawl.arc.gz").write_bytes(b"filedesc://")
    for name, message in (
        ("empty", "no web page, WARC, Avro or JSON lines file is there"),
        ("others", "no web page, WARC, Avro or JSON lines file is there; 1 files are of other kinds"),
        ("info.warc", "none of the 1 records and files is a web page"),
        ("crawl.arc.gz", "ARC, the format before WARC: convert it"),
    ):
        done = command(str(tmp_path / name), "--engine", "serial", "--output", str(tmp_path / "out"))
        assert done.returncode == 1, name
        (line,) = done.stderr.splitlines()
        assert line.startswith("error: ")
        assert message in line
        assert not (tmp_path / "out").exists()
