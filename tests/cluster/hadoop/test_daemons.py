"""Hadoop for real: HDFS and YARN as processes of this machine, jobs that fail, tasks and daemons that are killed."""

import getpass
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from bigdata_demos.cluster.hadoop import client, configuration, daemons
from bigdata_demos.cluster.java import find_java
from bigdata_demos.errors import EngineUnavailable, JobFailed, UsageError
from bigdata_demos.keywords import run
from tests.support.paths import DATA, SITE
from tests.support.processes import kill_and_wait
from tests.support.requirements import require

SPLIT_BYTES = 5_500_000
"""Three splits for each of the corpus' three files: more than the eight tasks of two workers, so that the combiner has work."""


@pytest.fixture
def cluster(hadoop: daemons.Cluster) -> daemons.Cluster:
    """HDFS and YARN with two slots, which all tests share."""
    return hadoop


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pages that take a while: some seconds of one thread, in files enough for several tasks."""
    directory = tmp_path_factory.mktemp("corpus")
    line = [sys.executable, "-m", "bigdata_demos", "corpus", "synthetic", "--pages", "2400", "--files", "3"]
    subprocess.run([*line, "--output", directory / "synthetic.warc.gz"], check=True, capture_output=True)
    return directory


@pytest.fixture(scope="module")
def expected(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The digest of one thread."""
    return run([corpus], engine="serial", output=tmp_path_factory.mktemp("serial") / "result").digest


def eventually(true: Callable[[], Any], seconds: float = 90) -> Any:
    """Wait for something."""
    deadline = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.1)
    return found


def applications(cluster: daemons.Cluster) -> list[dict[str, Any]]:
    """What YARN knows of its applications."""
    page = cluster.hadoop.settings()["yarn.resourcemanager.webapp.address"]
    found: list[dict[str, Any]] = (daemons.ask(f"http://{page}/ws/v1/cluster/apps")["apps"] or {}).get("app", [])
    return found


def programs(cluster: daemons.Cluster, role: str) -> list[psutil.Process]:
    """The Python processes of tasks that run one of our programs."""
    nodemanager = next(one for one in cluster.daemons if one.name == "nodemanager").process()
    found = []
    for process in nodemanager.children(recursive=True) if nodemanager else []:
        try:
            line = process.cmdline()
        except psutil.Error:
            continue
        if "bigdata_demos.keywords.streaming" in line and line[-2] == role:
            found.append(process)
    return found


def command(*arguments: str, **more: Any) -> "subprocess.Popen[str]":
    """Start the keywords command."""
    line = [sys.executable, "-m", "bigdata_demos.keywords", "--engine", "hadoop", "--split-bytes", str(SPLIT_BYTES), *arguments]
    return subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)


# ---- what it does -----------------------------------------------------------------------------------------------------------


def test_input_and_output_in_hdfs(cluster: daemons.Cluster, address: str, corpus: Path, expected: str, tmp_path: Path) -> None:
    """The manifest has the counters of both passes, bytes written to HDFS between them, and seconds; no job's directory is left.

    Other engines read the same directory of HDFS, too, without native code.
    """
    for path in corpus.iterdir():
        client.put(cluster.hadoop, str(path), f"/crawl/{path.name}")
    assert run([f"{address}/crawl"], engine="asyncio", workers=2, output=tmp_path / "result").digest == expected
    output = f"{address}/written/result"
    result = run([f"{address}/crawl"], engine="hadoop", workers=2, cluster=address, output=output, split_bytes=SPLIT_BYTES)
    assert result.digest == expected
    assert sum(1 for _ in result.read_keywords()) == result.pages > 0
    files = client.files(cluster.hadoop)
    assert files.ls("/written", detail=False) == ["/written/result"]
    manifest = json.loads(files.cat("/written/result/manifest.json"))
    counted = manifest["engine_counters"]
    splits = len(manifest["splits"])
    assert counted["pass 1 Map input records"] == counted["pass 2 Map input records"] == splits == counted["pass 1 splits"]
    assert counted["pass 1 Combine input records"] > counted["pass 1 Combine output records"] >= manifest["buckets"]
    assert counted["pass 1 Reduce input records"] == counted["pass 1 Combine output records"]
    assert counted["pass 1 bytes kept"] == manifest["shuffle"]["kept"]
    assert counted["pass 1 HDFS: Number of bytes written"] > 0
    assert counted["pass 1 Spilled Records"] > 0
    assert 0 < counted["pass 1 submit ms"] < counted["pass 1 first map ms"] < counted["pass 1 all ms"]
    assert {"put", "map", "merge", "score", "index"} <= manifest["seconds"].keys()
    assert files.ls(f"/user/{getpass.getuser()}", detail=False) == []


def test_avro_that_hadoop_reads(cluster: daemons.Cluster, address: str, tmp_path: Path) -> None:
    """Where it is stored, by its own input format: every task finds its block on its node, and the digest is the same."""
    crawl = tmp_path / "site.avro"
    line = [sys.executable, "-m", "bigdata_demos", "corpus", "convert", str(SITE), "--output", str(crawl)]
    subprocess.run([*line, "--html-bytes"], check=True, capture_output=True)
    client.put(cluster.hadoop, str(crawl), "/avro/site.avro")
    options = {"input": "avro"}
    path = f"{address}/avro/site.avro"
    result = run([path], engine="hadoop", workers=2, cluster=address, output=tmp_path / "result", engine_options=options)
    assert result.digest == run([crawl], engine="serial", output=tmp_path / "serial").digest
    counted = json.loads((tmp_path / "result" / "manifest.json").read_text())["engine_counters"]
    assert counted["pass 1 Map input records"] == result.pages + result.rejected
    assert counted["pass 1 Data-local map tasks"] == counted["pass 1 Launched map tasks"] > 1


def test_avro_that_json_cannot_tell(address: str, tmp_path: Path) -> None:
    """Hadoop's JSON has bytes and strings alike: a schema that allows both is refused, and so is what is no Avro."""
    crawl = tmp_path / "site.avro"
    subprocess.run(
        [sys.executable, "-m", "bigdata_demos", "corpus", "convert", str(SITE), "--output", str(crawl)],
        check=True,
        capture_output=True,
    )
    for path, said in ((crawl, "convert --html-bytes"), (DATA / "site.warc.gz", "is not an Avro file in hdfs://")):
        with pytest.raises(UsageError, match=said):
            run([path], engine="hadoop", cluster=address, output=tmp_path / "result", engine_options={"input": "avro"})
    with pytest.raises(UsageError, match=r"engine_options\[input\]=json: it is splits or avro"):
        run(engine="hadoop", cluster=address, output=tmp_path / "result", engine_options={"input": "json"})


# ---- what goes wrong --------------------------------------------------------------------------------------------------------


def test_task_that_fails_says_why(cluster: daemons.Cluster, tmp_path: Path) -> None:
    """Its own traceback's last line, from YARN's logs, and which attempt it was."""
    (tmp_path / "fail.py").write_text("import sys\nsys.stdin.buffer.read()\nraise ValueError('on purpose')\n")
    client.put(cluster.hadoop, str(DATA / "site.warc.gz"), "/failing/in")
    failing = [sys.executable, str(tmp_path / "fail.py")]
    job = client.StreamingJob(
        "a job that fails", ["/failing/in"], "/failing/out", failing, ["cat"], 1, settings={"mapreduce.map.maxattempts": 1}
    )
    with pytest.raises(
        JobFailed, match=r"a job that fails, application_\d+_\d+\) has failed: (attempt|task)_\w+: ValueError: on purpose"
    ) as found:
        client.run(cluster.hadoop, job, lambda *_: None, lambda _: None)
    assert "Traceback (most recent call last)" in str(found.value.__cause__)


def test_nodes_without_this_python(address: str, tmp_path: Path) -> None:
    """One line says which Python is missing, and how to name another."""
    with pytest.raises(EngineUnavailable, match=r"do not have /nowhere/python: set their Python with engine_options\[python\]="):
        run(engine="hadoop", cluster=address, output=tmp_path / "result", engine_options={"python": "/nowhere/python"})
    assert not list(tmp_path.iterdir())


def test_unknown_address(address: str, tmp_path: Path) -> None:
    """The one that is known is named."""
    with pytest.raises(UsageError, match=f"no Hadoop of that address \\(there is {address}\\)"):
        run(engine="hadoop", cluster="hdfs://127.0.0.1:9", output=tmp_path / "result")


def test_interrupt_kills_the_application(cluster: daemons.Cluster, address: str, corpus: Path, tmp_path: Path) -> None:
    """Ctrl-C: YARN's application is killed, nothing is written, nothing stays in HDFS."""
    process = command(str(corpus), "--cluster", address, "--output", str(tmp_path / "result"))
    eventually(lambda: programs(cluster, "map"))
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "interrupted" in said
    assert "Traceback" not in said
    assert not (tmp_path / "result").exists()
    eventually(lambda: {one["state"] for one in applications(cluster)} <= {"FINISHED", "KILLED", "FAILED"})
    assert max(applications(cluster), key=lambda one: one["id"])["state"] == "KILLED"
    eventually(lambda: not programs(cluster, "map"))


def test_tasks_that_are_killed(cluster: daemons.Cluster, address: str, corpus: Path, expected: str, tmp_path: Path) -> None:
    """A mapper and a reducer of each pass: they run again, and what they had written before does not count twice."""
    process = command(str(corpus), "--cluster", address, "--workers", "2", "--output", str(tmp_path / "result"))
    killed = set[str]()
    try:
        for role in ("map", "merge", "score", "index"):
            while process.poll() is None and role not in killed:
                killed |= {role for one in programs(cluster, role)[:1] if kill(one)}
                time.sleep(0.1)
        _, said = process.communicate(timeout=180)
    finally:
        process.kill()
    assert process.returncode == 0, said
    manifest = json.loads((tmp_path / "result" / "manifest.json").read_text())
    assert manifest["digest"] == expected
    assert {"map", "score"} <= killed  # reducers may be over before they can be hit
    counted = manifest["engine_counters"]
    failed = [counted.get(f"pass {number} Failed {kind} tasks", 0) for number in (1, 2) for kind in ("map", "reduce")]
    assert [bool(number) for number in failed] == [role in killed for role in ("map", "merge", "score", "index")]


def kill(process: psutil.Process) -> bool:
    """Kill a process; whether it was there to be killed."""
    try:
        process.kill()
    except psutil.NoSuchProcess:
        return False
    return True


def test_only_nodemanager_is_killed(cluster: daemons.Cluster, address: str, corpus: Path, expected: str, tmp_path: Path) -> None:
    """And started again: the job goes on, with the same answer."""
    process = command(str(corpus), "--cluster", address, "--workers", "2", "--output", str(tmp_path / "result"))
    try:
        eventually(lambda: programs(cluster, "map"))
        nodemanager = next(one for one in cluster.daemons if one.name == "nodemanager")
        orphans = daemons.children(psutil.Process(nodemanager.pid))
        kill_and_wait(nodemanager.pid)
        for orphan in orphans:  # a machine that dies takes them along
            kill(orphan)
        daemons.start_daemon(cluster, "nodemanager", daemons.environment_of(cluster, find_java("hadoop")))
        _, said = process.communicate(timeout=240)
    finally:
        process.kill()
    assert process.returncode == 0, said
    assert json.loads((tmp_path / "result" / "manifest.json").read_text())["digest"] == expected


# ---- the cluster that stays -------------------------------------------------------------------------------------------------


def cluster_command(*arguments: str, state: Path) -> "subprocess.CompletedProcess[str]":
    """Run ``bigdata-demos cluster`` with a state directory of its own."""
    line = [sys.executable, "-m", "bigdata_demos.cluster", *arguments]
    environment = {**os.environ, "XDG_STATE_HOME": str(state)}
    return subprocess.run(line, env=environment, capture_output=True, text=True, timeout=180, check=False)


def test_up_status_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It stays until it is told to end, a job runs on it, and its files are there when it is started again."""
    require("hadoop")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert cluster_command("status", "hadoop", state=tmp_path).returncode == 1
    try:
        up = cluster_command("up", "hadoop", "--workers", "2", state=tmp_path)
        assert up.returncode == 0, up.stderr
        address = up.stdout.strip()
        assert cluster_command("up", "hadoop", state=tmp_path).stdout.strip() == address
        status = cluster_command("status", "hadoop", state=tmp_path)
        assert (status.returncode, [line.split()[:2] for line in status.stdout.splitlines()[1:]]) == (
            0,
            [[name, "ready,"] for name in daemons.DAEMONS],
        )
        cluster = daemons.recorded()
        assert cluster
        listening = {
            one.laddr.ip
            for daemon in cluster.daemons
            for one in psutil.Process(daemon.pid).net_connections()
            if one.status == "LISTEN"
        }
        assert listening <= {"127.0.0.1", "::ffff:127.0.0.1", "::", "0.0.0.0"}
        client.put(cluster.hadoop, str(DATA / "site.warc.gz"), "/kept/site.warc.gz")
        result = run([f"{address}/kept"], engine="hadoop", cluster=address, output=tmp_path / "result")
        assert result.digest == run(engine="serial", output=tmp_path / "serial").digest
        processes = [psutil.Process(daemon.pid) for daemon in cluster.daemons]
        assert cluster_command("down", "hadoop", state=tmp_path).returncode == 0
        assert not [one for one in processes if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]
        again = cluster_command("up", "hadoop", "--workers", "2", state=tmp_path)
        assert again.returncode == 0, again.stderr
        cluster = daemons.recorded()
        assert cluster
        assert client.files(cluster.hadoop).exists("/kept/site.warc.gz")
    finally:
        cluster_command("down", "hadoop", state=tmp_path)
    assert "Hadoop is not running" in cluster_command("down", "hadoop", state=tmp_path).stderr


def test_nothing_is_left_behind() -> None:
    """Neither processes nor files, also when a job is given up."""
    require("hadoop")
    with daemons.local_hadoop(1, lambda _: None) as cluster:
        directory, processes = cluster.directory, [psutil.Process(daemon.pid) for daemon in cluster.daemons]
        assert len(processes) == len(daemons.DAEMONS)
    assert not [one for one in processes if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]
    assert not directory.exists()


# ---- settings ---------------------------------------------------------------------------------------------------------------


def test_settings_are_read_as_they_were_written(tmp_path: Path) -> None:
    """What is written is XML that Hadoop, and we, read back."""
    hosts = dict.fromkeys(daemons.DAEMONS, "host")
    layout = configuration.Layout(hosts, configuration.PORTS, "0.0.0.0", Path("/jars"), tmp_path, 3, "me & you")
    configuration.write(layout, tmp_path / "conf")
    found = configuration.read(tmp_path / "conf")
    assert found["fs.defaultFS"] == "hdfs://host:8020"
    assert found["hadoop.http.staticuser.user"] == "me & you"
    assert found["yarn.nodemanager.resource.memory-mb"] == str(4 * configuration.TASK_MEMORY)
