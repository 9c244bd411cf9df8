"""The entry point of the containers of ``docker-compose.yml``: ``python -m bigdata_demos.cluster.container ROLE …``.

Each role prepares its program's environment (the shared secret, a name for the user, its address), and executes the program.
"""

import os
import platform
import pwd
import shutil
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Final, NoReturn

from ..errors import BigDataDemosError, UsageError
from . import postgres, registry, spark_classes
from .hadoop import configuration, daemons, jars
from .hadoop.client import HOSTS, command
from .java import find_java
from .probe import mebibytes
from .settings import write_settings

SCRATCH: Final = Path("/scratch")
MASTER: Final = "spark://spark-master:7077"
_SCHEDULER: Final = "tcp://dask-scheduler:8786"
HDFS: Final = "hdfs://namenode:8020"
HADOOP: Final = Path("/var/hadoop")
"""The directory of the files of Hadoop's daemons; those of HDFS are on volumes."""
POSTGRES: Final = Path("/var/postgresql")
"""The directory of PostgreSQL's files, on a volume."""
NAMES: Final = SCRATCH / "hadoop" / "hosts"
"""The hosts file of Hadoop's JVMs: see :func:`_name_nobody`."""


def main(argv: Sequence[str] | None = None) -> int:
    """Execute the program of a role; returns an exit status if there is none, or if it cannot be executed."""
    role, *arguments = sys.argv[1:] if argv is None else argv
    try:
        _name_the_user()
        if role not in ROLES:
            raise UsageError(f"no such role: {role} (there are {', '.join(ROLES)})")
        ROLES[role](*arguments)
        return 0
    except BigDataDemosError as error:
        print(f"{role}: error: {error}", file=sys.stderr)
    except OSError as error:
        print(f"{role}: error: {error.filename or ''}: {error.strerror}", file=sys.stderr)
    return 1


def _spark_master() -> NoReturn:
    """Run Spark's master. It registers its address itself, because the host does not know the network's gateway."""
    registry.write(record("spark", MASTER, "SPARK_MASTER_PORT", "SPARK_MASTER_WEBUI_PORT"))
    page = os.environ["SPARK_MASTER_WEBUI_PORT"]
    _become_spark("deploy.master.Master", "--host", socket.gethostname(), "--port", "7077", "--webui-port", page)


def _spark_worker(page: str) -> NoReturn:
    """Run a Spark worker under its address, which a driver on the host can reach, with its web page on the given port."""
    cores, memory = os.environ["SPARK_WORKER_CORES"], mebibytes("SPARK_WORKER_MEMORY", os.environ["SPARK_WORKER_MEMORY"])
    own = ["--host", own_address(), "--webui-port", page, "--work-dir", str(SCRATCH / "work")]
    _become_spark("deploy.worker.Worker", *own, "--cores", cores, "--memory", f"{memory}m", MASTER)


def _history_server() -> NoReturn:
    _become_spark("deploy.history.HistoryServer")


def _dask_scheduler() -> NoReturn:
    registry.write(record("tcp", _SCHEDULER, "DASK_SCHEDULER_PORT", "DASK_PAGE_PORT"))
    become(["dask", "scheduler", "--port", "8786", "--dashboard-address", ":8787", "--no-show"], {})


def _dask_worker() -> NoReturn:
    memory = os.environ["DASK_WORKER_MEMORY"]
    own = ["--nthreads", "1", "--memory-limit", memory, "--local-directory", str(SCRATCH), "--no-dashboard"]
    become(["dask", "worker", _SCHEDULER, *own], {})


def _postgres() -> NoReturn:
    """Run PostgreSQL, with the password of the registry."""
    become(postgres.prepare(POSTGRES, SCRATCH, registry.password_file()), {})


def _hadoop_daemon(name: str) -> NoReturn:
    """Run one of Hadoop's daemons, under its address, which the host can reach, too."""
    for kept in (HADOOP / "name", HADOOP / "blocks"):
        registry.check_owner(kept, "HDFS's volumes")
    HADOOP.joinpath("logs").mkdir(exist_ok=True)
    cluster = daemons.Cluster(SCRATCH / "hadoop", [])
    configuration.write(_hadoop_layout(addresses()), cluster.hadoop.conf)
    environment = {
        "JAVA_HOME": str(Path(find_java("hadoop")).resolve().parents[1]),
        "HADOOP_CONF_DIR": str(cluster.hadoop.conf),
        "HADOOP_LOG_DIR": str(HADOOP / "logs"),
    }
    _name_nobody()
    if name == "namenode" and not (HADOOP / "name" / "current").exists():
        daemons.format_namenode(cluster, {**os.environ, **environment})
    if name == "historyserver":
        _hadoop_client()
    become(command(cluster.hadoop, daemons.DAEMONS[name], jvm=daemons.JVM), environment)


def _hadoop_client() -> None:
    """Register Hadoop, by addresses, which are valid on the host, too: write the settings of its clients, then the record."""
    hosts = addresses()
    one = record("hdfs", HDFS, "HDFS_PORT", "HDFS_PAGE_PORT")
    known_as = [*(f"hdfs://{host}:{one.port}" for host in ("localhost", "127.0.0.1")), HDFS]
    registry.secret()  # raises if the directory belongs to another user
    settings, half = registry.hadoop(), registry.hadoop().with_suffix(".new")
    for directory in (half, settings):
        shutil.rmtree(directory, ignore_errors=True)
    ours = {configuration.ADDRESSES: ",".join(known_as), configuration.PYTHON: sys.executable}
    configuration.write(_hadoop_layout(hosts), half, ours)
    half.rename(settings)
    registry.write(replace(one, other=f"hdfs://{hosts['namenode']}:{configuration.PORTS['namenode']}"))


def _hadoop_layout(hosts: Mapping[str, str]) -> configuration.Layout:
    """Return Hadoop's layout in the containers: its default ports, as each container has an address of its own."""
    slots, anywhere = int(os.environ["HADOOP_SLOTS"]), "0.0.0.0"  # noqa: S104 (published on loopback only)
    names = f"-Djdk.net.hosts.file={NAMES}"
    return configuration.Layout(hosts, configuration.PORTS, anywhere, jars.directory(), HADOOP, slots, "user", names)


def addresses() -> dict[str, str]:
    """Return the addresses of Hadoop's daemons, and the name of one that has not started yet."""
    addresses = {name: name for name in daemons.DAEMONS}
    for name in addresses:
        with suppress(OSError):
            addresses[name] = socket.gethostbyname(name)
    return addresses


def _name_nobody() -> None:
    """Let Hadoop's JVMs resolve the name of this container only, so that they use addresses for all others.

    Hadoop looks up the names of addresses. Docker's are like ``bigdata-demos_namenode_1.bigdata-demos_default``, which is not a
    valid host in a URI, because of the underscores, and which the host could not resolve.
    """
    own = own_address()
    NAMES.parent.mkdir(exist_ok=True)
    NAMES.write_text(f"{own} {own}\n{own} {socket.gethostname()}\n127.0.0.1 localhost\n", encoding="ascii")
    os.environ[HOSTS] = str(NAMES)


def keywords(*arguments: str) -> NoReturn:
    """Run the keywords command, with the compose cluster as the default of ``--cluster``."""
    _name_nobody()
    out = Path(os.environ[registry.ROOT]) / registry.OUT
    if not os.access(out, os.W_OK):
        print(
            f"keywords: warning: user {os.getuid()} cannot write {out}, which belongs to {registry.owner_of(out)}: "
            "export BIGDATA_DEMOS_USER=$(id -u):$(id -g) is who the containers run as",
            file=sys.stderr,
        )
    become([sys.executable, "-m", "bigdata_demos.keywords", *arguments], _CLUSTERS)


def python(*arguments: str) -> NoReturn:
    """Run Python in the same environment as the command."""
    _name_nobody()
    become([sys.executable, *arguments], _CLUSTERS)


_CLUSTERS: Final = {"BIGDATA_DEMOS_SPARK": MASTER, "BIGDATA_DEMOS_HADOOP": HDFS}


ROLES: Final[Mapping[str, Callable[..., None]]] = {
    "spark-master": _spark_master,
    "spark-worker": _spark_worker,
    "history-server": _history_server,
    "dask-scheduler": _dask_scheduler,
    "dask-worker": _dask_worker,
    **{name: partial(_hadoop_daemon, name) for name in daemons.DAEMONS},
    "hadoop-client": _hadoop_client,
    "postgres": _postgres,
    "keywords": keywords,
    "python": python,
}


def _become_spark(name: str, *arguments: str) -> NoReturn:
    settings = SCRATCH / "settings.conf"
    write_settings(settings, registry.secret(), registry.events().as_uri())
    environment = {
        "SPARK_HOME": str(spark_classes.home()),
        "SPARK_DAEMON_JAVA_OPTS": spark_classes.java_options(spark_classes.directory()),
        "SPARK_LOCAL_DIRS": str(SCRATCH),
        "SPARK_PUBLIC_DNS": "localhost",  # the links of web pages are for the host's browser
    }
    line = ["bash", f"{spark_classes.home()}/bin/spark-class", f"org.apache.spark.{name}", "--properties-file", str(settings)]
    become([*line, *arguments], environment)


def become(command: list[str], environment: Mapping[str, str]) -> NoReturn:
    """Replace this process by another program."""
    os.environ.update(environment)
    os.execvp(command[0], command)  # noqa: S606 (no shell is wanted)


def record(scheme: str, inside: str, port: str, page: str) -> registry.Record:
    """Return the record of this container's cluster."""
    return registry.Record(
        scheme,
        int(os.environ[port]),
        inside,
        int(os.environ[page]),
        gateway(),
        os.environ[registry.ROOT],
        sys.executable,
        platform.python_version(),
        metadata.version("pyspark"),
        registry.fingerprint(),
    )


def gateway() -> str:
    """Return the host's address on the containers' network: that of the default route (``/proc/net/route``, in host byte order).

    Raises UsageError if there is none.
    """
    for line in Path("/proc/net/route").read_text(encoding="ascii").splitlines()[1:]:
        _, destination, address, *_ = line.split()
        if int(destination, 16) == 0:
            return socket.inet_ntoa(int(address, 16).to_bytes(4, sys.byteorder))
    raise UsageError("this container has no default route: the cluster's network must be a bridge")


def own_address() -> str:
    """Return this container's address."""
    return socket.gethostbyname(socket.gethostname())


def _name_the_user() -> None:
    """Give the user a name, which the Hadoop libraries in Spark need, by a passwd file for nss_wrapper."""
    try:
        pwd.getpwuid(os.getuid())
        return
    except KeyError:
        pass
    (SCRATCH / "passwd").write_text(f"user:x:{os.getuid()}:{os.getgid()}::{SCRATCH}:/bin/bash\n", encoding="ascii")
    (SCRATCH / "group").write_text(f"user:x:{os.getgid()}:\n", encoding="ascii")
    os.environ["LD_PRELOAD"] = "libnss_wrapper.so"
    os.environ["NSS_WRAPPER_PASSWD"] = str(SCRATCH / "passwd")
    os.environ["NSS_WRAPPER_GROUP"] = str(SCRATCH / "group")


if __name__ == "__main__":
    sys.exit(main())
