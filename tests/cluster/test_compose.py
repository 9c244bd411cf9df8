"""The compose cluster, up: what it lets in, whose files it writes, what its pages say, and what happens when one of its hosts dies."""

import html
import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
import tomllib
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import psutil
import pytest

from bigdata_demos.cluster import compose, registry, spark_classes
from bigdata_demos.cluster.settings import write_settings
from bigdata_demos.cluster.spark import executors
from bigdata_demos.errors import EngineUnavailable
from bigdata_demos.keywords import Session, open_session, run
from tests.support.paths import ROOT, SITE
from tests.support.processes import listening
from tests.support.requirements import require
from tests.support.stack import TEST_PROJECT, Stack
from tests.support.submitted import check_output, pack_environment, spark_submit


@pytest.fixture(scope="module", autouse=True)
def needs_spark(stack: Stack) -> None:
    """All of these need Spark, and the cluster."""
    require("spark")


@pytest.fixture(scope="module")
def pages(stack: Stack) -> str:
    """Some thousand pages, where the containers can read them."""
    from bigdata_demos.corpus.cli import main as corpus

    path = stack.shared / "pages.avro"
    assert corpus(["synthetic", "--pages", "1500", "--seed", "4", "--output", str(path)]) == 0
    return str(path)


def keywords(stack: Stack, *arguments: str | Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run the command on the cluster."""
    line = [sys.executable, "-m", "bigdata_demos.keywords", "--engine", "spark", "--cluster", stack.address, "-q"]
    return subprocess.run(
        [*line, *map(str, arguments)], capture_output=True, text=True, timeout=120, check=False, env={**os.environ, **environment}
    )


def error_of(done: "subprocess.CompletedProcess[str]", status: int = 1) -> str:
    """The one line that a failed command said."""
    assert (done.returncode, done.stdout) == (status, ""), done.stderr
    (line,) = done.stderr.splitlines()
    return line


def outputs(stack: Stack) -> list[str]:
    """What is in the directory for results."""
    return sorted(path.name for path in (stack.shared / "out").iterdir())


def get(url: str) -> str:
    """A page's text."""
    with urllib.request.urlopen(url, timeout=20) as answer:
        return str(answer.read().decode())


def test_spark_submit(stack: Stack, tmp_path: Path) -> None:
    """A driver of spark-submit on the host, and executors in containers, which run the Python of the archive that it sends."""
    (stack.shared / "where.py").write_text("import sys, sysconfig\nprint(sys._base_executable, sysconfig.get_path('purelib'))\n")
    shutil.copy(ROOT / "data" / "site.warc.gz", stack.shared / "submitted.warc.gz")
    python, packages = stack.driver(stack.shared / "where.py").stdout.split()
    archive = pack_environment(tmp_path / "packed", python, packages)
    record = registry.find(stack.address)
    assert record
    settings = tmp_path / "settings.conf"
    write_settings(settings, registry.secret(make=False), registry.events().as_uri())
    options = {
        "spark.driver.host": record.gateway,
        "spark.executor.cores": "1",
        "spark.executor.extraJavaOptions": spark_classes.java_options(spark_classes.IN_IMAGE),
    }
    output = stack.shared / "out" / "submitted"
    crawl = str(stack.shared / "submitted.warc.gz")
    done = spark_submit(sys.executable, stack.address, settings, archive, tmp_path, options, crawl, "--output", str(output))
    check_output(done, output)
    shutil.rmtree(output)


# Closed by default


def test_ports_are_on_loopback_only(stack: Stack) -> None:
    """Each published port is one of loopback's; what is not published stays inside."""
    published = [port for line in stack.containers("{{.Ports}}") for port in line.split(", ") if port]
    assert len(published) == len([name for name in stack.ports if name.startswith("SPARK")])
    assert all(port.startswith("127.0.0.1:") for port in published), published


def test_no_rest_submission_server(stack: Stack) -> None:
    """Port 6066 of the master, where anybody could submit a job, does not listen, even on the containers' own network."""
    (master,) = [line.split()[0] for line in stack.containers("{{.ID}} {{.Names}}") if "spark-master" in line]
    form = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
    address = subprocess.run(
        ["docker", "inspect", "--format", form, master], capture_output=True, text=True, check=True
    ).stdout.strip()
    socket.create_connection((address, 7077), 5).close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((address, 6066), 5)


@pytest.mark.parametrize("known", ["another secret", "no secret", "nothing at all"])
def test_a_driver_without_the_secret_is_turned_away(stack: Stack, known: str, tmp_path: Path) -> None:
    """With another secret, with none, or without a hint that there is one: told within half a minute, and no job runs."""
    before = json.loads(get(f"http://localhost:{stack.ports['SPARK_MASTER_WEBUI_PORT']}/json/"))
    if known != "nothing at all":
        (tmp_path / "spark.json").write_bytes((stack.run / "spark.json").read_bytes())
    if known == "another secret":
        (tmp_path / "secret").write_text("somebody-has-guessed-this")
        (tmp_path / "secret").chmod(0o600)
    started = time.monotonic()
    output = stack.shared / "out" / f"turned-away-{known.replace(' ', '-')}"
    page = stack.shared / "page.html"
    page.write_text("<p>A page.", encoding="utf-8")
    said = error_of(keywords(stack, page, "--output", output, **{registry.RUN: str(tmp_path)}))
    assert time.monotonic() - started < 50, "Spark itself gives up after a minute"
    assert {
        "another secret": f"refuses this driver: its secret is another than {tmp_path}/secret",
        "no secret": f"there is no secret at {tmp_path}/secret: start the cluster",
        "nothing at all": "refuses this driver: it wants a secret, and this driver has none",
    }[known] in said
    after = json.loads(get(f"http://localhost:{stack.ports['SPARK_MASTER_WEBUI_PORT']}/json/"))
    assert [app["id"] for app in after["completedapps"]] == [app["id"] for app in before["completedapps"]]


# Files


def test_containers_run_as_the_user_and_what_they_write_is_the_users(stack: Stack, pages: str) -> None:
    """Input and source cannot be changed from inside, results can be written, and belong to who started the cluster."""
    users = subprocess.run(
        ["docker", "inspect", "--format", "{{.Config.User}}", *stack.containers("{{.ID}}")],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert set(users) == {f"{os.getuid()}:{os.getgid()}"}
    script = stack.shared / "writes.py"
    script.write_text(
        "import os, sys\n"
        "for path in sys.argv[1:]:\n"
        "    try:\n"
        "        open(path, 'a').close()\n"
        "        print('written')\n"
        "    except OSError as error:\n"
        "        print(error.strerror)\n"
        "print(os.getuid(), [line.split()[1] for line in open('/proc/self/status') if line.startswith('CapEff')])\n"
    )
    inside = stack.shared / "out" / "from-inside"
    done = stack.driver(script, str(stack.shared / "new"), str(inside), pages)
    assert done.stdout.splitlines() == [
        "Read-only file system", "written", "Read-only file system", f"{os.getuid()} ['0000000000000000']",
    ], done.stderr  # fmt: skip
    assert (inside.stat().st_uid, inside.stat().st_gid) == (os.getuid(), os.getgid())


def test_paths_that_the_containers_do_not_see_are_refused(stack: Stack, tmp_path: Path) -> None:
    """Before anything starts, within seconds: input outside the root, output outside of `out`."""
    (tmp_path / "page.html").write_text("<p>words")
    started = time.monotonic()
    said = error_of(keywords(stack, tmp_path / "page.html"), 2)
    assert f"the compose cluster sees {stack.shared} and nothing else" in said
    assert f"--root {tmp_path}" in said
    said = error_of(keywords(stack, stack.shared, "--output", tmp_path / "results"), 2)
    assert f"writes below {stack.shared}/out only: --output {stack.shared}/out/results" in said
    assert time.monotonic() - started < 10


# What cannot work is told


def test_more_memory_or_cores_than_there_are(stack: Stack, pages: str) -> None:
    """At once, with what the workers have."""
    started = time.monotonic()
    said = error_of(keywords(stack, pages, "--engine-option", "memory=4g"))
    assert (
        "has room for 0 executors of 1 core and 4g of memory, not 1 (its workers: 1 cores and 1024 MB, 1 cores and 1024 MB)"
        in said
    )
    assert "room for 2 executors of 1 core and 1g of memory, not 3" in error_of(keywords(stack, pages, "--workers", "3"))
    assert time.monotonic() - started < 30


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("python", "3.99.1", "and 3.99.1 in the containers: rebuild their image with this one"),
        ("pyspark", "4.99.0", "and 4.99.0 in the containers: rebuild their image with this one"),
        ("fingerprint", "0", "the containers run another bigdata_demos than this one: bigdata-demos cluster up"),
        ("gateway", "192.0.2.1", "this machine does not have 192.0.2.1, its address for the containers"),
    ],
)
def test_what_differs_in_the_containers_is_told_before_anything_starts(
    stack: Stack, field: str, value: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python, pyspark, the package; and a network that this machine is not on."""
    record = json.loads((stack.run / "spark.json").read_text())
    (tmp_path / "spark.json").write_text(json.dumps({**record, field: value}))
    monkeypatch.setenv(registry.RUN, str(tmp_path))
    started = time.monotonic()
    with pytest.raises(EngineUnavailable, match=re.escape(said)), open_session("spark", cluster=stack.address):
        pass
    assert time.monotonic() - started < 5


def context_of(session: Session) -> Any:
    """The Spark context of this process, which the session is on."""
    from pyspark import SparkContext

    assert session.engine == "spark"
    assert SparkContext._active_spark_context is not None
    return SparkContext._active_spark_context


def eventually(ask: Callable[[], str], wanted: str) -> str:
    """An answer that has what is wanted, within a minute."""
    said = ""
    for _ in range(120):
        with suppress(OSError):
            said = ask()
        if wanted in said:
            return said
        time.sleep(0.5)
    raise AssertionError(f"{wanted!r} is not in {said!r}")


def links(page: str, url: str) -> set[str]:
    """The addresses that a page links to."""
    return {
        urljoin(url, html.unescape(link)) for link in re.findall(r'href="([^"#]+)"', page) if not link.startswith("javascript")
    }


@pytest.fixture(scope="class")
def session(stack: Stack) -> Iterator[Session]:
    """A driver of this process, with both workers."""
    with open_session("spark", workers=2, cluster=stack.address) as session:
        yield session


@pytest.fixture
def mended(stack: Stack) -> Iterator[None]:
    """Bring back what a test has killed."""
    yield
    up = stack.cluster("up")
    assert up.returncode == 0, up.stderr


class TestWithADriver:
    """What needs a driver that is connected; it has both workers all the time."""

    def test_secret_is_its_owners_only_and_on_no_command_line(self, stack: Stack, session: Session) -> None:
        """The file has mode 0600; no process, of the host's or in a container, has the secret among its arguments; no event log has it."""
        path = stack.run / "secret"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        secret = path.read_text().strip()
        assert re.fullmatch(r"[0-9a-f]{64}", secret)
        lines = [" ".join(process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"])]
        assert sum("CoarseGrainedExecutorBackend" in line for line in lines) >= 1, "the containers' processes can be seen"
        assert not [line for line in lines if secret in line]
        run(engine=session, output=stack.shared / "out" / "secret")
        logs = [path.read_text() for path in (stack.run / "events").rglob("events_*")]
        assert any("pass 2: score candidates" in log for log in logs)
        assert not [log for log in logs if secret in log]

    def test_what_goes_over_the_network_is_encrypted(self, stack: Stack, session: Session) -> None:
        """The driver and its executors agreed on authentication and AES in GCM."""
        conf = context_of(session)._jsc.sc().conf()
        assert conf.get("spark.authenticate") == "true"
        assert conf.get("spark.network.crypto.enabled") == "true"
        assert conf.get("spark.network.crypto.cipher") == "AES/GCM/NoPadding"
        assert conf.get("spark.network.crypto.saslFallback") == "false", (
            "so it is the other side's, too, or there were no session"
        )
        assert conf.get("spark.driver.bindAddress") == registry.find(stack.address).gateway  # type: ignore[union-attr]

    def test_driver_listens_on_loopback_and_for_the_containers_only(self, stack: Stack, session: Session) -> None:
        """Its web page on loopback, all else on the address that this machine has on the containers' network."""
        gateway = registry.find(stack.address).gateway  # type: ignore[union-attr]
        alive = [child for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE]
        (driver,) = [child for child in alive if "org.apache.spark.deploy.SparkSubmit" in child.cmdline()]
        addresses = {address for address, _ in listening([driver])}
        assert gateway in addresses
        assert addresses <= {gateway, "127.0.0.1", "::1"}

    def test_pages_end_no_job(self, stack: Stack, session: Session) -> None:
        """A page of somebody else's, opened on this machine, could post what the master's page has a button for."""
        master = f"http://localhost:{stack.ports['SPARK_MASTER_WEBUI_PORT']}"
        application = str(context_of(session).applicationId)
        for path, form in (("app/kill/", f"id={application}&terminate=true"), ("workers/kill/", "host=spark-worker-1")):
            with suppress(OSError):
                urllib.request.urlopen(f"{master}/{path}", form.encode(), timeout=20).close()
        time.sleep(1)
        state = json.loads(get(f"{master}/json/"))
        assert [app["state"] for app in state["activeapps"] if app["id"] == application] == ["RUNNING"]
        assert state["aliveworkers"] == 2

    def test_owner_of_what_is_written(self, stack: Stack, session: Session, pages: str) -> None:
        """Parts that were written in containers belong to who started the cluster."""
        result = run([pages], engine=session, output=stack.shared / "out" / "owned")
        written = list(Path(str(result.output)).rglob("*.avro"))
        assert written
        assert {(path.stat().st_uid, path.stat().st_gid) for path in written} == {(os.getuid(), os.getgid())}

    def test_workers_that_are_all_taken(self, stack: Stack, session: Session, pages: str) -> None:
        """Another job has the workers: told, with what is free, instead of waiting for ever."""
        said = error_of(keywords(stack, pages, "--engine-option", "wait=8"))
        assert "gave 0 of one executor" in said
        assert "free on its workers: 0 cores" in said

    def test_pages_are_open_and_their_links_live(self, stack: Stack, session: Session, pages: str) -> None:
        """Master, workers, the job's own page, the history: what they link to answers, on localhost; the two passes are named."""
        run([pages], engine=session, output=stack.shared / "out" / "for-pages")
        master = f"http://localhost:{stack.ports['SPARK_MASTER_WEBUI_PORT']}/"
        application, job = str(context_of(session).applicationId), str(context_of(session).uiWebUrl)
        found = links(get(master), master)
        workers = {f"http://localhost:{stack.ports[name]}" for name in ("SPARK_WORKER_1_PORT", "SPARK_WORKER_2_PORT")}
        assert {*workers, job} <= {link.rstrip("/") for link in found}
        of_application = f"{master}app/?appId={application}"
        assert of_application in found
        logs = {link for link in links(get(of_application), of_application) if "appId" in link and "logPage" in link}
        assert len(logs) == 4, "stdout and stderr of two executors"
        for link in sorted(found | logs | {f"{job}/{tab}/" for tab in ("jobs", "stages", "executors", "storage")}):
            assert link.startswith("http://localhost:"), link
            assert get(link)
        passes = ("pass 1: map pages to candidates", "pass 2: score candidates, reduce postings")
        assert all(what in get(f"{job}/jobs/") for what in passes)
        history = f"http://localhost:{stack.ports['SPARK_HISTORY_PORT']}"
        said = eventually(lambda: get(f"{history}/api/v1/applications/{application}/jobs"), passes[-1])
        assert all(what in said for what in passes)
        assert get(f"{history}/history/{application}/jobs/")

    @pytest.mark.usefixtures("mended")
    @pytest.mark.parametrize("phase", ["map", "score"])
    def test_a_worker_container_that_is_killed_changes_nothing(
        self, stack: Stack, session: Session, pages: str, phase: str, tmp_path: Path
    ) -> None:
        """A host that dies in the middle of either pass, with what it kept: the other one does its work again, the digest is one thread's."""
        expected = run([pages], engine="serial", output=tmp_path / "serial", split_bytes=200_000).digest
        (victim,) = [line.split()[0] for line in stack.containers("{{.ID}} {{.Names}}") if "spark-worker-2" in line]
        killed = threading.Event()

        def kill(now: str, done: int, total: int) -> None:
            if now == phase and 0 < done < total and not killed.is_set():
                killed.set()
                subprocess.run(["docker", "kill", victim], capture_output=True, check=True)

        eventually(lambda: str(executors(context_of(session))), "2")  # one may have been killed by another test
        output = stack.shared / "out" / f"killed-in-{phase}"
        result = run([pages], engine=session, output=output, split_bytes=200_000, progress=kill)
        assert killed.is_set()
        assert victim not in stack.containers("{{.ID}}")
        assert result.digest == expected


# The commands


def test_run_composes_with_pipes(stack: Stack, tmp_path: Path) -> None:
    """`cluster run` reads standard input and writes JSON lines, as the command does; there Spark is the cluster's."""
    page = json.dumps({"id": "a", "text": "parallel keyword extraction, parallel keyword extraction"}) + "\n"
    before = outputs(stack)
    done = stack.cluster("run", "-", "--engine", "spark", "--quiet", input=page, cwd=stack.shared)
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    assert json.loads(line)["keywords"][0]["phrase"] == "parallel keyword extraction"
    assert outputs(stack) == before
    applications = json.loads(get(f"http://localhost:{stack.ports['SPARK_MASTER_WEBUI_PORT']}/json/"))["completedapps"]
    assert applications[0]["state"] == "FINISHED"


def test_interrupted_run_leaves_nothing(stack: Stack, pages: str) -> None:
    """Ctrl-C ends the driver in its container, which lets the workers go and takes back what it wrote."""
    before, output = outputs(stack), stack.shared / "out" / "interrupted"
    line = [sys.executable, "-m", "bigdata_demos.cluster", "run", pages, "--engine", "spark", "--output", str(output)]
    process = subprocess.Popen(line, cwd=stack.shared, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        eventually(lambda: str(len(stack.containers("{{.ID}}"))), str(1 + len(compose.SERVICES["spark"])))
        eventually(lambda: get(f"http://localhost:{stack.ports['SPARK_MASTER_WEBUI_PORT']}/json/"), '"state" : "RUNNING"')
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        assert process.returncode != 0
    finally:
        process.kill()
    eventually(lambda: f"{len(stack.containers('{{.ID}}'))}.", f"{len(compose.SERVICES['spark'])}.")
    assert outputs(stack) == before
    eventually(lambda: get(f"http://localhost:{stack.ports['SPARK_MASTER_WEBUI_PORT']}/json/"), '"activeapps" : [ ]')


def test_bundled_crawl_without_output(stack: Stack, tmp_path: Path) -> None:
    """No argument at all: the containers get the bundled crawl, and the results are kept where they can write, for as long as needed."""
    expected, before = run(engine="serial", output=tmp_path / "serial"), outputs(stack)
    done = keywords(stack)
    assert done.returncode == 0, done.stderr
    assert expected.digest in done.stderr
    assert len(done.stdout.splitlines()) == expected.pages
    assert outputs(stack) == before


def test_status_and_logs(stack: Stack) -> None:
    """Each service is ready; logs are those of the service asked for."""
    status = stack.cluster("status")
    assert status.returncode == 0
    assert [line.split()[:2] for line in status.stdout.splitlines()[1:]] == [
        [name, "ready"] for name in sorted(compose.SERVICES["spark"])
    ]
    logs = stack.cluster("logs", "spark-worker-1")
    assert "Successfully registered with master spark://spark-master:7077" in logs.stdout
    assert "spark-worker-2" not in logs.stdout


def test_dask_behind_its_profile(stack: Stack, pages: str, tmp_path: Path) -> None:
    """`up dask` adds a scheduler and two workers, which give one thread's answer."""
    up = stack.cluster("up", "dask")
    assert up.returncode == 0, up.stderr
    address = up.stdout.strip()
    assert address == f"tcp://localhost:{stack.ports['DASK_SCHEDULER_PORT']}"
    result = run([pages], engine="dask", cluster=address, output=stack.shared / "out" / "dask", overwrite=True)
    assert result.digest == run([pages], engine="serial", output=tmp_path / "serial").digest


def test_postgres_behind_its_profile(stack: Stack, tmp_path: Path) -> None:
    """`up postgres` prints an address that takes an index, by a password in a file. What is loaded outlives container and password."""
    import psycopg

    def on_it(name: str, *arguments: str) -> str:
        line = [sys.executable, "-m", f"bigdata_demos.{name}", *arguments]
        return subprocess.run(line, capture_output=True, text=True, check=True, timeout=120).stdout

    try:
        address = start_postgres(stack)
        run([SITE], engine="serial", keep_text=True, output=tmp_path / "output")
        on_it("index", str(tmp_path / "output"), "--db", address)
        expected = on_it("search", str(tmp_path / "output"), "map reduce", "--output-format", "jsonl")
        assert "MapReduce" in expected
        assert on_it("search", address, "map reduce", "--output-format", "jsonl") == expected
        bare = address.partition("?")[0]
        for password in ("", "guessed"):
            with pytest.raises(psycopg.OperationalError, match="password"):
                psycopg.connect(bare, password=password, passfile=os.devnull)
        assert stack.cluster("down", "postgres").returncode == 0
        (stack.run / "pgpass").unlink()
        assert start_postgres(stack) == address
        assert on_it("search", address, "map reduce", "--output-format", "jsonl") == expected
    finally:
        stack.cluster("down", "postgres")
        subprocess.run(["docker", "volume", "rm", f"{TEST_PROJECT}_postgres"], check=False, capture_output=True)


def start_postgres(stack: Stack) -> str:
    """Start PostgreSQL, and return its address."""
    up = stack.cluster("up", "postgres")
    assert up.returncode == 0, up.stderr
    address = up.stdout.strip()
    assert address.startswith(f"postgresql://bigdata_demos@localhost:{stack.ports['POSTGRES_PORT']}/bigdata_demos?passfile=")
    return address


# The files


def test_compose_file_has_no_version_and_no_carriage_returns() -> None:
    """Both Compose 1.29 and 2 read it without a word; all that goes into the image has line ends of Unix."""
    text = (ROOT / "docker-compose.yml").read_text()
    assert not re.search(r"^version:", text, re.MULTILINE)
    for path in [ROOT / name for name in ("docker-compose.yml", ".env", ".dockerignore")] + list((ROOT / "docker").glob("*")):
        if path.is_file():
            assert b"\r" not in path.read_bytes(), path
    asked = subprocess.run(
        ["git", "check-attr", "eol", "--", "docker-compose.yml", "docker/Dockerfile", ".env"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if asked.returncode == 0:  # not in an unpacked sdist
        assert [line.rpartition(": ")[2] for line in asked.stdout.splitlines()] == ["lf"] * 3


def test_pinned_versions_are_the_packages() -> None:
    """The pyspark that the image has by default is one that the package allows, the same in both files."""
    from packaging.requirements import Requirement

    (pinned,) = re.findall(r"^ARG PYSPARK_VERSION=(.*)$", (ROOT / "docker" / "Dockerfile").read_text(), re.MULTILINE)
    assert f"${{PYSPARK_VERSION:-{pinned}}}" in (ROOT / "docker-compose.yml").read_text()
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert pinned in Requirement(extras["spark"][0]).specifier
