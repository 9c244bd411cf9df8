"""What the tests share: where engines run, the inputs that all of them get, and the wish that CI skips nothing."""

import gzip
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import fastavro
import psutil
import pytest

from bigdata_demos.cluster import registry
from bigdata_demos.cluster.compose import PORTS, check_memory
from bigdata_demos.cluster.docker import find_compose
from bigdata_demos.cluster.java import find_java
from bigdata_demos.cluster.standalone import dask_cluster, free_port, spark_cluster
from bigdata_demos.errors import BigDataDemosError, EngineNotInstalled
from bigdata_demos.keywords import Result, Session, open_session

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shell's background job: its children would not mind Ctrl-C either
    signal.signal(signal.SIGINT, signal.default_int_handler)

DATA = Path(__file__).parents[1] / "data"
SITE = DATA / "site"

PLACES = [
    pytest.param(("serial", 1, "local"), id="serial"),
    *(
        pytest.param((engine, workers, place), id=f"{engine}-{place}-{workers}")
        for engine, places in (
            ("asyncio", ("local",)),
            ("dask", ("local", "cluster")),
            ("spark", ("local", "cluster", "cluster-container-driver")),
        )
        for place in places
        for workers in (1, 2)
    ),
    pytest.param(("hadoop", 2, "local"), id="hadoop-local-2"),  # half a minute for each input
]
"""Spark's cluster is the compose cluster; without Docker it is one of local processes."""
WITHOUT_DOCKER = "the compose cluster is left out, Spark's cluster is one of local processes, and no driver runs in a container"
TEST_PROJECT = f"bigdata-demos-test-{os.getuid()}"


def missing(engine: str) -> str:
    """Why an engine cannot run here; ``""`` if it can."""
    if engine == "dask" and find_spec("distributed") is None:
        return "distributed is not installed"
    if engine == "spark" and find_spec("pyspark") is None:
        return "pyspark is not installed"
    if engine == "hadoop" and find_spec("requests") is None:
        return "requests is not installed"
    if engine in ("spark", "hadoop"):
        try:
            find_java(engine)
        except EngineNotInstalled as error:
            return str(error)
    return ""


def refuse(what: str, why: str) -> None:
    """Skip a test that cannot run here; in CI that is a failure."""
    if os.environ.get("CI"):
        pytest.fail(f"CI is meant to run {what}: {why}")
    pytest.skip(why)


def require(engine: str) -> None:
    """Skip a test whose engine cannot run here; in CI that is a failure."""
    if why := missing(engine):
        refuse(engine, why)


def addresses_of(process: psutil.Process) -> set[str]:
    """The addresses that a process listens on; of one that has ended, and waits to be asked how, there is nothing to know."""
    if process.status() == psutil.STATUS_ZOMBIE:
        return set()
    return {one.laddr.ip for one in process.net_connections("inet") if one.status == psutil.CONN_LISTEN}


@cache
def no_docker() -> str:
    """Why the compose cluster cannot run here; ``""`` if it can."""
    if sys.platform != "linux":
        return "no compose cluster: a driver on the host needs Linux"
    try:
        check_memory(find_compose(), ["spark"])
    except BigDataDemosError as error:
        return f"no compose cluster: {error}"
    return ""


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say what was left out."""
    if no_docker():
        terminalreporter.write_line(f"{WITHOUT_DOCKER} ({no_docker()})", yellow=True)


@dataclass(frozen=True)
class Stack:
    """The compose cluster that the tests run against: not the user's own, but another project, on other ports, with its own secret."""

    address: str
    shared: Path
    run: Path
    ports: Mapping[str, int]

    def cluster(self, *arguments: str, **more: Any) -> "subprocess.CompletedProcess[str]":
        """Run ``bigdata-demos cluster`` on it."""
        line = [sys.executable, "-m", "bigdata_demos.cluster", *arguments]
        return subprocess.run(line, capture_output=True, text=True, timeout=600, check=False, **more)

    def containers(self, form: str) -> list[str]:
        """What ``docker ps`` says of each of its containers."""
        chosen = ["--filter", f"label=com.docker.compose.project={TEST_PROJECT}"]
        return subprocess.run(
            ["docker", "ps", *chosen, "--format", form], capture_output=True, text=True, check=True
        ).stdout.splitlines()

    def driver(self, script: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run a Python script, which is below the root, in a container where the command could run."""
        compose = find_compose()
        entry = ["--entrypoint", "python -m bigdata_demos.cluster.container python"]
        line = compose.line("run", "--rm", "-T", *entry, "keywords", str(script), *arguments)
        return subprocess.run(line, env=compose.environment, capture_output=True, text=True, timeout=600, check=False)


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the compose cluster sees: the tests' inputs, and ``out``, where all engines put their outputs."""
    root = tmp_path_factory.mktemp("what all see")
    (root / registry.OUT).mkdir()
    return root


@pytest.fixture
def place(shared: Path, request: pytest.FixtureRequest) -> Path:
    """A directory for a test's outputs, where any engine can write."""
    directory = shared / registry.OUT / f"{abs(hash(request.node.nodeid)):x}"
    directory.mkdir()
    return directory


@pytest.fixture(scope="session")
def stack(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The compose cluster, up."""
    if why := no_docker():
        refuse("the compose cluster", why)
    ports = {name: free_port() for kind in PORTS.values() for name in kind}
    run = tmp_path_factory.mktemp("what is shared")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("COMPOSE_PROJECT_NAME", TEST_PROJECT)
        environment.setenv(registry.ROOT, str(shared))
        environment.setenv(registry.RUN, str(run))
        for name, port in ports.items():
            environment.setenv(name, str(port))
        stack = Stack(f"spark://localhost:{ports['SPARK_MASTER_PORT']}", shared, run, ports)
        stack.cluster("down")  # what an earlier run that was killed has left
        try:
            up = stack.cluster("up")
            assert (up.returncode, up.stdout.strip()) == (0, stack.address), up.stderr
            yield stack
        finally:
            down = stack.cluster("down")
            assert down.returncode == 0, down.stderr
            assert stack.containers("{{.ID}}") == []


@dataclass(frozen=True)
class InContainer:
    """What a driver in a container made of each input."""

    results: dict[str, Result | str]


@pytest.fixture(scope="module", params=PLACES)
def session(request: pytest.FixtureRequest) -> Iterator[Session | InContainer]:
    """Each engine at each place with each number of workers: one session, through which all inputs go.

    Of a module: pyspark has one context in a process, and other modules have theirs.
    """
    engine, workers, where = request.param
    require(engine)
    with ExitStack() as stack:
        address = ""
        if where == "cluster-container-driver":
            yield InContainer(drive_in_container(request.getfixturevalue("stack"), request.getfixturevalue("inputs"), workers))
            return
        if where == "cluster" and engine == "dask":
            address = stack.enter_context(dask_cluster(2)).url
        elif where == "cluster":
            address = stack.enter_context(spark_cluster(2)).url if no_docker() else request.getfixturevalue("stack").address
        yield stack.enter_context(open_session(engine, workers=workers, cluster=address))


def drive_in_container(stack: Stack, inputs: "dict[str, Input]", workers: int) -> dict[str, Result | str]:
    """Run all inputs through one session of a driver in a container; returns the results, or errors, by name."""
    script = shutil.copy(Path(__file__).parent / "container_driver.py", stack.shared)
    work = {}
    for name, given in inputs.items():
        lines = stack.shared / f"{name}.stdin"
        lines.write_bytes(b"".join(given.stdin() or []))
        work[name] = {"paths": given.paths, "options": given.options, "stdin": str(lines)}
    (stack.shared / "work.json").write_text(json.dumps(work))
    outputs = stack.shared / registry.OUT / f"container-{workers}"
    done = stack.driver(Path(script), str(stack.shared / "work.json"), str(outputs), str(workers))
    assert done.returncode == 0, done.stderr
    said = {name: answer for line in done.stdout.splitlines() for name, answer in json.loads(line).items()}
    return {
        name: answer if isinstance(answer, str) else Result(Path(answer.pop("output")), **answer) for name, answer in said.items()
    }


@dataclass(frozen=True)
class Input:
    """An input of the conformance suite."""

    paths: list[str]
    options: dict[str, Any] = field(default_factory=dict)
    stdin: Callable[[], list[bytes] | None] = lambda: None


def write_lines(path: Path, pages: list[dict[str, Any]]) -> str:
    """Write JSON lines; returns the path."""
    path.write_text("".join(json.dumps(page) + "\n" for page in pages), encoding="utf-8")
    return str(path)


def write_versions(path: Path, first: Path, second: Path) -> None:
    """Cut an Avro file of pages in two: the first half of version 1, the second as it is."""
    from bigdata_demos.avro import core

    with path.open("rb") as file:
        pages: list[Any] = list(fastavro.reader(file))
    half = len(pages) // 2
    with first.open("wb") as file:
        old = [{"url": page["url"], "markup": page["html"]} for page in pages[:half]]
        fastavro.writer(file, core.schema("page", 1), old, "deflate", sync_interval=10_000)
    with second.open("wb") as file:
        fastavro.writer(file, core.schema("page"), pages[half:], "deflate", sync_interval=10_000)


UNICODE = [
    {"url": "grüße", "text": "Straßenbahn fährt. Die Straßenbahn über die Brücke, naïve café résumé", "title": "Größe"},
    {"url": "データ", "text": "分散処理システムと並列計算。データ処理 データ処理", "title": "分散処理"},
    {"url": "हिन्दी", "text": "हिन्दी में समानांतर गणना। समानांतर गणना", "title": "समानांतर"},
    {"url": "العربية", "text": "الحوسبة المتوازية والبيانات الضخمة. الحوسبة المتوازية", "title": "بيانات"},
    {"url": "emoji", "html": "<title>🚀 launch</title><p>rocket 🚀 launch pad, rocket launch \ud83d\ude80 &#x1F680;</p>"},
    {"url": "surrogate", "text": "a lone \ud800 surrogate half stays harmless"},
    {"url": "combining", "text": "e\u0301clair e\u0301clair pastry éclair"},
    {"url": "zero\u200bwidth", "text": "zero\u200bwidth space zero\u200bwidth space"},
]


@pytest.fixture(scope="session")
def inputs(shared: Path) -> dict[str, Input]:
    """The inputs of the conformance suite, by name."""
    from bigdata_demos.corpus.__main__ import main as corpus

    root = shared / "inputs"
    root.mkdir()
    site = shutil.copytree(SITE, root / "site")
    for name in ("site.warc", "site.warc.gz", "site.avro", "site.jsonl"):
        assert corpus(["convert", str(site), "--output", str(root / name)]) == 0
    lines = (root / "site.jsonl").read_bytes().splitlines(keepends=True)
    (root / "site.jsonl.gz").write_bytes(gzip.compress(b"".join(lines)))
    (root / "empty").mkdir()
    mixed = root / "mixed"
    mixed.mkdir()
    for name in ("spark.html", "shuffle.png", "style.css"):
        shutil.copy(site / name, mixed / name)
    (mixed / "more.jsonl").write_bytes(b"".join(lines[:5]))
    shutil.copy(root / "site.warc.gz", mixed / "crawl")  # no suffix: known by its content
    long = " ".join(f"word{i % 977} data pipeline{i % 31}," for i in range(30_000))
    uneven = [{"id": 0, "text": long}, *({"id": i, "text": f"short page number{i} data pipeline"} for i in range(1, 200))]
    bad = [
        b"{broken\n",
        b'{"text": "nobody"}\n',
        b"[1]\n",
        b'{"url": "u"}\n',
        b'{"url": "empty", "html": ""}\n',
        b"\n",
        *lines[:4],
    ]
    (root / "bad.jsonl").write_bytes(b"".join(bad))
    versions = [str(root / "site-1.avro"), str(root / "site-2.avro")]
    write_versions(root / "site.avro", *map(Path, versions))
    avro = (root / "site.avro").read_bytes()
    (root / "cut.avro").write_bytes(avro[: len(avro) * 2 // 3])
    warc = (root / "site.warc.gz").read_bytes()
    (root / "cut.warc.gz").write_bytes(warc[: len(warc) * 2 // 3])
    small = {"split_bytes": 40_000}
    return {
        "directory": Input([str(site)]),
        "directory-many-splits": Input([str(site)], small),
        "bundled": Input([]),
        "warc": Input([str(root / "site.warc")]),
        "warc.gz": Input([str(root / "site.warc.gz")]),
        "warc.gz-many-splits": Input([str(root / "site.warc.gz")], small),
        "avro-many-splits": Input([str(root / "site.avro")], small),
        "avro-versions": Input(versions, {**small, "reader_schema": "bigdata-demos:page/1"}),
        "jsonl-many-splits": Input([str(root / "site.jsonl")], small),
        "jsonl.gz": Input([str(root / "site.jsonl.gz")]),
        "mixed-and-glob": Input([str(mixed), str(site / "a*.html"), str(site / "spark.html"), str(site / "spark.html")]),
        "stdin": Input(["-"], {}, lambda: lines),
        "none": Input([str(root / "empty")]),
        "one-page": Input([str(site / "spark.html")]),
        "uneven": Input([write_lines(root / "uneven.jsonl", uneven)], {"split_bytes": 20_000}),
        "unicode": Input([write_lines(root / "unicode.jsonl", UNICODE)], {"stopword_list": "none", "top": 50}),
        "bad": Input([str(root / name) for name in ("bad.jsonl", "cut.avro", "cut.warc.gz")] + [str(site / "bad")], small),
    }
