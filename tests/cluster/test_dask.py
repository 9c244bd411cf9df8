"""Dask's clusters: who reaches them, and what they say when their workers have too little memory."""

import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from distributed import Client, Security

from bigdata_demos.cluster import dask
from bigdata_demos.cluster.standalone import Cluster, dask_cluster
from bigdata_demos.errors import EngineUnavailable
from bigdata_demos.keywords import open_session
from tests.support.processes import listening, tree

GREETING = b"pickle-protocol"
"""A part of what each port of Dask says at first."""


def heard(port: int, security: Security | None) -> bytes:
    """What a port of this machine says at first: with a certificate, or (None) without TLS."""
    with socket.create_connection(("127.0.0.1", port), 5) as plain:
        plain.settimeout(5)
        with suppress(OSError):
            if not security:
                plain.sendall(b"GET / HTTP/1.0\r\n\r\n")
                return plain.recv(4096)
            context = security.get_connection_args("client")["ssl_context"]
            with context.wrap_socket(plain) as connection:
                return bytes(connection.recv(4096))
    return b""


def check_ports(ports: set[tuple[str, int]], security: Security) -> None:
    """Check that three ports of a cluster with one worker take a certificate, and no other one; the others are web servers."""
    assert {address for address, _ in ports} == {"127.0.0.1"}
    answers = {port: heard(port, None) for _, port in ports}
    assert not any(GREETING in said for said in answers.values())
    private = [port for port, said in answers.items() if not said.startswith(b"HTTP/1.")]
    other = Security.temporary()
    assert [GREETING in heard(port, security) for port in private] == [True] * 3, "the scheduler, a nanny, a worker"
    assert [heard(port, other) for port in private] == [b""] * 3


def test_embedded_cluster_takes_its_own_certificate_only() -> None:
    """No port of the scheduler, of a nanny or of a worker takes a connection without TLS, or with another certificate."""
    others = listening(tree())  # such as those of the Spark that an earlier test of this process has started
    with dask.quiet(), dask.local_cluster(1, "auto") as cluster, Client(cluster) as client:
        assert client.submit(int, "7").result() == 7
        check_ports(listening(tree()) - others, cluster.security)


@pytest.fixture(scope="module")
def started() -> Iterator[Cluster]:
    """A cluster of processes."""
    with dask_cluster(1) as cluster:
        yield cluster


def test_cluster_of_processes_takes_its_own_certificate_only(started: Cluster) -> None:
    """The same of `bigdata-demos cluster dask`, whose certificate is found by its address."""
    with dask.quiet(), dask.connect(started.url, 1, {}) as client:
        assert client.submit(int, "7").result() == 7
        check_ports({port for process in started.processes for port in listening(tree(process.pid))}, client.security)


def test_another_user_is_told(started: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line, and at once, if there is no certificate."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    with (
        pytest.raises(EngineUnavailable, match="wants a certificate, and this user has none"),
        dask.connect(started.url, 1, {}),
    ):
        pass


def test_workers_that_have_no_memory_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that imports too much, and one that is paused after tasks, are told in one line instead of waited for."""
    monkeypatch.setattr(dask, "STUCK", 2.0)

    def fill() -> None:
        """Use 87 % of the limit: more than that at which a worker is paused, and less than that at which it is ended."""
        import distributed
        import psutil

        worker: Any = distributed.get_worker()
        free = int(0.87 * worker.memory_manager.memory_limit) - psutil.Process().memory_info().rss
        worker.ballast = b"\1" * free

    with dask.quiet(), dask.local_cluster(1, "400MiB") as cluster, Client(cluster) as client:
        dask.prepare(client, None, int)
        paused = r"it has paused 1 of 1 workers, .* 400 MiB of memory: allow them more"
        with pytest.raises(EngineUnavailable, match=paused), dask.watched(client):
            client.submit(fill).result()
            client.submit(int, "7").result()
        with pytest.raises(EngineUnavailable, match="none beyond 320 MiB, 80% of its limit: allow them more"):
            dask.prepare(client, None, int)


def test_a_limit_that_no_worker_can_keep() -> None:
    """Workers are ended as soon as they have started."""
    session = open_session("dask", workers=1, engine_options={"memory": "20MiB"})
    with pytest.raises(EngineUnavailable, match=r"Dask's workers end while they start .*memory.=2GiB"), session:
        pass
