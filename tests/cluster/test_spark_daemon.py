"""The daemon of Spark's Python workers: what its workers have from their start, and where they have pyspark from."""

import os
import sys
from pathlib import Path

from bigdata_demos.cluster import spark_daemon
from tests.support.requirements import require

PRELOADED = "bigdata_demos.keywords.job"


def what_a_worker_has(_: int) -> tuple[bool, str, int]:
    """Return whether a worker has the job's modules, its pyspark, and how many threads it has."""
    import pyspark

    return PRELOADED in sys.modules, str(Path(str(pyspark.__file__)).parent), len(os.listdir("/proc/self/task"))


def test_workers_have_their_modules_from_the_start() -> None:
    """A task finds the job imported, pyspark from where pip has installed it, and no thread that a fork would have lost."""
    require("spark")
    import pyspark

    from bigdata_demos.cluster.spark import connect

    with connect("", 1, {}, PRELOADED) as (context, slots):
        assert slots == 1
        [(preloaded, home, threads)] = context.parallelize([0], 1).map(what_a_worker_has).collect()
        assert preloaded
        assert home == str(Path(pyspark.__file__).parent)
        assert threads == 1
        module = context.getConf().get("spark.python.daemon.module")
    assert module == spark_daemon.__name__


def test_module_that_is_missing() -> None:
    """The daemon starts without it: it is a task that says what it lacks."""
    require("spark")
    from bigdata_demos.cluster.spark import connect

    with connect("", 1, {}, "no.such.module") as (context, _):
        assert context.parallelize([1, 2], 1).sum() == 3


def test_zip_files_are_left_out_for_the_same_installation_only(tmp_path: Path) -> None:
    """A Spark that was not installed by pip keeps its zip files, even if a pyspark is installed besides."""
    installed, other = tmp_path / "site-packages" / "pyspark", tmp_path / "opt" / "spark"
    for home in (installed, other):
        (home / "python" / "lib").mkdir(parents=True)
    (installed / "__init__.py").touch()
    site = str(installed.parent)
    for home, expected in ((installed, [site]), (other, [*zips(other), site])):
        assert spark_daemon._without_zip([*zips(home), site]) == expected
    assert spark_daemon._without_zip(zips(installed)) == zips(installed), "there is no other pyspark"
    assert spark_daemon._without_zip([site]) == [site]


def zips(home: Path) -> list[str]:
    """Return what Spark puts first into the search path of its workers."""
    return [str(home / "python" / "lib" / name) for name in ("pyspark.zip", "py4j-0.10.9.9-src.zip")]
