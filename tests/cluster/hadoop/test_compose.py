"""Hadoop in containers: both drivers, HDFS that outlives its containers, what is told before a job, a host that dies in one."""

import getpass
import json
import os
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from bigdata_demos.cluster import compose, registry
from bigdata_demos.cluster.hadoop import client, connection
from bigdata_demos.crawl.plan import bundled_crawl
from bigdata_demos.errors import EngineUnavailable, UsageError
from bigdata_demos.keywords import run
from tests.support.requirements import require
from tests.support.stack import TEST_PROJECT, Stack


@pytest.fixture(scope="module")
def address(stack: Stack) -> Iterator[str]:
    """HDFS and YARN, up beside Spark; at the end its volumes are removed, too."""
    require("hadoop")
    address = f"hdfs://localhost:{stack.ports['HDFS_PORT']}"
    try:
        up(stack, address)
        yield address
    finally:
        assert stack.cluster("down", "hadoop", "--containers").returncode == 0
        volumes = [f"{TEST_PROJECT}_hadoop-{name}" for name in ("name", "data")]
        subprocess.run(["docker", "volume", "rm", *volumes], check=True, capture_output=True)


@pytest.fixture(scope="module")
def expected(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> str:
    """One thread's digest of the bundled crawl."""
    return run(engine="serial", output=tmp_path_factory.mktemp("serial") / "result").digest


def up(stack: Stack, address: str) -> None:
    """Bring it up."""
    done = stack.cluster("up", "hadoop", "--containers")
    assert (done.returncode, done.stdout.strip()) == (0, address), done.stderr


def container(stack: Stack, service: str) -> str:
    """The container of a service."""
    found = dict(line.split()[::-1] for line in stack.containers('{{.ID}} {{.Label "com.docker.compose.service"}}'))
    return found[service]


def test_driver_on_the_host(stack: Stack, address: str, expected: str) -> None:
    """The bundled crawl goes to HDFS, parts come to `out`, where they are the user's; links of the job's pages live on the host."""
    result = run(engine="hadoop", workers=2, cluster=address, output=stack.shared / "out" / "hadoop")
    assert result.digest == expected
    written = [Path(str(result.output)), *Path(str(result.output)).rglob("*")]
    assert {(path.stat().st_uid, path.stat().st_gid) for path in written} == {(os.getuid(), os.getgid())}
    hadoop = connection.find(address)
    assert client.files(hadoop).ls(f"/user/{getpass.getuser()}", detail=False) == []
    applications = f"http://localhost:{stack.ports['YARN_PAGE_PORT']}/ws/v1/cluster/apps"
    with urllib.request.urlopen(applications, timeout=20) as answer:
        found = json.load(answer)["apps"]["app"]
    assert [one["finalStatus"] for one in found] == ["SUCCEEDED"] * 2
    for one in found:
        assert urlsplit(one["trackingUrl"]).hostname == hadoop.settings()["yarn.resourcemanager.webapp.address"].partition(":")[0]
        with urllib.request.urlopen(one["trackingUrl"], timeout=20) as answer:  # which leads to the history server
            assert "MapReduce Job job_" in answer.read().decode()


def test_driver_in_a_container(stack: Stack, address: str, expected: str) -> None:
    """There hadoop means this cluster."""
    line = [sys.executable, "-m", "bigdata_demos.cluster", "run", "--engine", "hadoop", "-q", "--output", "out/from-container"]
    done = subprocess.run(line, cwd=stack.shared, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    manifest = json.loads((stack.shared / "out" / "from-container" / "manifest.json").read_text())
    assert manifest["digest"] == expected
    assert manifest["engine_counters"]["pass 1 bytes kept"] > 0


def test_ports_are_on_loopback_only(stack: Stack, address: str) -> None:
    """All of Hadoop's that are published; and its pages answer there."""
    published = [port for line in stack.containers("{{.Ports}}") for port in line.split(", ") if port]
    assert all(port.startswith("127.0.0.1:") for port in published), published
    for name in compose.PORTS["hadoop"]:
        assert sum(port.startswith(f"127.0.0.1:{stack.ports[name]}->") for port in published) == 1, name
        if name != "HDFS_PORT":
            with urllib.request.urlopen(f"http://localhost:{stack.ports[name]}/jmx", timeout=20) as answer:
                assert answer.status == 200


def test_spark_in_containers_reads_and_writes_hdfs(stack: Stack, address: str, expected: str) -> None:
    """From and to the HDFS beside it, by the address that the host knows."""
    client.put(connection.find(address), str(bundled_crawl()), "/for-spark/site.warc.gz")
    output = f"{address}/of-spark"
    result = run([f"{address}/for-spark"], engine="spark", workers=2, cluster=stack.address, output=output)
    assert result.digest == expected
    assert sum(1 for _ in result.read_keywords()) == result.pages > 0


def test_hdfs_outlives_its_containers(stack: Stack, address: str, expected: str) -> None:
    """What was put there is there after `down` and `up`; and it is read by the address that the host knows."""
    crawl = bundled_crawl()
    client.put(connection.find(address), str(crawl), f"/crawl/{Path(crawl).name}")
    down = stack.cluster("down", "hadoop", "--containers")
    assert down.returncode == 0, down.stderr
    assert not [name for name in ("hadoop", "hadoop.json") if (stack.run / name).exists()]
    with pytest.raises(UsageError, match="no Hadoop of that address"):
        connection.find(address)
    assert stack.cluster("status", "hadoop", "--containers").returncode == 1
    up(stack, address)
    status = stack.cluster("status", "hadoop", "--containers")
    assert [line.split()[:2] for line in status.stdout.splitlines()[1:]] == [
        [name, "ready"] for name in sorted(compose.SERVICES["hadoop"])
    ]
    result = run([f"{address}/crawl"], engine="hadoop", cluster=address, output=stack.shared / "out" / "from-hdfs")
    assert result.digest == expected


# What cannot work is told before anything starts


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("python", "3.99.1", r"and 3\.99\.1 in the containers: rebuild their image with this one \(.* up hadoop --containers"),
        ("fingerprint", "0", "run another bigdata_demos than this one: .* up hadoop --containers rebuilds their image"),
    ],
)
def test_what_differs_in_the_containers(
    stack: Stack, address: str, field: str, value: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python, the package."""
    shutil.copytree(stack.run / "hadoop", tmp_path / "hadoop")
    record = json.loads((stack.run / "hadoop.json").read_text())
    (tmp_path / "hadoop.json").write_text(json.dumps({**record, field: value}))
    monkeypatch.setenv(registry.RUN, str(tmp_path))
    with pytest.raises(EngineUnavailable, match=said):
        run(engine="hadoop", cluster=address, output=stack.shared / "out" / "refused")


def test_paths_that_the_containers_do_not_see(stack: Stack, address: str, tmp_path: Path) -> None:
    """By each of the cluster's addresses."""
    inside = registry.find(address).other  # type: ignore[union-attr]
    for cluster in (address, address.replace("localhost", "127.0.0.1"), inside, f"{address}/"):
        assert connection.find(cluster).hdfs == inside
        with pytest.raises(UsageError, match=r"writes below .* only"):
            run(engine="hadoop", cluster=cluster, output=tmp_path / "result")


def test_namenode_that_is_stopped(stack: Stack, address: str) -> None:
    """The driver says so at once; `up` brings it back, with the others that knew its address, and its files."""
    subprocess.run(["docker", "kill", container(stack, "namenode")], check=True, capture_output=True)
    with pytest.raises(EngineUnavailable, match=rf"HDFS at {address} does not answer at .* on the containers' network"):
        run(engine="hadoop", cluster=address, output=stack.shared / "out" / "stopped")
    up(stack, address)
    assert connection.find(address)
