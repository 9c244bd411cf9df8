"""Controls the cluster of ``docker-compose.yml``: up, down, status, logs; and diagnoses it before and after a start."""

import errno
import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from hashlib import sha256
from importlib import metadata
from pathlib import Path
from typing import Final, NoReturn
from urllib.parse import quote

from ..errors import EngineUnavailable, UsageError
from . import postgres, registry
from .docker import Compose, Service, ask, find_compose, output_of, why
from .hadoop.configuration import TASK_MEMORY
from .probe import mebibytes

SERVICES: Final[Mapping[str, tuple[str, ...]]] = {
    "spark": ("spark-master", "spark-worker-1", "spark-worker-2", "history-server"),
    "dask": ("dask-scheduler", "dask-worker-1", "dask-worker-2"),
    "hadoop": ("namenode", "datanode", "resourcemanager", "nodemanager", "historyserver"),
    "postgres": ("postgres",),
}
_LEADERS: Final = ("namenode", "resourcemanager")  # the daemons whose addresses the other daemons of Hadoop need
PORTS: Final[Mapping[str, Mapping[str, int]]] = {
    "spark": {
        "SPARK_MASTER_PORT": 7077,
        "SPARK_MASTER_WEBUI_PORT": 8080,
        "SPARK_WORKER_1_PORT": 8081,
        "SPARK_WORKER_2_PORT": 8082,
        "SPARK_HISTORY_PORT": 18080,
    },
    "dask": {"DASK_SCHEDULER_PORT": 8786, "DASK_PAGE_PORT": 8787},
    "hadoop": {
        "HDFS_PORT": 8020,
        "HDFS_PAGE_PORT": 9870,
        "YARN_PAGE_PORT": 8088,
        "YARN_NODE_PORT": 8042,
        "HADOOP_HISTORY_PORT": 19888,
    },
    "postgres": {"POSTGRES_PORT": 5432},
}
"""The environment variables for ports on loopback, and their defaults."""
_PARSERS: Final = ("brotli", "budoux", "fastavro", "fastwarc", "numpy", "pystemmer", "resiliparse", "selectolax", "stopwordsiso")
SAME: Final = (*_PARSERS, "dask", "distributed")
"""Packages whose versions must be those of the driver: for the same result, or for Dask's protocol."""
DAEMONS: Final = 4 * 512
"""MiB for master, history server, and the two workers' own processes."""
OVERHEAD: Final = 512
"""MiB of a worker outside its JVM's heap, mostly for Python."""
_HADOOP_DAEMON: Final = 256  # MiB for each of Hadoop's daemons
_POSTGRES: Final = 512  # MiB
WAIT: Final = 120.0
"""Seconds for the containers to become ready."""
_IMAGE_OF: Final = (
    "docker/Dockerfile",
    "pyproject.toml",
    "src/bigdata_demos/cluster/hadoop/jars.sha256",
    "src/bigdata_demos/cluster/hadoop/classes.txt.gz",
)
"""The files that the image is built from, beside the source."""
LABEL: Final = "bigdata-demos.fingerprint"
Say = Callable[[str], None]


def up(kinds: Sequence[str], *, root: str = "", build: bool = False, say: Say) -> list[str]:
    """Bring clusters up, and wait until they are ready; returns their addresses.

    Raises EngineError if they do not become ready. Containers that were started are left, for their logs; UsageError if the root
    is not a usable directory.
    """
    compose, kinds = find_compose(root), list(dict.fromkeys(kinds))
    running = {service.name for service in _services_of(compose) if service.state == "running"}
    wanted = [service for kind in kinds for service in SERVICES[kind]]
    check_memory(compose, kinds)
    for kind in kinds:
        if not running & set(SERVICES[kind]):
            _check_ports(compose, PORTS[kind])
    prepare(compose, say)
    _build_image(compose, build=build, say=say)
    if "hadoop" in kinds and running & set(SERVICES["hadoop"]) and not set(_LEADERS) <= running:
        ask(compose.line("rm", "--stop", "--force", *SERVICES["hadoop"]), compose.environment)  # whose addresses may have changed
    say(f"starting {', '.join(wanted)} (Compose {compose.version})")
    done = ask(compose.line("up", "--detach", "--no-build", *wanted), compose.environment)
    _wait_until_ready(compose, wanted, "" if done.returncode == 0 else why(done.stderr))
    ports = {name: _port_of(compose, name, port) for kind in kinds for name, port in PORTS[kind].items()}
    if "spark" in kinds:
        say(
            "pages: master http://localhost:{SPARK_MASTER_WEBUI_PORT}, workers http://localhost:{SPARK_WORKER_1_PORT} and "
            "http://localhost:{SPARK_WORKER_2_PORT}, history http://localhost:{SPARK_HISTORY_PORT}".format(**ports)
        )
    if "hadoop" in kinds:
        _tell_clients(compose)
        say(
            "pages: HDFS http://localhost:{HDFS_PAGE_PORT}, YARN http://localhost:{YARN_PAGE_PORT}, its node "
            "http://localhost:{YARN_NODE_PORT}, history http://localhost:{HADOOP_HISTORY_PORT}".format(**ports)
        )
    root = compose.environment[registry.ROOT]
    password = quote(str(registry.password_file()))
    sees = f": input is read below {root}, results are written below {root}/{registry.OUT}" if set(kinds) != {"postgres"} else ""
    say(f"ready{sees}")
    schemes = {
        "spark": "spark://localhost:{SPARK_MASTER_PORT}",
        "dask": "tcp://localhost:{DASK_SCHEDULER_PORT}",
        "hadoop": "hdfs://localhost:{HDFS_PORT}",
        "postgres": f"postgresql://{postgres.NAME}@localhost:{{POSTGRES_PORT}}/{postgres.NAME}?passfile={password}",
    }
    return [schemes[kind].format(**ports) for kind in kinds]


def _tell_clients(compose: Compose) -> None:
    """Write the addresses of Hadoop's daemons for its clients: a daemon that was started again has a new one."""
    role = ["python", "-m", "bigdata_demos.cluster.container", "hadoop-client"]
    done = ask(compose.line("exec", "-T", "historyserver", *role), compose.environment)
    if done.returncode:
        raise EngineUnavailable(f"cannot find Hadoop's addresses: {why(done.stderr)}")


def down(say: Say, kinds: Sequence[str] = ()) -> None:
    """Stop and remove the containers of the cluster, or of some kinds; the volumes of HDFS and PostgreSQL are not removed."""
    compose = find_compose()
    _services_of(compose)
    some = ["rm", "--stop", "--force", *(service for kind in kinds for service in SERVICES[kind])]
    done = ask(compose.line(*(some if kinds else ["down", "--remove-orphans", "--timeout", "5"])), compose.environment)
    if done.returncode:
        raise EngineUnavailable(f"not everything was stopped: {why(done.stderr)}")
    run = Path(compose.environment[registry.RUN])
    for kind in kinds or SERVICES:
        (run / f"{kind}.json").unlink(missing_ok=True)
    if "hadoop" in (kinds or SERVICES):
        shutil.rmtree(run / "hadoop", ignore_errors=True)
    say(f"stopped; event logs and the secret stay in {run}")


def status(kinds: Sequence[str] = ()) -> list[Service]:
    """Return the containers of the services of some kinds, or of all. Raises EngineUnavailable if there are none."""
    wanted = {name for kind in kinds or SERVICES for name in SERVICES[kind]}
    services = [service for service in _services_of(find_compose()) if not kinds or service.name in wanted]
    if not services:
        raise EngineUnavailable(f"the cluster is not up: {registry.HOW_TO_START}")
    return services


def _services_of(compose: Compose) -> list[Service]:
    services = compose.services()
    for other in sorted({service.tree for service in services if service.tree}):
        if Path(other).resolve() != compose.tree.resolve():
            raise EngineUnavailable(
                f"there is a cluster {compose.project} of {other}: take it down there, or give this one another name "
                "(COMPOSE_PROJECT_NAME), and other ports"
            )
    return services


def logs(services: Sequence[str], *, follow: bool) -> NoReturn:
    """Replace this process by Compose, which shows the logs."""
    become(find_compose(), "logs", "--tail", "200", *(["--follow"] if follow else []), *services)


def run(arguments: Sequence[str], *, terminal: bool) -> NoReturn:
    """Replace this process by Compose, which runs a command in a container of the cluster.

    Raises EngineUnavailable if it is not up, or of another version of this package; UsageError if the current directory is not
    below the root.
    """
    kind = "hadoop" if {"hadoop", "--engine=hadoop"} & set(arguments) else "spark"
    compose, record = find_compose(), registry.read(kind)
    ready = {service.name for service in _services_of(compose) if service.ready}
    if record is None or not set(SERVICES[kind]) <= ready:
        how_to_start = registry.HOW_TO_START + (" hadoop --containers" if kind == "hadoop" else "")
        raise EngineUnavailable(f"the cluster is not up, or only part of it: {how_to_start}")
    registry.check_same(record)
    if not registry.within(Path.cwd(), Path(record.root)):
        raise UsageError(f"{Path.cwd()} is not below {record.root}, which is all that the containers see: cd there")
    # the settings that the cluster was started with: with others Compose would replace its containers
    now = {registry.ROOT: record.root, "PYTHON_VERSION": ".".join(record.python.split(".")[:2])}
    compose = replace(compose, environment={**compose.environment, **now})
    options = ["--rm", "--no-deps", "--workdir", str(Path.cwd()), *([] if terminal else ["-T"])]
    become(compose, "run", *options, "keywords", *arguments)


def become(compose: Compose, *arguments: str) -> NoReturn:
    """Replace this process by a Compose command, which gets the signals and the terminal."""
    line = compose.line(*arguments)
    os.execvpe(line[0], line, compose.environment)  # noqa: S606 (no shell is wanted)


def prepare(compose: Compose, say: Say) -> None:
    """Create what the containers need on the host: the directory for results, the shared directory, the secret.

    Raises UsageError if the root is not a directory, or cannot be written to.
    """
    root = Path(compose.environment[registry.ROOT])
    if not root.is_dir():
        raise UsageError(f"`root={root}`: no such directory")
    try:
        (root / registry.OUT).mkdir(exist_ok=True)
        Path(compose.environment[registry.RUN]).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{error.filename}: {error.strerror}: the containers need it; name another `root`") from None
    user = compose.environment["BIGDATA_DEMOS_USER"].partition(":")[0]
    if user == "0":
        say("warning: you are root, and so are the containers (without its capabilities); better start them as another user")
    os.environ.setdefault(registry.RUN, compose.environment[registry.RUN])
    registry.secret()
    registry.password_file()


def _build_image(compose: Compose, *, build: bool, say: Say) -> None:
    """Build the image, if there is none of this package, this Dockerfile and this pyspark."""
    settings = {
        name: compose.environment[name]
        for name in ("PYTHON_VERSION", "PYSPARK_VERSION", "BASE_IMAGE", "BIGDATA_DEMOS_MAVEN")
        if name in compose.environment
    }
    settings["REQUIREMENTS"] = " ".join(_same_as_here())
    image = f"bigdata-demos:python{settings['PYTHON_VERSION']}"
    parts = [registry.fingerprint(), *sorted(map("=".join, settings.items()))]
    parts += [sha256((compose.tree / name).read_bytes()).hexdigest() for name in _IMAGE_OF]
    fingerprint = sha256("\n".join(parts).encode()).hexdigest()
    there = output_of(
        ["docker", "image", "inspect", "--format", f'{{{{index .Config.Labels "{LABEL}"}}}}', image], check=False
    ).strip()
    if there == fingerprint and not build:
        return
    log = Path(compose.environment[registry.RUN]) / "build.log"
    why_now = f"{image} is older than the package" if there else f"there is no image {image} of this package"
    say(f"{why_now}: building it, in a minute or two (log: {log})")
    line = [
        "docker",
        "build",
        "--file",
        str(compose.tree / "docker" / "Dockerfile"),
        "--tag",
        image,
        "--label",
        f"{LABEL}={fingerprint}",
    ]
    line += [option for setting in settings.items() for option in ("--build-arg", "=".join(setting))]
    try:
        with log.open("wb") as file:
            done = subprocess.run([*line, str(compose.tree)], stdout=file, stderr=file, stdin=subprocess.DEVNULL, check=False)
    except OSError as error:
        raise UsageError(f"{error.filename}: {error.strerror}") from None
    if done.returncode:
        raise EngineUnavailable(f"the image cannot be built: {why(log.read_text(errors='replace'))} (full log: {log})")


def _same_as_here() -> list[str]:
    """Return requirements for the versions that must be the same in the containers as here."""
    pins = []
    for package in SAME:
        with suppress(metadata.PackageNotFoundError):
            pins.append(f"{package}=={metadata.version(package)}")
    return pins


def check_memory(compose: Compose, kinds: Sequence[str]) -> None:
    """Check that Docker has the memory that the containers may need.

    Raises EngineUnavailable if it has not; the message has both figures; UsageError if a variable is not an amount of memory.
    """
    said = output_of(["docker", "info", "--format", "{{.MemTotal}}"]).strip()
    total = int(said) >> 20 if said.isdecimal() else 1 << 60
    spark, dask, slots = (compose.environment[name] for name in ("SPARK_WORKER_MEMORY", "DASK_WORKER_MEMORY", "HADOOP_SLOTS"))
    if not re.fullmatch(r"[1-9]\d{0,3}", slots, re.ASCII):
        raise UsageError(f"HADOOP_SLOTS={slots}: must be a number of tasks")
    wanted = 0
    if "spark" in kinds:
        wanted += DAEMONS + 2 * (mebibytes("SPARK_WORKER_MEMORY", spark) + OVERHEAD)
    if "dask" in kinds:
        wanted += 2 * mebibytes("DASK_WORKER_MEMORY", dask)
    if "hadoop" in kinds:
        wanted += _HADOOP_DAEMON * len(SERVICES["hadoop"]) + (int(slots) + 1) * TASK_MEMORY
    if "postgres" in kinds:
        wanted += _POSTGRES
    if wanted > total:
        raise EngineUnavailable(
            f"not enough memory: the containers want up to {wanted} MiB, and Docker has {total}: take smaller workers "
            f"(SPARK_WORKER_MEMORY, now {spark}; DASK_WORKER_MEMORY, now {dask}; HADOOP_SLOTS, now {slots}), or give Docker "
            "Desktop more"
        )


def _check_ports(compose: Compose, ports: Mapping[str, int]) -> None:
    for name, default in ports.items():
        port = _port_of(compose, name, default)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                if error.errno != errno.EADDRINUSE:  # Docker may bind ports below 1024, this user may not
                    continue
                other = port + 1000 if port < 64536 else port - 1000
                raise EngineUnavailable(
                    f"port {port} is taken{_by_whom(port)}: stop that, or take another: {name}={other} {registry.HOW_TO_START}"
                ) from None


def _by_whom(port: int) -> str:
    """Return the name of the process that listens on a port, if this user may see it."""
    import psutil

    with suppress(psutil.Error):
        for connection in psutil.net_connections("tcp"):
            if connection.laddr and connection.laddr.port == port and connection.status == psutil.CONN_LISTEN and connection.pid:
                return f" by {psutil.Process(connection.pid).name()} (process {connection.pid})"
    return ""


def _port_of(compose: Compose, name: str, default: int) -> int:
    text = compose.environment.get(name) or str(default)
    if not re.fullmatch(r"[1-9]\d{0,4}", text, re.ASCII) or int(text) >= 1 << 16:
        raise UsageError(f"{name}={text}: not a port")
    return int(text)


def _wait_until_ready(compose: Compose, wanted: Sequence[str], failed: str = "") -> None:
    """Wait until services are ready. ``failed``: the message of Compose, if it failed to start them."""
    deadline = time.monotonic() + WAIT
    while True:
        services = {service.name: service for service in compose.services()}
        late = [name for name in wanted if name not in services or not services[name].ready]
        if not late and not failed:
            return
        ended = [name for name in late if name in services and services[name].state in ("exited", "dead")]
        if failed:  # because a service that others depend on was not ready in time
            ended += [name for name in late if name in services and "(unhealthy)" in services[name].status]
        if failed and not ended:
            raise EngineUnavailable(f"the containers do not start: {failed}")
        if ended or time.monotonic() > deadline:
            name = (ended or late)[0]
            said = ask(compose.line("logs", "--no-color", "--tail", "50", name), compose.environment)
            state = services[name].status if name in services else "not there"
            raise EngineUnavailable(f"{name} is {state}: {why(said.stdout + said.stderr)} (more: {registry.LOGS} {name})")
        time.sleep(0.3)
