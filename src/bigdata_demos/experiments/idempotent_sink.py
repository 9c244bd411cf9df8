"""A task writes its rows, and its process dies before it can say so. The task runs again: what do readers of the output see?

An engine cannot know whether a task whose worker died had written its output, so it runs the task again: a task runs *at least
once*. The effect of *exactly once* is made by the sink. Here an eighth of the tasks are killed right after they have written,
and three sinks are compared:

- *insert* adds rows to a table of SQLite. The transaction does not help: the first attempt had committed it.
- *upsert* writes rows with a key (the page's URL), so that the second attempt replaces what the first has written. It is
  idempotent, provided that both attempts make the same keys.
- *commit by the driver* lets each attempt write a file of its own. The driver renames the file of the attempt that it
  accepts, one for each task, and readers see only renamed files. Hadoop's committers, and the job of this package, work like
  this (``keywords/output/commit.py``). It needs no keys, and it removes what lost attempts have left.
"""

import csv
import os
import signal
import sqlite3
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

from ..cluster.processes import Workers, worker_pool
from ..corpus import synthetic
from . import Outcome, Setting

WATCH = (
    "the rows that readers see. With every sink there were more attempts than tasks, but only with insert do readers see it. A "
    "task that the other worker had at the time runs again, too, because a pool of Python processes breaks as a whole."
)
PAGES = (
    "Spark's page of a stage: an attempt above 0 in the table of tasks, and Failed Tasks in the table of executors. No page "
    "tells whether the first attempt had written."
)
LARGER = (
    "some task runs twice in every large job: machines fail, tasks are preempted, and speculative execution starts second "
    "attempts on purpose. As a calculation: if one in 10,000 tasks fails after it has written, a job of 100,000 tasks has ten "
    "tasks whose rows are doubled by insert, and no doubled row in one of e^10 = 22,000 runs."
)
_DYING: Final = 8  # one task of so many dies

Row = tuple[str, int]
Sink = Callable[[Path, int, list[Row]], str]


def insert(directory: Path, _: int, rows: list[Row]) -> str:
    """Add the rows to a table in one transaction; this and the following functions run in workers."""
    with closing(sqlite3.connect(directory / "insert.db", timeout=60)) as database, database:
        database.executemany("INSERT INTO pages VALUES (?, ?)", rows)
    return ""


def upsert(directory: Path, _: int, rows: list[Row]) -> str:
    """Add the rows, or replace those of the same key, in one transaction."""
    with closing(sqlite3.connect(directory / "upsert.db", timeout=60)) as database, database:
        database.executemany("INSERT INTO pages VALUES (?, ?) ON CONFLICT (url) DO UPDATE SET words = excluded.words", rows)
    return ""


def attempt(directory: Path, task: int, rows: list[Row]) -> str:
    """Write the rows to a new file, whose name no other attempt has; return the name."""
    name = f"part-{task:05}-{uuid.uuid4().hex}.csv"
    with (directory / name).open("x", newline="") as file:
        csv.writer(file).writerows(rows)
    return name


def run_task(sink: Sink, directory: Path, task: int, rows: list[Row]) -> str:
    """Write the rows of a task; the process of some tasks is then killed, once."""
    attempts = directory / f"{sink.__name__}-{task}.attempts"
    with attempts.open("a") as file:  # one character for each
        file.write(".")
    written = sink(directory, task, rows)
    if task % _DYING == 0:
        with suppress(FileExistsError):
            (directory / f"{sink.__name__}-{task}.died").touch(exist_ok=False)
            os.kill(os.getpid(), signal.SIGKILL)  # as the kernel does when the memory is full
    return written


def run_tasks(pool: Workers, sink: Sink, directory: Path, tasks: Sequence[list[Row]]) -> list[str]:
    """Run each task until it has returned its result, as an engine does; return the results. This runs in the driver."""
    done: dict[int, str] = {}
    while left := [number for number in range(len(tasks)) if number not in done]:
        futures = {number: pool.executor.submit(run_task, sink, directory, number, tasks[number]) for number in left}
        for number, future in futures.items():
            with suppress(BrokenProcessPool):
                done[number] = future.result()
        if len(done) < len(tasks):
            pool.restart()
    return [done[number] for number in range(len(tasks))]


def commit(directory: Path, accepted: Sequence[str]) -> list[Row]:
    """Rename the accepted attempts, delete the others, and read what readers see."""
    for number, name in enumerate(accepted):
        (directory / name).rename(directory / f"part-{number:05}.csv")
    for left in directory.glob("part-*-*.csv"):
        left.unlink()
    return [(url, int(words)) for path in directory.glob("part-*.csv") for url, words in csv.reader(path.open(newline=""))]


def table_of(database: Path) -> list[Row]:
    """Read the table of a database."""
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute("SELECT url, words FROM pages").fetchall()


def measure(setting: Setting) -> Outcome:
    """Run the same tasks with each sink."""
    number, each = (_DYING, 20) if setting.quick else (4 * _DYING, 500)
    rows = [(page.url, len(page.content.split())) for page in synthetic.pages(number * each, seed=1)]
    tasks = [rows[start : start + each] for start in range(0, len(rows), each)]
    for name, key in (("insert", ""), ("upsert", "PRIMARY KEY")):
        with closing(sqlite3.connect(setting.directory / f"{name}.db")) as database, database:
            database.execute(f"CREATE TABLE pages (url TEXT {key}, words INTEGER)")
    seen: dict[str, list[Row]] = {}
    attempts: dict[str, int] = {}
    with worker_pool(setting.workers, os.getpid) as pool:
        for name, sink in (("insert", insert), ("upsert", upsert), ("commit by the driver", attempt)):
            setting.say(name)
            accepted = run_tasks(pool, sink, setting.directory, tasks)
            attempts[name] = sum(path.stat().st_size for path in setting.directory.glob(f"{sink.__name__}-*.attempts"))
            table = setting.directory / f"{name}.db"
            seen[name] = commit(setting.directory, accepted) if sink is attempt else table_of(table)
    words = {name: sum(count for _, count in some) for name, some in seen.items()}
    dead = number // _DYING
    return Outcome(
        data=f"{len(rows):,} synthetic pages in {number} tasks, of which {dead} die once, after they have written",
        head=("sink", "attempts", "rows that readers see", "sum of words"),
        rows=[(name, attempts[name], len(some), words[name]) for name, some in seen.items()],
        bars={name: len(some) for name, some in seen.items()},
        unit=f"rows that readers see, of {len(rows):,} pages",
        finding=(
            f"After {dead} of {number} tasks had died once, insert left {len(seen['insert']):,} rows of {len(rows):,} pages; "
            f"upsert left {len(seen['upsert']):,}, and a commit by the driver {len(seen['commit by the driver']):,}."
        ),
        holds=[sorted(some) == sorted(rows) for some in seen.values()] == [False, True, True],
        counts={
            "pages": len(rows),
            "tasks": number,
            "killed": dead,
            **{f"attempts, {name}": some for name, some in attempts.items()},
            **{name: len(some) for name, some in seen.items()},
        },
    )
