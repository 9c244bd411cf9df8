"""Hadoop's daemons as processes of this machine, on loopback: until a context ends, or until they are stopped."""

import getpass
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

import psutil

from ...errors import EngineUnavailable
from ..java import find_java
from ..probe import LOCAL
from ..standalone import LOOPBACK, free_ports
from ..watch import watch
from . import classes, client, configuration, jars
from .client import Hadoop, command

WAIT: Final = 90.0
"""The most seconds until the daemons are ready."""
DAEMONS: Final[Mapping[str, str]] = {
    "namenode": "org.apache.hadoop.hdfs.server.namenode.NameNode",
    "datanode": "org.apache.hadoop.hdfs.server.datanode.DataNode",
    "resourcemanager": "org.apache.hadoop.yarn.server.resourcemanager.ResourceManager",
    "nodemanager": "org.apache.hadoop.yarn.server.nodemanager.NodeManager",
    "historyserver": "org.apache.hadoop.mapreduce.v2.hs.JobHistoryServer",
}
HDFS: Final = ("namenode", "datanode")
"""The daemons of HDFS."""
JVM: Final = ("-Xmx256m", *configuration.LIGHT.split())
RECORD: Final = "cluster.json"


class Daemon(NamedTuple):
    """A process that was started. Its creation time tells it from a later process with the same number."""

    name: str
    pid: int
    created: float

    def process(self) -> psutil.Process | None:
        """The process, if it still runs."""
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(self.pid)
            if abs(process.create_time() - self.created) < 2 and process.status() != psutil.STATUS_ZOMBIE:
                return process
        return None


class Cluster(NamedTuple):
    """The daemons that were started, and the directory with their ``conf``, ``data`` and ``logs``."""

    directory: Path
    daemons: list[Daemon]

    @property
    def hadoop(self) -> Hadoop:
        """The cluster as its clients see it."""
        return Hadoop(self.directory / "conf", jars.directory())


@contextmanager
def local_hadoop(slots: int, say: Callable[[str], None], names: Iterable[str] = DAEMONS) -> Iterator[Cluster]:
    """Run Hadoop, or some of its daemons, on this machine until the context or this process ends, in a temporary directory.

    Raises EngineNotInstalled if Java is missing; EngineUnavailable if it does not come up.
    """
    with (
        tempfile.TemporaryDirectory(prefix="bigdata-demos-hadoop-", ignore_cleanup_errors=True) as directory,
        watch(directory) as add,
    ):
        cluster = Cluster(Path(directory), [])
        try:
            start(cluster, slots, say, names, wish=False, add=add)
            yield cluster
        finally:
            stop(cluster, at_once=True)


def start(
    cluster: Cluster,
    slots: int,
    say: Callable[[str], None],
    names: Iterable[str] = DAEMONS,
    *,
    wish: bool,
    add: Callable[[int], None] = lambda _: None,
) -> None:
    """Start daemons, and wait until they are ready.

    ``wish``: on Hadoop's default ports, as far as they are free; ``add`` is given the number of each process.

    Raises EngineNotInstalled if Java is missing; EngineUnavailable if they do not come up.
    """
    java = find_java("hadoop")
    there = jars.install(say)
    classes.shared(there).make(java, say)
    wishes = configuration.PORTS.values() if wish else [0] * len(configuration.PORTS)
    ports = dict(zip(configuration.PORTS, free_ports(wishes), strict=True))
    hosts = dict.fromkeys(DAEMONS, LOOPBACK)
    data = cluster.directory / "data"
    layout = configuration.Layout(hosts, ports, LOOPBACK, there, data, slots, getpass.getuser(), os.environ.get(client.JVM, ""))
    configuration.write(layout, cluster.directory / "conf")
    (cluster.directory / "logs").mkdir(exist_ok=True)
    environment = environment_of(cluster, java)
    if not (data / "name" / "current").exists():
        format_namenode(cluster, environment)
    for name in names:
        if name == "historyserver":  # which would look for HDFS again after ten seconds
            wait(cluster, ["namenode"])
        add(start_daemon(cluster, name, environment).pid)
    wait(cluster, names)


def environment_of(cluster: Cluster, java: str) -> dict[str, str]:
    """Return the environment variables of a cluster's daemons."""
    return {
        **os.environ,
        "JAVA_HOME": str(Path(java).resolve().parents[1]),
        "HADOOP_CONF_DIR": str(cluster.directory / "conf"),
        "HADOOP_LOG_DIR": str(cluster.directory / "logs"),
    }


def format_namenode(cluster: Cluster, environment: Mapping[str, str]) -> None:
    """Create the directories of an empty file system. Raises EngineUnavailable if that fails."""
    line = command(cluster.hadoop, DAEMONS["namenode"], "-format", "-force", "-nonInteractive", jvm=JVM)
    done = subprocess.run(line, env=dict(environment), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise EngineUnavailable(f"HDFS cannot be formatted in {cluster.directory}: {_last_error(done.stderr)}")


def start_daemon(cluster: Cluster, name: str, environment: Mapping[str, str]) -> Daemon:
    """Start a daemon; its output goes to ``logs``."""
    with (cluster.directory / "logs" / f"{name}.log").open("ab") as log:
        process = subprocess.Popen(
            command(cluster.hadoop, DAEMONS[name], jvm=JVM),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=dict(environment),
            cwd=cluster.directory / "logs",
            start_new_session=True,  # so that it does not receive Ctrl-C
        )
    daemon = Daemon(name, process.pid, psutil.Process(process.pid).create_time())
    cluster.daemons[:] = [*(one for one in cluster.daemons if one.name != name), daemon]
    return daemon


def wait(cluster: Cluster, names: Iterable[str] = DAEMONS) -> None:
    """Wait until daemons are ready: if these are all, the cluster can run a job.

    Raises EngineUnavailable if one of the cluster's processes ends, or it takes too long.
    """
    deadline = time.monotonic() + WAIT
    while waited_for := not_ready(cluster.hadoop, names):
        ended = next((daemon.name for daemon in cluster.daemons if daemon.process() is None), None)
        if ended or time.monotonic() > deadline:
            name = ended or waited_for
            said = _last_error((cluster.directory / "logs" / f"{name}.log").read_text(errors="replace"))
            raise EngineUnavailable(f"Hadoop's {name} {'has ended' if ended else 'is not ready'}: {said}")
        time.sleep(0.2)


def not_ready(hadoop: Hadoop, names: Iterable[str] = DAEMONS) -> str:
    """Return the first daemon that is not ready, ``""`` if all are."""
    settings = hadoop.settings()
    namenode = f"http://{settings['dfs.namenode.http-address']}/jmx?qry=Hadoop:service=NameNode,name="
    checks: dict[str, Callable[[], bool]] = {
        "namenode": lambda: not ask(f"{namenode}NameNodeInfo")["beans"][0]["Safemode"],
        "datanode": lambda: ask(f"{namenode}FSNamesystemState")["beans"][0]["NumLiveDataNodes"] > 0,
        "resourcemanager": lambda: bool(_cluster_metrics(settings)),
        "nodemanager": lambda: _cluster_metrics(settings)["activeNodes"] > 0,
        "historyserver": lambda: bool(ask(f"http://{settings['mapreduce.jobhistory.webapp.address']}/ws/v1/history/info")),
    }
    for name, ready in checks.items():
        try:
            if name in names and not ready():
                return name
        except (OSError, ValueError, KeyError, IndexError):
            return name
    return ""


def _cluster_metrics(settings: Mapping[str, str]) -> dict[str, Any]:
    metrics: dict[str, Any] = ask(f"http://{settings['yarn.resourcemanager.webapp.address']}/ws/v1/cluster/metrics")[
        "clusterMetrics"
    ]
    return metrics


def ask(url: str) -> dict[str, Any]:
    """Get JSON from a daemon's web page."""
    with LOCAL.open(url, timeout=5) as answer:
        decoded: dict[str, Any] = json.load(answer)
        return decoded


def stop(cluster: Cluster, *, at_once: bool = False) -> None:
    """Stop the daemons in reverse order, and the processes that they have started.

    ``at_once``: kill them, since their files are not needed any more. Otherwise they have 15 seconds.
    """
    running = [process for daemon in reversed(cluster.daemons) if (process := daemon.process())]
    containers = [child for process in running for child in children(process)]
    for process in running:
        with suppress(psutil.NoSuchProcess):
            process.kill() if at_once else process.terminate()
    _, alive = psutil.wait_procs(running, 15)
    for process in [*alive, *containers]:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs([*alive, *containers], 5)
    for process in running:  # child processes of this one
        with suppress(ChildProcessError, OSError):
            os.waitpid(process.pid, os.WNOHANG)
    cluster.daemons.clear()


def children(process: psutil.Process) -> list[psutil.Process]:
    """Return the descendants of a process."""
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _last_error(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if "Exception" in line or " ERROR " in line or " FATAL " in line]
    return lines[-1] if lines else "its log says nothing of it"


# The cluster of `bigdata-demos cluster up hadoop`, which runs until it is stopped


def home() -> Path:
    """Return the directory of the persistent cluster."""
    state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    return state / "bigdata_demos" / "hadoop"


def recorded() -> Cluster | None:
    """Return the persistent cluster, if any of its daemons runs."""
    try:
        record = json.loads((home() / RECORD).read_text(encoding="utf-8"))
        cluster = Cluster(home(), [Daemon(*one) for one in record["daemons"]])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return cluster if any(daemon.process() for daemon in cluster.daemons) else None


def up(slots: int, say: Callable[[str], None]) -> Cluster:
    """Start the persistent cluster with its earlier files, or return it if it runs.

    Raises EngineNotInstalled, EngineUnavailable as :func:`start` does.
    """
    cluster = recorded()
    if cluster and all(daemon.process() for daemon in cluster.daemons) and len(cluster.daemons) == len(DAEMONS):
        wait(cluster)
        return cluster
    if cluster:
        say("some of its daemons have ended: it is started anew")
        stop(cluster)
    cluster = Cluster(home(), [])
    try:
        home().mkdir(parents=True, exist_ok=True, mode=0o700)
        start(cluster, slots, say, wish=True)
    except BaseException:
        stop(cluster)
        raise
    save(cluster)
    return cluster


def save(cluster: Cluster) -> None:
    """Write the record of the processes."""
    (cluster.directory / RECORD).write_text(json.dumps({"daemons": cluster.daemons}), encoding="utf-8")


def down() -> bool:
    """Stop the persistent cluster, without removing its files; return whether it was running."""
    cluster = recorded()
    if cluster:
        stop(cluster)
    (home() / RECORD).unlink(missing_ok=True)
    return cluster is not None
