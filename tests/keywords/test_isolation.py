"""Pages that take too long, and pages that end the process that maps them. The processes are real, and so are their deaths."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from bigdata_demos.crawl.model import Page, Rejected
from bigdata_demos.keywords import isolation, run
from bigdata_demos.keywords.analysis import kernels
from bigdata_demos.keywords.analysis.languages import Rules
from bigdata_demos.keywords.isolation import Child, time_limit
from bigdata_demos.keywords.job import map_page
from bigdata_demos.keywords.model import Document
from bigdata_demos.keywords.output import reading
from tests.support.requirements import require

GOOD = Page("good", "f", 7, b"<title>Good</title><p>Harbour cranes lift containers.")


def slow_page(megabytes: int = 12) -> bytes:
    """A page of many different words, within all limits of size, of which each megabyte takes 0.1 to 0.2 s."""
    words = (f"{chr(97 + i % 26)}{i * 7919 % 1000003:x}" for i in range(megabytes * 130_000))
    return b"<title>Slow</title><p>" + " ".join(words).encode()[: megabytes << 20]


LITTLE = 240 << 20  # bytes beyond those that the program itself takes: not enough for a page of 15 MB
SLOW = Page("slow", "f", 0, slow_page())


def test_slow_page_is_within_the_limits() -> None:
    """It is rejected for the time that it takes, and for nothing else."""
    assert isinstance(map_page(SLOW, kernels.of_this_thread(Rules())), Document)


@pytest.fixture
def child() -> Iterator[Child]:
    made = Child(map_page, Rules(), "standard", 0.3)
    try:
        yield made
    finally:
        made.end()


def test_a_page_that_takes_too_long(child: Child) -> None:
    """It is rejected, and those after it are mapped as this process maps them."""
    assert child.map_page(SLOW) == Rejected("f", 0, "slow", "too-slow", "more than 0.3 s")
    assert child.map_page(GOOD) == map_page(GOOD, kernels.of_this_thread(Rules()))


def kill_as_often_as(times: int, child: Child, stop: threading.Event) -> None:
    """Kill the process, and those that are started instead, long before they have their imports and have mapped the page."""
    killed = 0
    while times and not stop.is_set():
        if child.process.pid != killed:
            killed = child.process.pid
            os.kill(killed, signal.SIGKILL)
            times -= 1
        time.sleep(0.005)


@pytest.mark.parametrize(("deaths", "reason"), [(1, ""), (2, "killed-worker")])
def test_a_page_that_ends_the_process(deaths: int, reason: str) -> None:
    """One death may have another cause; after the second, the page is rejected."""
    child, stop = Child(map_page, Rules(), "standard", 60), threading.Event()
    killer = threading.Thread(target=kill_as_often_as, args=(deaths, child, stop))
    killer.start()
    try:
        result = child.map_page(SLOW)
        assert (result.reason if isinstance(result, Rejected) else "") == reason
        assert isinstance(child.map_page(GOOD), Document)
    finally:
        stop.set()
        killer.join()
        child.end()


def test_time_limit_interrupts_code_without_signals() -> None:
    """The process ends by SIGALRM, in one call into C, and in any thread; a page that is in time leaves no alarm behind."""
    for thread in ("", "import threading; t = threading.Thread(target=work); t.start(); t.join()"):
        script = (
            "from bigdata_demos.keywords.isolation import time_limit\nimport time\n"
            "def work():\n  with time_limit(0.2):\n    sum(range(10**11))\n"
            f"with time_limit(0.1): pass\ntime.sleep(0.3)\nprint('alive', flush=True)\n{thread or 'work()'}"
        )
        done = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, timeout=30, check=False)
        assert (done.returncode, done.stdout) == (-signal.SIGALRM, b"alive\n")


def test_the_earliest_of_several_threads_counts() -> None:
    """A thread that is in time does not turn off the alarm of another."""
    script = (
        "from bigdata_demos.keywords.isolation import time_limit\nimport threading, time\n"
        "def late():\n  with time_limit(0.4): time.sleep(5)\n"
        "threading.Thread(target=late).start()\n"
        "while True:\n  with time_limit(9): time.sleep(0.01)\n"
    )
    began = time.monotonic()
    assert subprocess.run([sys.executable, "-c", script], timeout=30, check=False).returncode == -signal.SIGALRM
    assert time.monotonic() - began < 5


def test_no_limit_sets_no_alarm() -> None:
    """0 seconds."""
    with time_limit(0):
        assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    with time_limit(50):
        assert 49 < signal.getitimer(signal.ITIMER_REAL)[0] <= 50
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_only_a_task_that_runs_again_has_a_child(tmp_path: Path) -> None:
    """A marker is there while a task runs; one that an earlier attempt left makes the next one careful, once."""
    kernel = kernels.of_this_thread(Rules())
    settings = (map_page, Rules(), "standard", 60, str(tmp_path))

    def children_of(name: str) -> int:
        with isolation.task(*settings, name) as map_one:
            assert (tmp_path / isolation.MARKERS / name).exists()
            kernel.start_counts()
            assert map_one(GOOD, kernel, Rules()) == map_page(GOOD, kernels.of_this_thread(Rules()))
            return len(psutil.Process().children())

    before = len(psutil.Process().children())
    assert children_of("1") == before
    (tmp_path / isolation.MARKERS / "2").touch()
    assert children_of("2") == before + 1
    assert children_of("2") == before
    assert not any((tmp_path / isolation.MARKERS).iterdir())


def test_a_child_counts_a_page_once(tmp_path: Path) -> None:
    """The table of frequencies is that of a task without a child."""
    tables = []
    for runs_again in (False, True):
        kernel = kernels.of_this_thread(Rules())
        kernel.start_counts()
        with isolation.task(map_page, Rules(), "standard", 60, str(tmp_path), "1", runs_again=runs_again) as map_one:
            map_one(GOOD, kernel, Rules())
        tables.append(kernel.counted())
    assert tables[0] == tables[1] != b""


def test_a_page_without_enough_memory_for_it(tmp_path: Path) -> None:
    """It is rejected, as others are for their size, and the run goes on: on one thread, too."""
    for name, content in (("big.html", slow_page(15)), ("good.html", GOOD.content)):
        assert isinstance(content, bytes)
        (tmp_path / name).write_bytes(content)
    script = (
        "import resource, sys\nfrom bigdata_demos.keywords.cli import main\nfrom bigdata_demos.keywords import runner\n"
        f"most = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize() + {LITTLE}\n"
        "resource.setrlimit(resource.RLIMIT_AS, (most, most))\n"
        f"sys.exit(main(['{tmp_path}', '--engine', 'serial', '--quiet', '--output', '{tmp_path}/out']))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "pages=1 rejected=1 " in done.stderr
    [rejected] = reading.read(tmp_path / "out", "rejected")
    assert (rejected["reason"], rejected["fault"]) == ("killed-worker", "TOO_LARGE")


@pytest.mark.parametrize("engine", ["asyncio", "dask", "spark"])
def test_a_slow_page_on_an_engine(engine: str, tmp_path: Path) -> None:
    """The worker is ended, the task runs again, and the page is rejected; all others are there."""
    require(engine)
    source = tmp_path / "in"
    source.mkdir()
    (source / "slow.html").write_bytes(slow_page())
    for i in range(4):
        (source / f"good{i}.html").write_text(f"<title>Good {i}</title><p>Harbour cranes lift containers, {i} each.")
    result = run([source], engine=engine, workers=2, page_seconds=0.5, output=tmp_path / "out")
    assert (result.pages, result.rejected, result.reasons) == (4, 1, {"too-slow": 1})
    assert [page["url"] for page in result.read_rejected()] == ["slow.html"]
    assert not (tmp_path / "out" / isolation.MARKERS).exists()
