"""Finds and calls Docker and Compose, and turns their failures into one-line errors."""

import os
import platform
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Final, NamedTuple

from ..errors import EngineNotInstalled, EngineUnavailable, UsageError
from . import registry

_OLDEST: Final = (1, 28)  # the first Compose that knows profiles, and files without a version
_PROFILES: Final = ("--profile", "dask", "--profile", "hadoop", "--profile", "keywords")
_CANNOT_RUN: Final = 127  # the exit status of shells for a command that cannot be run
WITHOUT: Final = "or without Docker: bigdata-demos cluster spark"


class Service(NamedTuple):
    """A service's container: Docker's ``state`` (running, exited …), ``status`` with its health, and the source ``tree``."""

    name: str
    state: str
    status: str
    tree: str = ""

    @property
    def ready(self) -> bool:
        """Whether it runs, and is healthy, if it has a health check."""
        return self.state == "running" and not re.search(r"\((?!healthy)", self.status)


@dataclass(frozen=True)
class Compose:
    """Docker and Compose, for a source tree. ``environment`` has the compose file's variables."""

    tree: Path
    command: tuple[str, ...]
    version: str
    environment: Mapping[str, str]

    def line(self, *arguments: str) -> list[str]:
        """Return a Compose command line for all profiles."""
        of_tree = ["--file", str(self.tree / "docker-compose.yml"), "--project-directory", str(self.tree)]
        return [*self.command, *of_tree, *_PROFILES, *arguments]

    @property
    def project(self) -> str:
        """The name of Compose's project."""
        return self.environment["COMPOSE_PROJECT_NAME"]

    def services(self) -> list[Service]:
        """Return the containers of the cluster, running or not."""
        label = "com.docker.compose."
        form = f'{{{{.Label "{label}service"}}}}\t{{{{.State}}}}\t{{{{.Status}}}}\t{{{{.Label "{label}project.working_dir"}}}}'
        chosen = ["--filter", f"label=com.docker.compose.project={self.project}"]
        said = output_of(
            ["docker", "ps", "--all", *chosen, "--filter", "label=com.docker.compose.oneoff=False", "--format", form]
        )
        return sorted(Service(*line.split("\t")) for line in said.splitlines())


def find_compose(root: str = "") -> Compose:
    """Find Docker and Compose.

    Raises EngineNotInstalled if one is missing, or too old; EngineUnavailable if Docker does not run, or not for this user;
    UsageError if there is no ``docker-compose.yml``.
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
    _check_engine()
    for command in (("docker", "compose"), ("docker-compose",)):
        if version := output_of([*command, "version", "--short"], check=False).strip().lstrip("v"):
            numbers = tuple(int(number) for number in re.findall(r"\d+", version)[:2])
            if numbers and numbers < _OLDEST:  # a build from source may call itself "dev"
                raise EngineNotInstalled(f"Compose is {version}, and 1.28 is needed: install a newer one")
            return Compose(tree, command, version, variables(tree, root))
    raise EngineNotInstalled(f"Docker is there, but no Compose: install docker-compose, or docker-compose-plugin, {WITHOUT}")


def _check_engine() -> None:
    asked = ask(["docker", "version", "--format", "{{.Server.Version}}"])
    if asked.returncode == 0:
        return
    if asked.returncode == _CANNOT_RUN:
        raise EngineUnavailable(f"{asked.stderr}: install Docker anew, {WITHOUT}")
    said = asked.stderr.strip() or f"docker version: exit status {asked.returncode}"
    if "permission denied" in said:
        raise EngineUnavailable(
            f"user {os.getuid()} may not talk to Docker: sudo usermod -aG docker $USER, then log in again (that group is as good "
            f"as root), {WITHOUT}"
        )
    if re.search("cannot connect|daemon (is )?running|failed to connect|no such file|connection refused", said, re.IGNORECASE):
        where = f" at {os.environ['DOCKER_HOST']}" if os.environ.get("DOCKER_HOST") else ""
        raise EngineUnavailable(f"Docker does not run{where}: sudo systemctl start docker, or start Docker Desktop, {WITHOUT}")
    raise EngineUnavailable(f"Docker does not answer: {said.splitlines()[-1]}")


def variables(tree: Path, root: str = "") -> dict[str, str]:
    """Return the environment, with defaults of the compose file's variables for this user, Python and package."""
    given = {name: value for name, value in os.environ.items() if value}  # as in the compose file, empty means not set
    at = Path(root or given.get(registry.ROOT) or Path.cwd()).expanduser().absolute()
    try:
        pyspark = {"PYSPARK_VERSION": metadata.version("pyspark")}
    except metadata.PackageNotFoundError:
        pyspark = {}
    defaults = {
        "COMPOSE_PROJECT_NAME": "bigdata-demos",
        "BIGDATA_DEMOS_USER": f"{os.getuid()}:{os.getgid()}",
        "PYTHON_VERSION": ".".join(platform.python_version_tuple()[:2]),
        "SPARK_WORKER_MEMORY": "1g",
        "DASK_WORKER_MEMORY": "2GiB",
        "HADOOP_SLOTS": "2",
        **pyspark,
    }
    run = Path(given.get(registry.RUN) or tree / "docker" / "run").expanduser().absolute()
    return {**defaults, **given, registry.ROOT: str(at), registry.RUN: str(run)}


def why(said: str) -> str:
    """Return the line of a program's output that has the error."""
    lines = [re.sub(r"^[\w.-]+ +\| ", "", line).strip() for line in said.splitlines() if line.strip()]
    lines = [line for line in lines if line != "Encountered errors while bringing up the project."] or lines
    return next(
        (line for line in reversed(lines) if re.search("error|denied|cannot|unable|Exception", line, re.IGNORECASE)),
        lines[-1] if lines else "it says nothing",
    )


def output_of(line: Sequence[str], *, check: bool = True) -> str:
    """Return what a command prints; ``""`` if it fails, unless ``check`` is set.

    Raises EngineUnavailable if it fails, or cannot be run.
    """
    done = ask(line)
    if done.returncode and check:
        raise EngineUnavailable(f"{' '.join(line[:2])} fails: {why(done.stderr)}")
    return "" if done.returncode else done.stdout


def ask(line: Sequence[str], environment: Mapping[str, str] | None = None) -> "subprocess.CompletedProcess[str]":
    """Run a command; return its result with decoded output, or the reason why it cannot be run."""
    try:
        return subprocess.run(
            line, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False
        )
    except OSError as error:
        return subprocess.CompletedProcess(line, _CANNOT_RUN, "", f"{line[0]} does not run: {error.strerror}")
