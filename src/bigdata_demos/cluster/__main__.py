"""``python -m bigdata_demos.cluster``: the compose cluster up and down; or a cluster of local processes, until Ctrl-C."""

import argparse
import os
import signal
import sys
import time
from collections.abc import Sequence
from typing import NoReturn

from ..errors import BigDataDemosError, EngineUnavailable, UsageError

EPILOG = """\
examples:
  bigdata-demos cluster up                           Spark in containers: docs/cluster.md has its variables, symptoms and cures
  bigdata-demos keywords crawl.warc.gz --engine spark --cluster spark://localhost:7077 --output out/crawl
  bigdata-demos cluster run crawl.warc.gz --engine spark --output out/crawl     the same, with the driver in a container
  bigdata-demos cluster down

  bigdata-demos cluster up hadoop --containers       HDFS and YARN in containers; also: status, down
  bigdata-demos cluster up hadoop                    HDFS and YARN as processes of this machine, until `down hadoop`
  bigdata-demos keywords crawl.warc.gz --engine hadoop --cluster hdfs://127.0.0.1:8020 --output out/crawl

without Docker, in two terminals:
  bigdata-demos cluster spark --workers 2
  bigdata-demos keywords --engine spark --cluster spark://127.0.0.1:PORT        (the address that the first one prints)
"""
CONTAINERS = "Hadoop's containers, not its processes"


def parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    made = argparse.ArgumentParser(
        "bigdata-demos cluster",
        description="A Spark, Dask or Hadoop cluster on this machine, of containers or of processes.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = made.add_subparsers(dest="command", required=True, metavar="COMMAND")
    up = commands.add_parser("up", help="bring the compose cluster, or Hadoop, up, and wait until it is ready")
    up.add_argument("kinds", nargs="*", metavar="KIND", help="spark, dask: containers; hadoop: processes (default: spark)")
    up.add_argument("--containers", action="store_true", help=CONTAINERS)
    up.add_argument("--workers", type=int, default=0, metavar="N", help="tasks that Hadoop runs at once (default: one a core)")
    up.add_argument("--root", default="", metavar="DIR", help="what the containers see (default: $BIGDATA_DEMOS_ROOT, or here)")
    up.add_argument("--build", action="store_true", help="build the image anew, even if it is of this package")
    for name, does in (
        ("down", "stop and remove the compose cluster, or stop Hadoop"),
        ("status", "what runs, and how it feels"),
    ):
        command = commands.add_parser(name, help=does)
        command.add_argument("kinds", nargs="*", metavar="KIND", help="spark, dask, hadoop (default: all containers)")
        command.add_argument("--containers", action="store_true", help=CONTAINERS)
    logs = commands.add_parser("logs", help="what the containers say")
    logs.add_argument("services", nargs="*", metavar="SERVICE", help="such as spark-worker-1 (default: all)")
    logs.add_argument("--follow", "-f", action="store_true", help="go on until Ctrl-C")
    commands.add_parser("run", help="run `bigdata-demos keywords` in a container, with the arguments that follow")
    for kind in ("spark", "dask"):
        processes = commands.add_parser(kind, help=f"a {kind} cluster of local processes, until Ctrl-C")
        processes.add_argument(
            "--workers", type=int, default=2, metavar="N", help="worker processes, of one core each (default: 2)"
        )
        if kind == "spark":
            processes.add_argument("--memory", default="1g", help="of each worker (default: 1g)")
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    given, line = parser(), list(sys.argv[1:] if argv is None else argv)
    line, rest = (line[:1], line[1:]) if line[:1] == ["run"] else (line, [])  # whose options are not this parser's
    arguments = given.parse_args(line, argparse.Namespace(rest=rest))
    if arguments.command in ("spark", "dask") and arguments.workers < 1:
        given.error("--workers must be 1 or more")
    kinds = set(arguments.kinds) if arguments.command in ("up", "down", "status") else set()
    if not kinds <= {"spark", "dask", "hadoop"}:
        given.error(f"no such cluster: {' '.join(arguments.kinds)} (there are spark, dask, hadoop)")
    local = "hadoop" in kinds and not arguments.containers
    if local and len(kinds) > 1:
        given.error("hadoop is one of processes, the others are of containers: one command for each, or --containers")
    signal.signal(signal.SIGTERM, terminated)
    try:
        if arguments.command in ("spark", "dask"):
            processes(arguments)
        return hadoop(arguments) if local else containers(arguments)
    except UsageError as error:
        say(f"error: {error}")
        return 2
    except BigDataDemosError as error:
        say(f"error: {error}")
        return 1
    except KeyboardInterrupt:
        if arguments.command in ("spark", "dask"):
            print("stopped", file=sys.stderr)
            return 0
        say("interrupted: `status` says what is up, `down` ends it")
    return 130


def processes(arguments: argparse.Namespace) -> NoReturn:
    """Run a cluster of local processes, until Ctrl-C."""
    from .standalone import dask_cluster, spark_cluster

    cluster = (
        spark_cluster(arguments.workers, memory=arguments.memory)
        if arguments.command == "spark"
        else dask_cluster(arguments.workers)
    )
    with cluster as running:
        print(running.url, flush=True)
        page = f", web page http://{running.page}" if running.page else ""
        print(f"{arguments.workers} workers{page}, logs in {running.logs}; Ctrl-C ends it", file=sys.stderr)
        while all(process.poll() is None for process in running.processes):
            time.sleep(0.5)
        raise EngineUnavailable("one of the cluster's processes has ended: the others are stopped")


def hadoop(arguments: argparse.Namespace) -> int:
    """Do something with the Hadoop of local processes; returns the exit status."""
    from .hadoop import daemons

    if arguments.command == "up":
        running = daemons.up(arguments.workers or os.cpu_count() or 1, say).hadoop
        settings = running.settings()
        pages = {"HDFS": "dfs.namenode.http-address", "YARN": "yarn.resourcemanager.webapp.address"}
        links = ", ".join(f"{name} http://{settings[key]}" for name, key in pages.items())
        say(f"pages: {links}; logs in {daemons.home() / 'logs'}")
        print(running.hdfs)
    elif arguments.command == "down":
        say("stopped; its files stay" if daemons.down() else "no Hadoop runs")
    else:
        cluster = daemons.recorded()
        waited_for = daemons.not_ready(cluster.hadoop) if cluster else "it"
        for name in daemons.DAEMONS:
            alive = cluster and next((one for one in cluster.daemons if one.name == name and one.process()), None)
            print(f"{name:18}{'not running' if not alive else 'not ready' if name == waited_for else f'ready, pid {alive.pid}'}")
        return 1 if waited_for else 0
    return 0


def containers(arguments: argparse.Namespace) -> int:
    """Do something with the compose cluster; returns the exit status."""
    from . import compose

    if arguments.command == "up":
        for address in compose.up(arguments.kinds or ["spark"], root=arguments.root, build=arguments.build, say=say):
            print(address)
    elif arguments.command == "down":
        compose.down(say, arguments.kinds)
    elif arguments.command == "status":
        services = compose.status(arguments.kinds)
        for service in services:
            print(f"{service.name:18}{'ready' if service.ready else 'not ready':12}{service.status}")
        return 0 if all(service.ready for service in services) else 1
    elif arguments.command == "logs":
        compose.logs(arguments.services, follow=arguments.follow)
    else:
        compose.run(arguments.rest, terminal=bool(sys.stdin and sys.stdin.isatty() and sys.stdout.isatty()))
    return 0


def say(text: str) -> None:
    """Talk on stderr."""
    print(f"bigdata-demos cluster: {text}", file=sys.stderr, flush=True)


def terminated(_signal: int, _frame: object) -> NoReturn:
    """End as after Ctrl-C."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
