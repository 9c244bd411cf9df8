"""Clusters of local processes: what is wrong with one is told within seconds, and nothing is left of it."""

import json
import os
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from bigdata_demos.cluster import credentials
from bigdata_demos.cluster.standalone import ANY_PORT, LOOPBACK, Cluster, dask_cluster, free_ports, spark_cluster
from bigdata_demos.keywords import open_session, run
from tests.support.paths import SITE
from tests.support.processes import kill_and_wait, listening, tree
from tests.support.requirements import require


@pytest.fixture(scope="module")
def spark() -> Iterator[Cluster]:
    """A Spark cluster with one small worker."""
    require("spark")
    with spark_cluster(1, memory="600m") as cluster:
        yield cluster


SOON = ("--engine-option", "wait=8")


def error_of(cluster: Cluster, *arguments: str, **environment: str) -> str:
    """The one line that the command says when it fails on a cluster."""
    engine = "spark" if cluster.url.startswith("spark") else "dask"
    line = [
        sys.executable,
        "-m",
        "bigdata_demos.keywords",
        str(SITE),
        "--engine",
        engine,
        "--cluster",
        cluster.url,
        "-q",
        *arguments,
    ]
    done = subprocess.run(line, capture_output=True, text=True, timeout=90, check=False, env={**os.environ, **environment})
    assert done.returncode == 1, done.stderr
    assert done.stdout == ""
    (said,) = done.stderr.splitlines()
    return said


def test_worker_that_is_too_small(spark: Cluster) -> None:
    """No worker has the memory: what they have is said, instead of waiting for ever."""
    said = error_of(spark, "--engine-option", "memory=4g", *SOON, "--engine-option", f"master-ui={spark.page}")
    assert "gave 0 of one executor of 1 core and 4g of memory" in said
    assert "free on its workers: 1 cores and 600 MB" in said
    assert "--engine-option memory=" in said


def test_driver_without_the_secret(spark: Cluster, tmp_path: Path) -> None:
    """Another user's driver finds no secret, and is refused; on the command lines of the daemons there is none to see."""
    said = error_of(spark, XDG_STATE_HOME=str(tmp_path))
    assert "refuses this driver: it wants a secret, and this driver has none" in said
    settings = credentials.path_for(spark.url).read_text().splitlines()
    (secret,) = [line.split()[1] for line in settings if line.startswith("spark.authenticate.secret ")]
    lines = [" ".join(psutil.Process(process.pid).cmdline()) for process in spark.processes]
    assert all("--properties-file" in line and secret not in line for line in lines)


def test_more_workers_than_there_are(spark: Cluster) -> None:
    """Two executors asked for, one there."""
    assert "gave 1 of 2 executors" in error_of(spark, "--workers", "2", "--engine-option", "memory=500m", *SOON)


def test_workers_without_this_python(spark: Cluster) -> None:
    """The workers' Python is not there."""
    said = error_of(spark, "--engine-option", "memory=500m", "--engine-option", "python=/no/python")
    assert "the workers have no /no/python" in said


def test_workers_with_another_python(spark: Cluster, tmp_path: Path) -> None:
    """The workers' Python has another minor version: both are named, and how to mend it."""
    other = tmp_path / "python"
    pretend = "import sys; from collections import namedtuple as n; sys.version_info = n('V', 'major minor micro releaselevel serial')(3, 99, 1, 'final', 0); "
    pretend += "import runpy; sys.argv.pop(0); sys.argv[0] == '-m' and sys.argv.pop(0); runpy.run_module(sys.argv[0], run_name='__main__')"
    other.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{pretend}" "$@"\n')
    other.chmod(0o755)
    said = error_of(spark, "--engine-option", "memory=500m", "--engine-option", f"python={other}")
    assert f"{sys.version_info.major}.{sys.version_info.minor}" in said
    assert "3.99" in said
    assert "same minor version" in said


def test_scheduler_without_enough_workers() -> None:
    """Dask: more workers asked for than there are."""
    require("dask")
    with dask_cluster(1) as cluster:
        assert "has 1 workers, not 3: start more" in error_of(cluster, "--workers", "3", *SOON)


@pytest.mark.parametrize("kind", ["spark", "dask"])
def test_nothing_is_left_of_a_cluster(kind: str) -> None:
    """All processes end with the context, also by an error."""
    require(kind)
    processes: list[psutil.Process] = []
    with pytest.raises(RuntimeError, match="on purpose"), (spark_cluster if kind == "spark" else dask_cluster)(1) as cluster:
        processes = [one for process in cluster.processes for one in tree(process.pid)]
        assert all(process.is_running() for process in processes)
        assert {address for address, _ in listening(processes)} <= {"127.0.0.1", "::1"}, "ports on loopback only"
        raise RuntimeError("on purpose")
    _, alive = psutil.wait_procs(processes, timeout=10)
    assert not alive
    assert not cluster.logs.exists()


def test_command_prints_the_address(tmp_path: Path) -> None:
    """`bigdata-demos cluster dask` prints the address that --cluster takes, starts a worker that dies again, ends on SIGTERM."""
    require("dask")
    line = [sys.executable, "-m", "bigdata_demos.cluster", "dask", "--workers", "1"]
    process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
    try:
        assert process.stdout
        assert process.stderr
        url = process.stdout.readline().strip()
        assert "1 workers" in process.stderr.readline()
        [worker] = [one for one in psutil.Process(process.pid).children() if "dask_worker" in " ".join(one.cmdline())]
        kill_and_wait(worker.pid)
        assert process.stderr.readline() == "worker 1 ended with status -9: it is started again\n"
        done = subprocess.run(
            [sys.executable, "-m", "bigdata_demos.keywords", str(SITE), "--engine", "dask", "--cluster", url, "-q", "--format", "jsonl"],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert len([json.loads(line) for line in done.stdout.splitlines()]) == 63
    finally:
        process.terminate()
        assert process.wait(20) == 0


def check_driver_takes_its_own_secret_only(port: int) -> None:
    """Spark in one JVM listens, too: a remote call of another process gets no further than the question for the secret."""
    body = b"any"
    header = bytes([3]) + (1).to_bytes(8, "big") + len(body).to_bytes(4, "big")  # org.apache.spark.network.protocol.RpcRequest
    with socket.create_connection((LOOPBACK, port), 20) as connection:
        connection.sendall((8 + len(header) + len(body)).to_bytes(8, "big") + header + body)
        said = b""
        while b"Message" not in said and b"NettyRpc" not in said:  # the latter reads calls of everyone
            more = connection.recv(4096)
            assert more, said
            said += more
    assert b"Expected SaslMessage" in said


def test_sparks_page_names_the_two_passes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With its web page on, Spark describes jobs and stages by what they do; the page listens on loopback only."""
    require("spark")
    from pyspark import SparkContext

    with open_session("spark", workers=1, engine_options={"ui": "0"}) as session:
        run([SITE], engine=session, output=tmp_path / "out")
        context = SparkContext._active_spark_context
        assert context is not None
        page = str(context.uiWebUrl)
        assert page.startswith("http://127.0.0.1:")
        context._accumulatorServer.handle_error(None, ("127.0.0.1", 0))  # type: ignore[arg-type]
        assert "Exception occurred" not in capsys.readouterr().err  # as when Java ends first, after Ctrl-C
        check_driver_takes_its_own_secret_only(int(context.getConf().get("spark.driver.port", "0")))
        for what in ("jobs", "stages"):
            with urllib.request.urlopen(f"{page}/api/v1/applications/{context.applicationId}/{what}", timeout=20) as answer:
                said = " | ".join(one.get("description", "") for one in json.load(answer))
            assert "pass 1: map pages to candidates" in said
            assert "pass 2: score candidates, reduce postings to the consolidated index" in said


def test_free_ports_are_different_and_not_those_of_outgoing_connections() -> None:
    """The one wished for is given when it is free, and not when a process listens on it."""
    with socket.create_server((LOOPBACK, 0)) as taken:
        port = taken.getsockname()[1]
        ports = free_ports([port, *[0] * 30])
    assert len(set(ports)) == len(ports)
    assert set(ports) <= set(ANY_PORT)
    assert free_ports([ports[0], ports[0]])[0] == ports[0]
    assert len(set(free_ports([ports[0], ports[0]]))) == 2


def test_free_ports_are_not_given_to_another_process() -> None:
    """A port that one process was given is not given to another, though nothing listens on it yet: two clusters may start at once."""
    mine = free_ports([0, 0])
    code = f"from bigdata_demos.cluster.standalone import free_ports; print(*free_ports({mine}))"
    others = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert len(others) == 2
    assert not set(map(int, others)) & set(mine)


def test_sockets_have_short_paths(tmp_path: Path) -> None:
    """Spark's sockets are in its own directory, unless that has a path that is too long for a socket's address."""
    require("spark")
    from bigdata_demos.cluster.spark import _socket_directory

    long = tmp_path / ("x" * 100)
    with _socket_directory(str(long)) as directory:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.bind(f"{directory}/{'y' * 42}")
        assert directory != str(long)
    assert not Path(directory).exists()
    with _socket_directory("/tmp/short") as directory:
        assert directory == "/tmp/short"
