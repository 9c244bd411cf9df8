"""One of eight tasks is slow on its first attempt, as on a machine with a failing disk: a straggler.

With spark.speculation, Spark starts a copy of such a task on another host when most tasks are done, takes the result of
whichever attempt ends first, and kills the other one. Hadoop does so by default, Spark only if it is told to.

Speculation presumes that a task may run twice. The result counts each row once, because Spark drops what the other attempt
returned. What a task does besides, such as appending to a file or sending a message, it does in each attempt.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from pyspark import TaskContext

from ..cluster.standalone import LOOPBACK, spark_cluster
from . import Outcome, Setting
from .spark_stages import completed_stages, spark, tasks_of

WATCH = (
    "the rows of the result, which are the same with and without speculation, and the lines in the file to which the tasks "
    "append, which are more than the rows with it: both attempts of the slow task wrote there."
)
PAGES = (
    "Spark's page of a stage: in the table of tasks, the copy is marked as (speculative), and the other attempt is KILLED "
    "because another attempt succeeded. A local[N] master never speculates, and Spark starts no copy on the host of the other "
    "attempt, so this experiment starts a cluster of two workers with different names of this machine."
)
LARGER = (
    "a calculation: 1,000 tasks of one minute on 100 machines of one core take 10 minutes. If one machine is ten times "
    "slower, the task that it starts last can take 10 minutes more. By default, Spark copies a task when 90 % of the stage's "
    "tasks are done and it has run for three times their median. The price is the copies, and that every output must be safe "
    "to write twice: Spark's own file output writes each attempt to a directory of its own, and the driver lets one attempt "
    "commit."
)
_TASKS: Final = 8
_ROWS: Final = 20


class Seen(NamedTuple):
    """What a run did: attempts of tasks, speculative ones and those that won, rows of the result, lines in the file, seconds."""

    attempts: int
    copies: int
    winners: int
    rows: int
    lines: int
    seconds: float


def work(part: int, log: Path, pause: float) -> Iterator[int]:
    """Yield the rows of a partition, and append a line to a file for each; the first attempt at partition 0 is slow.

    Attempts are numbered from 0, and a speculative copy is an attempt like any other.
    """
    task = TaskContext.get()
    attempt = task.attemptNumber() if task else 0
    for row in range(part * _ROWS, (part + 1) * _ROWS):
        time.sleep(pause if part == attempt == 0 else 0.005)
        with log.open("a", encoding="utf-8") as file:
            file.write(f"{row} {attempt}\n")
        yield row


def run(setting: Setting, pause: float, *, speculation: bool) -> Seen:
    """Run the tasks with or without speculation."""
    log = setting.directory / f"speculation-{speculation}"
    log.touch()
    with spark(setting, {"spark.speculation": str(speculation).lower()}) as context:
        parts = context.parallelize(range(_TASKS), _TASKS)
        start = time.perf_counter()
        rows = parts.flatMap(partial(work, log=log, pause=pause)).collect()
        seconds = time.perf_counter() - start
        attempts = tasks_of(context, completed_stages(context)[0])
    copies = [attempt["status"] for attempt in attempts if attempt["speculative"]]
    lines = len(log.read_text("utf-8").splitlines())
    return Seen(len(attempts), len(copies), copies.count("SUCCESS"), len(rows), lines, seconds)


def measure(setting: Setting) -> Outcome:
    """Run the same tasks without and with speculation."""
    pause = 0.3 if setting.quick else 0.4
    with ExitStack() as stack:
        cluster = setting.cluster or stack.enter_context(spark_cluster(2, hosts=(LOOPBACK, "localhost"))).url
        there = replace(setting, cluster=cluster, workers=max(setting.workers, 2))
        setting.say("without speculation")
        without = run(there, pause, speculation=False)
        setting.say("with speculation")
        copied = run(there, pause, speculation=True)

    return Outcome(
        data=f"{_TASKS} tasks of {_ROWS} rows, one of which pauses for {pause:g} s at each row in its first attempt",
        head=("speculation", "attempts", "copies", "copies that won", "rows of the result", "lines in the file", "s"),
        rows=[("off", *without), ("on", *copied)],
        bars={"off": without.lines, "on": copied.lines},
        unit="lines in the file to which the tasks append",
        finding=f"With speculation, {copied.attempts} attempts at {_TASKS} tasks ({copied.copies} speculative) gave the same "
        f"{copied.rows} rows in {copied.seconds:.0f} s instead of {without.seconds:.0f} s, but appended {copied.lines} lines to "
        "a file.",
        holds=copied.winners > without.copies == 0
        and copied.rows == without.rows == without.lines == _TASKS * _ROWS
        and copied.lines > copied.rows,
        counts={
            "attempts without speculation": without.attempts,
            "attempts": copied.attempts,
            "copies": copied.copies,
            "copies that won": copied.winners,
            "rows": copied.rows,
            "lines without speculation": without.lines,
            "lines": copied.lines,
        },
    )
