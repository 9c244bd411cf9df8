"""The places where the conformance suite runs engines."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from bigdata_demos.cluster import registry
from bigdata_demos.keywords import Result
from bigdata_demos.keywords.engines import ENGINES

from .inputs import Input
from .stack import Stack

PLACES = [
    pytest.param(("serial", 1, "local"), id="serial"),
    *(
        pytest.param((engine.name, workers, place), id=f"{engine.name}-{place}-{workers}")
        for engine in ENGINES.values()
        if engine.name not in ("serial", "hadoop")
        for place in ("local", "cluster", "cluster-container-driver")
        if place == "local" or (place == "cluster" and engine.scheme) or engine.name == "spark"
        for workers in (1, 2)
        if (place, workers) != ("cluster-container-driver", 1)  # which differs from the driver on the host in its place only
    ),
]
"""Engine, number of workers, place. Spark's cluster is the compose cluster; without Docker it is one of local processes."""
HADOOP = pytest.param(("hadoop", 2, "local"), id="hadoop-local-2")
NAMES = (
    "directory", "directory-many-splits", "bundled", "warc", "warc.gz", "warc.gz-many-splits", "avro-many-splits",
    "avro-versions", "jsonl-many-splits", "jsonl.gz", "mixed-and-glob", "stdin", "one-page", "uneven", "unicode", "bad",
)  # fmt: skip
HADOOP_NAMES = ("all-files", "all-streams")
"""Hadoop takes half a minute for each input and 2 seconds for each split, so the other inputs' files are those of two."""


@dataclass(frozen=True)
class InContainer:
    """What a driver in a container made of each input."""

    results: dict[str, Result | str]


def drive_in_container(stack: Stack, inputs: dict[str, Input], workers: int) -> dict[str, Result | str]:
    """Run all inputs through one session of a driver in a container; returns the results, or errors, by name."""
    script = shutil.copy(Path(__file__).parent / "container_driver.py", stack.shared)
    work = {}
    for name, given in ((name, inputs[name]) for name in NAMES):
        lines = stack.shared / f"{name}.stdin"
        lines.write_bytes(b"".join(given.stdin() or []))
        work[name] = {"paths": given.paths, "options": given.options, "stdin": str(lines)}
    (stack.shared / "work.json").write_text(json.dumps(work))
    outputs = stack.shared / registry.OUT / f"container-{workers}"
    done = stack.driver(Path(script), str(stack.shared / "work.json"), str(outputs), str(workers))
    assert done.returncode == 0, done.stderr
    said = {name: answer for line in done.stdout.splitlines() for name, answer in json.loads(line).items()}
    return {
        name: answer if isinstance(answer, str) else Result(Path(answer.pop("output")), **answer) for name, answer in said.items()
    }
