"""The peer cc-pyspark: Common Crawl's own programs for Spark (https://github.com/commoncrawl/cc-pyspark), in their first release.

``python -m bigdata_demos.bench.engines.cc_pyspark install`` installs it, and boto3, into a directory of its own in the user's
cache, because its package requires pytest, parsers and others that a word count does not import, and boto3 requires an older
python-dateutil than other packages install. Spark, FastWARC and Resiliparse are those of this environment.
"""

import argparse
import importlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ... import command
from ...errors import EngineNotInstalled, EngineUnavailable, UsageError
from ...storage.atomic import rename_new
from ...storage.cache import cache_directory

if TYPE_CHECKING:
    from .peers import Answer, Clock

VERSION: Final = "0.1.0.dev0"
_REQUIREMENTS: Final = (
    f"cc-pyspark=={VERSION}",
    "boto3==1.44.8",  # which it imports to read from S3
    "botocore==1.44.8",
    "jmespath==1.1.0",
    "python-dateutil==2.9.0.post0",
    "s3transfer==0.19.3",
    "six==1.17.0",
)
_NAME: Final = f"{__package__}.cc_pyspark"
_JOB: Final = f"{_NAME}_job"
_TABLE: Final = "words"
_OPTIONS: Final = ("--num_input_partitions=1", "--output_compression=snappy", "--log_level=WARN")


def directory() -> Path:
    """Return the directory of cc-pyspark, which may not exist."""
    return cache_directory(f"cc-pyspark-{VERSION}")


def missing() -> str:
    """Return how to install cc-pyspark, or an empty string if it is installed."""
    return "" if directory().is_dir() else f"not installed: python -m {_NAME} install"


def install(say: Callable[[str], None]) -> Path:
    """Install cc-pyspark if it is missing; return its directory, which appears when it is complete.

    Raises EngineUnavailable if it cannot be installed.
    """
    target = directory()
    if target.is_dir():
        return target
    say(f"installing cc-pyspark {VERSION} and boto3 from PyPI, about 18 MB, into {target}")
    pip = (sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as new:
            packages = Path(new, "packages")
            line = [*pip, "--no-deps", "--only-binary", ":all:", "--target", str(packages), *_REQUIREMENTS]
            done = subprocess.run(line, capture_output=True, text=True, errors="replace", check=False)
            if done.returncode:
                said = [text for text in done.stderr.splitlines() if text.startswith("ERROR") or "No module" in text]
                reason = said[-1] if said else f"pip ended with status {done.returncode}"
                raise EngineUnavailable(f"cc-pyspark cannot be installed: {reason}: is there a network?")
            rename_new(packages, target)  # unless another process was faster
    except OSError as error:
        raise EngineUnavailable(f"cc-pyspark cannot be installed into {target}: {error.strerror or error}") from error
    return target


def run(files: Sequence[str], workers: int, cluster: str, clock: "Clock") -> "Answer":
    """Count with a job of cc-pyspark, which reads a list of files and writes a table, and read the table.

    Raises UsageError if a cluster is given; EngineNotInstalled if cc-pyspark is missing.
    """
    if cluster:
        raise UsageError(f"`cluster={cluster}`: cc-pyspark runs on this machine only, as a cluster's workers do not have it")
    if lacking := missing():
        raise EngineNotInstalled(f"cc-pyspark is {lacking}")
    from pyarrow import parquet
    from pyspark.sql import SparkSession

    from ...cluster.spark import connect
    from . import wordcount
    from .peers import Answer, warm

    # Its programs import one another by names without a package, as spark-submit --py-files makes possible
    paths = [str(directory().joinpath(*names)) for names in ((), ("cc_pyspark",), ("cc_pyspark", "jobs"))]
    sys.path[:0] = paths
    program = importlib.import_module(_JOB).WordCountOfPages()
    settings = {"spark.executorEnv.PYTHONPATH": os.pathsep.join(paths)}
    with tempfile.TemporaryDirectory(prefix="cc-pyspark-") as lists, connect("", workers, {}, _JOB, settings) as (context, slots):
        # A list and a task for each file: Spark divides the lines of one list among tasks by their bytes, and not evenly
        for number, path in enumerate(files):
            Path(lists, f"{number}.txt").write_text(f"file://{os.path.abspath(path)}\n", encoding="utf-8")
        sys.argv[1:] = [lists, _TABLE, *_OPTIONS, f"--num_output_partitions={2 * slots}"]
        program.args = program.parse_arguments()
        session = SparkSession.builder.appName(program.name).getOrCreate()  # which uses the context
        program.init_accumulators(session)
        context.parallelize(range(slots), slots).map(warm).collect()
        clock.lap("start")
        program.run_job(session)
        clock.lap("count")
        table = parquet.read_table(Path(context.getConf().get("spark.sql.warehouse.dir", ""), _TABLE)).flatten()
        counts = zip(table["key"].to_pylist(), table["val.tf"].to_pylist(), strict=True)
        answer = Answer(program.records_parse_success.value, wordcount.sums(counts))
        clock.lap("check")
    return answer


def main(argv: Sequence[str] | None = None) -> int:
    """Install cc-pyspark; returns the exit status."""
    parser = command.Parser(f"python -m {_NAME}", description="Install cc-pyspark for the benchmark.")
    parser.add_argument("action", choices=["install"])

    def execute(_: argparse.Namespace) -> None:
        print(install(command.say))

    return command.run(parser, execute, argv)


if __name__ == "__main__":
    sys.exit(main())
