"""What ``cluster up|down|status|logs`` says when something is wrong, with a Docker of the tests' own making; and where both sides meet."""

import json
import os
import platform
import re
import shutil
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from importlib import metadata
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from threading import Barrier

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bigdata_demos.cluster import compose, container, registry
from bigdata_demos.cluster.probe import mebibytes
from bigdata_demos.cluster.registry import Record, check_paths, check_same, find, secret
from bigdata_demos.cluster.settings import write_settings
from bigdata_demos.cluster.standalone import free_port
from bigdata_demos.errors import EngineUnavailable, UsageError
from tests.support.paths import ROOT

MINOR = ".".join(platform.python_version_tuple()[:2])
IMAGE = f"bigdata-demos:python{MINOR}"
SAYS = "bigdata-demos cluster: "
PERMISSION = (
    "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock: Get "
    '"http://%2Fvar%2Frun%2Fdocker.sock/v1.24/version": dial unix /var/run/docker.sock: connect: permission denied\n'
)
NO_DAEMON = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?\n"
NO_COMPOSE = "docker: 'compose' is not a docker command.\nSee 'docker --help'\n"
WITHOUT = "or without Docker: python -m bigdata_demos.cluster spark"

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
"""A docker that answers as it is told (by the longest of the names whose words are all in its command line), and keeps its calls."""


@dataclass(frozen=True)
class Machine:
    """A machine with nothing but a Docker that answers what a test wants."""

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
        """What a command prints the first time, the second …; the last one from then on."""
        path = self.home / "answers.json"
        known = json.loads(path.read_text()) if path.exists() else {}
        known[name] = [(status, stdout, stderr) for stdout in stdouts or ("",)]
        path.write_text(json.dumps(known))

    def calls(self, name: str = "") -> list[list[str]]:
        """The command lines that were run: all, or those that got one of the answers."""
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
    """What ``docker ps`` says of services that are all in one state."""
    return "".join(f"{service}\t{state}\t{status}\n" for service in services)


READY = containers(*compose.SERVICES["spark"])


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine where all is well: Docker with Compose 2, no container, no image, free ports."""
    for name in ("bin", "root", "run"):
        (tmp_path / name).mkdir()
    environment = {name: str(free_port()) for kind in compose.PORTS.values() for name in kind}
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
    """The one error that a failed command told, in one line, after what it said of its progress."""
    assert (done.returncode, done.stdout) == (status, ""), done.stderr
    *progress, said = done.stderr.splitlines()
    assert said.startswith(f"{SAYS}error: ")
    assert all(line.startswith(SAYS) and "error: " not in line for line in progress), done.stderr
    return said.removeprefix(f"{SAYS}error: ")


def option(line: list[str], name: str) -> list[str]:
    """The values that a command line has for an option."""
    return [value for before, value in pairwise(line) if before == name]


# Docker and Compose are found


@pytest.mark.parametrize("command", ["up", "down", "status", "logs"])
def test_no_docker(machine: Machine, command: str) -> None:
    """What to install, and how to do without."""
    machine.lacks("docker", "docker-compose")
    said = error_of(machine.cluster(command))
    assert "there is no docker on the PATH: install Docker and Compose (Debian: apt-get install docker.io docker-compose)" in said
    assert said.endswith(WITHOUT)


@pytest.mark.parametrize("command", ["up", "down", "status", "logs"])
def test_docker_is_not_for_this_user(machine: Machine, command: str) -> None:
    """The group to join."""
    machine.answer("docker version", status=1, stderr=PERMISSION)
    said = error_of(machine.cluster(command))
    assert f"user {os.getuid()} may not talk to Docker: sudo usermod -aG docker $USER, then log in again" in said
    assert said.endswith(WITHOUT)


@pytest.mark.parametrize("command", ["up", "down", "status", "logs"])
def test_docker_does_not_run(machine: Machine, command: str) -> None:
    """How to start it."""
    machine.answer("docker version", status=1, stderr=NO_DAEMON)
    said = error_of(machine.cluster(command))
    assert said.startswith("Docker does not run: sudo systemctl start docker")
    assert said.endswith(WITHOUT)
    assert [line[1] for line in machine.calls()] == ["version"], "nothing else is tried"


def test_docker_elsewhere_does_not_run(machine: Machine) -> None:
    """The address is named, if it is another than Docker's own."""
    there = "tcp://192.0.2.1:2375"
    machine.answer("docker version", status=1, stderr=NO_DAEMON.replace("unix:///var/run/docker.sock", there))
    assert f"Docker does not run at {there}" in error_of(machine.cluster("status", DOCKER_HOST=there))


@pytest.mark.parametrize(
    ("stderr", "said"),
    [
        ("warning: old\nerror during connect: EOF\n\n", "Docker does not answer: error during connect: EOF"),
        ("", "Docker does not answer: docker version: exit status 1"),
    ],
)
def test_docker_fails_as_nobody_thought(machine: Machine, stderr: str, said: str) -> None:
    """Its last line, or at least its exit status."""
    machine.answer("docker version", status=1, stderr=stderr)
    assert error_of(machine.cluster("up")) == said


@pytest.mark.parametrize("command", ["up", "down", "status", "logs"])
def test_no_compose(machine: Machine, command: str) -> None:
    """Docker without either Compose."""
    machine.answer("docker compose version", status=1, stderr=NO_COMPOSE)
    machine.lacks("docker-compose")
    said = error_of(machine.cluster(command))
    assert said.startswith("Docker is there, but no Compose: install ")
    assert "docker-compose-plugin" in said
    assert said.endswith(WITHOUT)


@pytest.mark.parametrize("version", ["1.25.0", "1.27.4", "v1.17.1"])
def test_compose_that_is_too_old(machine: Machine, version: str) -> None:
    """Both versions are named."""
    machine.answer("docker compose version", status=1, stderr=NO_COMPOSE)
    machine.answer("docker-compose version", f"{version}\n")
    assert error_of(machine.cluster("up")) == f"Compose is {version.lstrip('v')}, and 1.28 is needed: install a newer one"


@pytest.mark.parametrize("version", ["1.28.0", "1.29.2"])
def test_compose_1_where_there_is_no_other(machine: Machine, version: str) -> None:
    """It does all that Compose 2 would do."""
    machine.answer("docker compose version", status=125, stderr="unknown flag: --short\n")
    machine.answer("docker-compose version", f"{version}\n")
    done = machine.cluster("up")
    assert done.returncode == 0, done.stderr
    assert f"(Compose {version})" in done.stderr
    (line,) = machine.calls("docker-compose up")
    assert line[:3] == ["docker-compose", "--file", str(ROOT / "docker-compose.yml")]
    assert line[-len(compose.SERVICES["spark"]) :] == list(compose.SERVICES["spark"])
    assert not machine.calls("docker compose up")


@pytest.mark.parametrize("version", ["2.20.3", "v2.24.5+ds1-0ubuntu1"])
def test_compose_2_comes_first(machine: Machine, version: str) -> None:
    """Where both are there; what it prints on stdout is the address only."""
    machine.answer("docker compose version", f"{version}\n")
    done = machine.cluster("up")
    assert (done.returncode, done.stdout) == (0, f"spark://localhost:{machine.environment['SPARK_MASTER_PORT']}\n"), done.stderr
    assert f"(Compose {version.lstrip('v')})" in done.stderr
    assert all(line.startswith(SAYS) for line in done.stderr.splitlines())
    assert machine.calls("docker compose up")
    assert not [line for line in machine.calls() if line[0] == "docker-compose"]


# Ports, memory, the root


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which this process listens."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield listening.getsockname()[1]


@pytest.mark.parametrize(("kind", "name"), [("spark", name) for name in compose.PORTS["spark"]] + [("dask", "DASK_PAGE_PORT")])
def test_a_port_that_is_taken(machine: Machine, taken: int, kind: str, name: str) -> None:
    """Which, by whom, and the variable for another; before anything is built or started."""
    said = error_of(machine.cluster("up", kind, **{name: str(taken)}))
    assert said.startswith(f"port {taken} is taken by ")
    assert f"(process {os.getpid()}): stop that, or take another: {name}=" in said
    assert not machine.calls("docker build")
    assert not machine.calls("docker compose up")


def test_ports_of_a_cluster_that_is_not_wanted(machine: Machine, taken: int) -> None:
    """`up` for Spark is not held up by a Dask of the user's own."""
    assert machine.cluster("up", DASK_SCHEDULER_PORT=str(taken)).returncode == 0


def test_ports_that_the_cluster_itself_has_taken(machine: Machine, taken: int) -> None:
    """`up` again, with the cluster up: its own ports are no obstacle."""
    machine.answer("docker ps", READY)
    done = machine.cluster("up", SPARK_MASTER_PORT=str(taken))
    assert (done.returncode, done.stdout) == (0, f"spark://localhost:{taken}\n"), done.stderr


@pytest.mark.parametrize("text", ["nonsense", "0", "65536", "-1", "7077.0", "80 80", "٧٠٧٧"])
def test_a_variable_that_is_no_port(machine: Machine, text: str) -> None:
    """The variable and what it is."""
    assert error_of(machine.cluster("up", SPARK_HISTORY_PORT=text), 2) == f"SPARK_HISTORY_PORT={text}: not a port"


def test_not_enough_memory(machine: Machine) -> None:
    """What is wanted, what is there, and the variables to change."""
    machine.answer("docker info", f"{1 << 30}\n")
    wanted = compose.DAEMONS + 2 * (1024 + compose.OVERHEAD)
    said = error_of(machine.cluster("up"))
    assert f"not enough memory: the containers want up to {wanted} MiB, and Docker has 1024: " in said
    assert "SPARK_WORKER_MEMORY, now 1g" in said
    assert not machine.calls("docker build")


def test_memory_is_that_of_the_clusters_wanted(machine: Machine) -> None:
    """Dask's workers count where Dask is wanted, with what their variable says; both together need both."""
    total = compose.DAEMONS + 2 * (1024 + compose.OVERHEAD) + 1024
    machine.answer("docker info", f"{total << 20}\n")
    machine.answer("docker ps", "", READY + containers(*compose.SERVICES["dask"]))
    said = error_of(machine.cluster("up", "spark", "dask", DASK_WORKER_MEMORY="3GiB"))
    assert f"want up to {total - 1024 + 2 * 3072} MiB, and Docker has {total}" in said
    assert "DASK_WORKER_MEMORY, now 3GiB" in said
    assert machine.cluster("up", "spark", "dask", DASK_WORKER_MEMORY="512m").returncode == 0


@pytest.mark.parametrize(("kind", "name"), [("spark", "SPARK_WORKER_MEMORY"), ("dask", "DASK_WORKER_MEMORY")])
def test_a_variable_that_is_no_memory(machine: Machine, kind: str, name: str) -> None:
    """The variable, what it is, and what it could be."""
    said = error_of(machine.cluster("up", kind, **{name: "nonsense"}), 2)
    assert said == f"{name}=nonsense: not an amount of memory such as 512m or 2g"


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("1g", 1024),
        ("512m", 512),
        ("2GiB", 2048),
        ("3GB", 3072),
        ("4G", 4096),
        ("2t", 2 << 20),
        ("2048k", 2),
        ("1023kb", 0),
        (" 1g ", 1024),
    ],
)
def test_amounts_of_memory(text: str, amount: int) -> None:
    """As Spark and Dask write them, in MiB."""
    assert mebibytes("NAME", text) == amount


@given(st.integers(1, 1 << 40), st.sampled_from("kKmMgGtT"), st.sampled_from(["", "b", "B", "iB", "IB"]))
def test_any_amount_of_memory(number: int, unit: str, rest: str) -> None:
    """A number and a power of 1024, rounded down."""
    power = " kmgt".index(unit.lower())
    assert mebibytes("NAME", f"{number}{unit}{rest}") == number * 1024**power // 1024**2


@pytest.mark.parametrize("text", ["", "g", "1", "-1g", "1.5g", "1p", "1gbb", "1gi", "1 g", "0g", "nonsense", "1g\n2g"])
def test_no_amounts_of_memory(text: str) -> None:
    """They are refused, with the variable's name."""
    with pytest.raises(UsageError, match=f"^{re.escape(f'NAME={text}')}: not an amount of memory"):
        mebibytes("NAME", text)


def test_a_root_that_is_not_there(machine: Machine) -> None:
    """By option (which goes before the variable) or by variable; nothing is made."""
    for arguments, environment in ((("--root", "no/root"), {}), ((), {registry.ROOT: str(ROOT / "no/root")})):
        assert error_of(machine.cluster("up", *arguments, **environment), 2) == f"--root {ROOT}/no/root: no such directory"
    assert not (ROOT / "no").exists()
    assert not machine.calls("docker build")


def test_a_root_whose_out_is_a_file(machine: Machine) -> None:
    """Results cannot be written there."""
    (machine.root / registry.OUT).write_text("mine")
    said = error_of(machine.cluster("up"), 2)
    assert f"{machine.root}/out: File exists: the containers need it; name another --root" in said


@pytest.mark.parametrize("kinds", [["nonsense"], ["spark", "nonsense"]])
def test_no_such_cluster(machine: Machine, kinds: list[str]) -> None:
    """What there is; Docker is not even asked."""
    done = machine.cluster("up", *kinds)
    assert (done.returncode, done.stdout) == (2, "")
    usage, said = done.stderr.splitlines()
    assert usage.startswith("usage: ")
    assert said == f"{SAYS}error: no such cluster: {' '.join(kinds)} (there are spark, dask, hadoop)"
    assert not machine.calls()


# The image


def test_no_image(machine: Machine) -> None:
    """It is built, of this Python and this pyspark, and says what it is made of."""
    done = machine.cluster("up", BASE_IMAGE="example.org/python")
    assert done.returncode == 0, done.stderr
    assert f"{SAYS}there is no image {IMAGE} of this package: building it" in done.stderr
    assert f"(log: {machine.run}/build.log)" in done.stderr
    (line,) = machine.calls("docker build")
    assert option(line, "--tag") == [IMAGE]
    assert option(line, "--file") == [str(ROOT / "docker" / "Dockerfile")]
    assert line[-1] == str(ROOT)
    wanted = {"PYTHON_VERSION": MINOR, "BASE_IMAGE": "example.org/python"}
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


def label_of(machine: Machine) -> str:
    """The label of the image that `up` builds."""
    machine.answer("docker ps", "", READY)
    assert machine.cluster("up").returncode == 0
    (label,) = option(machine.calls("docker build")[-1], "--label")
    (machine.home / "calls").unlink()
    return label.partition("=")[2]


def test_an_image_that_is_fresh(machine: Machine) -> None:
    """It is not built again, but for --build."""
    machine.answer("docker image inspect", label_of(machine) + "\n")
    done = machine.cluster("up")
    assert done.returncode == 0, done.stderr
    assert not machine.calls("docker build")
    assert "building" not in done.stderr
    assert machine.cluster("up", "--build").returncode == 0
    assert len(machine.calls("docker build")) == 1


@pytest.mark.parametrize("changed", ["label", "PYSPARK_VERSION", "BASE_IMAGE"])
def test_an_image_that_is_older(machine: Machine, changed: str) -> None:
    """Made of another source, with another pyspark, from another base: it is built again."""
    label = label_of(machine)
    machine.answer("docker image inspect", f"{'0' * 64 if changed == 'label' else label}\n")
    done = machine.cluster("up", **({} if changed == "label" else {changed: "4.1.9"}))
    assert done.returncode == 0, done.stderr
    assert f"{SAYS}{IMAGE} is older than the package: building it" in done.stderr
    (line,) = machine.calls("docker build")
    assert (option(line, "--label") == [f"{compose.LABEL}={label}"]) == (changed == "label")
    if changed != "label":
        assert f"{changed}=4.1.9" in option(line, "--build-arg")


@pytest.mark.parametrize(
    ("stderr", "said"),
    [
        (
            "Step 1/9\nERROR: failed to solve: process did not complete successfully: exit code: 100\n#9 done\n",
            "ERROR: failed to solve",
        ),
        ("E: Unable to locate package openjdk\nlast words\n", "E: Unable to locate package openjdk"),
        ("last words\n\n", "last words"),
        ("", "Sending build context"),
    ],
)
def test_an_image_that_cannot_be_built(machine: Machine, stderr: str, said: str) -> None:
    """The line that says why, and the log that has all of it."""
    machine.answer("docker build", "Sending build context\n", status=1, stderr=stderr)
    error = error_of(machine.cluster("up"))
    assert error.startswith(f"the image cannot be built: {said}")
    assert error.endswith(f"(all of it: {machine.run}/build.log)")
    assert (machine.run / "build.log").read_text() == "Sending build context\n" + stderr
    assert not machine.calls("docker compose up")


# The containers


def test_containers_that_do_not_start(machine: Machine) -> None:
    """A port was taken in the meantime: the line of Compose's many that says so."""
    machine.answer(
        "docker compose up",
        status=1,
        stderr=" Container bigdata-demos-spark-master-1  Starting\nError response from daemon: driver failed programming external connectivity: "
        "failed to bind port 127.0.0.1:8080: bind: address already in use\n\n",
    )
    said = error_of(machine.cluster("up"))
    assert said.startswith("the containers do not start: Error response from daemon: ")
    assert said.endswith("bind: address already in use")


@pytest.mark.parametrize("state", ["exited", "dead"])
def test_a_container_that_ends_at_once(machine: Machine, state: str) -> None:
    """What it said of its error, not what it said last, and where the rest is."""
    late = containers("spark-worker-2", state=state, status="Exited (1) 2 seconds ago")
    machine.answer("docker ps", "", containers("spark-master", "spark-worker-1", "history-server") + late)
    machine.answer(
        "docker compose logs",
        "spark-worker-2  | starting\n"
        "spark-worker-2  | spark-worker: error: others can read /run/bigdata_demos/secret: chmod 600 it\n"
        "spark-worker-2  | shutdown hook called\n",
    )
    said = error_of(machine.cluster("up"))
    assert said == (
        "spark-worker-2 is Exited (1) 2 seconds ago: spark-worker: error: others can read /run/bigdata_demos/secret: chmod 600 it "
        "(more: python -m bigdata_demos.cluster logs spark-worker-2)"
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
    """Waiting ends, with the first one's state."""
    for name, value in machine.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(compose, "WAIT", 0.0)
    machine.answer("docker ps", "", services)
    machine.answer("docker compose logs", "no such service\n")
    with pytest.raises(EngineUnavailable, match=f"^{re.escape(said)} "):
        compose.up(["spark"], say=lambda _: None)


def test_up_waits_for_containers(machine: Machine) -> None:
    """It returns when all of them are ready, and not before."""
    machine.answer("docker ps", "", "", READY.replace("(healthy)", "(health: starting)"), READY)
    done = machine.cluster("up")
    assert done.returncode == 0, done.stderr
    assert len(machine.calls("docker ps")) == 4


def test_dask_is_started_by_its_profile(machine: Machine) -> None:
    """And prints its own address."""
    machine.answer("docker ps", "", containers(*compose.SERVICES["dask"]).replace(" (healthy)", ""))
    done = machine.cluster("up", "dask")
    assert (done.returncode, done.stdout) == (0, f"tcp://localhost:{machine.environment['DASK_SCHEDULER_PORT']}\n"), done.stderr
    (line,) = machine.calls("docker compose up")
    assert "dask" in option(line, "--profile")
    assert line[-3:] == list(compose.SERVICES["dask"])


def test_docker_that_fails_in_the_middle(machine: Machine) -> None:
    """Each of the commands that have no words of their own."""
    for name in ("docker info", "docker ps"):  # the second is asked first
        machine.answer(name, status=1, stderr="Error response from daemon: out of memory\n")
        assert error_of(machine.cluster("up")) == f"{name} fails: Error response from daemon: out of memory"


def test_status_when_nothing_is_up(machine: Machine) -> None:
    """The next step."""
    assert error_of(machine.cluster("status")) == "the cluster is not up: python -m bigdata_demos.cluster up"


def test_status_when_all_is_well(machine: Machine) -> None:
    """A line for each service, by name; this cluster's only."""
    machine.answer("docker ps", READY + containers("dask-worker-1", status="Up 2 minutes"))
    done = machine.cluster("status", COMPOSE_PROJECT_NAME="mine")
    assert (done.returncode, done.stderr) == (0, "")
    names = sorted((*compose.SERVICES["spark"], "dask-worker-1"))
    assert [line.split()[:2] for line in done.stdout.splitlines()] == [[name, "ready"] for name in names]
    assert "label=com.docker.compose.project=mine" in machine.calls("docker ps")[0]


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("running", "Up 2 minutes (unhealthy)"),
        ("running", "Up 2 seconds (health: starting)"),
        ("exited", "Exited (137) 2 minutes ago"),
        ("restarting", "Restarting (1) 2 seconds ago"),
        ("paused", "Up 2 minutes (Paused)"),
    ],
)
def test_status_when_a_service_is_not_well(machine: Machine, state: str, status: str) -> None:
    """Exit status 1, and which one it is."""
    machine.answer("docker ps", READY + containers("dask-worker-1", state=state, status=status))
    done = machine.cluster("status")
    assert (done.returncode, done.stderr) == (1, "")
    (bad,) = [line for line in done.stdout.splitlines() if "not ready" in line]
    assert re.fullmatch(rf"dask-worker-1 +not ready +{re.escape(status)}", bad)


def test_logs_are_composes(machine: Machine) -> None:
    """What it prints, and its exit status."""
    machine.answer("docker compose logs", "words of spark-master\n", status=3)
    done = machine.cluster("logs", "--follow", "spark-master")
    assert (done.returncode, done.stdout) == (3, "words of spark-master\n")
    assert machine.calls("docker compose logs")[0][-2:] == ["--follow", "spark-master"]


def test_down_forgets_the_addresses(machine: Machine) -> None:
    """All profiles are stopped; how the clusters were reached is removed, the secret and the logs stay."""
    for name in ("spark.json", "dask.json", "secret", "build.log"):
        (machine.run / name).write_text("{}")
    done = machine.cluster("down")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == f"{SAYS}stopped; event logs and the secret stay in {machine.run}\n"
    assert sorted(path.name for path in machine.run.iterdir()) == ["build.log", "secret"]
    (line,) = machine.calls("docker compose down")
    assert option(line, "--profile") == ["dask", "hadoop", "keywords"]


def test_down_that_fails(machine: Machine) -> None:
    """Why; and the addresses stay, as what they lead to may."""
    (machine.run / "spark.json").write_text("{}")
    machine.answer("docker compose down", status=1, stderr="Stopping\nError: network has active endpoints\n")
    assert error_of(machine.cluster("down")) == "not all is stopped: Error: network has active endpoints"
    assert (machine.run / "spark.json").exists()


def test_up_makes_a_secret_that_no_command_line_has(machine: Machine) -> None:
    """Mode 0600, whatever the umask; the same at the next start."""
    before = os.umask(0)
    try:
        assert machine.cluster("up").returncode == 0
    finally:
        os.umask(before)
    path = machine.run / "secret"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    made = path.read_text()
    assert re.fullmatch("[0-9a-f]{64}", made)
    assert made not in (machine.home / "calls").read_text()
    machine.answer("docker ps", READY)
    assert machine.cluster("up").returncode == 0
    assert path.read_text() == made


def test_up_with_a_secret_that_others_can_read(machine: Machine) -> None:
    """Told before anything starts."""
    (machine.run / "secret").write_text("known")
    (machine.run / "secret").chmod(0o644)
    said = error_of(machine.cluster("up"))
    assert said.startswith(f"others can read {machine.run}/secret: chmod 600 it")
    assert not machine.calls("docker compose up")


# The secret


@pytest.fixture
def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory where both sides meet."""
    made = tmp_path / "meeting"
    made.mkdir()
    monkeypatch.setenv(registry.RUN, str(made))
    return made


def test_one_secret_for_processes_that_start_at_once(at: Path) -> None:
    """All read the same, its mode is 0600, and nothing else is left."""
    program = (
        "import sys; from bigdata_demos.cluster.registry import secret; print(1, flush=True); sys.stdin.read(1); print(secret())"
    )
    line = [sys.executable, "-c", program]
    racers = [subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(6)]
    for racer in racers:
        assert racer.stdout
        assert racer.stdout.readline() == "1\n"
    for racer in racers:
        assert racer.stdin
        racer.stdin.write("g")
        racer.stdin.flush()
    said = {racer.communicate(timeout=30)[0] for racer in racers}
    assert said == {(at / "secret").read_text() + "\n"}
    assert [path.name for path in at.iterdir()] == ["secret"]
    assert stat.S_IMODE((at / "secret").stat().st_mode) == 0o600


def test_one_secret_for_threads_that_start_at_once(at: Path) -> None:
    """Many times, as a race is lost seldom."""
    barrier = Barrier(8)

    def start(_: int) -> str:
        barrier.wait(30)
        return secret()

    with ThreadPoolExecutor(8) as threads:
        for _ in range(50):
            assert len(set(threads.map(start, range(8)))) == 1
            assert [path.name for path in at.iterdir()] == ["secret"]
            (at / "secret").unlink()


def test_who_comes_second_takes_the_firsts_secret(at: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process is done with it just before."""
    link = os.link

    def too_late(source: Path, target: Path) -> None:
        target.touch(0o600)
        target.write_text("theirs-which-is-long-enough\n")
        link(source, target)

    monkeypatch.setattr(os, "link", too_late)
    assert secret() == "theirs-which-is-long-enough"
    assert [path.name for path in at.iterdir()] == ["secret"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601, 0o666])
def test_a_secret_that_others_can_read(at: Path, mode: int) -> None:
    """It is not used."""
    (at / "secret").write_text("known-to-everybody")
    (at / "secret").chmod(mode)
    with pytest.raises(EngineUnavailable, match=rf"^others can read {at}/secret: chmod 600 it, or remove it"):
        secret()
    (at / "secret").chmod(0o600)
    assert secret() == "known-to-everybody"


def test_no_secret(at: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A driver makes none: that would be another than the cluster's."""
    with pytest.raises(EngineUnavailable, match=r"there is no secret at .*: start the cluster"):
        secret(make=False)
    assert list(at.iterdir()) == []
    monkeypatch.setenv(registry.RUN, str(at / "nowhere"))
    with pytest.raises(EngineUnavailable, match=r"there is no secret at .*/nowhere/secret: start the cluster"):
        secret()
    monkeypatch.setattr(registry, "directory", lambda: None)
    with pytest.raises(EngineUnavailable, match=f"there is no docker/run here: .* name it by {registry.RUN}"):
        secret()


def test_a_directory_where_the_secret_cannot_be(at: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who may, who does, and how that is changed."""
    (at / "file").write_text("")
    monkeypatch.setenv(registry.RUN, str(at / "file"))
    with pytest.raises(
        EngineUnavailable, match=rf"no access to .* for user {os.getuid()}, it belongs to {os.getuid()}: BIGDATA_DEMOS_USER="
    ):
        secret()


# Addresses

RECORD = Record(
    scheme="spark", port=17077, inside="spark://spark-master:7077", page=18080, gateway="192.0.2.1", root="/data",
    interpreter="/opt/bigdata_demos/bin/python", python=platform.python_version(), pyspark="4.2.0", fingerprint=registry.fingerprint(),
)  # fmt: skip
DASK = replace(RECORD, scheme="tcp", port=18786, inside="tcp://dask-scheduler:8786")


@pytest.fixture
def known(at: Path) -> Path:
    """Both clusters have said how they are reached."""
    registry.write(RECORD)
    registry.write(DASK)
    assert sorted(path.name for path in at.iterdir()) == ["dask.json", "secret", "spark.json"]
    return at


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize(
    ("url", "record"),
    [
        ("spark://localhost:17077", RECORD),
        ("spark://127.0.0.1:17077", RECORD),
        ("spark://spark-master:7077", RECORD),
        ("tcp://localhost:18786", DASK),
        ("tcp://127.0.0.1:18786", DASK),
        ("tcp://dask-scheduler:8786", DASK),
        ("spark://localhost:7077", None),
        ("spark://localhost:170770", None),
        ("spark://spark-master:17077", None),
        ("spark://elsewhere:17077", None),
        ("tcp://localhost:17077", None),
        ("spark://localhost:18786", None),
        ("tls://localhost:18786", None),
        ("yarn", None),
        ("", None),
    ],
)
def test_whose_address_it_is(url: str, record: Record | None) -> None:
    """The compose cluster's by any of its names; all others are somebody else's."""
    assert find(url) == record


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "{}", '{"port": 17077}', '{"more": 1}', "\x80"])
def test_an_address_that_cannot_be_read(known: Path, text: str) -> None:
    """Then nothing is known; of the other cluster all is."""
    (known / "spark.json").write_bytes(text.encode("latin-1"))
    assert find("spark://localhost:17077") is None
    assert find("tcp://localhost:18786") == DASK


def test_an_address_of_another_version(known: Path) -> None:
    """A record that has more, or less, than this one's is not understood."""
    for fields in ({**asdict(RECORD), "more": 1}, {name: value for name, value in asdict(RECORD).items() if name != "page"}):
        (known / "spark.json").write_text(json.dumps(fields))
        assert find("spark://localhost:17077") is None


def test_no_directory_of_addresses(at: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is empty, it is not there, or there never was one."""
    assert find("spark://localhost:17077") is None
    monkeypatch.setenv(registry.RUN, str(at / "nowhere"))
    assert find("spark://localhost:17077") is None
    monkeypatch.setattr(registry, "directory", lambda: None)
    assert find("spark://localhost:17077") is None


def test_the_directory_is_the_variables(at: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also by a relative path, or the source tree's; it is absolute always."""
    assert registry.directory() == at
    monkeypatch.chdir(at)
    monkeypatch.setenv(registry.RUN, "below")
    assert registry.directory() == at / "below"
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv(registry.RUN, "")
    assert registry.directory() == ROOT / "docker" / "run"


# Paths


@pytest.fixture
def seen(tmp_path: Path) -> Record:
    """A cluster that sees a tree with a page, a directory `out`, and symbolic links."""
    root = tmp_path / "tree"
    (root / "sub" / "deep").mkdir(parents=True)
    (root / registry.OUT).mkdir()
    (root / "page.html").write_text("words")
    (tmp_path / "outside.html").write_text("words")
    (root / "inner").symlink_to(root / "page.html")
    (root / "outer").symlink_to(tmp_path / "outside.html")
    (root / "up").symlink_to(tmp_path)
    (root / "short").symlink_to(root / "sub" / "deep")
    return replace(RECORD, root=str(root))


@pytest.mark.parametrize(
    "path",
    [
        "{root}", "{root}/page.html", "{root}/*.html", "{root}/**/*.html", "{root}/nothing", "{root}/inner", "{root}/sub/../page.html",
        "file://{root}/page.html", "local://{root}/page.html", "-", "https://example.org/crawl.warc.gz", "s3://bucket/*.warc.gz",
    ],
)  # fmt: skip
def test_inputs_that_containers_see(seen: Record, path: str) -> None:
    """What is in the root, what is not a file, and what is not on this machine."""
    check_paths(seen, [path.format(root=seen.root)], None)


@pytest.mark.parametrize(
    "path",
    [
        "{root}/../outside.html", "{root}/..", "{root}-not/page.html", "{root}/sub/../../outside.html", "{root}/../*.html", "{root}/outer",
        "{root}/up/outside.html", "{root}/up/*.html", "file://{root}/../outside.html", "local:///outside.html", "~/page.html", "page.html",
        "{root}/short/../../page.html",  # for fsspec, and for all who take .. off with what is before it
    ],
)  # fmt: skip
def test_inputs_that_containers_do_not_see(seen: Record, path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside of the root, by whatever way; the first of them is named, and what the root is."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    said = rf"^{re.escape(path.format(root=seen.root))}: the compose cluster sees {seen.root} and nothing else: .* up --root /"
    with pytest.raises(UsageError, match=said):
        check_paths(seen, [f"{seen.root}/page.html", path.format(root=seen.root), "/another"], None)


def test_relative_inputs(seen: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    """They count from the current directory."""
    monkeypatch.chdir(Path(seen.root) / "sub")
    check_paths(seen, ["../page.html", "~/page.html".replace("~", ".."), "*.html", "."], None)
    with pytest.raises(UsageError, match=r"^\.\./\.\./outside\.html: "):
        check_paths(seen, ["../../outside.html"], None)


def test_a_root_by_a_symbolic_link(seen: Record, tmp_path: Path) -> None:
    """The containers see it by that name, and not by the one that it leads to."""
    link = tmp_path / "link"
    link.symlink_to(seen.root)
    by_link = replace(seen, root=str(link))
    check_paths(by_link, [f"{link}/page.html"], f"{link}/out/result")
    with pytest.raises(UsageError, match=f"sees {re.escape(str(link))} and nothing else"):
        check_paths(by_link, [f"{seen.root}/page.html"], None)


@pytest.mark.parametrize("output", ["out/result", "out/sub/result", "out/sub/../result", "sub/../out/result"])
def test_outputs_that_containers_can_write(seen: Record, output: str) -> None:
    """All below the root's `out`."""
    check_paths(seen, [], Path(seen.root) / output)
    check_paths(seen, [], f"{seen.root}/{output}")


@pytest.mark.parametrize(
    "output", ["result", "sub/result", "out/../result", "../result", "output/result", "out", "up/result", "/result"]
)
def test_outputs_that_containers_cannot_write(seen: Record, output: str) -> None:
    """In the root but not in its `out`, or elsewhere: one that would do is named."""
    path = Path(seen.root) / output
    with pytest.raises(UsageError) as caught:
        check_paths(seen, [], path)
    name = path.resolve().name
    assert (
        str(caught.value)
        == f"--output {path}: the compose cluster writes below {seen.root}/out only: --output {seen.root}/out/{name}"
    )


# Both sides are the same


@pytest.mark.parametrize(
    ("changes", "pyspark"), [({}, "4.2.0"), ({}, ""), ({"python": f"{MINOR}.99"}, "4.2.0"), ({"python": f"{MINOR}.0rc1"}, "")]
)
def test_what_may_differ(changes: dict[str, str], pyspark: str) -> None:
    """Python's patch level; pyspark where it does not matter (Dask)."""
    check_same(replace(RECORD, **changes), pyspark=pyspark)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"python": "3.1.4"},
            rf"^Python is {MINOR}\.\S+ here and 3\.1\.4 in the containers: .* PYTHON_VERSION={MINOR} docker compose",
        ),
        ({"python": f"{MINOR}9.0"}, rf"^Python is {MINOR}\.\S+ here and {MINOR}9\.0 in the containers"),
        (
            {"pyspark": "4.2.1"},
            r"^pyspark is 4\.2\.0 here and 4\.2\.1 in the containers: .* PYSPARK_VERSION=4\.2\.0 docker compose",
        ),
        (
            {"fingerprint": "0" * 64},
            "^the containers run another bigdata_demos than this one: python -m bigdata_demos.cluster up makes",
        ),
    ],
)
def test_what_must_not_differ(changes: dict[str, str], said: str) -> None:
    """Both are named, and how to make them equal."""
    with pytest.raises(EngineUnavailable, match=said):
        check_same(replace(RECORD, **changes), pyspark="4.2.0")  # type: ignore[arg-type]


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A copy of the package."""
    source = Path(registry.__file__).parents[1]
    return Path(
        shutil.copytree(source, tmp_path / "copy" / "bigdata_demos", ignore=shutil.ignore_patterns("__pycache__", "*.gz"))
    )


def fingerprint_of(package: Path) -> str:
    """A copy's fingerprint, computed by the copy."""
    program = "from bigdata_demos.cluster import registry; print(registry.__file__, registry.fingerprint())"
    done = subprocess.run(
        [sys.executable, "-c", program], env={"PYTHONPATH": str(package.parent)}, capture_output=True, text=True, check=True
    )
    file, said = done.stdout.split()
    assert Path(file).is_relative_to(package)
    return said


def a_comment(package: Path) -> None:
    """A line more, which does nothing."""
    with (package / "keywords" / "job.py").open("a") as file:
        file.write("# more\n")


def a_schema(package: Path) -> None:
    """Another Avro schema."""
    path = next(package.rglob("*.avsc"))
    path.write_text(path.read_text() + "\n")


def a_file_more(package: Path) -> None:
    """A module that nobody imports."""
    (package / "more.py").touch()


def a_file_less(package: Path) -> None:
    """A module that is not needed for the fingerprint."""
    (package / "__main__.py").unlink()


def a_file_elsewhere(package: Path) -> None:
    """A module by another name."""
    (package / "keywords" / "job.py").rename(package / "keywords" / "jobs.py")


@pytest.mark.parametrize("change", [a_comment, a_schema, a_file_more, a_file_less, a_file_elsewhere])
def test_fingerprint_is_the_sources(package: Path, change: Callable[[Path], None]) -> None:
    """Another after any change."""
    before = fingerprint_of(package)
    change(package)
    assert fingerprint_of(package) != before


def test_fingerprint_is_the_sources_only(package: Path, tmp_path: Path) -> None:
    """Another place, compiled modules, editors' leavings, times and modes are no change."""
    before = fingerprint_of(package)
    assert re.fullmatch("[0-9a-f]{64}", before)
    assert list(package.rglob("*.pyc")), "compiled by the first use"
    (package / "job.py~").write_text("old")
    (package / "errors.py").touch()
    (package / "errors.py").chmod(0o600)
    assert fingerprint_of(package) == before
    assert fingerprint_of(Path(shutil.copytree(package, tmp_path / "elsewhere" / "bigdata_demos"))) == before


# Spark's settings


def test_settings_are_their_owners_only(tmp_path: Path) -> None:
    """Mode 0600, whatever the umask, and whoever could read the file that was there."""
    path = tmp_path / "spark-defaults.conf"
    path.write_text("old")
    path.chmod(0o644)
    before = os.umask(0)
    try:
        write_settings(tmp_path, "s3cr3t", "file:///events")
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    settings = dict(line.split(" ", 1) for line in path.read_text().splitlines())
    assert settings["spark.authenticate.secret"] == "s3cr3t"
    assert settings["spark.authenticate"] == settings["spark.network.crypto.enabled"] == "true"
    assert settings["spark.eventLog.dir"] == settings["spark.history.fs.logDirectory"] == "file:///events"
    assert [path.name for path in tmp_path.iterdir()] == ["spark-defaults.conf"]


@pytest.mark.skipif(find_spec("pyspark") is None, reason="pyspark is not installed")
@pytest.mark.parametrize("role", ["spark-master", "spark-worker", "history-server"])
def test_secret_is_on_no_command_line(at: Path, tmp_path: Path, role: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Spark's daemons get it by their settings, not by what everybody can read."""
    started: list[str] = []

    def become(command: list[str], environment: dict[str, str]) -> None:
        started.extend([*command, *map("=".join, environment.items())])

    monkeypatch.setattr(container, "SCRATCH", tmp_path)
    monkeypatch.setattr(container, "become", become)
    monkeypatch.setattr(container, "gateway", lambda: "192.0.2.1")
    monkeypatch.setattr(container, "own_address", lambda: "192.0.2.2")
    variables = {
        "SPARK_MASTER_PORT": "7077",
        "SPARK_MASTER_WEBUI_PORT": "8080",
        "SPARK_WORKER_CORES": "1",
        "SPARK_WORKER_MEMORY": "1g",
    }
    for name, value in {**variables, registry.ROOT: "/data"}.items():
        monkeypatch.setenv(name, value)
    container.ROLES[role](*(["8081"] if role == "spark-worker" else []))
    made = (at / "secret").read_text()
    assert any("org.apache.spark.deploy" in word for word in started)
    assert made not in " ".join(started)
    conf = tmp_path / "conf" / "spark-defaults.conf"
    assert f"spark.authenticate.secret {made}\n" in conf.read_text()
    assert stat.S_IMODE(conf.stat().st_mode) == 0o600


# What the first version got wrong


def test_a_docker_that_cannot_run(machine: Machine) -> None:
    """Its interpreter is missing, or it is for another machine."""
    (machine.home / "bin" / "docker").write_text("#!/no/such/interpreter\n")
    assert "docker does not run: No such file or directory" in error_of(machine.cluster("status"))


def test_docker_does_not_say_how_much_memory_it_has(machine: Machine) -> None:
    """That is no reason not to start."""
    machine.answer("docker info", "<no value>\n")
    assert machine.cluster("up").returncode == 0


def test_a_master_that_ends_at_once_under_compose_2(machine: Machine) -> None:
    """Compose says that a dependency failed; the container's own last word is what matters."""
    machine.answer("docker compose up", status=1, stderr="dependency failed to start: container spark-master exited (1)\n")
    machine.answer("docker ps", "", containers("spark-master", state="exited", status="Exited (1) 1 second ago"))
    machine.answer("docker compose logs", "spark-master  | INFO\nspark-master  | spark-master: error: a | b: Permission denied\n")
    said = error_of(machine.cluster("up"))
    assert said.startswith("spark-master is Exited (1) 1 second ago: spark-master: error: a | b: Permission denied (more: ")


@pytest.mark.parametrize(
    "name", ["PYTHON_VERSION", "PYSPARK_VERSION", "COMPOSE_PROJECT_NAME", "BIGDATA_DEMOS_USER", "SPARK_WORKER_MEMORY"]
)
def test_empty_variables_are_not_set(machine: Machine, name: str) -> None:
    """As in the compose file."""
    assert machine.cluster("up").returncode == 0
    before = machine.calls()
    machine.answer("docker ps", "", READY)
    assert machine.cluster("up", **{name: ""}).returncode == 0
    assert [line for line in machine.calls()[len(before) :] if "build" in line] == [line for line in before if "build" in line]
    assert all("label=com.docker.compose.project=bigdata-demos" in line for line in machine.calls() if "ps" in line)


def test_relative_directories_are_those_of_the_current_one(machine: Machine) -> None:
    """Compose would take them from the project's."""
    assert machine.cluster("up", **{registry.RUN: os.path.relpath(machine.run, ROOT)}).returncode == 0
    assert (machine.run / "secret").exists()


@pytest.mark.parametrize("text", ["", "short", "\n", "sécret" * 9])
def test_a_file_that_is_no_secret(at: Path, text: str) -> None:
    """It is told, and not taken for one."""
    (at / "secret").write_text(text)
    (at / "secret").chmod(0o600)
    with pytest.raises(EngineUnavailable, match=r"secret is not a secret: remove it"):
        secret()


def test_a_log_that_cannot_be_written(machine: Machine) -> None:
    """Another user's, for example."""
    (machine.run / "build.log").mkdir()
    assert "build.log: Is a directory" in error_of(machine.cluster("up"), 2)


def test_the_same_cluster_twice_is_once(machine: Machine) -> None:
    """One address, and each service once."""
    assert len(machine.cluster("up", "spark", "spark").stdout.splitlines()) == 1
    (line,) = machine.calls("docker compose up")
    assert line.count("spark-master") == 1


@pytest.mark.parametrize("command", ["up", "down", "status", "run"])
def test_another_clones_cluster_of_the_same_name_is_left_alone(machine: Machine, command: str) -> None:
    """Two clones have the same project name: neither takes the other's containers for its own."""
    (machine.run / "spark.json").write_text(json.dumps(dict.fromkeys(Record.__dataclass_fields__, "")))
    machine.answer("docker ps", "spark-master\trunning\tUp 1 second (healthy)\t/other/clone\n")
    assert "there is a cluster bigdata-demos of /other/clone: take it down there" in error_of(machine.cluster(command))
    assert not [line for line in machine.calls() if {"up", "down", "run"} & set(line)]


def test_run_needs_the_cluster_up_and_of_this_package(machine: Machine) -> None:
    """It starts nothing by itself, and does not give an old package's answer."""
    assert "the cluster is not up, or not all of it: python -m bigdata_demos.cluster up" in error_of(machine.cluster("run"))
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
    assert line[line.index("run") :] == [
        "run",
        "--rm",
        "--no-deps",
        "--workdir",
        str(ROOT),
        "-T",
        "keywords",
        "--engine",
        "spark",
        "page.html",
    ]
