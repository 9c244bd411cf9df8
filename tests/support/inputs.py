"""The inputs of the conformance suite."""

import gzip
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import fastavro

from bigdata_demos.avro import schemas
from bigdata_demos.corpus.cli import main as corpus

from .paths import SITE


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


def write_versions(path: Path, first: Path, second: Path) -> None:
    """Cut an Avro file of pages in two: the first half of version 1, the second as it is."""
    with path.open("rb") as file:
        pages: list[Any] = list(fastavro.reader(file))
    half = len(pages) // 2
    with first.open("wb") as file:
        old = [{"url": page["url"], "markup": page["html"]} for page in pages[:half]]
        fastavro.writer(file, schemas.schema("page", 1), old, "deflate", sync_interval=10_000)
    with second.open("wb") as file:
        fastavro.writer(file, schemas.schema("page"), pages[half:], "deflate", sync_interval=10_000)


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
UNICODE_OPTIONS: dict[str, Any] = {"stopword_list": "none", "top": 50, "keep_text": True}


def make_inputs(root: Path) -> dict[str, Input]:
    """Make the inputs of the conformance suite below a directory; returns them by name."""
    root.mkdir()
    site = shutil.copytree(SITE, root / "site")
    for name in ("site.warc", "site.warc.gz", "site.avro", "site.jsonl"):
        assert corpus(["convert", str(site), "--output", str(root / name)]) == 0
    lines = (root / "site.jsonl").read_bytes().splitlines(keepends=True)
    (root / "site.jsonl.gz").write_bytes(gzip.compress(b"".join(lines)))
    mixed = root / "mixed"
    mixed.mkdir()
    for name in ("spark.html", "shuffle.png", "style.css"):
        shutil.copy(site / name, mixed / name)
    (mixed / "more.jsonl").write_bytes(b"".join(lines[:5]))
    shutil.copy(root / "site.warc.gz", mixed / "crawl")  # no suffix: known by its content
    long = " ".join(f"word{i % 977} data pipeline{i % 31}," for i in range(12_000))
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
    versions = [str(root / "site-1.avro"), str(root / "site-2.avro")]
    write_versions(root / "site.avro", *map(Path, versions))
    avro = (root / "site.avro").read_bytes()
    (root / "cut.avro").write_bytes(avro[: len(avro) * 2 // 3])
    warc = (root / "site.warc.gz").read_bytes()
    (root / "cut.warc.gz").write_bytes(warc[: len(warc) * 2 // 3])
    small = {"split_bytes": 40_000}
    several = [str(mixed), str(site / "a*.html"), str(site / "spark.html"), str(site / "spark.html")]
    uneven_lines = write_lines(root / "uneven.jsonl", uneven)
    unicode_lines = write_lines(root / "unicode.jsonl", UNICODE)
    damaged = [*(str(root / name) for name in ("bad.jsonl", "cut.avro", "cut.warc.gz")), str(site / "bad")]
    return {
        "directory": Input([str(site)]),
        "directory-many-splits": Input([str(site)], {**small, "effort": "precise"}),
        "bundled": Input([]),
        "warc": Input([str(root / "site.warc")]),
        "warc.gz": Input([str(root / "site.warc.gz")]),
        "warc.gz-many-splits": Input([str(root / "site.warc.gz")], small),
        "avro-many-splits": Input([str(root / "site.avro")], small),
        "avro-versions": Input(versions, {**small, "reader_schema": "bigdata-demos:page/1"}),
        "jsonl-many-splits": Input([str(root / "site.jsonl")], small),
        "jsonl.gz": Input([str(root / "site.jsonl.gz")]),
        "mixed-and-glob": Input(several),
        "stdin": Input(["-"], {"effort": "fast"}, lambda: lines),
        "one-page": Input([str(site / "spark.html")]),
        "uneven": Input([uneven_lines], {"split_bytes": 20_000}),
        "unicode": Input([unicode_lines], UNICODE_OPTIONS),
        "bad": Input(damaged, small),
        "all-files": Input(
            [
                str(site),
                *(str(root / name) for name in ("site.warc", "site.warc.gz", "site.jsonl", "site.jsonl.gz")),
                *several,
                *versions,
                uneven_lines,
                *damaged,
            ],
            {"split_bytes": 600_000, "reader_schema": "bigdata-demos:page/1"},
        ),
        "all-streams": Input(["-", unicode_lines], {**UNICODE_OPTIONS, "effort": "fast"}, lambda: lines),
    }
