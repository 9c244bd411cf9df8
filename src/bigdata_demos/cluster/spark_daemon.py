"""The process that forks Spark's Python workers: Spark starts ``python -m bigdata_demos.cluster.spark_daemon`` on each machine.

pyspark's own daemon takes over a second to import pyspark, from a zip file without compiled code, and each worker that it has
forked imports what its tasks need. This one imports pyspark from where pip has installed it, and the tasks' modules before the
first fork, so that a worker starts in milliseconds and the workers share the memory of what was imported.
"""

import gc
import importlib
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Final

PRELOAD: Final = "BIGDATA_DEMOS_PRELOAD"
"""The environment variable with the name of the module to import."""


def settings(module: str) -> Mapping[str, str]:
    """Return Spark's settings for workers that have a module, and what it imports, from their start."""
    return {"spark.python.daemon.module": __name__, f"spark.executorEnv.{PRELOAD}": module}


def main() -> None:
    """Import pyspark and the module, then fork workers until Spark closes the standard input."""
    # A slot is a core, and a library that has started threads must not be forked.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    sys.path[:] = _without_zip(sys.path)
    with suppress(Exception):  # a worker says what is missing, or that its Python is another than the driver's
        importlib.import_module(os.environ[PRELOAD])
        importlib.import_module("pyspark.worker")
    gc.collect()
    gc.freeze()  # pyspark collects garbage after each task, which would look through all modules
    importlib.import_module("pyspark.daemon").manager()


def _without_zip(path: list[str]) -> list[str]:
    """Return a search path without Spark's zip files if pyspark is installed as the directory that they belong to."""
    zips = [name for name in path if name.endswith(".zip") and Path(name).parts[-3:-1] == ("python", "lib")]
    rest = [name for name in path if name not in zips]
    installed = PathFinder.find_spec("pyspark", rest)
    if not zips or not installed or not installed.origin:
        return path
    return rest if Path(installed.origin).parent.resolve() == Path(zips[0]).parents[2].resolve() else path


if __name__ == "__main__":
    main()
