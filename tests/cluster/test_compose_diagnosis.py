"""The messages of ``cluster up|down|status|logs|run`` when something is wrong, against a fake ``docker`` command."""

import json
import os
import platform
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from importlib import metadata
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import pytest

from bigdata_demos.cluster import compose, registry
from bigdata_demos.cluster.registry import Record
from bigdata_demos.cluster.standalone import free_ports
from bigdata_demos.errors import EngineUnavailable
from tests.support.paths import ROOT

IMAGE = f"bigdata-demos:python{sys.version_info.major}.{sys.version_info.minor}"

PERMISSION = (
    "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock: Get "
    '"http://%2Fvar%2Frun%2Fdocker.sock/v1.24/version": dial unix /var/run/docker.sock: connect: permission denied\n'
)
NO_DAEMON = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?\n"
NO_COMPOSE = "docker: 'compose' is not a docker command.\nSee 'docker --help'\n"
WITHOUT = "or without Docker: bigdata-demos cluster spark"

PROGRAM = """\
import json, sys
from pathlib import Path

home = Path(__file__).parents[1]
line = [Path(__file__).name, *sys.argv[1:]]
answers = json.loads((home / "answers.json").read_text())
name = max((name for name in answers if set(name.split()) <= set(line)), key=len, default="")
if not name:
    sys.exit(f"{line[0]}: nobody said what to answer to {line[1:]}")
with (home / "calls").open("a+") as calls:
    calls.seek(0)
    before = sum(json.loads(call)[0] == name for call in calls)
    calls.write(json.dumps([name, line]) + chr(10))
status, stdout, stderr = answers[name][min(before, len(answers[name]) - 1)]
sys.stdout.write(stdout)
sys.stdout.flush()
sys.stderr.write(stderr)
sys.exit(status)
"""
"""A fake ``docker``: it gives the answer whose name has the most words of the command line, and logs each call."""


@dataclass(frozen=True)
class Machine:
    """A machine with nothing but a fake Docker."""

    home: Path
    root: Path
    run: Path
    environment: dict[str, str]

    def has(self, *programs: str) -> None:
        """Install docker, docker-compose."""
        for name in programs:
            path = self.home / "bin" / name
            path.write_text(f"#!{sys.executable} -IS\n{PROGRAM}")
            path.chmod(0o755)

    def lacks(self, *programs: str) -> None:
        """Remove programs."""
        for name in programs:
            (self.home / "bin" / name).unlink()

    def answer(self, name: str, *stdouts: str, status: int = 0, stderr: str = "") -> None:
        """Set what a command prints at its first call, its second …; the last output is repeated."""
        path = self.home / "answers.json"
        known = json.loads(path.read_text()) if path.exists() else {}
        known[name] = [(status, stdout, stderr) for stdout in stdouts or ("",)]
        path.write_text(json.dumps(known))

    def calls(self, name: str = "") -> list[list[str]]:
        """The command lines that were run: all, or those that got a given answer."""
        path = self.home / "calls"
        calls = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
        return [line for called, line in calls if name in ("", called)]

    def cluster(self, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        """Run ``bigdata-demos cluster``."""
        return subprocess.run(
            [sys.executable, "-m", "bigdata_demos.cluster", *arguments], env={**self.environment, **environment}, cwd=ROOT,
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip


def containers(*services: str, state: str = "running", status: str = "Up 3 seconds (healthy)") -> str:
    """The output of ``docker ps`` for services that are all in one state."""
    return "".join(f"{service}\t{state}\t{status}\n" for service in services)


READY = containers(*compose.SERVICES["spark"])


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine with Docker and Compose 2, no container, no image, and free ports."""
    for name in ("bin", "root", "run"):
        (tmp_path / name).mkdir()
    names = [name for kind in compose.PORTS.values() for name in kind]
    environment = dict(zip(names, map(str, free_ports([0] * len(names))), strict=True))
    environment |= {"PATH": str(tmp_path / "bin"), registry.ROOT: str(tmp_path / "root"), registry.RUN: str(tmp_path / "run")}
    environment |= {name: os.environ[name] for name in ("PYTHONPATH", "LANG") if name in os.environ}
    made = Machine(tmp_path, tmp_path / "root", tmp_path / "run", environment)
    made.has("docker", "docker-compose")
    made.answer("docker version", "24.0.5\n")
    made.answer("docker compose version", "2.20.3\n")
    made.answer("docker-compose version", "1.29.2\n")
    made.answer("docker info", f"{8 << 30}\n")
    made.answer("docker ps", "", READY)
    made.answer("docker image inspect", status=1, stderr=f"Error: No such image: {IMAGE}\n")
    for name in ("docker build", "docker compose up", "docker-compose up", "docker compose down", "docker compose logs"):
        made.answer(name)
    return made


def error_of(done: "subprocess.CompletedProcess[str]", status: int = 1) -> str:
    """The error message of a failed command: one line, after its progress messages."""
    assert (done.returncode, done.stdout) == (status, ""), done.stderr
    *progress, said = done.stderr.splitlines()
    assert said.startswith("error: ")
    assert all("error: " not in line for line in progress), done.stderr
    return said.removeprefix("error: ")


def option(line: list[str], name: str) -> list[str]:
    """The values of an option in a command line."""
    return [value for before, value in pairwise(line) if before == name]


# Errors


def without_compose_2(machine: Machine, version: str = "") -> None:
    """Remove Compose 2; and Compose 1, unless its version is given."""
    machine.answer("docker compose version", status=1, stderr=NO_COMPOSE)
    if version:
        machine.answer("docker-compose version", f"{version}\n")
    else:
        machine.lacks("docker-compose")


def failing(name: str, stderr: str) -> Callable[[Machine], None]:
    """Let a docker command fail."""
    return lambda machine: machine.answer(name, status=1, stderr=stderr)


def well(_: Machine) -> None:
    """Change nothing."""


REMOTE = "tcp://192.0.2.1:2375"
BOUND = "Error response from daemon: failed to bind port 127.0.0.1:8080: bind: address already in use"
NEEDED = compose.DAEMONS + 2 * (1024 + compose.OVERHEAD)


@pytest.mark.parametrize(
    ("setup", "command", "status", "said"),
    [
        (lambda machine: machine.lacks("docker", "docker-compose"), "up", 1,
         f"there is no docker on the PATH: install Docker and Compose (Debian: apt-get install docker.io docker-compose)… {WITHOUT}"),
        (lambda machine: (machine.home / "bin" / "docker").write_text("#!/no/such/interpreter\n"), "status", 1,
         "docker does not run: No such file or directory…"),
        (failing("docker version", PERMISSION), "up", 1,
         f"user {os.getuid()} may not talk to Docker: sudo usermod -aG docker $USER, then log in again…{WITHOUT}"),
        *((failing("docker version", NO_DAEMON), command, 1, f"Docker does not run: sudo systemctl start docker…{WITHOUT}")
          for command in ("up", "down", "status", "logs")),
        (failing("docker version", NO_DAEMON.replace("unix:///var/run/docker.sock", REMOTE)), f"DOCKER_HOST={REMOTE} up", 1,
         f"Docker does not run at {REMOTE}…"),
        (failing("docker version", "warning: old\nerror: EOF\n\n"), "up", 1, "Docker does not answer: error: EOF"),
        (without_compose_2, "up", 1, f"Docker is there, but no Compose: install …docker-compose-plugin…{WITHOUT}"),
        (lambda machine: without_compose_2(machine, "v1.27.4"), "up", 1,
         "Compose is 1.27.4, and 1.28 is needed: install a newer one"),
        (well, "SPARK_HISTORY_PORT=65536 up", 2, "SPARK_HISTORY_PORT=65536: not a port"),
        (well, "DASK_WORKER_MEMORY=2 up dask", 2, "DASK_WORKER_MEMORY=2: not an amount of memory such as 512m or 2g"),
        (lambda machine: machine.answer("docker info", f"{1 << 30}\n"), "up", 1,
         f"not enough memory: the containers want up to {NEEDED} MiB, and Docker has 1024: …SPARK_WORKER_MEMORY, now 1g…"),
        (well, "up --root no/root", 2, f"--root {ROOT}/no/root: no such directory"),
        (well, f"{registry.ROOT}={ROOT}/no/root up", 2, f"--root {ROOT}/no/root: no such directory"),
        (lambda machine: (machine.root / registry.OUT).write_text("mine"), "up", 2,
         "…/root/out: File exists: the containers need it; name another --root…"),
        (failing("docker build", "Step 1/9\nERROR: failed to solve: exit code: 100\n#9 done\n"), "up", 1,
         "the image cannot be built: ERROR: failed to solve…(full log: …/run/build.log)"),
        (failing("docker compose up", f" Container bigdata-demos-spark-master-1  Starting\n{BOUND}\n\n"), "up", 1,
         f"the containers do not start: {BOUND}"),
        (failing("docker ps", "Error: out of memory\n"), "up", 1, "docker ps fails: Error: out of memory"),
        (failing("docker compose down", "Stopping\nError: network has active endpoints\n"), "down", 1,
         "not everything was stopped: Error: network has active endpoints"),
        (lambda machine: (machine.run / "secret").write_text("known"), "up", 1, "others can read …/run/secret: chmod 600 it…"),
        (well, "status", 1, "the cluster is not up: bigdata-demos cluster up"),
    ],
)  # fmt: skip
def test_errors(machine: Machine, setup: Callable[[Machine], object], command: str, status: int, said: str) -> None:
    """One line with the reason and the remedy ("…": any text); nothing is started after an error."""
    setup(machine)
    words = command.split()
    environment = dict(word.split("=", 1) for word in words if "=" in word)
    error = error_of(machine.cluster(*(word for word in words if "=" not in word), **environment), status)
    assert re.fullmatch(".*".join(map(re.escape, said.split("…"))), error), error
    assert bool(machine.calls("docker compose up")) == (BOUND in said)
    assert not (ROOT / "no").exists()


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which this process listens."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield listening.getsockname()[1]


@pytest.mark.parametrize(("kind", "name"), [("spark", "SPARK_MASTER_WEBUI_PORT"), ("dask", "DASK_PAGE_PORT")])
def test_a_port_that_is_taken(machine: Machine, taken: int, kind: str, name: str) -> None:
    """The error names the process and the variable that changes the port; nothing is built or started."""
    said = error_of(machine.cluster("up", kind, **{name: str(taken)}))
    assert said.startswith(f"port {taken} is taken by ")
    assert f"(process {os.getpid()}): stop that, or take another: {name}=" in said
    assert not machine.calls("docker build")
    assert not machine.calls("docker compose up")


def test_ports_of_a_cluster_that_is_not_started(machine: Machine, taken: int) -> None:
    """`up` starts Spark although a port of Dask's is taken."""
    assert machine.cluster("up", DASK_SCHEDULER_PORT=str(taken)).returncode == 0


def test_ports_that_the_cluster_itself_has_taken(machine: Machine, taken: int) -> None:
    """`up` succeeds when the cluster is up already."""
    machine.answer("docker ps", READY)
    done = machine.cluster("up", SPARK_MASTER_PORT=str(taken))
    assert (done.returncode, done.stdout) == (0, f"spark://localhost:{taken}\n"), done.stderr


def test_memory_of_two_clusters(machine: Machine) -> None:
    """Spark and Dask together need the sum, by the sizes that the variables set."""
    total = compose.DAEMONS + 2 * (1024 + compose.OVERHEAD) + 1024
    machine.answer("docker info", f"{total << 20}\n")
    machine.answer("docker ps", "", READY + containers(*compose.SERVICES["dask"]))
    said = error_of(machine.cluster("up", "spark", "dask", DASK_WORKER_MEMORY="3GiB"))
    assert f"want up to {total - 1024 + 2 * 3072} MiB, and Docker has {total}" in said
    assert "DASK_WORKER_MEMORY, now 3GiB" in said
    assert machine.cluster("up", "spark", "dask", DASK_WORKER_MEMORY="512m").returncode == 0


def test_no_such_cluster(machine: Machine) -> None:
    """The error lists the clusters there are; Docker is not called."""
    done = machine.cluster("up", "spark", "nonsense")
    assert (done.returncode, done.stdout) == (2, "")
    (said,) = done.stderr.splitlines()
    assert said == "error: no such cluster: spark nonsense (choose from spark, dask, hadoop, postgres)"
    assert not machine.calls()


@pytest.mark.parametrize("command", ["up", "down", "run"])
def test_another_clone_with_the_same_project_name(machine: Machine, command: str) -> None:
    """Its containers are left alone, and not taken for this clone's."""
    (machine.run / "spark.json").write_text(json.dumps(dict.fromkeys(Record.__dataclass_fields__, "")))
    machine.answer("docker ps", "spark-master\trunning\tUp 1 second (healthy)\t/other/clone\n")
    assert "there is a cluster bigdata-demos of /other/clone: take it down there" in error_of(machine.cluster(command))
    assert not [line for line in machine.calls() if {"up", "down", "run"} & set(line)]


# What Docker is told to do


def test_compose_1_where_there_is_no_other(machine: Machine) -> None:
    """Compose 1.28 is used where Compose 2 is not installed."""
    machine.answer("docker compose version", status=125, stderr="unknown flag: --short\n")
    machine.answer("docker-compose version", "1.28.0\n")
    done = machine.cluster("up")
    assert done.returncode == 0, done.stderr
    assert "(Compose 1.28.0)" in done.stderr
    (line,) = machine.calls("docker-compose up")
    assert line[:3] == ["docker-compose", "--file", str(ROOT / "docker-compose.yml")]
    assert line[-len(compose.SERVICES["spark"]) :] == list(compose.SERVICES["spark"])
    assert not machine.calls("docker compose up")


def test_compose_2_is_preferred(machine: Machine) -> None:
    """Also in a distribution's version; stdout has the address and nothing else."""
    machine.answer("docker compose version", "v2.24.5+ds1-0ubuntu1\n")
    done = machine.cluster("up")
    assert (done.returncode, done.stdout) == (0, f"spark://localhost:{machine.environment['SPARK_MASTER_PORT']}\n"), done.stderr
    assert "(Compose 2.24.5+ds1-0ubuntu1)" in done.stderr
    assert "error: " not in done.stderr
    assert machine.calls("docker compose up")
    assert not [line for line in machine.calls() if line[0] == "docker-compose"]


def test_no_image(machine: Machine) -> None:
    """The image is built for this version of Python and of pyspark, and labelled with a hash of its contents."""
    done = machine.cluster("up", BASE_IMAGE="example.org/python")
    assert done.returncode == 0, done.stderr
    assert f"there is no image {IMAGE} of this package: building it" in done.stderr
    assert f"(log: {machine.run}/build.log)" in done.stderr
    (line,) = machine.calls("docker build")
    assert option(line, "--tag") == [IMAGE]
    assert option(line, "--file") == [str(ROOT / "docker" / "Dockerfile")]
    assert line[-1] == str(ROOT)
    wanted = {"PYTHON_VERSION": IMAGE.removeprefix("bigdata-demos:python"), "BASE_IMAGE": "example.org/python"}
    if find_spec("pyspark"):
        wanted["PYSPARK_VERSION"] = metadata.version("pyspark")
    given = dict(argument.split("=", 1) for argument in option(line, "--build-arg"))
    pinned = dict(pin.split("==") for pin in given.pop("REQUIREMENTS").split())
    assert given == wanted
    assert pinned == {package: metadata.version(package) for package in pinned}
    assert {"fastavro", "resiliparse"} <= pinned.keys()
    (label,) = option(line, "--label")
    assert re.fullmatch(re.escape(compose.LABEL) + "=[0-9a-f]{64}", label)
    names = [line[2] if line[1] == "compose" else line[1] for line in machine.calls()]
    assert names.index("build") < len(names) - 1 - names[::-1].index("ps"), "the image is there before the containers"


def test_when_the_image_is_built_again(machine: Machine) -> None:
    """Not if it is up to date, unless --build is given; else if the source or the version of pyspark has changed."""
    machine.answer("docker ps", READY)
    assert machine.cluster("up").returncode == 0
    (label,) = option(machine.calls("docker build")[0], "--label")
    built = 1
    for given, arguments, environment, why in (
        (label, [], {}, ""),
        (label, ["--build"], {}, "building"),
        (f"{compose.LABEL}={'0' * 64}", [], {}, f"{IMAGE} is older than the package: building it"),
        (label, [], {"PYSPARK_VERSION": "4.1.9"}, f"{IMAGE} is older than the package: building it"),
    ):
        machine.answer("docker image inspect", given.partition("=")[2] + "\n")
        done = machine.cluster("up", *arguments, **environment)
        assert done.returncode == 0, done.stderr
        assert why in done.stderr if why else "building" not in done.stderr
        built += bool(why)
        assert len(machine.calls("docker build")) == built
    last = machine.calls("docker build")[-1]
    assert option(last, "--label") != [label]
    assert "PYSPARK_VERSION=4.1.9" in option(last, "--build-arg")


@pytest.mark.parametrize("compose_fails", [False, True])
def test_a_container_that_exits_at_once(machine: Machine, compose_fails: bool) -> None:
    """The error has the container's own error message, whether or not Compose 2 reports a failed dependency."""
    if compose_fails:
        machine.answer("docker compose up", status=1, stderr="dependency failed to start: container spark-worker-2 exited (1)\n")
    late = containers("spark-worker-2", state="exited", status="Exited (1) 2 seconds ago")
    machine.answer("docker ps", "", containers("spark-master", "spark-worker-1", "history-server") + late)
    machine.answer(
        "docker compose logs",
        "spark-worker-2  | starting\n"
        "spark-worker-2  | spark-worker: error: others can read /run/bigdata_demos/secret: chmod 600 it\n"
        "spark-worker-2  | shutdown hook called\n",
    )
    assert error_of(machine.cluster("up")) == (
        "spark-worker-2 is Exited (1) 2 seconds ago: spark-worker: error: others can read /run/bigdata_demos/secret: chmod 600 it "
        "(more: bigdata-demos cluster logs spark-worker-2)"
    )
    (line,) = machine.calls("docker compose logs")
    assert line[-1] == "spark-worker-2"
    assert not machine.calls("docker compose down"), "it stays, for its logs"


@pytest.mark.parametrize(
    ("services", "said"),
    [
        (containers("spark-master", "spark-worker-1", "spark-worker-2"), "history-server is not there: no such service"),
        (READY.replace("(healthy)", "(health: starting)"), "spark-master is Up 3 seconds (health: starting): no such service"),
    ],
)
def test_containers_that_never_get_ready(machine: Machine, services: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the time limit, the error has the state of the first one that is not ready."""
    for name, value in machine.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(compose, "WAIT", 0.0)
    machine.answer("docker ps", "", services)
    machine.answer("docker compose logs", "no such service\n")
    with pytest.raises(EngineUnavailable, match=f"^{re.escape(said)} "):
        compose.up(["spark"], say=lambda _: None)


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("running", "Up 2 minutes (unhealthy)"),
        ("exited", "Exited (137) 2 minutes ago"),
        ("paused", "Up 2 minutes (Paused)"),
    ],
)
def test_status_when_a_service_is_not_well(machine: Machine, state: str, status: str) -> None:
    """Exit status 1, and the service's state."""
    machine.answer("docker ps", READY + containers("dask-worker-1", state=state, status=status))
    done = machine.cluster("status")
    assert (done.returncode, done.stderr) == (1, "")
    (bad,) = [line for line in done.stdout.splitlines() if "not ready" in line]
    assert re.fullmatch(rf"dask-worker-1 +not ready +{re.escape(status)}", bad)


def test_down_forgets_the_addresses(machine: Machine) -> None:
    """All profiles are stopped; the recorded addresses are removed, the secret and the logs stay."""
    for name in ("spark.json", "dask.json", "secret", "build.log"):
        (machine.run / name).write_text("{}")
    done = machine.cluster("down")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == f"stopped; event logs and the secret stay in {machine.run}\n"
    assert sorted(path.name for path in machine.run.iterdir()) == ["build.log", "secret"]
    (line,) = machine.calls("docker compose down")
    assert option(line, "--profile") == ["dask", "hadoop", "keywords"]


def test_empty_variables_are_unset(machine: Machine) -> None:
    """As in the compose file: defaults hold."""
    assert machine.cluster("up").returncode == 0
    before = machine.calls()
    machine.answer("docker ps", "", READY)
    names = ("PYTHON_VERSION", "PYSPARK_VERSION", "COMPOSE_PROJECT_NAME", "BIGDATA_DEMOS_USER", "SPARK_WORKER_MEMORY")
    assert machine.cluster("up", **dict.fromkeys(names, "")).returncode == 0
    assert [line for line in machine.calls()[len(before) :] if "build" in line] == [line for line in before if "build" in line]
    assert all("label=com.docker.compose.project=bigdata-demos" in line for line in machine.calls() if "ps" in line)


def test_run_needs_a_cluster_of_this_package(machine: Machine) -> None:
    """`run` does not start a cluster, and does not run another version of the package."""
    assert "the cluster is not up, or only part of it: bigdata-demos cluster up" in error_of(machine.cluster("run"))
    machine.answer("docker ps", READY)
    python = platform.python_version()
    record = Record("spark", 7077, "spark://spark-master:7077", 8080, "127.0.0.1", str(ROOT), "python", python, "4.3.0", "old")
    (machine.run / "spark.json").write_text(json.dumps(asdict(record)))
    assert "the containers run another bigdata_demos than this one" in error_of(machine.cluster("run"))
    record = replace(record, fingerprint=registry.fingerprint(), root=str(machine.root))
    (machine.run / "spark.json").write_text(json.dumps(asdict(record)))
    assert f"{ROOT} is not below {machine.root}, which is all that the containers see" in error_of(machine.cluster("run"), 2)
    assert not [line for line in machine.calls() if "run" in line]
    (machine.run / "spark.json").write_text(json.dumps(asdict(replace(record, root=str(ROOT)))))
    machine.answer("docker compose run")
    assert machine.cluster("run", "--engine", "spark", "page.html").returncode == 0
    (line,) = machine.calls("docker compose run")
    expected = f"run --rm --no-deps --workdir {ROOT} -T keywords --engine spark page.html"
    assert " ".join(line[line.index("run") :]) == expected
