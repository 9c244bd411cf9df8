"""What a test needs of the machine: skipped without it, and in CI a failure."""

import os
import sys
from functools import cache
from importlib.util import find_spec

import pytest

from bigdata_demos.cluster.compose import check_memory
from bigdata_demos.cluster.docker import find_compose
from bigdata_demos.cluster.java import find_java
from bigdata_demos.errors import BigDataDemosError, EngineNotInstalled


def missing(engine: str) -> str:
    """Why an engine cannot run here; ``""`` if it can."""
    if engine == "dask" and find_spec("distributed") is None:
        return "distributed is not installed"
    if engine == "spark" and find_spec("pyspark") is None:
        return "pyspark is not installed"
    if engine == "hadoop" and find_spec("requests") is None:
        return "requests is not installed"
    if engine in ("spark", "hadoop"):
        try:
            find_java(engine)
        except EngineNotInstalled as error:
            return str(error)
    return ""


def refuse(what: str, why: str) -> None:
    """Skip a test that cannot run here; in CI that is a failure."""
    if os.environ.get("CI"):
        pytest.fail(f"CI is meant to run {what}: {why}")
    pytest.skip(why)


def require(engine: str) -> None:
    """Skip a test whose engine cannot run here; in CI that is a failure."""
    if why := missing(engine):
        refuse(engine, why)


@cache
def no_docker() -> str:
    """Why the compose cluster cannot run here; ``""`` if it can."""
    if sys.platform != "linux":
        return "no compose cluster: a driver on the host needs Linux"
    try:
        check_memory(find_compose(), ["spark"])
    except BigDataDemosError as error:
        return f"no compose cluster: {error}"
    return ""
