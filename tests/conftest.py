"""What the tests share: where engines run, the inputs that all of them get, and the wish that CI skips nothing."""

import gzip
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from bigdata_demos.cluster.java import find_java
from bigdata_demos.cluster.standalone import dask_cluster, spark_cluster
from bigdata_demos.errors import EngineNotInstalled
from bigdata_demos.keywords import Session, open_session

DATA = Path(__file__).parents[1] / "data"
SITE = DATA / "site"

PLACES = [
    pytest.param(("serial", 1, "local"), id="serial"),
    *(
        pytest.param((engine, workers, place), id=f"{engine}-{place}-{workers}")
        for engine, places in (("asyncio", ("local",)), ("dask", ("local", "cluster")), ("spark", ("local", "cluster")))
        for place in places
        for workers in (1, 2)
    ),
]


def missing(engine: str) -> str:
    """Why an engine cannot run here; ``""`` if it can."""
    if engine == "dask" and find_spec("distributed") is None:
        return "distributed is not installed"
    if engine == "spark":
        if find_spec("pyspark") is None:
            return "pyspark is not installed"
        try:
            find_java()
        except EngineNotInstalled as error:
            return str(error)
    return ""


def require(engine: str) -> None:
    """Skip a test whose engine cannot run here; in CI that is a failure."""
    if why := missing(engine):
        if os.environ.get("CI"):
            pytest.fail(f"CI is meant to run {engine}: {why}")
        pytest.skip(why)


@pytest.fixture(scope="module", params=PLACES)
def session(request: pytest.FixtureRequest) -> Iterator[Session]:
    """Each engine at each place with each number of workers: one session, through which all inputs go.

    Of a module: pyspark has one context in a process, and other modules have theirs.
    """
    engine, workers, place = request.param
    require(engine)
    with ExitStack() as stack:
        address = ""
        if place == "cluster":
            cluster = spark_cluster(2) if engine == "spark" else dask_cluster(2)
            address = stack.enter_context(cluster).url
        yield stack.enter_context(open_session(engine, workers=workers, cluster=address))


@dataclass(frozen=True)
class Input:
    """An input of the conformance suite."""

    paths: list[str]
    options: dict[str, Any] = field(default_factory=dict)
    stdin: Callable[[], list[bytes] | None] = lambda: None


def write_lines(path: Path, pages: list[dict[str, Any]]) -> str:
    """Write JSON lines; returns the path."""
    path.write_text("".join(json.dumps(page) + "\n" for page in pages), encoding="utf-8")
    return str(path)


UNICODE = [
    {"url": "grüße", "text": "Straßenbahn fährt. Die Straßenbahn über die Brücke, naïve café résumé", "title": "Größe"},
    {"url": "データ", "text": "分散処理システムと並列計算。データ処理 データ処理", "title": "分散処理"},
    {"url": "हिन्दी", "text": "हिन्दी में समानांतर गणना। समानांतर गणना", "title": "समानांतर"},
    {"url": "العربية", "text": "الحوسبة المتوازية والبيانات الضخمة. الحوسبة المتوازية", "title": "بيانات"},
    {"url": "emoji", "html": "<title>🚀 launch</title><p>rocket 🚀 launch pad, rocket launch \ud83d\ude80 &#x1F680;</p>"},
    {"url": "surrogate", "text": "a lone \ud800 surrogate half stays harmless"},
    {"url": "combining", "text": "e\u0301clair e\u0301clair pastry éclair"},
    {"url": "zero\u200bwidth", "text": "zero\u200bwidth space zero\u200bwidth space"},
]


@pytest.fixture(scope="session")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Input]:
    """The inputs of the conformance suite, by name."""
    from bigdata_demos.corpus.__main__ import main as corpus

    root = tmp_path_factory.mktemp("inputs")
    for name in ("site.warc", "site.warc.gz", "site.avro", "site.jsonl"):
        assert corpus(["convert", str(SITE), "--output", str(root / name)]) == 0
    lines = (root / "site.jsonl").read_bytes().splitlines(keepends=True)
    (root / "site.jsonl.gz").write_bytes(gzip.compress(b"".join(lines)))
    (root / "empty").mkdir()
    mixed = root / "mixed"
    mixed.mkdir()
    for name in ("spark.html", "shuffle.png", "style.css"):
        shutil.copy(SITE / name, mixed / name)
    (mixed / "more.jsonl").write_bytes(b"".join(lines[:5]))
    shutil.copy(root / "site.warc.gz", mixed / "crawl")  # no suffix: known by its content
    long = " ".join(f"word{i % 977} data pipeline{i % 31}," for i in range(30_000))
    uneven = [{"id": 0, "text": long}, *({"id": i, "text": f"short page number{i} data pipeline"} for i in range(1, 200))]
    bad = [
        b"{broken\n",
        b'{"text": "nobody"}\n',
        b"[1]\n",
        b'{"url": "u"}\n',
        b'{"url": "empty", "html": ""}\n',
        b"\n",
        *lines[:4],
    ]
    (root / "bad.jsonl").write_bytes(b"".join(bad))
    avro = (root / "site.avro").read_bytes()
    (root / "cut.avro").write_bytes(avro[: len(avro) * 2 // 3])
    warc = (root / "site.warc.gz").read_bytes()
    (root / "cut.warc.gz").write_bytes(warc[: len(warc) * 2 // 3])
    small = {"split_bytes": 40_000}
    return {
        "directory": Input([str(SITE)]),
        "directory-many-splits": Input([str(SITE)], small),
        "bundled": Input([]),
        "warc": Input([str(root / "site.warc")]),
        "warc.gz": Input([str(root / "site.warc.gz")]),
        "warc.gz-many-splits": Input([str(root / "site.warc.gz")], small),
        "avro-many-splits": Input([str(root / "site.avro")], small),
        "jsonl-many-splits": Input([str(root / "site.jsonl")], small),
        "jsonl.gz": Input([str(root / "site.jsonl.gz")]),
        "mixed-and-glob": Input([str(mixed), str(SITE / "a*.html"), str(SITE / "spark.html"), str(SITE / "spark.html")]),
        "stdin": Input(["-"], {}, lambda: lines),
        "none": Input([str(root / "empty")]),
        "one-page": Input([str(SITE / "spark.html")]),
        "uneven": Input([write_lines(root / "uneven.jsonl", uneven)], {"split_bytes": 20_000}),
        "unicode": Input([write_lines(root / "unicode.jsonl", UNICODE)], {"stopword_list": "none", "top": 50}),
        "bad": Input([str(root / name) for name in ("bad.jsonl", "cut.avro", "cut.warc.gz")] + [str(SITE / "bad")], small),
    }
