"""Digests of WARC records: their forms, what they are of, and which records are checked."""

import base64
import gzip
import hashlib
import json
from pathlib import Path

import pytest

from bigdata_demos.crawl import digests, http
from bigdata_demos.keywords import run
from tests.support.warc import HTML, record

BODY = b"<title>Cranes</title><p>Harbour cranes lift containers."
BLOCK = HTML + b"\r\n" + BODY


def base32(data: bytes) -> str:
    return base64.b32encode(data).decode()


def base64_of(data: bytes) -> str:
    return base64.b64encode(data).decode()


SHA1 = hashlib.sha1(BLOCK).digest()
SHA256 = hashlib.sha256(BLOCK).digest()


@pytest.mark.parametrize(
    "digest",
    [
        "sha1:" + base32(SHA1),
        "sha1:" + base32(SHA1).lower(),
        "SHA-1: " + SHA1.hex(),
        "sha1:" + base64_of(SHA1),
        "sha256:" + SHA256.hex().upper(),
        "sha-256:" + base32(SHA256),
        "sha256:" + base64_of(SHA256),
        "sha256:" + base64.urlsafe_b64encode(SHA256).decode().rstrip("="),
        "md5:" + hashlib.md5(BLOCK).hexdigest(),
        "sha512:" + hashlib.sha512(BLOCK).hexdigest(),
    ],
)
def test_forms(digest: str) -> None:
    """Each of them holds for its block, and for no other."""
    for block, wrong in ((BLOCK, ""), (BLOCK[:-1] + b"!", "not its WARC-Block-Digest")):
        assert digests.disagrees({"warc-block-digest": digest}, memoryview(block), http.parse(memoryview(block))) == wrong


@pytest.mark.parametrize(
    "digest", ["", "sha1", "sha1:", "sha1:abc", "crc32:00000000", "sha1:" + "?" * 32, "sha1:" + "g" * 40, ":" * 99]
)
def test_forms_that_say_nothing(digest: str) -> None:
    """A digest that nobody can read rejects no page."""
    assert digests.disagrees({"warc-block-digest": digest, "warc-payload-digest": digest}, memoryview(BLOCK), None) == ""


CHUNKED = HTML + b"Transfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n\r\n"
PACKED = gzip.compress(BODY, mtime=0)
CHUNKS = b"%x\r\n%s\r\n0\r\n\r\n" % (len(PACKED), PACKED)


@pytest.mark.parametrize(
    ("payload", "wrong"),
    [(CHUNKS, ""), (PACKED, ""), (BODY, ""), (BODY + b"!", "not its WARC-Payload-Digest"), (b"", "not its WARC-Payload-Digest")],
    ids=["as sent", "without chunks", "decoded", "another", "nothing"],
)
def test_what_crawlers_take_for_the_payload(payload: bytes, wrong: str) -> None:
    """The body as it was sent, without chunks, or decoded, too."""
    block = memoryview(CHUNKED + CHUNKS)
    digest = "sha1:" + base32(hashlib.sha1(payload).digest())
    assert digests.disagrees({"warc-payload-digest": digest}, block, http.parse(block)) == wrong


def test_the_block_decides_if_both_are_there() -> None:
    """The digest of the payload is ambiguous."""
    fields = {"warc-block-digest": "sha1:" + SHA1.hex(), "warc-payload-digest": "sha1:" + bytes(20).hex()}
    assert digests.disagrees(fields, memoryview(BLOCK), None) == ""


def test_records_that_are_no_responses() -> None:
    """Their payload is the block."""
    fields = {"warc-payload-digest": "sha1:" + hashlib.sha1(BODY).hexdigest()}
    assert digests.disagrees(fields, memoryview(BODY), None) == ""
    assert digests.disagrees(fields, memoryview(BODY[1:]), None) != ""


def image(block: bytes, claimed: bytes) -> bytes:
    """A record of an image whose block is not what was claimed."""
    return record(
        "http://a.example/i",
        block,
        "response",
        "application/http",
        "WARC-Block-Digest: sha1:" + hashlib.sha1(claimed).hexdigest(),
    )


@pytest.mark.parametrize(
    ("packed", "verify", "rejected"),
    [(False, None, 1), (False, False, 0), (True, None, 0), (True, True, 1)],
)
def test_which_files_are_checked(packed: bool, verify: bool | None, rejected: int, tmp_path: Path) -> None:
    """Plain ones, unless something else is asked for. A record that changed is rejected, with its place; images are not checked."""
    records = []
    for number, content in enumerate([BLOCK, BLOCK.replace(b"cranes", b"cranks"), BLOCK]):
        fields = "WARC-Block-Digest: sha1:" + base32(SHA1), "WARC-Payload-Digest: sha1:" + base32(hashlib.sha1(BODY).digest())
        records.append(record(f"http://a.example/{number}", content, "response", "application/http", *fields))
    png = b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\n"
    records.append(image(png + b"changed", png))
    if packed:
        records = [gzip.compress(one, mtime=0) for one in records]
    source = tmp_path / ("a.warc.gz" if packed else "a.warc")
    source.write_bytes(b"".join(records))
    result = run([source], engine="serial", verify=verify, output=tmp_path / "out")
    assert (result.pages, result.rejected, result.skipped) == (3 - rejected, rejected, 1)
    start = len(records[0])
    places = [(page["reason"], page["url"], page["offset"], page["end"]) for page in result.read_rejected()]
    end = start + len(records[1])
    places = [(reason, url, offset, end if end - 4 <= found <= end else found) for reason, url, offset, found in places]
    assert places == [("bad-digest", "http://a.example/1", start, end)] * rejected
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["files"] == {str(source): {"pages": 3 - rejected, "rejected": rejected, "skipped": 1}}
