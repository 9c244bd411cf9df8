"""What a test needs of the machine: skipped without it, and in CI a failure."""

import os
import sys
from functools import cache

import pytest

from bigdata_demos.bench.engines import cc_pyspark
from bigdata_demos.cluster.compose import check_memory
from bigdata_demos.cluster.docker import find_compose
from bigdata_demos.errors import BigDataDemosError, EngineUnavailable
from bigdata_demos.keywords.engines import why_not


def refuse(what: str, why: str) -> None:
    """Skip a test that cannot run here; in CI that is a failure."""
    if os.environ.get("CI"):
        pytest.fail(f"CI is meant to run {what}: {why}")
    pytest.skip(why)


def require(engine: str) -> None:
    """Skip a test whose engine cannot run here; in CI that is a failure."""
    if why := why_not(engine):
        refuse(engine, why)


def require_cc_pyspark() -> None:
    """Install the benchmark's peer cc-pyspark, and skip a test for which it cannot be had; in CI that is a failure."""
    require("spark")
    try:
        cc_pyspark.install(lambda _: None)
    except EngineUnavailable as error:
        refuse("cc-pyspark", str(error))


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
