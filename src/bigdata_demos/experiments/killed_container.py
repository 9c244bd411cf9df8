"""A task's container is killed on Hadoop, while a reducer writes the index: only this task runs again.

Hadoop runs each task in a container of YARN: a Java process, and with Streaming a Python process below it. Here the Java process
of the first reducer of the second pass gets SIGKILL. Its NodeManager reports this to the application master, which starts a
second attempt of the task in a new container.

Everything else survives. Pass 1 has written its results to HDFS. The map tasks of pass 2 have left theirs to the NodeManager of
their machine, which serves them to the reducers, also after the containers have ended (its ShuffleHandler). On Spark, the
executor that runs tasks serves their output as well, so that both are lost together (`killed-worker`), unless Spark uses such
a shuffle service, too. If the machine had died, the map tasks of pass 2 that ran there would have to run again.

The tasks start through a program that counts them, in the place of Python.
"""

import os
import shlex
import signal
import sys
from collections import Counter
from typing import Final

import psutil

from ..cluster.hadoop import jars
from ..corpus import synthetic
from ..corpus.writers import open_output
from ..errors import EngineNotInstalled
from ..keywords import run
from . import Outcome, Setting

WATCH = "the tasks that ran: one more than without a failure, in the phase in which the container was killed."
PAGES = (
    "YARN's page of the application leads to the job's own, and after its end to the history server's: one reduce attempt is "
    "FAILED, because its container was killed (exit code 137), and the second one SUCCEEDED."
)
LARGER = (
    "every result is written to a disk, by the map tasks, and to HDFS between the passes; that is the price. A job of hours on "
    "100 machines then loses minutes with a machine: its map tasks of the running pass, and the reducers that it was running."
)
PHASES: Final = ("map", "score", "index")
_WORKERS: Final = 2
# Hadoop starts it instead of Python, with Python's arguments: -m MODULE PHASE …
_PROGRAM: Final = """\
#!/bin/sh
mktemp {tries}/$3-XXXXXXXX >&2
[ $3 = index ] && mkdir {tries}/killed && exec {python} -c 'from {module} import kill_container; kill_container()'
exec {python} "$@"
"""


def kill_container() -> None:
    """Kill the Java process of the task that this program belongs to, and this process."""
    next(process for process in psutil.Process().parents() if "YarnChild" in " ".join(process.cmdline())).kill()
    os.kill(os.getpid(), signal.SIGKILL)


def measure(setting: Setting) -> Outcome:
    """Run the job on one thread and on Hadoop, where a container is killed, and count the tasks."""
    if jars.missing():
        raise EngineNotInstalled("Hadoop is not installed: `bigdata-demos cluster up hadoop` installs it")
    crawl, program, tries = (setting.directory / name for name in ("pages.jsonl", "python", "tries"))
    with open_output(str(crawl)) as output:
        for page in synthetic.pages(120 if setting.quick else 800, seed=1):
            output.write(page)
    splits = 2 * _WORKERS  # of so few, Hadoop makes a task of each
    split_bytes = -(-crawl.stat().st_size // splits)
    setting.say("serial")
    expected = run([crawl], engine="serial", split_bytes=split_bytes).digest

    setting.say("hadoop")
    tries.mkdir()
    names = {"tries": shlex.quote(str(tries)), "python": shlex.quote(sys.executable), "module": __name__}
    program.write_text(_PROGRAM.format(**names), encoding="utf-8")
    program.chmod(0o755)
    cluster = setting.cluster if setting.cluster.startswith("hdfs:") else ""
    options = {"python": str(program)}
    result = run([crawl], engine="hadoop", workers=_WORKERS, cluster=cluster, split_bytes=split_bytes, engine_options=options)

    tasks = dict(zip(PHASES, (splits, splits, _WORKERS), strict=True))
    programs = Counter(path.name.partition("-")[0] for path in tries.iterdir())
    ran = {phase: programs[phase] for phase in PHASES}
    total = sum(tasks.values())
    again = sum(ran.values()) - total
    return Outcome(
        data=f"{output.pages:,} synthetic pages in {splits} splits, with {_WORKERS} tasks at once",
        head=("tasks that ran", *PHASES, "repeated"),
        rows=[("without a failure", *tasks.values(), 0), ("a reducer's container killed", *ran.values(), again)],
        bars={"without a failure": total, "a reducer's container killed": total + again},
        unit="tasks that ran",
        finding=f"When the container of a reducer was killed on Hadoop, {again} of {total} tasks ran again; the digest is that "
        "of one thread.",
        holds=result.digest == expected and ran == {**tasks, "index": tasks["index"] + 1},
        counts=ran,
    )
