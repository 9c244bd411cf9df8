"""The cluster of ``docker-compose.yml``: up, down, status, logs, for those who don't know Compose; and what is wrong with it."""

import os
import platform
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from importlib import metadata
from pathlib import Path
from typing import Final, NamedTuple

from ..errors import EngineNotInstalled, EngineUnavailable, UsageError
from . import rendezvous
from .probe import mebibytes

SERVICES: Final[Mapping[str, tuple[str, ...]]] = {
    "spark": ("spark-master", "spark-worker-1", "spark-worker-2", "history-server"),
    "dask": ("dask-scheduler", "dask-worker-1", "dask-worker-2"),
}
PORTS: Final[Mapping[str, Mapping[str, int]]] = {
    "spark": {
        "SPARK_MASTER_PORT": 7077,
        "SPARK_MASTER_WEBUI_PORT": 8080,
        "SPARK_WORKER_1_PORT": 8081,
        "SPARK_WORKER_2_PORT": 8082,
        "SPARK_HISTORY_PORT": 18080,
    },
    "dask": {"DASK_SCHEDULER_PORT": 8786, "DASK_PAGE_PORT": 8787},
}
"""Environment variable → the port on loopback that it stands for."""
OLDEST: Final = (1, 28)
"""The first Compose that knows profiles, and files without a version."""
DAEMONS: Final = 4 * 512
"""MiB for master, history server, and the two workers' own processes."""
OVERHEAD: Final = 512
"""MiB of a worker for what is not in its JVM's heap: Python, mostly."""
WAIT: Final = 120.0
"""Seconds for the containers to become ready."""
WITHOUT: Final = "or without Docker: python -m bigdata_demos.cluster spark"
LABEL: Final = "bigdata-demos.fingerprint"
Say = Callable[[str], None]


class Service(NamedTuple):
    """A service's container: ``state`` as Docker has it (running, exited …), ``status`` with its health."""

    name: str
    state: str
    status: str

    @property
    def ready(self) -> bool:
        """Whether it runs, and is healthy if it has a health check."""
        return self.state == "running" and not re.search(r"\((?!healthy)", self.status)


@dataclass(frozen=True)
class Compose:
    """Docker and Compose, found and working, in a source tree. ``environment``: the compose file's variables."""

    tree: Path
    command: tuple[str, ...]
    version: str
    environment: Mapping[str, str]

    def line(self, *arguments: str) -> list[str]:
        """A Compose command, as a list, for all profiles."""
        return [*self.command, "--file", str(self.tree / "docker-compose.yml"), "--project-directory", str(self.tree), *arguments]

    @property
    def project(self) -> str:
        """Compose's name for the cluster."""
        return self.environment["COMPOSE_PROJECT_NAME"]

    def services(self) -> list[Service]:
        """The containers of the cluster, running or not."""
        form = '{{.Label "com.docker.compose.service"}}\t{{.State}}\t{{.Status}}'
        chosen = ["--filter", f"label=com.docker.compose.project={self.project}"]
        said = output_of(
            ["docker", "ps", "--all", *chosen, "--filter", "label=com.docker.compose.oneoff=False", "--format", form]
        )
        return sorted(Service(*line.split("\t")) for line in said.splitlines())


def find_compose(root: str = "") -> Compose:
    """Docker and Compose.

    Raises:
        EngineNotInstalled: if one is missing, or too old.
        EngineUnavailable: if Docker does not run, or not for this user.
        UsageError: if there is no ``docker-compose.yml``.

    """
    trees = (Path(__file__).parents[3], Path.cwd())
    tree = next((tree for tree in trees if (tree / "docker-compose.yml").exists() and (tree / "docker" / "run").exists()), None)
    if tree is None:
        raise UsageError("there is no docker-compose.yml here: run this in a clone of bigdata_demos")
    if not shutil.which("docker"):
        raise EngineNotInstalled(
            f"there is no docker on the PATH: install Docker and Compose (Debian: apt-get install docker.io docker-compose), "
            f"{WITHOUT}"
        )
    check_engine()
    for command in (("docker", "compose"), ("docker-compose",)):
        if version := output_of([*command, "version", "--short"], check=False).strip().lstrip("v"):
            if tuple(int(number) for number in re.findall(r"\d+", version)[:2]) < OLDEST:
                raise EngineNotInstalled(f"Compose is {version}, and 1.28 is needed: install a newer one")
            return Compose(tree, command, version, variables(tree, root))
    raise EngineNotInstalled(f"Docker is there, but no Compose: install docker-compose, or docker-compose-plugin, {WITHOUT}")


def check_engine() -> None:
    """Whether a Docker engine answers.

    Raises:
        EngineUnavailable: saying what to do if none does.

    """
    asked = subprocess.run(["docker", "version", "--format", "{{.Server.Version}}"], capture_output=True, text=True, check=False)
    if asked.returncode == 0:
        return
    said = asked.stderr.strip() or f"docker version: exit status {asked.returncode}"
    if "permission denied" in said:
        raise EngineUnavailable(
            f"user {os.getuid()} may not talk to Docker: sudo usermod -aG docker $USER, then log in again (that group is as good "
            f"as root), {WITHOUT}"
        )
    if "Cannot connect" in said or "daemon running" in said or "no such file" in said:
        where = f" at {os.environ['DOCKER_HOST']}" if os.environ.get("DOCKER_HOST") else ""
        raise EngineUnavailable(f"Docker does not run{where}: sudo systemctl start docker, or start Docker Desktop, {WITHOUT}")
    raise EngineUnavailable(f"Docker does not answer: {said.splitlines()[-1]}")


def variables(tree: Path, root: str = "") -> dict[str, str]:
    """The environment, with what the compose file's variables are by default for this user, this Python and this package."""
    at = Path(root or os.environ.get(rendezvous.ROOT) or Path.cwd()).expanduser().absolute()
    try:
        pyspark = {"PYSPARK_VERSION": metadata.version("pyspark")}
    except metadata.PackageNotFoundError:
        pyspark = {}
    defaults = {
        "COMPOSE_PROJECT_NAME": "bigdata-demos",
        rendezvous.RUN: str(tree / "docker" / "run"),
        "BIGDATA_DEMOS_USER": f"{os.getuid()}:{os.getgid()}",
        "PYTHON_VERSION": ".".join(platform.python_version_tuple()[:2]),
        **pyspark,
    }
    return {**defaults, **os.environ, rendezvous.ROOT: str(at)}


def up(kinds: Sequence[str], *, root: str = "", build: bool = False, say: Say) -> list[str]:
    """Bring clusters up, and wait until they are ready; returns their addresses.

    Raises:
        EngineError: if that cannot be; what was started stays, for its logs.
        UsageError: if the root makes no sense.

    """
    compose = find_compose(root)
    running = {service.name for service in compose.services() if service.state == "running"}
    wanted = [service for kind in kinds for service in SERVICES[kind]]
    check_memory(compose, kinds)
    for kind in kinds:
        if not running & set(SERVICES[kind]):
            check_ports(compose, PORTS[kind])
    prepare(compose, say)
    build_image(compose, build=build, say=say)
    say(f"starting {', '.join(wanted)} (Compose {compose.version})")
    profiles = [option for kind in kinds if kind != "spark" for option in ("--profile", kind)]
    done = subprocess.run(
        compose.line(*profiles, "up", "--detach", "--no-build", *wanted),
        env=compose.environment, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    if done.returncode:
        raise EngineUnavailable(f"the containers do not start: {why(done.stderr)}")
    wait_until_ready(compose, wanted)
    ports = {name: port_of(compose, name, port) for kind in kinds for name, port in PORTS[kind].items()}
    if "spark" in kinds:
        say(
            "pages: master http://localhost:{SPARK_MASTER_WEBUI_PORT}, workers http://localhost:{SPARK_WORKER_1_PORT} and "
            "http://localhost:{SPARK_WORKER_2_PORT}, history http://localhost:{SPARK_HISTORY_PORT}".format(**ports)
        )
    root = compose.environment[rendezvous.ROOT]
    say(f"ready: input is read below {root}, results are written below {root}/{rendezvous.OUT}")
    schemes = {"spark": "spark://localhost:{SPARK_MASTER_PORT}", "dask": "tcp://localhost:{DASK_SCHEDULER_PORT}"}
    return [schemes[kind].format(**ports) for kind in kinds]


def down(say: Say) -> None:
    """Stop and remove all containers of the cluster."""
    compose = find_compose()
    done = subprocess.run(
        compose.line("--profile", "dask", "--profile", "keywords", "down", "--remove-orphans", "--timeout", "5"),
        env=compose.environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise EngineUnavailable(f"not all is stopped: {why(done.stderr)}")
    for name in ("spark.json", "dask.json"):
        (Path(compose.environment[rendezvous.RUN]) / name).unlink(missing_ok=True)
    say("stopped; event logs and the secret stay in " + compose.environment[rendezvous.RUN])


def status() -> list[Service]:
    """The services' containers.

    Raises:
        EngineUnavailable: if there are none.

    """
    compose = find_compose()
    services = compose.services()
    if not services:
        raise EngineUnavailable(f"the cluster is not up: {rendezvous.HOW_TO_START}")
    return services


def call(arguments: Sequence[str], *, root: str = "") -> int:
    """Run a Compose command for the cluster, with the terminal; returns its exit status."""
    compose = find_compose(root)
    return subprocess.run(compose.line(*arguments), env=compose.environment, check=False).returncode


def prepare(compose: Compose, say: Say) -> None:
    """Make what the containers need on the host: the directory for results, the one that is shared, the secret.

    Raises:
        UsageError: if the root is not a directory, or cannot be written to.

    """
    root = Path(compose.environment[rendezvous.ROOT])
    if not root.is_dir():
        raise UsageError(f"--root {root}: no such directory")
    try:
        (root / rendezvous.OUT).mkdir(exist_ok=True)
        Path(compose.environment[rendezvous.RUN]).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{error.filename}: {error.strerror}: the containers need it; name another --root") from None
    user = compose.environment["BIGDATA_DEMOS_USER"].partition(":")[0]
    if user == "0":
        say("warning: you are root, and so are the containers (without its capabilities); better start them as another user")
    os.environ.setdefault(rendezvous.RUN, compose.environment[rendezvous.RUN])
    rendezvous.secret()


def build_image(compose: Compose, *, build: bool, say: Say) -> None:
    """Build the image, if it is not there or is not of this package, this Dockerfile and this pyspark.

    Raises:
        EngineUnavailable: if that fails.

    """
    settings = {
        name: compose.environment[name]
        for name in ("PYTHON_VERSION", "PYSPARK_VERSION", "BASE_IMAGE")
        if name in compose.environment
    }
    image = f"bigdata-demos:python{settings['PYTHON_VERSION']}"
    parts = [rendezvous.fingerprint(), *sorted(map("=".join, settings.items()))]
    parts += [(compose.tree / name).read_text(encoding="utf-8") for name in ("docker/Dockerfile", "pyproject.toml")]
    fingerprint = sha256("\n".join(parts).encode()).hexdigest()
    there = output_of(
        ["docker", "image", "inspect", "--format", f'{{{{index .Config.Labels "{LABEL}"}}}}', image], check=False
    ).strip()
    if there == fingerprint and not build:
        return
    log = Path(compose.environment[rendezvous.RUN]) / "build.log"
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
    with log.open("wb") as file:
        done = subprocess.run([*line, str(compose.tree)], stdout=file, stderr=file, stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise EngineUnavailable(f"the image cannot be built: {why(log.read_text(errors='replace'))} (all of it: {log})")


def check_memory(compose: Compose, kinds: Sequence[str]) -> None:
    """Whether Docker has the memory that the containers may come to want.

    Raises:
        EngineUnavailable: with both figures.

    """
    total = int(output_of(["docker", "info", "--format", "{{.MemTotal}}"])) >> 20
    spark, dask = (
        compose.environment.get(name, default)
        for name, default in (("SPARK_WORKER_MEMORY", "1g"), ("DASK_WORKER_MEMORY", "2GiB"))
    )
    wanted = 0
    if "spark" in kinds:
        wanted += DAEMONS + 2 * (mebibytes("SPARK_WORKER_MEMORY", spark) + OVERHEAD)
    if "dask" in kinds:
        wanted += 2 * mebibytes("DASK_WORKER_MEMORY", dask)
    if wanted > total:
        raise EngineUnavailable(
            f"not enough memory: the containers want up to {wanted} MiB, and Docker has {total}: take smaller workers "
            f"(SPARK_WORKER_MEMORY, now {spark}; DASK_WORKER_MEMORY, now {dask}), or give Docker Desktop more"
        )


def check_ports(compose: Compose, ports: Mapping[str, int]) -> None:
    """Whether the ports on loopback are free.

    Raises:
        EngineUnavailable: naming one that is not, and the variable for another.

    """
    for name, default in ports.items():
        port = port_of(compose, name, default)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                raise EngineUnavailable(
                    f"port {port} is taken{by_whom(port)}: stop that, or take another: {name}={(port + 1000) % 65536} "
                    f"{rendezvous.HOW_TO_START}"
                ) from None


def by_whom(port: int) -> str:
    """Who listens on a port, as far as this user may know."""
    import psutil

    with suppress(psutil.Error):
        for connection in psutil.net_connections("tcp"):
            if connection.laddr and connection.laddr.port == port and connection.status == psutil.CONN_LISTEN and connection.pid:
                return f" by {psutil.Process(connection.pid).name()} (process {connection.pid})"
    return ""


def port_of(compose: Compose, name: str, default: int) -> int:
    """The port that a variable stands for.

    Raises:
        UsageError: if it is no port.

    """
    text = compose.environment.get(name) or str(default)
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 1 << 16:
        raise UsageError(f"{name}={text}: not a port")
    return int(text)


def wait_until_ready(compose: Compose, wanted: Sequence[str]) -> None:
    """Wait until all of some services are ready.

    Raises:
        EngineUnavailable: if one ends, or it takes too long; with what it said last.

    """
    deadline = time.monotonic() + WAIT
    while True:
        services = {service.name: service for service in compose.services()}
        late = [name for name in wanted if name not in services or not services[name].ready]
        if not late:
            return
        ended = [name for name in late if name in services and services[name].state in ("exited", "dead")]
        if ended or time.monotonic() > deadline:
            name = (ended or late)[0]
            said = subprocess.run(
                compose.line("logs", "--no-color", "--tail", "50", name), env=compose.environment,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
            ).stdout  # fmt: skip
            state = services[name].status if name in services else "not there"
            raise EngineUnavailable(f"{name} is {state}: {why(said)} (more: python -m bigdata_demos.cluster logs {name})")
        time.sleep(0.3)


def why(said: str) -> str:
    """The line of a program's output that says what went wrong."""
    lines = [line.split("|", 1)[-1].strip() for line in said.splitlines() if line.strip()]
    return next(
        (line for line in reversed(lines) if re.search("error|denied|cannot|unable|Exception", line, re.IGNORECASE)),
        lines[-1] if lines else "it says nothing",
    )


def output_of(line: Sequence[str], *, check: bool = True) -> str:
    """What a command prints; ``""`` if it fails and that does not matter.

    Raises:
        EngineUnavailable: if it fails.

    """
    try:
        done = subprocess.run(line, capture_output=True, text=True, check=False)
    except OSError as error:
        if check:
            raise EngineUnavailable(f"{line[0]} does not run: {error.strerror}") from None
        return ""
    if done.returncode:
        if check:
            raise EngineUnavailable(f"{' '.join(line[:2])} fails: {why(done.stderr)}")
        return ""
    return done.stdout
