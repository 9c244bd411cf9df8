"""``bigdata-demos cluster``: start and stop the compose cluster, or a cluster of local processes."""

import argparse
import contextlib
import os
import sys
import time
from collections.abc import Sequence
from functools import partial
from typing import Final, NoReturn

from .. import command
from ..command import say
from ..errors import EngineNotInstalled, EngineUnavailable, UsageError

_RESTARTS: Final = 20  # of workers of local processes, before it is given up
_EPILOG = """\
examples:
  bigdata-demos cluster up                           Spark in containers; docs/cluster.md has variables and troubleshooting
  bigdata-demos keywords crawl.warc.gz --engine spark --cluster spark://localhost:7077 --output out/crawl
  bigdata-demos cluster run crawl.warc.gz --engine spark --output out/crawl     the same, with the driver in a container
  bigdata-demos cluster down

  bigdata-demos cluster up hadoop --containers       HDFS and YARN in containers; also: status, down
  bigdata-demos cluster up hadoop                    HDFS and YARN as processes of this machine, until `down hadoop`
  bigdata-demos keywords crawl.warc.gz --engine hadoop --cluster hdfs://127.0.0.1:8020 --output out/crawl

  bigdata-demos cluster up postgres                  PostgreSQL in a container, for an index; prints its address
  bigdata-demos index out/crawl --db "$(bigdata-demos cluster up postgres)"

  bigdata-demos cluster prepare                      once: half a minute and 100 MB, then Spark starts twice as fast

without Docker, in two terminals:
  bigdata-demos cluster spark --workers 2
  bigdata-demos keywords --engine spark --cluster spark://127.0.0.1:PORT        (the address that the first one prints)
"""
_KINDS = ("spark", "dask", "hadoop", "postgres")
_CONTAINERS = "Hadoop in containers instead of processes"


def parser() -> command.Parser:
    """Return the command's parser."""
    made = command.Parser(
        "bigdata-demos cluster",
        description="Start and stop Spark, Dask, Hadoop and PostgreSQL on this machine, in containers or as processes.",
        epilog=_EPILOG,
    )
    commands = made.add_subparsers(dest="command", required=True, metavar="COMMAND")
    up = commands.add_parser("up", help="start containers, or Hadoop, and wait until they are ready")
    up.add_argument(
        "kinds", nargs="*", metavar="KIND", help="spark, dask, postgres: containers; hadoop: processes (default: spark)"
    )
    up.add_argument("--containers", action="store_true", help=_CONTAINERS)
    up.add_argument(
        "--workers",
        type=command.number_from(0),
        default=0,
        metavar="N",
        help="tasks that Hadoop runs at once (default: all cores)",
    )
    up.add_argument(
        "--root", default="", metavar="DIR", help="directory that the containers see (default: $BIGDATA_DEMOS_ROOT, or this one)"
    )
    up.add_argument("--build", action="store_true", help="build the image again, even if it is up to date")
    for name, summary in (
        ("down", "stop and remove the containers, or stop Hadoop"),
        ("status", "show which services are running and ready"),
    ):
        subcommand = commands.add_parser(name, help=summary)
        subcommand.add_argument("kinds", nargs="*", metavar="KIND", help=f"{', '.join(_KINDS)} (default: all containers)")
        subcommand.add_argument("--containers", action="store_true", help=_CONTAINERS)
    logs = commands.add_parser("logs", help="show the logs of the containers")
    logs.add_argument("services", nargs="*", metavar="SERVICE", help="such as spark-worker-1 (default: all)")
    logs.add_argument("--follow", "-f", action="store_true", help="keep showing new lines until Ctrl-C")
    commands.add_parser("prepare", help="let Spark's and Hadoop's JVMs share their classes, so that they start in half the time")
    commands.add_parser("run", help="run `bigdata-demos keywords` in a container, with the arguments that follow")
    for kind in ("spark", "dask"):
        processes = commands.add_parser(kind, help=f"run a {kind} cluster of local processes until Ctrl-C")
        processes.add_argument(
            "--workers",
            type=command.number_from(1),
            default=2,
            metavar="N",
            help="worker processes, with one core each (default: 2)",
        )
        if kind == "spark":
            processes.add_argument("--memory", default="1g", help="memory of each worker (default: 1g)")
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    line = list(sys.argv[1:] if argv is None else argv)
    line, rest = (line[:1], line[1:]) if line[:1] == ["run"] else (line, [])  # parsed in the container
    return command.run(parser(), lambda arguments: _execute(arguments, rest), line)


def _execute(arguments: argparse.Namespace, rest: Sequence[str]) -> int:
    if arguments.command in ("spark", "dask"):
        with contextlib.suppress(KeyboardInterrupt):  # a signal is its normal end
            _run_processes(arguments)
        return 0
    if arguments.command == "prepare":
        return _prepare()
    kinds = set(arguments.kinds) if arguments.command in ("up", "down", "status") else set()
    if not kinds <= {*_KINDS}:
        raise UsageError(f"no such cluster: {' '.join(arguments.kinds)} (choose from {', '.join(_KINDS)})")
    local = "hadoop" in kinds and not arguments.containers
    if local and len(kinds) > 1:
        raise UsageError("hadoop runs as local processes, the others in containers: use a command for each, or add --containers")
    try:
        return _control_hadoop(arguments) if local else _control_containers(arguments, rest)
    except KeyboardInterrupt:
        raise KeyboardInterrupt("`cluster status` shows what is still up, `cluster down` stops it") from None


def _prepare() -> int:
    """Make the files of shared classes for each engine that is installed; without them, JVMs only start more slowly."""
    from . import spark_classes
    from .hadoop import classes, jars
    from .java import find_java

    def prepare_hadoop() -> None:
        if not jars.missing():
            classes.shared(jars.directory()).make(find_java("hadoop"), say)

    for engine, prepare in (("Spark", partial(spark_classes.prepare, say)), ("Hadoop", prepare_hadoop)):
        try:
            prepare()
        except (EngineNotInstalled, EngineUnavailable) as error:
            say(f"{engine}'s classes are not prepared: {error}")
    return 0


def _run_processes(arguments: argparse.Namespace) -> NoReturn:
    from .standalone import dask_cluster, spark_cluster

    cluster = (
        spark_cluster(arguments.workers, memory=arguments.memory)
        if arguments.command == "spark"
        else dask_cluster(arguments.workers)
    )
    with cluster as running:
        print(running.url, flush=True)
        page = f", web page http://{running.page}" if running.page else ""
        say(f"{arguments.workers} workers{page}, logs in {running.logs}; Ctrl-C stops it")
        restarts = 0
        while running.processes[0].poll() is None and restarts <= _RESTARTS:
            for number, process in enumerate(running.processes):
                if number and (status := process.poll()) is not None:
                    say(f"worker {number} ended with status {status}: it is started again")
                    running.restart(number)
                    restarts += 1
            time.sleep(0.5)
        ended = "the workers end again and again" if restarts > _RESTARTS else "the master of the cluster ended"
        log = max(running.logs.glob("*.log"), key=lambda path: path.stat().st_mtime)
        last = log.read_text(errors="replace").strip().rpartition("\n")[2] or "no message"
        raise EngineUnavailable(f"{ended}, and everything has been stopped; the last line of {log.name}: {last}")


def _control_hadoop(arguments: argparse.Namespace) -> int:
    from .hadoop import daemons

    if arguments.command == "up":
        running = daemons.up(arguments.workers or os.cpu_count() or 1, say).hadoop
        settings = running.settings()
        pages = {"HDFS": "dfs.namenode.http-address", "YARN": "yarn.resourcemanager.webapp.address"}
        links = ", ".join(f"{name} http://{settings[key]}" for name, key in pages.items())
        say(f"pages: {links}; logs in {daemons.home() / 'logs'}")
        print(running.hdfs)
    elif arguments.command == "down":
        say("stopped; its files are kept" if daemons.down() else "Hadoop is not running")
    else:
        cluster = daemons.recorded()
        waited_for = daemons.not_ready(cluster.hadoop) if cluster else "it"
        rows = []
        for name in daemons.DAEMONS:
            alive = cluster and next((one for one in cluster.daemons if one.name == name and one.process()), None)
            state = "not running" if not alive else "not ready" if name == waited_for else f"ready, pid {alive.pid}"
            rows.append((name, state))
        command.print_table(("daemon", "state"), rows)
        return 1 if waited_for else 0
    return 0


def _control_containers(arguments: argparse.Namespace, rest: Sequence[str]) -> int:
    from . import compose

    if arguments.command == "up":
        for address in compose.up(arguments.kinds or ["spark"], root=arguments.root, build=arguments.build, say=say):
            print(address)
    elif arguments.command == "down":
        compose.down(say, arguments.kinds)
    elif arguments.command == "status":
        services = compose.status(arguments.kinds)
        rows = [(service.name, "ready" if service.ready else "not ready", service.status) for service in services]
        command.print_table(("service", "state", "status"), rows)
        return 0 if all(service.ready for service in services) else 1
    elif arguments.command == "logs":
        compose.logs(arguments.services, follow=arguments.follow)
    else:
        compose.run(rest, terminal=bool(sys.stdin and sys.stdin.isatty() and sys.stdout.isatty()))
    return 0
