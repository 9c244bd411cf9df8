"""Files of each kind, and what the job reads of them."""

import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import fastavro

from bigdata_demos.crawl import plan, reader
from bigdata_demos.crawl.model import Page, Rejected, Skipped

Found = Page | Rejected | Skipped
HTML = b"<!DOCTYPE html><title>t</title><p>some words"
LINE = b'{"url": "u", "text": "some words"}\n'
PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
SCHEMA = {
    "type": "record",
    "name": "Page",
    "fields": [{"name": name, "type": ["null", "string"], "default": None} for name in ("url", "html", "text")],
}


def container(records: Sequence[dict[str, Any]], codec: str = "null", interval: int = 60, schema: Any = SCHEMA) -> bytes:
    """An Avro container file with small blocks, the same bytes each time."""
    buffer = io.BytesIO()
    fastavro.writer(buffer, schema, records, codec=codec, sync_interval=interval, sync_marker=bytes(range(200, 216)))
    return buffer.getvalue()


def numbered(count: int) -> list[dict[str, Any]]:
    """Pages of different lengths."""
    return [{"url": f"http://a.example/{i}", "text": f"page {i}" + " word" * (i * 7 % 23)} for i in range(count)]


AVRO = container(numbered(3))


def kinds(*inputs: Path | str) -> dict[str, tuple[str, str]]:
    """What each file is taken for, and its compression."""
    splits, _ = plan.plan(list(map(str, inputs)))
    return {os.path.basename(part.path): (part.kind, part.codec) for split in splits for part in split.ranges}


def read(*inputs: Path | str, split_bytes: int = plan.SPLIT_BYTES) -> list[Found]:
    """Everything that some inputs hold."""
    splits, _ = plan.plan(list(map(str, inputs)), split_bytes=split_bytes)
    return [found for split in splits for found in reader.read(split)]


def urls(found: Sequence[Found]) -> list[str]:
    """The pages' identities, in order."""
    return [one.url for one in found if isinstance(one, Page)]


def rejections(found: Sequence[Found]) -> list[tuple[int, str, str]]:
    """What was rejected: offset, URL, reason."""
    return [(one.offset, one.url, one.reason) for one in found if isinstance(one, Rejected)]


def write(path: Path, content: bytes) -> Path:
    """Write a file, and the directories above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path
