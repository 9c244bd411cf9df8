"""``python -m bigdata_demos.cluster spark|dask``: a cluster of local processes, until Ctrl-C."""

import argparse
import signal
import sys
import time
from collections.abc import Sequence
from typing import NoReturn

from ..errors import BigDataDemosError, EngineUnavailable

EPILOG = """\
example, in two terminals:
  bigdata-demos cluster spark --workers 2
  bigdata-demos keywords --engine spark --cluster spark://127.0.0.1:PORT      (the address that the first one prints)
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    parser = argparse.ArgumentParser(
        "bigdata-demos cluster",
        description="A cluster of processes on this machine, reachable from this machine only, until Ctrl-C.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("kind", choices=("spark", "dask"))
    parser.add_argument("--workers", type=int, default=2, metavar="N", help="worker processes, of one core each (default: 2)")
    parser.add_argument("--memory", help="of each Spark worker (default: 1g)")
    arguments = parser.parse_args(argv)
    if arguments.workers < 1:
        parser.error("--workers must be 1 or more")
    if arguments.memory and arguments.kind != "spark":
        parser.error("--memory is for spark")
    from .standalone import dask_cluster, spark_cluster

    signal.signal(signal.SIGTERM, terminated)
    try:
        cluster = (
            spark_cluster(arguments.workers, memory=arguments.memory or "1g")
            if arguments.kind == "spark"
            else dask_cluster(arguments.workers)
        )
        with cluster as running:
            print(running.url, flush=True)
            page = f", web page http://{running.page}" if running.page else ""
            print(f"{arguments.workers} workers{page}, logs in {running.logs}; Ctrl-C ends it", file=sys.stderr)
            while all(process.poll() is None for process in running.processes):
                time.sleep(0.5)
            raise EngineUnavailable("one of the cluster's processes has ended: the others are stopped")
    except BigDataDemosError as error:
        print(f"bigdata-demos cluster: error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
    return 0


def terminated(_signal: int, _frame: object) -> NoReturn:
    """End as after Ctrl-C."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
