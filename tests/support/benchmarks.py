"""Results of benchmarks that never ran."""

from typing import Any

from bigdata_demos.bench import results
from bigdata_demos.bench.results import Job, Machine, Results, Run

MACHINE = Machine(results.machine_id(), "host", "cpu", 2, 1 << 30, "Linux", 0.1)


def a_run(contestant: str = "serial", workers: int = 1, seconds: float = 1.0, number: int = 1, **more: Any) -> Run:
    """A run that went well."""
    standard: dict[str, Any] = {
        "kind": results.PEER if "wordcount" in contestant else results.ENGINE,
        "cluster": "", "size": 1, "cold": False, "startup": seconds * 0.2, "work": seconds * 0.7,
        "phases": {"plan": seconds * 0.2, "map": seconds * 0.7, "finish": seconds * 0.1}, "cpu_seconds": seconds,
        "peak_memory_bytes": 1 << 20, "memory_is": "pss", "shuffle": {"frequencies": 1024, "kept": 2048}, "pages": 100,
        "digest": "words:1" if "wordcount" in contestant else "sha256:right", "error": None, "started": "2026-01-01T00:00:00.000+00:00",
    }  # fmt: skip
    return Run(contestant=contestant, workers=workers, seconds=seconds, round=number, **{**standard, **more})


def benchmark(runs: list[Run], **more: Any) -> Results:
    """A benchmark of some runs; size n has n times 100 pages."""
    sizes = sorted({one.size for one in runs}) or [1]
    standard: dict[str, Any] = {
        "created": "2026-01-01T00:00:00+00:00", "command": ["python", "-m", "bigdata_demos.bench"], "machine": MACHINE,
        "versions": {"python": "3.11"}, "commit": "abc", "inputs": ["crawl.warc.gz"], "rounds": 5, "seed": 1,
        "jobs": [Job(size, 100 * size, 1000 * size, "sha256:right") for size in sizes],
    }  # fmt: skip
    return Results(format=results.FORMAT, runs=runs, **{**standard, **more})
