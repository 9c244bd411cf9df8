"""The keyword job as a program for ``spark-submit``: spark-submit chooses the cluster, and starts the driver's JVM.

::

    spark-submit --master … deploy/spark_job.py crawl.warc.gz --output DIRECTORY

The arguments are those of ``bigdata-demos keywords``, without ``--engine`` and ``--cluster``. See docs/deployment.md.
"""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from pyspark import SparkConf, SparkContext

from bigdata_demos.cluster import spark_daemon
from bigdata_demos.keywords.cli import main
from bigdata_demos.keywords.engines import spark_rdd


@contextmanager
def submitted(
    cluster: str,  # noqa: ARG001
    workers: int,
    options: Mapping[str, str],  # noqa: ARG001
    preload: str,
    settings: Mapping[str, str] = {},
) -> Iterator[tuple[SparkContext, int]]:
    """Yield the context of spark-submit, with all its settings, and the number of its slots.

    This stands in for :func:`bigdata_demos.cluster.spark.connect`, which starts a JVM of its own, and is called in the same way.
    """
    conf = SparkConf().setAll([*spark_daemon.settings(preload).items(), *settings.items()])
    with SparkContext(conf=conf.setIfMissing("spark.app.name", "bigdata_demos keywords")) as context:
        yield context, workers or context.defaultParallelism


if __name__ == "__main__":
    spark_rdd.connect = submitted  # type: ignore[attr-defined]
    sys.exit(main([*sys.argv[1:], "--engine", "spark", "--cluster", ""]))
