"""Outputs in HDFS: what holds for a directory of this machine holds there, for every engine."""

import io
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import fastavro
import fsspec
import pytest

from bigdata_demos.cluster import registry
from bigdata_demos.cluster.hadoop import client, daemons
from bigdata_demos.cluster.standalone import free_port
from bigdata_demos.errors import InputError, JobFailed, OutputError, TooManyRejected, UsageError
from bigdata_demos.keywords import Result, run
from bigdata_demos.storage import places
from tests.support.paths import SITE
from tests.support.processes import kill_and_wait
from tests.support.requirements import require

ENGINES = ("serial", "asyncio", "dask", "spark")


@pytest.fixture(scope="module")
def hdfs(hadoop: daemons.Cluster) -> Iterator[client.Hadoop]:
    """HDFS with the bundled crawl in it; the settings in ``HADOOP_CONF_DIR`` make its address known."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("HADOOP_CONF_DIR", str(hadoop.hadoop.conf))
        client.put(hadoop.hadoop, str(SITE.parent / "site.warc.gz"), "/in/site.warc.gz")
        yield hadoop.hadoop


@pytest.fixture
def out(hdfs: client.Hadoop, request: pytest.FixtureRequest) -> str:
    """The address of a directory of a test's own, which is not there yet."""
    return f"{hdfs.hdfs}/{abs(hash(request.node.nodeid)):x}"


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> Result:
    """One thread's result, on this machine's disk."""
    return run([SITE.parent / "site.warc.gz"], engine="serial", output=tmp_path_factory.mktemp("serial") / "result")


@pytest.fixture
def spool(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where temporary files go; a short path, for sockets are among them."""
    with tempfile.TemporaryDirectory() as directory:
        monkeypatch.setattr(tempfile, "tempdir", directory)
        yield Path(directory)


def names(hdfs: client.Hadoop, url: str) -> list[str]:
    """All that is in a directory of HDFS; nothing, if there is none."""
    fs, path = client.files(hdfs), url.removeprefix(hdfs.hdfs)
    return sorted(name.rpartition("/")[2] for name in fs.ls(path, detail=False)) if fs.exists(path) else []


def check(result: Result, expected: Result) -> None:
    """A result is the expected one, whole, wherever it is."""
    assert (result.digest, result.pages) == (expected.digest, expected.pages)
    manifest = json.loads((result.output / "manifest.json").read_text())
    assert manifest["digest"] == expected.digest
    there = {f"{kind}/{path.name}" for kind in ("keywords", "index", "rejected") for path in (result.output / kind).iterdir()}
    assert {part["path"] for part in manifest["parts"]} == there
    assert {path.name for path in result.output.iterdir()} == {"keywords", "index", "rejected", "manifest.json"}
    assert sum(1 for _ in result.read_keywords()) == expected.pages
    assert sum(1 for _ in result.read_rejected()) == expected.rejected
    assert list(result.read_index()) == list(expected.read_index())


# ---- what it does -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ENGINES)
def test_input_and_output_in_hdfs(engine: str, hdfs: client.Hadoop, out: str, expected: Result, spool: Path) -> None:
    """The same result as on a disk, all of it, and nothing else: neither beside it, nor where tasks hand on."""
    require(engine)
    result = run([f"{hdfs.hdfs}/in"], engine=engine, workers=1, output=f"{out}/result", split_bytes=100_000)
    check(result, expected)
    assert names(hdfs, out) == ["result"]
    assert list(spool.glob("bigdata-demos-*")) == []
    assert str(result.output) == f"{out}/result"


def test_standard_input_and_the_bundled_crawl(hdfs: client.Hadoop, out: str) -> None:
    """What the driver spools is spooled on this machine."""
    lines = [b'{"url": "u", "text": "parallel data pipelines"}\n']
    assert run(["-"], engine="asyncio", workers=1, stdin=lines, output=f"{out}/stdin").pages == 1
    assert run(engine="asyncio", workers=1, output=f"{out}/bundled").pages == 63
    assert names(hdfs, out) == ["bundled", "stdin"]


def test_command(hdfs: client.Hadoop, out: str, expected: Result) -> None:
    """Its last line has the digest, its standard output is read back from HDFS."""
    done = command(f"{hdfs.hdfs}/in/*.warc.gz", "--engine", "serial", "-o", f"{out}/result")
    assert done.returncode == 0, done.stderr
    assert f"digest={expected.digest}" in done.stderr.splitlines()[-1]
    pages = [json.loads(line)["url"] for line in done.stdout.splitlines()]
    assert pages == [page["url"] for page in expected.read_keywords()]


def test_output_is_indexed_searched_and_exported(
    hdfs: client.Hadoop, out: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By its address, as from a disk; with tables, which Hadoop's tools find as files of Parquet."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    address = f"{out}/result"
    result = run(engine="asyncio", workers=2, output=address, keep_text=True, output_format="parquet")
    assert sum(1 for _ in result.read_text()) == result.pages
    for name, arguments in (
        ("index", [address, "--db", str(tmp_path / "site.db"), "--workers", "2"]),
        ("search", [address, "spark shuffle"]),
        ("export", [address, "--table", "flat", "--to", str(tmp_path / "flat.csv")]),
    ):
        assert import_module(f"bigdata_demos.{name}.cli").main(arguments) == 0, capsys.readouterr().err
    with (tmp_path / "flat.csv").open() as file:
        assert sum(1 for _ in file) == 1 + sum(len(page["keywords"]) for page in result.read_keywords())
    assert names(hdfs, f"{address}/parquet") == ["flat", "index", "keywords", "rejected", "text"]
    tables = json.loads((result.output / "manifest.json").read_text())["tables"]
    there = [f"parquet/index/{name}" for name in names(hdfs, f"{address}/parquet/index")]
    assert [table["path"] for table in tables if table["path"].startswith("parquet/index/")] == there


def test_avro_is_read_by_others(hdfs: client.Hadoop, out: str, expected: Result) -> None:
    """The index is read from HDFS by fastavro, through fsspec; and by Spark, which brings Hadoop's own client."""
    require("spark")
    run([f"{hdfs.hdfs}/in"], engine="serial", output=f"{out}/result")
    rows: list[Any] = []
    for file in fsspec.open_files(f"{hdfs.webhdfs}{out.removeprefix(hdfs.hdfs)}/result/index/part-*.avro", "rb"):
        with file as part:
            rows += list(fastavro.reader(part))
    wanted = list(expected.read_index())
    assert rows == wanted
    done = subprocess.run([sys.executable, "-c", SPARK, f"{out}/result/index/part-*.avro"], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    assert list(fastavro.reader(io.BytesIO(done.stdout))) == wanted


SPARK = """
import io, sys
import fastavro
from pyspark import SparkContext

with SparkContext("local[1]") as context:
    files = sorted(context.binaryFiles(sys.argv[1]).collect())
records, schema = [], None
for _, content in files:
    reader = fastavro.reader(io.BytesIO(content))
    schema, records = reader.writer_schema, records + list(reader)
fastavro.writer(sys.stdout.buffer, schema, records)
"""
"""Reads Avro files by Spark, in a process of its own (there is one context in each), and writes their records as one."""


def test_file_url_is_a_path(expected: Result, tmp_path: Path) -> None:
    """``file://`` is this machine."""
    result = run([SITE.parent / "site.warc.gz"], engine="serial", output=(tmp_path / "result").as_uri())
    assert result.output == tmp_path / "result"
    check(result, expected)


# ---- what is refused, and what goes wrong -----------------------------------------------------------------------------------


def test_what_is_there_is_kept_or_replaced(hdfs: client.Hadoop, out: str) -> None:
    """It is refused, unless it is an earlier output and may be overwritten; then it is there whole, and alone."""
    page = [f"{hdfs.hdfs}/in"]
    first = run(page, engine="serial", output=f"{out}/result", top=3)
    with pytest.raises(OutputError, match=f"{out}/result exists already: name another output, or set overwrite=True"):
        run(page, engine="serial", output=f"{out}/result")
    assert run(page, engine="serial", output=f"{out}/result", overwrite=True).digest != first.digest
    with pytest.raises(OutputError, match=f"{out} is not the output of an earlier run"):
        run(page, engine="serial", output=out, overwrite=True)
    assert names(hdfs, out) == ["result"]
    client.files(hdfs).mkdir(f"{out.removeprefix(hdfs.hdfs)}/empty")
    assert run(page, engine="serial", output=f"{out}/empty", overwrite=True).digest != first.digest
    assert names(hdfs, out) == ["empty", "result"]


@pytest.mark.parametrize("url", ["s3://bucket/out", "http://127.0.0.1/out", "hdfs://127.0.0.1:8020/out?op=DELETE"])
def test_other_places_are_refused(url: str) -> None:
    """One line says what there is."""
    with pytest.raises(UsageError, match=r"an output is a directory of this machine .* or of HDFS \(hdfs://HOST:PORT/PATH\)"):
        run(engine="serial", output=url)


@pytest.mark.parametrize("engine", ["serial", "asyncio"])
def test_failure_leaves_nothing(engine: str, hdfs: client.Hadoop, out: str, spool: Path) -> None:
    """A job that fails when its parts are written has removed them, and what tasks handed on."""
    with pytest.raises(TooManyRejected):
        run([SITE / "bad"], engine=engine, workers=1, output=f"{out}/result", max_rejected=0)
    assert names(hdfs, out) == []
    assert list(spool.glob("bigdata-demos-*")) == []


def test_earlier_output_stays_when_the_commit_fails(hdfs: client.Hadoop, out: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The old one is put back if the new one cannot take its place."""
    first = run([f"{hdfs.hdfs}/in"], engine="serial", output=f"{out}/result")
    rename = places.Hdfs.replace

    def failing(self: places.Hdfs, target: places.Hdfs) -> None:
        if self.name.endswith(".unfinished"):
            raise OSError(5, "on purpose", str(self))
        rename(self, target)

    monkeypatch.setattr(places.Hdfs, "replace", failing)
    with pytest.raises(OutputError, match="on purpose"):
        run([f"{hdfs.hdfs}/in"], engine="serial", output=f"{out}/result", overwrite=True, top=3)
    assert names(hdfs, out) == ["result"]
    assert sum(1 for _ in first.read_keywords()) == first.pages


def test_interrupt_leaves_nothing(hdfs: client.Hadoop, out: str, tmp_path: Path, spool: Path) -> None:
    """Ctrl-C, once the working directory is there."""
    pages = tmp_path / "pages.jsonl"
    text = " ".join(f"word{i % 977} data pipeline{i % 31}," for i in range(3_000))
    pages.write_text("".join(json.dumps({"url": str(i), "text": text}) + "\n" for i in range(3_000)))
    line = [sys.executable, "-m", "bigdata_demos.keywords", str(pages), "--workers", "2", "-o", f"{out}/result"]
    process = subprocess.Popen(line, stderr=subprocess.PIPE, text=True, env={**os.environ, "TMPDIR": str(spool)})
    try:
        while not names(hdfs, out) and process.poll() is None:
            pass
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    finally:
        process.kill()
    assert (process.returncode, said.count("\n")) == (130, 1), said
    assert "interrupted: all that was started has been stopped, nothing was written" in said
    assert names(hdfs, out) == []
    assert list(spool.iterdir()) == []


def test_straggler_brings_nothing_back(hdfs: client.Hadoop, out: str) -> None:
    """A task that nobody waits for cannot write into what was removed, nor make it anew."""
    place = places.at(f"{hdfs.webhdfs}{out.removeprefix(hdfs.hdfs)}")
    with pytest.raises(OSError, match="Parent directory doesn't exist"), (place / "keywords" / "part").open("xb") as file:
        file.write(b"late")
    assert not place.exists()


def test_files_of_all_sizes(hdfs: client.Hadoop, out: str) -> None:
    """Nothing, one byte, and several blocks; a file that an exception leaves is not sent."""
    place: Any = places.at(f"{hdfs.webhdfs}{out.removeprefix(hdfs.hdfs)}")
    place.mkdir()
    for size in (0, 1, places.BLOCK, 2 * places.BLOCK + 1):
        with (place / str(size)).open("xb") as file:
            for start in range(0, size, 1 << 20):
                file.write(b"x" * min(1 << 20, size - start))
        with (place / str(size)).open("rb") as file:
            assert len(file.read()) == size
    with pytest.raises(ZeroDivisionError), (place / "given up").open("xb") as file:
        file.write(b"x")
        raise ZeroDivisionError
    assert not (place / "given up").exists()


def test_nobody_answers() -> None:
    """A NameNode that is not there is told in one line; so says the command."""
    require("hadoop")
    url = f"webhdfs://somebody@127.0.0.1:{free_port()}/out"
    done = command(str(SITE / "spark.html"), "-o", url)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"error: cannot access {url}: nobody answers at http://{url.partition('@')[2].partition('/')[0]} (WebHDFS)\n"
    )


@pytest.mark.parametrize("engine", ["serial", "asyncio"])
def test_no_room(engine: str, hdfs: client.Hadoop, out: str) -> None:
    """What HDFS says when no more may be written is told in one line, and nothing is left."""
    fs, path = client.files(hdfs), out.removeprefix(hdfs.hdfs)
    fs.mkdir(path)
    fs._call("SETQUOTA", method="put", path=path, storagespacequota=1000)
    with pytest.raises(OutputError, match=r"^cannot write webhdfs://\S+: .*quota.*exceeded.*$"):
        run([SITE / "spark.html"], engine=engine, workers=1, output=f"{out}/result")
    assert names(hdfs, out) == []


@pytest.fixture(scope="module")
def without_datanode() -> Iterator[tuple[client.Hadoop, Result]]:
    """A file system whose only DataNode has died, and an output that was in it before."""
    require("hadoop")
    with daemons.local_hadoop(1, lambda _: None, daemons.HDFS) as running, pytest.MonkeyPatch.context() as environment:
        environment.setenv("HADOOP_CONF_DIR", str(running.hadoop.conf))
        before = run([SITE / "spark.html"], engine="serial", output=f"{running.hadoop.hdfs}/out/before")
        kill_and_wait(next(daemon.pid for daemon in running.daemons if daemon.name == "datanode"))
        yield running.hadoop, before


@pytest.mark.parametrize("engine", ENGINES)
def test_datanode_dies(
    engine: str, without_datanode: tuple[client.Hadoop, Result], monkeypatch: pytest.MonkeyPatch, spool: Path
) -> None:
    """What workers cannot write, and nobody can read, is told in one line; nothing is left."""
    require(engine)
    hadoop, before = without_datanode
    monkeypatch.setenv("HADOOP_CONF_DIR", str(hadoop.conf))
    with pytest.raises((OutputError, JobFailed), match=r"cannot write webhdfs://\S+: nobody answers at http://\S+ \(WebHDFS\)$"):
        run([SITE / "spark.html"], engine=engine, workers=1, output=f"{hadoop.hdfs}/out/result")
    assert names(hadoop, f"{hadoop.hdfs}/out") == ["before"]
    assert list(spool.glob("bigdata-demos-*")) == []
    with pytest.raises(InputError, match=r"^hdfs://\S+/out/before .* nobody answers at http://\S+ \(WebHDFS\)$"):
        next(before.read_keywords())


def test_containers_cannot_reach_loopback() -> None:
    """An HDFS on loopback is another machine's in a container: that is told before anything is started."""
    registry.check_reachable(["/data", "hdfs://namenode:8020/x", "s3://localhost/x", "-"])
    for url in ("hdfs://localhost:8020/x", "webhdfs://me@127.0.0.1:9870/x"):
        with pytest.raises(UsageError, match="cannot reach an HDFS on"):
            registry.check_reachable([url])


def command(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the keywords command."""
    line = [sys.executable, "-m", "bigdata_demos.keywords", *arguments]
    return subprocess.run(line, capture_output=True, text=True, timeout=120, check=False)
