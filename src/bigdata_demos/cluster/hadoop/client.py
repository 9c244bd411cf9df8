"""A client of Hadoop, which submits and watches Streaming jobs, explains failures, and kills jobs that are interrupted."""

import getpass
import json
import os
import re
import shlex
import shutil
import subprocess
import time
import urllib.request
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

from ...errors import EngineUnavailable, JobFailed
from ...storage.remote import file_system
from ..java import find_java
from ..probe import LOCAL
from . import classes, configuration

_OPENS: Final = ("--add-opens=java.base/java.lang=ALL-UNNAMED",)
CLIENT: Final = ("-Xmx256m", *configuration.LIGHT.split())
HOSTS: Final = "BIGDATA_DEMOS_HADOOP_HOSTS"
"""The environment variable for a hosts file, from which Java resolves names instead of the system."""
JVM: Final = "BIGDATA_DEMOS_HADOOP_JVM"
"""The environment variable for further options of the JVMs that are started on this machine, separated by spaces."""
CHUNK: Final = 32 << 20
"""The bytes that are sent to HDFS at once."""
_STREAMING: Final = "org.apache.hadoop.streaming.HadoopStreaming"
_LOGS: Final = "org.apache.hadoop.yarn.client.cli.LogsCLI"
_APPLICATION = re.compile(r"Submitted application (application_\d+_\d+)")
_TRACKED = re.compile(r"The url to track the job: (\S+)")
_PERCENT = re.compile(r"map (\d+)% reduce (\d+)%")
_COUNTER = re.compile(r"^\t\t(.+)=(\d+)$")
FAILED = re.compile(r"(?:Task Id : (?=attempt)|Task failed )((?:attempt|task)_\w+)")
_TRACEBACK = re.compile(r"^Traceback \(most recent call last\):\n(?:[ \t].*\n)+(?P<last>\S.*)", re.MULTILINE)
_STDERR = re.compile(
    r"^LogContents:\n(?:(?!log4j:|End of LogType).*\n)*?(?P<last>(?!log4j:|End of LogType)\S.*)\n+End of LogType", re.MULTILINE
)
_SAID = re.compile(r"^bigdata-demos streaming: error: (?P<last>.*)", re.MULTILINE)


@dataclass(frozen=True)
class Hadoop:
    """A Hadoop as its clients see it: a directory of settings, and a directory of jars."""

    conf: Path
    jars: Path

    def settings(self) -> dict[str, str]:
        """The settings of all files."""
        return configuration.read(self.conf)

    @property
    def hdfs(self) -> str:
        """The address of its file system."""
        return self.settings()["fs.defaultFS"].rstrip("/")

    def known_as(self, address: str) -> bool:
        """Return whether an address is one of its file system's."""
        others = self.settings().get(configuration.ADDRESSES, "").split(",")
        return address.rstrip("/") in {self.hdfs, *others}

    @property
    def python(self) -> str:
        """The Python of its nodes, ``""`` if unknown."""
        return self.settings().get(configuration.PYTHON, "")

    @property
    def webhdfs(self) -> str:
        """The WebHDFS address of its file system, for fsspec."""
        return f"webhdfs://{getpass.getuser()}@{self.settings()['dfs.namenode.http-address']}"


@dataclass(frozen=True)
class StreamingJob:
    """A MapReduce job whose mapper and reducer are programs that read and write lines."""

    name: str
    inputs: Sequence[str]
    output: str
    mapper: Sequence[str]
    reducer: Sequence[str]
    reducers: int
    combiner: Sequence[str] = ()
    files: Sequence[str] = ()
    settings: Mapping[str, object] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    options: Sequence[str] = ()

    def arguments(self) -> list[str]:
        """The arguments of the Streaming command; Hadoop's generic options come first."""
        line = [part for key, value in self.settings.items() for part in ("-D", f"{key}={value}")]
        line += ["-D", f"mapreduce.job.name={self.name}", "-D", f"mapreduce.job.reduces={self.reducers}"]
        if self.files:
            line += ["-files", ",".join(self.files)]
        for path in self.inputs:
            line += ["-input", path]
        line += ["-output", self.output, *self.options, "-mapper", shlex.join(self.mapper)]
        if self.combiner:
            line += ["-combiner", shlex.join(self.combiner)]
        line += ["-reducer", shlex.join(self.reducer)]
        return line + [part for key, value in self.environment.items() for part in ("-cmdenv", f"{key}={value}")]


class Finished(NamedTuple):
    """The result of a job.

    ``submitted``, ``started``, ``seconds``: seconds from the client's start until the job was accepted, until map tasks
    reported progress, and until its end.
    """

    application: str
    counters: dict[str, int]
    submitted: float
    started: float
    seconds: float


def command(hadoop: Hadoop, main: str, *arguments: str, jvm: Sequence[str] = CLIENT) -> list[str]:
    """Return the command line of one of Hadoop's programs."""
    names = [f"-Djdk.net.hosts.file={os.environ[HOSTS]}"] if os.environ.get(HOSTS) else []
    more = os.environ.get(JVM, "").split()
    return [find_java("hadoop"), *jvm, *more, *names, *_OPENS, *classes.options(hadoop.jars, str(hadoop.conf)), main, *arguments]


def run(hadoop: Hadoop, job: StreamingJob, progress: Callable[[int, int], None], say: Callable[[str], None]) -> Finished:
    """Run a job to its end. ``progress`` is called with the percentages of map and reduce.

    Raises EngineUnavailable if Hadoop does not accept it; JobFailed if it fails; with the message of the failed task.
    """
    began = time.monotonic()
    submitted = started = 0.0
    application, counters, failed = "", dict[str, int](), ""
    last: deque[str] = deque(maxlen=200)
    with client(hadoop, _STREAMING, *job.arguments()) as (process, lines):
        try:
            for line in lines:
                last.append(line)
                if match := _APPLICATION.search(line):
                    application, submitted = match[1], time.monotonic() - began
                elif match := _TRACKED.search(line):
                    say(f"{job.name}: {match[1]}")
                elif match := _PERCENT.search(line):
                    if int(match[1]) and not started:
                        started = time.monotonic() - began
                    progress(int(match[1]), int(match[2]))
                elif match := FAILED.search(line):
                    failed = failed or match[1]
                elif match := _COUNTER.match(line):
                    counters[match[1]] = int(match[2])
            status = process.wait()
        except BaseException:
            if application:
                kill(hadoop, application)
            raise
    said = "\n".join(last)
    if status:
        raise why(hadoop, job, application, failed, said)
    return Finished(application, counters, submitted, started, time.monotonic() - began)


@contextmanager
def client(hadoop: Hadoop, main: str, *arguments: str) -> Iterator[tuple["subprocess.Popen[str]", Iterator[str]]]:
    """Start one of Hadoop's programs, and yield it with its lines of output; it ends with the context."""
    process = subprocess.Popen(
        command(hadoop, main, *arguments),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env={**os.environ, "HADOOP_CONF_DIR": str(hadoop.conf)},
        start_new_session=True,  # so that it does not receive Ctrl-C
    )
    try:
        yield process, (line.rstrip("\n") for line in process.stdout or ())
    finally:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


def call(hadoop: Hadoop, main: str, *arguments: str) -> str:
    """Run one of Hadoop's programs; return its output. Raises EngineUnavailable if it fails."""
    with client(hadoop, main, *arguments) as (process, lines):
        said = list(lines)
        if process.wait():
            raise EngineUnavailable(f"{main.rpartition('.')[2]} {arguments[0]} fails: {_last_word(said)}")
    return "\n".join(said)


def files(hadoop: Hadoop) -> Any:
    """Return HDFS as a file system of fsspec."""
    return file_system(hadoop.webhdfs)[0]


def put(hadoop: Hadoop, path: str, target: str) -> None:
    """Copy a local file to a path of HDFS. Raises EngineUnavailable if that fails."""
    try:
        with Path(path).open("rb") as source, files(hadoop).open(target, "wb", block_size=CHUNK) as file:
            shutil.copyfileobj(source, file, CHUNK)
    except (OSError, RuntimeError, ValueError) as error:  # fsspec's exceptions for HDFS's answers
        raise EngineUnavailable(f"{path} cannot be put into {hadoop.hdfs}: {error}") from error


def kill(hadoop: Hadoop, application: str) -> None:
    """Kill an application by YARN's REST interface; failures are ignored."""
    address = hadoop.settings()["yarn.resourcemanager.webapp.address"]
    request = urllib.request.Request(
        f"http://{address}/ws/v1/cluster/apps/{application}/state?user.name={getpass.getuser()}",
        json.dumps({"state": "KILLED"}).encode(),
        {"Content-Type": "application/json"},
        method="PUT",
    )
    with suppress(OSError):
        LOCAL.open(request, timeout=10).close()


def why(hadoop: Hadoop, job: StreamingJob, application: str, failed: str, said: str) -> EngineUnavailable | JobFailed:
    """Return the error of a job that has failed."""
    if not application:
        return EngineUnavailable(f"Hadoop does not accept the job: {_last_word(said.splitlines())}")
    if missing := re.search(r'Cannot run program "([^"]+)"', said):
        return EngineUnavailable(f"Hadoop's nodes do not have {missing[1]}: set their Python with `engine_options[python]=PATH`")
    logs = _task_logs(hadoop, application)
    if missing := re.search(r"^(\S+): No module named bigdata_demos", logs, re.MULTILINE):
        return EngineUnavailable(f"Hadoop's nodes have no bigdata_demos for {missing[1]}: install this package there (pip)")
    causes = [*_TRACEBACK.finditer(logs), *_SAID.finditer(logs), *_STDERR.finditer(logs)]
    reason = causes[0]["last"] if causes else _last_word(said.splitlines())
    error = JobFailed(f"Hadoop's job ({job.name}, {application}) has failed: {failed or 'it'}: {reason}")
    error.__cause__ = RuntimeError(causes[0][0] if causes else said)
    return error


def _task_logs(hadoop: Hadoop, application: str) -> str:
    """Return the standard error of an application's tasks, once YARN has collected it."""
    for _ in range(5):
        with suppress(EngineUnavailable):
            return call(hadoop, _LOGS, "-applicationId", application, "-log_files", "stderr", "-size", "-20000")
        time.sleep(1)
    return ""


def _last_word(lines: Sequence[str]) -> str:
    told = [
        line.strip()
        for line in lines
        if re.search(r"Exception|Error|ERROR|[Ff]ailed", line) and not line.startswith("\t\t") and "Command Failed!" not in line
    ]
    return (told or [line for line in lines if line.strip()] or ["it says nothing"])[-1]
