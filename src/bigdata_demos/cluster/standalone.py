"""Clusters of local processes: Spark's standalone master and workers, or a Dask scheduler and workers, on loopback.

They are for trying ``--cluster`` without Docker, and for the tests. Leaving the context ends all processes.
"""

import json
import os
import random
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Final, NamedTuple

from ..errors import EngineNotInstalled, EngineUnavailable
from . import credentials, spark_classes
from .java import find_java
from .probe import LOCAL
from .settings import write_settings
from .watch import watch

WAIT = 60.0  # seconds to wait for a cluster
LOOPBACK = "127.0.0.1"
ANY_PORT = range(20_000, 32_000)
"""Ports that systems do not give to outgoing connections, any of which could take a port between its choice and its use."""


class Cluster(NamedTuple):
    """A running cluster: its address, its web page, and its processes, of which the first is the master.

    ``restart`` starts a process again, by its index.
    """

    url: str
    page: str
    processes: list[subprocess.Popen[bytes]]
    logs: Path
    restart: Callable[[int], None]


def free_port(wish: int = 0) -> int:
    """Return a port of loopback that no process uses: see :func:`free_ports`."""
    return free_ports([wish])[0]


def free_ports(wishes: Iterable[int]) -> list[int]:
    """Return one port of loopback for each wish, all different, which no process uses: the one wished for, or any (0).

    Until this process ends, no other process is given these ports by this function: what listens on them may start minutes later.

    Raises EngineUnavailable if none is free.
    """
    with ExitStack() as held:  # all at once, so that none is chosen twice
        return [held.enter_context(_bound(wish)).getsockname()[1] for wish in wishes]


_reserved: Final[dict[int, socket.socket]] = {}
"""For each port that this process was given, a UDP socket that is bound to its number, which leaves TCP free for the program."""


def _bound(wish: int) -> socket.socket:
    """Return a socket that is bound to the port wished for, or to another one, which is then reserved for this process."""
    for port in [*([wish] if wish else []), *random.sample(ANY_PORT, 100)]:
        probe, reservation = socket.socket(), _reserved.get(port) or socket.socket(type=socket.SOCK_DGRAM)
        try:
            probe.bind((LOOPBACK, port))
            if port not in _reserved:
                reservation.bind((LOOPBACK, port))
        except OSError:
            probe.close()
            if port not in _reserved:
                reservation.close()
        else:
            _reserved[port] = reservation
            return probe
    raise EngineUnavailable(f"no free port was found on {LOOPBACK} between {ANY_PORT.start} and {ANY_PORT.stop}")


@contextmanager
def processes() -> Iterator[tuple[Callable[[str, Sequence[str], dict[str, str]], subprocess.Popen[bytes]], Path]]:
    """Yield a function that starts a process with a log file, and the logs' directory; all processes end with the context.

    They end with this process, too, if it is killed.
    """
    running: list[subprocess.Popen[bytes]] = []
    with tempfile.TemporaryDirectory(prefix="bigdata-demos-cluster-") as directory, watch(directory) as add:

        def start(name: str, command: Sequence[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
            with (Path(directory) / f"{name}.log").open("ab") as log:
                process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env={**os.environ, **environment},
                    cwd=directory,
                    start_new_session=True,  # Ctrl-C is this program's business
                )
            running.append(process)
            add(process.pid)
            return process

        try:
            yield start, Path(directory)
        finally:
            for process in reversed(running):
                process.terminate()
            for process in running:
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()


@contextmanager
def spark_cluster(
    workers: int = 2, *, memory: str = "1g", cores: int = 1, hosts: Sequence[str] = (LOOPBACK,)
) -> Iterator[Cluster]:
    """Start a Spark standalone master and workers, which take drivers of this user only: see :mod:`.credentials`.

    ``hosts``: the names of this machine that the workers have, in turn. Spark runs no speculative copy of a task on its own host.

    Raises EngineNotInstalled if Java or pyspark is missing; EngineUnavailable if it does not come up.
    """
    find_java()
    home = str(spark_classes.home())
    java_options = spark_classes.java_options(spark_classes.directory())
    port, page = free_ports([0, 8080])  # the page's default port, which clients try first
    environment = {
        "SPARK_HOME": home,
        "SPARK_LOCAL_IP": LOOPBACK,
        "SPARK_DAEMON_MEMORY": "512m",
        "SPARK_DAEMON_JAVA_OPTS": java_options,
        "PYSPARK_PYTHON": sys.executable,
    }
    spark_class = ["bash", f"{home}/bin/spark-class"]  # it executes the JVM
    url = f"spark://{LOOPBACK}:{port}"
    with processes() as (start, logs), credentials.kept(url) as settings:
        write_settings(settings, secrets.token_hex(32))
        common = ["--properties-file", str(settings), "--host"]
        master = ["org.apache.spark.deploy.master.Master", *common, LOOPBACK, "--port", str(port), "--webui-port", str(page)]
        lines = {"master": [*spark_class, *master]}
        for number in range(workers):
            worker = ["org.apache.spark.deploy.worker.Worker", *common, hosts[number % len(hosts)], "--webui-port", "0"]
            worker += ["--cores", str(cores), "--memory", memory, "--work-dir", str(logs / f"work-{number}"), url]
            lines[f"worker-{number}"] = [*spark_class, *worker]

        def alive() -> int:
            with LOCAL.open(f"http://{LOOPBACK}:{page}/json/", timeout=3) as answer:
                return int(json.load(answer)["aliveworkers"])

        def master_ready(master: subprocess.Popen[bytes]) -> None:  # a worker that finds none tries again after ten seconds
            wait(lambda: alive() == 0, [master], logs)

        running, restart = _start_all(lines, lambda name, line: start(name, line, environment), master_ready)
        wait(lambda: alive() == workers, running, logs)
        yield Cluster(url, f"{LOOPBACK}:{page}", running, logs, restart)


@contextmanager
def dask_cluster(workers: int = 2) -> Iterator[Cluster]:
    """Start a Dask scheduler and workers of one thread, which take clients of this user only: see :mod:`.credentials`.

    Raises EngineNotInstalled if a package is missing; EngineUnavailable if it does not come up.
    """
    for package in ("distributed", "cryptography"):
        if find_spec(package) is None:
            raise EngineNotInstalled(f"{package} is not installed: pip install dask distributed cryptography")
    from distributed.security import Security

    from .dask import security_from

    url = f"tls://{LOOPBACK}:{free_port()}"
    with processes() as (start, logs), credentials.kept(url) as certificate:
        generated = Security.temporary()
        credentials.write(certificate, generated.tls_scheduler_cert + generated.tls_scheduler_key)
        tls = [f"--tls-{what}={certificate}" for what in ("ca-file", "cert", "key")]
        scheduler = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--no-dashboard", "--no-show"]
        local_page = ["--dashboard-address", f"{LOOPBACK}:0"]  # without it, Dask listens on all addresses even if the page is off
        host, _, port = url.rpartition(":")
        lines = {"scheduler": [*scheduler, *tls, *local_page, "--host", host, "--port", port]}
        for number in range(workers):
            worker = [sys.executable, "-m", "distributed.cli.dask_worker", url, *tls, "--nthreads", "1", "--no-dashboard"]
            worker += [*local_page, "--host", LOOPBACK, "--local-directory", str(logs), "--name", f"worker-{number}"]
            lines[f"worker-{number}"] = worker
        running, restart = _start_all(lines, lambda name, line: start(name, line, {}), lambda _: None)

        def ready() -> bool:
            from distributed import Client

            with Client(url, timeout=3, security=security_from(certificate)) as client:
                return len(client.scheduler_info(n_workers=-1)["workers"]) == workers

        wait(ready, running, logs)
        yield Cluster(url, "", running, logs, restart)


def _start_all(
    lines: Mapping[str, Sequence[str]],
    start: Callable[[str, Sequence[str]], subprocess.Popen[bytes]],
    after_first: Callable[[subprocess.Popen[bytes]], None],
) -> tuple[list[subprocess.Popen[bytes]], Callable[[int], None]]:
    """Start the processes of a cluster, by name; return them, and the function that starts one again.

    ``after_first`` is called with the first process, the master, before the others start.
    """
    (master, line), *workers = lines.items()
    running = [start(master, line)]
    after_first(running[0])
    running += [start(name, line) for name, line in workers]

    def restart(index: int) -> None:
        name = [*lines][index]
        running[index] = start(name, lines[name])

    return running, restart


def wait(ready: Callable[[], bool], running: Sequence[subprocess.Popen[bytes]], logs: Path) -> None:
    """Wait until a cluster is ready. Raises EngineUnavailable if one of its processes ends, or it takes too long."""
    deadline = time.monotonic() + WAIT
    while True:
        try:
            if ready():
                return
        except (OSError, ValueError, KeyError):
            pass
        ended = next((process for process in running if process.poll() is not None), None)
        if ended or time.monotonic() > deadline:
            said = [
                line
                for log in sorted(logs.glob("*.log"))
                for line in log.read_text(errors="replace").splitlines()
                if "rror" in line
            ]
            raise EngineUnavailable(f"the cluster did not come up{': ' + said[-1].strip() if said else ''}")
        time.sleep(0.1)
