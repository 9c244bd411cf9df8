"""WARC files: cut, damaged, lying, nested; and one that wget makes of the bundled site gives what its directory gives."""

import bz2
import functools
import gzip
import http.server
import io
import json
import lzma
import os
import random
import shutil
import subprocess
import threading
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import brotli  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bigdata_demos.crawl import plan, reader, warc
from bigdata_demos.crawl.model import Page, Rejected, Skipped
from bigdata_demos.crawl.warc import BadRecord, Response, Unwanted, read_responses
from bigdata_demos.keywords import Result, run
from bigdata_demos.storage.compression import zstd
from tests.support.paths import SITE
from tests.support.warc import HTML, page, record

LIMIT = 10_000
END = 1 << 60
Found = Response | BadRecord | Unwanted


def read(data: bytes, start: int = 0, end: int = END, limit: int = LIMIT) -> list[Found]:
    """What is found in the bytes of a WARC file."""
    return list(read_responses(io.BytesIO(data), start, end, limit))


def outline(found: Sequence[Found]) -> list[tuple[str, int]]:
    """Kinds and offsets, in the order of the file."""
    return sorted(((type(one).__name__, one.offset) for one in found), key=lambda pair: pair[1])


def text_of(number: int) -> bytes:
    """A body that does not compress to nothing."""
    return b"<p>" + b" ".join(b"word%d" % random.Random(number * 100 + i).randrange(10**6) for i in range(1 + number * 3))


PARTS = [
    record(None, b"software: none\r\n", "warcinfo", "application/warc-fields"),
    *(
        part
        for i in range(5)
        for part in (
            record(f"http://a.example/{i}", b"GET / HTTP/1.1\r\n\r\n", "request", "application/http; msgtype=request"),
            page(f"http://a.example/{i}", text_of(i)),
        )
    ),
    page("http://a.example/image", b"\x89PNG", b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n"),
]
PAGES = {f"http://a.example/{i}": text_of(i) for i in range(5)}


def zst(part: bytes, dictionary: zstd.ZstdDict | None = None) -> bytes:
    """A Zstandard frame with a checksum."""
    return zstd.compress(part, options={zstd.CompressionParameter.checksum_flag: 1}, zstd_dict=dictionary)


def stored_zst(part: bytes) -> bytes:
    """A frame with its data as they are (RFC 8878, section 3.1.1): a segment with its size, and one raw block."""
    return b"\x28\xb5\x2f\xfd\xa0" + len(part).to_bytes(4, "little") + (1 | len(part) << 3).to_bytes(3, "little") + part


def skippable(content: bytes) -> bytes:
    """A frame that is no data, as the one with a dictionary."""
    return b"\x5d\x2a\x4d\x18" + len(content).to_bytes(4, "little") + content


PACK: dict[str, Callable[[bytes], bytes]] = {"plain": bytes, "gz": partial(gzip.compress, mtime=0), "zst": zst}
UNPACK = {"gz": gzip.decompress, "zst": zstd.decompress}
FORMS = {form: list(map(pack, PARTS)) for form, pack in PACK.items()}
form = pytest.mark.parametrize("form", FORMS)
compressed = pytest.mark.parametrize("form", UNPACK)


def starts(parts: Sequence[bytes]) -> list[int]:
    """Where each record starts, and the file ends."""
    return list(accumulate(map(len, parts), initial=0))


def wanted(parts: Sequence[bytes], number: int) -> list[tuple[str, int]]:
    """The outline of the first records of :data:`PARTS`."""
    return [("Response" if i in range(2, 12, 2) else "Unwanted", at) for i, at in enumerate(starts(parts)[:number])]


@form
def test_responses_are_read(form: str) -> None:
    """Each response with its offset, its URL, its header and its date; other records are counted."""
    data = b"".join(FORMS[form])
    found = read(data)
    assert outline(found) == wanted(FORMS[form], 12)
    assert {one.url: one.body for one in found if isinstance(one, Response)} == PAGES
    first = found[2]
    assert isinstance(first, Response)
    assert (first.status, first.content_type, first.date) == (200, "text/html", "2024-02-29T12:00:00Z")


@form
def test_cut_at_every_byte(form: str) -> None:
    """Each record that is complete is found; the one that is not is reported, once, at its start. Nothing more or less."""
    parts = FORMS[form]
    data, edges = b"".join(parts), starts(parts)
    tail = 4 if form == "plain" else 0  # the line ends after a record are not missed
    for cut in range(len(data)):
        complete = sum(edge - tail <= cut for edge in edges[1:])
        expected = wanted(parts, complete)
        if cut > edges[complete]:
            expected.append(("BadRecord", edges[complete]))
        found = read(data[:cut])
        assert outline(found) == expected, cut
        assert {one.reason for one in found if isinstance(one, BadRecord)} <= {"truncated"}, cut
        assert all(PAGES[one.url] == one.body for one in found if isinstance(one, Response)), cut


@form
def test_ranges_are_a_partition(form: str) -> None:
    """Cut anywhere, into two: each record is found once, in the range in which it starts."""
    parts = FORMS[form]
    data = b"".join(parts)
    for cut in range(1, len(data)):
        left, right = read(data, 0, cut), read(data, cut, len(data))
        assert outline(left) == [one for one in wanted(parts, 12) if one[1] < cut], cut
        assert outline(right) == [one for one in wanted(parts, 12) if one[1] >= cut], cut


def ranges(data: bytes, edges: Sequence[int]) -> list[Found]:
    """What is found in all ranges between some edges."""
    return [one for start, end in pairwise(sorted({0, *edges, len(data)})) for one in read(data, start, end)]


def damage(data: bytes, seed: int) -> tuple[bytes, int]:
    """One bit flipped, and where."""
    at = random.Random(seed).randrange(len(data))
    return data[:at] + bytes([data[at] ^ (1 << seed % 8)]) + data[at + 1 :], at


def hit_of(edges: Sequence[int], at: int) -> int:
    """The number of the record that has a byte."""
    return next(i for i, (start, end) in enumerate(pairwise(edges)) if start <= at < end)


@compressed
def test_bit_flips_in_a_compressed_file(form: str) -> None:
    """All pages but the damaged record's are found, unchanged; that one is reported, unless it too reads as it was."""
    parts, wrong = FORMS[form], []
    edges = starts(parts)
    for seed in range(400):
        data, at = damage(b"".join(parts), seed)
        start = edges[hit_of(edges, at)]
        found = read(data)
        assert all(PAGES[one.url] == one.body for one in found if isinstance(one, Response)), seed
        others = [one for one in wanted(parts, 12) if one[1] != start]
        assert set(others) <= set(outline(found)), seed
        rest = [one for one in outline(found) if one not in others]
        if rest != [("BadRecord", start)]:
            intact = rest == [one for one in wanted(parts, 12) if one[1] == start]
            if not intact or UNPACK[form](data) != b"".join(PARTS):  # the time in a gzip header, say, does no harm
                wrong.append((seed, start, rest))
    assert not wrong, f"{len(wrong)} of 400, among them seed {wrong[0][0]}: damaged {wrong[0][1]}, found besides {wrong[0][2]}"


def test_bit_flips_in_a_plain_file() -> None:
    """There is no checksum: a flipped letter stays. But a page that is missing beside the damaged record is told of."""
    parts = FORMS["plain"]
    edges = starts(parts)
    for seed in range(400):
        data, at = damage(b"".join(parts), seed)
        start = edges[hit_of(edges, at)]
        found = outline(read(data))
        others = [one for one in wanted(parts, 12) if one[1] != start]
        assert [one for one in others if one[1] < start] == [one for one in found if one[1] < start and one[0] != "BadRecord"], (
            seed
        )
        assert set(others) <= set(found) or any(kind == "BadRecord" for kind, _ in found), seed


@compressed
def test_damage_reads_the_same_in_ranges(form: str) -> None:
    """Bits flipped, bytes lost, bytes put in, a cut: the ranges of a damaged file find together what one reader finds."""
    wrong = []
    for seed in range(120):
        data, chance = b"".join(FORMS[form]), random.Random(seed)
        for _ in range(1 + seed % 3):
            data, at = damage(data, chance.randrange(10**6))
            if seed % 4 == 1:
                data = data[:at] + data[at + chance.randrange(40) :]
            elif seed % 4 == 2:
                data = data[:at] + chance.randbytes(chance.randrange(40)) + data[at:]
            elif seed % 4 == 3:
                data = data[: max(at, 1)]
        whole = outline(read(data))
        cuts = [[chance.randrange(len(data)) for _ in range(count)] for count in (1, 1, 2, 5, 20)]
        for edges in [*cuts, list(range(0, len(data), 64))]:
            parts = outline(ranges(data, edges))
            wrong += [(seed, edges, whole, parts)] if parts != whole else []
    assert not wrong, f"{len(wrong)} of 720, among them seed {wrong[0][0]} cut at {wrong[0][1]}: {wrong[0][3]} for {wrong[0][2]}"


@compressed
def test_damage_larger_than_a_record(form: str) -> None:
    """A hole of zeros over several records: those before and after are found, and the hole is told of."""
    parts = FORMS[form]
    data, edges = bytearray(b"".join(parts)), starts(parts)
    data[edges[4] + 5 : edges[9] + 5] = bytes(edges[9] - edges[4])
    found = outline(read(bytes(data)))
    assert {one for one in found if one[0] != "BadRecord"} == {
        one for one in wanted(parts, 12) if not edges[4] <= one[1] < edges[10]
    }
    assert ("BadRecord", edges[4]) in found
    assert all(edges[4] <= at < edges[10] for kind, at in found if kind == "BadRecord")


@compressed
def test_small_chunks(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Record boundaries are found wherever they lie in the chunks that a file is read in."""
    monkeypatch.setattr(warc, "CHUNK", 61)
    data = b"".join(FORMS[form])
    assert outline(read(data)) == wanted(FORMS[form], 12)
    assert outline(ranges(data, range(0, len(data), 37))) == wanted(FORMS[form], 12)


def chunked(body: bytes, *sizes: int) -> bytes:
    """A body in HTTP's chunks."""
    chunks, at = [], 0
    for size in [*sizes, len(body)]:
        piece, at = body[at : at + size], at + size
        chunks.append(b"%x\r\n%s\r\n" % (len(piece), piece) if piece else b"")
    return b"".join(chunks) + b"0\r\n\r\n"


TEXT = b"<p>a body " + b"of some length " * 20
RAW_DEFLATE = zlib.compress(TEXT, wbits=-15)
CODED = {
    "identity": (b"Content-Encoding: identity\r\n", TEXT),
    "gzip": (b"Content-Encoding: gzip\r\n", gzip.compress(TEXT)),
    "gzip-odd-case": (b"content-encoding: GZip\r\n", gzip.compress(TEXT)),
    "x-gzip": (b"Content-Encoding: x-gzip\r\n", gzip.compress(TEXT)),
    "deflate": (b"Content-Encoding: deflate\r\n", zlib.compress(TEXT)),
    "deflate-without-header": (b"Content-Encoding: deflate\r\n", RAW_DEFLATE),
    "br": (b"Content-Encoding: br\r\n", brotli.compress(TEXT)),
    "chunked": (b"Transfer-Encoding: chunked\r\n", chunked(TEXT, 1, 16, 255 - 17)),
    "chunked-gzip": (b"Transfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n", chunked(gzip.compress(TEXT), 7, 3)),
    "chunked-trailer": (b"Transfer-Encoding: chunked\r\n", chunked(TEXT)[:-2] + b"Expires: never\r\n\r\n"),
    "length-lies": (b"Content-Length: 7\r\n", TEXT),
}


@form
@pytest.mark.parametrize("coding", CODED)
def test_bodies_are_decoded(coding: str, form: str) -> None:
    """Chunks and content codings are undone, and the next record is found."""
    head, body = CODED[coding]
    parts = [page("http://a.example/", body, HTML + head), page("http://a.example/next", b"<p>next")]
    found = read(b"".join(map(PACK[form], parts)))
    assert [one.body if isinstance(one, Response) else one for one in found] == [TEXT, b"<p>next"]


LYING = {
    "gzip": (b"Content-Encoding: gzip\r\n", TEXT),
    "deflate": (b"Content-Encoding: deflate\r\n", TEXT),
    "br": (b"Content-Encoding: br\r\n", TEXT),
    "gzip-cut": (b"Content-Encoding: gzip\r\n", gzip.compress(TEXT)[:-15]),
    "gzip-cut-early": (b"Content-Encoding: gzip\r\n", gzip.compress(b"<p>x" * 1000)[:-20]),
    "br-cut": (b"Content-Encoding: br\r\n", brotli.compress(TEXT)[:-5]),
    "gzip-flipped": (b"Content-Encoding: gzip\r\n", gzip.compress(TEXT)[:20] + b"\xff\xff" + gzip.compress(TEXT)[22:]),
    "chunked": (b"Transfer-Encoding: chunked\r\n", TEXT),
    "chunked-badly": (b"Transfer-Encoding: chunked\r\n", b"5\r\n<p>ab\r\nzz\r\n"),
}


@form
@pytest.mark.parametrize("coding", LYING)
def test_coding_that_lies(coding: str, form: str) -> None:
    """Reported with its URL and ``bad-encoding``, or read as far as it goes; never taken for an empty page."""
    head, body = LYING[coding]
    parts = [page("http://a.example/", body, HTML + head), page("http://a.example/next", b"<p>next")]
    found = read(b"".join(map(PACK[form], parts)))
    assert len(found) == 2
    first = found[0]
    if isinstance(first, Response):
        assert first.body.startswith(b"<p>")
    else:
        assert isinstance(first, BadRecord)
        assert (first.offset, first.url, first.reason) == (0, "http://a.example/", "bad-encoding")
    assert isinstance(found[1], Response)
    assert found[1].body == b"<p>next"


@form
@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n", Response),
        (b"HTTP/1.0 200\r\ncontent-type:TEXT/HTML\r\n", Response),
        (b"HTTP/1.1 200 OK\r\nContent-Type: application/xhtml+xml\r\n", Response),
        (b"HTTP/1.1 200 OK\r\n", Response),
        (b"HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\n", Unwanted),
        (b"HTTP/1.1 301 Moved Permanently\r\nContent-Type: text/html\r\nLocation: /\r\n", Unwanted),
        (b"HTTP/1.1 206 Partial Content\r\nContent-Type: text/html\r\n", Unwanted),
        (b"HTTP/1.1 500 Oops\r\n", Unwanted),
        (b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n", Unwanted),
        (b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n", Unwanted),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/htmlx\r\n", Unwanted),
    ],
)
def test_what_is_wanted(head: bytes, expected: type[Found], form: str) -> None:
    """HTML with status 200; what has no type may be HTML; all else is counted, no more."""
    parts = [page("http://a.example/", b"<p>x", head), page("http://a.example/next", b"<p>next")]
    found = read(b"".join(map(PACK[form], parts)))
    assert [type(one) for one in found] == [expected, Response]


@form
def test_odd_records(form: str) -> None:
    """No URL, a URL in angle brackets, DNS, no HTTP at all, an empty payload, other types: one by one."""
    parts = [
        page(None, b"<p>whose?"),
        page("<http://a.example/brackets>", b"<p>x"),
        record("dns:a.example", b"20240229120000\na.example. 300 IN A 192.0.2.1\n", "response", "text/dns"),
        record("http://a.example/resource", b"<p>no HTTP", "resource", "text/html"),
        record("http://a.example/empty", b""),
        record("http://a.example/revisit", b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n", "revisit"),
        page("http://a.example/none", b""),
        page("http://a.example/ü?q=%20 &x", b"<p>odd URL"),
        page("http://a.example/last", b"<p>last"),
    ]
    found = read(b"".join(map(PACK[form], parts)))
    assert isinstance(found[0], BadRecord)
    assert (found[0].offset, found[0].url, found[0].reason) == (0, "", "bad-record")
    assert {one.url: one.body for one in found if isinstance(one, Response)} == {
        "http://a.example/brackets": b"<p>x",
        "http://a.example/resource": b"<p>no HTTP",
        "http://a.example/none": b"",
        "http://a.example/ü?q=%20 &x": b"<p>odd URL",
        "http://a.example/last": b"<p>last",
    }
    unwanted = [one.offset for one in found if isinstance(one, Unwanted)]
    dns = len(b"".join(map(PACK[form], parts[:2])))
    assert unwanted[0] == dns
    assert len(found) - len(unwanted) <= 6  # the empty payload is one or the other


@form
def test_decompression_bomb(form: str) -> None:
    """64 MB of zeros in 64 KB: the body is read up to the limit and one byte, and the next record is found."""
    bomb = gzip.compress(bytes(64 << 20))
    long = b"<p>" + b"x" * 200_000
    parts = [
        page("http://a.example/bomb", bomb, HTML + b"Content-Encoding: gzip\r\n"),
        page("http://a.example/chunked", chunked(long, 10), HTML + b"Transfer-Encoding: chunked\r\n"),
        page("http://a.example/long", long),
        page("http://a.example/next", b"<p>next"),
    ]
    data = b"".join(map(PACK[form], parts))
    found = read(data)
    assert [len(one.body) for one in found if isinstance(one, Response)] == [LIMIT + 1, LIMIT + 1, LIMIT + 1, 7]
    assert len(found) == 4


def test_exactly_the_limit() -> None:
    """A body of as many bytes as allowed is read whole, with and without a coding."""
    body = b"<p>" + b"x" * (LIMIT - 3)
    parts = [
        page("http://a.example/", body),
        page("http://a.example/", gzip.compress(body), HTML + b"Content-Encoding: gzip\r\n"),
    ]
    assert [one.body for one in read(b"".join(parts)) if isinstance(one, Response)] == [body, body]


@compressed
def test_a_warc_inside_a_page(form: str) -> None:
    """A page that is a WARC.gz, stored as it is: wherever the file is cut, its records are not the file's."""
    pack = PACK[form]
    inner = b"".join(pack(page(f"http://inner.example/{i}", text_of(i))) for i in range(4))
    stored = partial(gzip.compress, compresslevel=0) if form == "gz" else stored_zst
    parts = [
        pack(page("http://a.example/0", text_of(0))),
        stored(page("http://a.example/1", b"<!doctype html><p>x</p>" + inner)),
        pack(page("http://a.example/2", text_of(2))),
    ]
    data = b"".join(parts)
    assert inner in data
    expected = [("Response", at) for at in starts(parts)[:3]]
    assert outline(read(data)) == expected
    wrong = [cut for cut in range(1, len(data)) if outline(read(data, 0, cut) + read(data, cut, END)) != expected]
    assert not wrong, f"cut at {wrong[0]}: {outline(read(data, wrong[0], END))}"


def test_a_warc_inside_a_page_of_a_plain_file() -> None:
    """The same in a plain file, which is never cut into ranges: the page is one page."""
    inner = b"".join(page(f"http://inner.example/{i}", text_of(i)) for i in range(4))
    data = page("http://a.example/1", b"<p>x</p>\r\n\r\n" + inner) + page("http://a.example/2", text_of(2))
    assert [one.url for one in read(data) if isinstance(one, Response)] == ["http://a.example/1", "http://a.example/2"]


def through_sources(path: Path, split_bytes: int = plan.SPLIT_BYTES) -> list[Page | Rejected | Skipped]:
    """What a file's splits hold."""
    splits, _ = plan.plan([str(path)], split_bytes=split_bytes)
    return [one for split in splits for one in reader.read(split)]


@pytest.mark.parametrize("split_bytes", [100, plan.SPLIT_BYTES])
def test_a_file_compressed_as_a_whole(tmp_path: Path, split_bytes: int) -> None:
    """``gzip crawl.warc`` makes one member of all records; it is read, once, whatever the splits' size."""
    path = tmp_path / "crawl.warc.gz"
    path.write_bytes(gzip.compress(b"".join(PARTS)))
    found = through_sources(path, split_bytes)
    assert {one.url: one.content for one in found if isinstance(one, Page)} == PAGES
    assert Counter(type(one) for one in found) == {Page: 5, Skipped: 7}


def test_a_file_compressed_as_a_whole_and_cut(tmp_path: Path) -> None:
    """What is before the cut is found, and the cut is told of."""
    path = tmp_path / "crawl.warc.gz"
    for cut in range(-1, -400, -7):
        path.write_bytes(gzip.compress(b"".join(PARTS))[:cut])
        found = through_sources(path)
        pages = {one.url: one.content for one in found if isinstance(one, Page)}
        assert pages == dict(list(PAGES.items())[: len(pages)]), cut
        assert any(isinstance(one, Rejected) and one.reason == "truncated" for one in found), cut


@pytest.mark.parametrize("suffix", [".bz2", ".xz"])
def test_other_compression(tmp_path: Path, suffix: str) -> None:
    """A WARC compressed as a whole by another program."""
    path = tmp_path / f"crawl.warc{suffix}"
    path.write_bytes({".bz2": bz2, ".xz": lzma}[suffix].compress(b"".join(PARTS)))
    assert {one.url: one.content for one in through_sources(path) if isinstance(one, Page)} == PAGES


@pytest.mark.parametrize(
    "data", [b"", b"WARC/1.0", b"WARC/1.0\r\n\r\n", b"not a WARC file at all", GZ := gzip.compress(b"text", mtime=0), GZ * 3]
)
def test_what_is_no_warc(data: bytes) -> None:
    """Nothing is found, nothing is raised, and what is there is told of."""
    found = read(data)
    assert all(isinstance(one, BadRecord) for one in found)
    assert bool(found) == bool(data.strip())


# The real thing: wget.


@contextmanager
def served(directory: Path) -> Iterator[str]:
    """A directory, served on loopback; gives the URL."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(directory))) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def wget(where: Path, *arguments: str) -> Path:
    """Fetch something with wget; gives the WARC that it wrote."""
    if shutil.which("wget") is None:
        if os.environ.get("CI"):
            pytest.fail("CI is meant to have wget: apt-get install wget")
        pytest.skip("wget is not installed")
    command = ["wget", "--no-config", "--no-proxy", "--quiet", "--execute=robots=off", "--tries=2", "--timeout=20"]
    command += [f"--directory-prefix={where / 'mirror'}", f"--warc-file={where / 'crawl'}", f"--warc-tempdir={where}", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode in (0, 8), done.stderr  # 8: the server answered some request with an error, as it should
    [warc_file] = where.glob("crawl.warc*")
    return warc_file


@pytest.mark.parametrize("compressed", [True, False])
def test_wget_of_a_few_pages(tmp_path: Path, compressed: bool) -> None:
    """Pages by their URL with the bytes of their files; an image, a missing page and a redirect are skipped."""
    with served(SITE) as url:
        names = ["spark.html", "mapreduce-de.html", "spark-ja.html", "shuffle.png", "no-such-page.html", "bad"]
        path = wget(tmp_path, *([] if compressed else ["--no-warc-compression"]), *(f"{url}/{name}" for name in names))
        assert path.suffix == (".gz" if compressed else ".warc")
        found = through_sources(path)
    pages = {one.url: one.content for one in found if isinstance(one, Page)}
    assert pages.pop(f"{url}/bad/")  # the server's own listing
    assert pages == {f"{url}/{name}": (SITE / name).read_bytes() for name in names[:3]}
    data = gzip.decompress(path.read_bytes()) if compressed else path.read_bytes()
    records = data.count(b"WARC/1.0\r\nWARC-Type: ")
    assert records >= 18  # a request and a response each, and four about the crawl; more if wget had to try again
    assert Counter(type(one) for one in found) == {Page: 4, Skipped: records - 4}
    dates = {one.date[:3] for one in found if isinstance(one, Page)}
    assert dates == {"202"}


def by_path(result: Result, base: str = "") -> dict[str, tuple[str, list[tuple[str, int, int, int]], list[str]]]:
    """A result's titles, keywords and declared keywords by the pages' paths."""
    pages = list(result.read_keywords())
    found = {
        urlsplit(page["url"]).path.removeprefix("/") if base else page["url"]: (
            page["title"],
            [(keyword["phrase"], keyword["score"], keyword["tf"], keyword["df"]) for keyword in page["keywords"]],
            page["declared"],
        )
        for page in pages
    }
    assert len(found) == len(pages)
    return found


def test_wget_of_the_whole_site_gives_what_its_directory_gives(tmp_path: Path) -> None:
    """The site with its images, fetched by following its links: the same pages, titles, keywords and rejections."""
    with served(SITE) as url:
        path = wget(tmp_path, "--recursive", "--level=inf", "--page-requisites", f"{url}/index.html")
    crawled = run([path], engine="serial", output=tmp_path / "crawled")
    directory = run([SITE], engine="serial", output=tmp_path / "directory")
    found, expected = by_path(crawled, url), by_path(directory)
    assert sorted(found) == sorted(expected)
    assert found == expected
    assert len(found) >= 40
    assert (crawled.pages, crawled.rejected, crawled.keywords) == (directory.pages, directory.rejected, directory.keywords)
    assert crawled.reasons == directory.reasons
    assert crawled.skipped >= 3  # two images and a style sheet; and whatever else wget asked for
    assert {path.name for path in (tmp_path / "mirror").rglob("*.*g")} >= {"shuffle.png", "mapreduce.svg"}


# Records as real crawlers write them.


def lenient(part: bytes, name: str) -> bytes:
    """A record written in another way."""
    head, blank, block = part.partition(b"\r\n\r\n")
    fields = {
        "lower": head.replace(b"WARC-", b"warc-").replace(b"Content-", b"content-"),
        "upper": b"\r\n".join([head.split(b"\r\n")[0], *(line.partition(b":")[0].upper() + b":" + line.partition(b":")[2] for line in head.split(b"\r\n")[1:])]),
        "lf": head.replace(b"\r\n", b"\n"),
        "0.18": head.replace(b"WARC/1.0", b"WARC/0.18"),
        "1.1": head.replace(b"WARC/1.0", b"WARC/1.1"),
        "space-before-colon": head.replace(b": ", b" :"),
    }  # fmt: skip
    if name == "lf":
        return fields[name] + b"\n\n" + block.removesuffix(b"\r\n\r\n") + b"\n\n"
    return fields[name] + blank + block


@form
@pytest.mark.parametrize("name", ["lower", "upper", "lf", "0.18", "1.1", "space-before-colon"])
def test_headers_are_read_leniently(name: str, form: str) -> None:
    """Names of fields in any case, LF alone, other versions: the same pages."""
    parts = [lenient(part, name) for part in PARTS]
    found = read(b"".join(map(PACK[form], parts)))
    assert {one.url: one.body for one in found if isinstance(one, Response)} == PAGES
    assert len(found) == len(PARTS)
    assert not any(isinstance(one, BadRecord) for one in found)


@form
def test_types_of_records(form: str) -> None:
    """Resources and conversions are pages if they are HTML or plain text; wget's own log is none; all others are counted."""
    parts = [
        record("http://a.example/r", b"<p>resource", "resource", "text/html; charset=utf-8"),
        record("http://a.example/w", b"plain words", "conversion", "text/plain"),
        record("urn:text:http://a.example/", b"plain words", "resource", "text/plain"),
        record("metadata://gnu.org/software/wget/warc/wget.log", b"a log", "resource", "text/plain"),
        record("http://a.example/i", b"\x89PNG", "resource", "image/png"),
        record("http://a.example/x", b"?", "unheard-of", "text/html"),
        record("http://a.example/y", b"<p>y", "", "text/html"),
        record(None, b"<p>whose", "resource", "text/html"),
    ]
    found = read(b"".join(map(PACK[form], parts)))
    assert [(one.url, one.is_text, one.body) for one in found if isinstance(one, Response)] == [
        ("http://a.example/r", False, b"<p>resource"),
        ("http://a.example/w", True, b"plain words"),
        ("urn:text:http://a.example/", True, b"plain words"),
    ]
    assert [type(one) for one in found[3:]] == [Unwanted, Unwanted, Unwanted, BadRecord, BadRecord]


GAPS = [b"", b"\r\n", b"\n\n\n", b"\r\n" * 50]


@given(
    st.lists(
        st.sampled_from([*GAPS, b"junk\r\n", b"\0" * 600, b"WARC/", b"WARC/1.0\r\nno: length\r\n\r\n"]), min_size=6, max_size=6
    )
)
def test_anything_between_records(gaps: list[bytes]) -> None:
    """Blank lines cost nothing; filler is reported, and the records around it are all read."""
    parts = [page(f"http://a.example/{i}", text_of(i)) for i in range(5)]
    data = gaps[5] + b"".join(part + gap for part, gap in zip(parts, gaps, strict=False))
    found = read(data)
    assert {one.url: one.body for one in found if isinstance(one, Response)} == PAGES
    assert any(isinstance(one, BadRecord) for one in found) == any(gap.strip(b"\r\n") for gap in gaps)


EMPTY = {
    "gz": [gzip.compress(b""), gzip.compress(b"\r\n")],
    "zst": [zst(b""), zst(b"\n\n"), skippable(b""), skippable(b"WARC/1.0\r\n")],
}
FILLER = [b"\0" * 40, b"junk", b"\x1f\x8b\x08" * 30, b"\x28\xb5\x2f\xfd" * 30, b"\x5d\x2a\x4d\x18\xff\xff\xff\x7f"]


@compressed
@given(st.data())
def test_anything_between_members(form: str, data: st.DataObject) -> None:
    """The same of a compressed file, in which empty members are as good as nothing."""
    gaps = data.draw(st.lists(st.sampled_from([b"", *EMPTY[form], *FILLER]), min_size=6, max_size=6))
    parts = [PACK[form](page(f"http://a.example/{i}", text_of(i))) for i in range(5)]
    crawl = gaps[5] + b"".join(part + gap for part, gap in zip(parts, gaps, strict=False))
    found = read(crawl)
    assert {one.url: one.body for one in found if isinstance(one, Response)} == PAGES
    assert any(isinstance(one, BadRecord) for one in found) == any(gap in FILLER for gap in gaps)


@given(st.sampled_from(["remove", "insert", "double", "zero"]), st.integers(0, 10**6), st.integers(1, 400))
def test_damage_of_a_plain_file_costs_the_damaged_records(how: str, at: int, size: int) -> None:
    """Bytes removed, put in, doubled or zeroed anywhere: each record that has none of them is read as it was."""
    edges = starts(PARTS)
    data = b"".join(PARTS)
    at %= len(data)
    end = min(at + size, len(data))
    after = end if how in ("remove", "zero", "double") else at
    middle = {"remove": b"", "insert": b"x" * size, "double": data[at:end] * 2, "zero": bytes(end - at)}[how]
    found = read(data[:at] + middle + data[after:])
    intact = [i for i in range(2, 12, 2) if edges[i + 1] <= at or edges[i] >= max(after, at)]
    bodies = [one.body for one in found if isinstance(one, Response)]
    assert all(PAGES[f"http://a.example/{i // 2 - 1}"] in bodies for i in intact)


def test_cut_headers() -> None:
    """A header of which only the beginning is left, whatever its length, costs nothing of the record that follows it."""
    first, second = page("http://a.example/0", text_of(0)), page("http://a.example/1", text_of(1))
    for cut in range(1, first.index(b"\r\n\r\n")):
        assert [one.url for one in read(first[:cut] + second) if isinstance(one, Response)] == ["http://a.example/1"], cut


def test_names_that_look_like_the_beginning_of_a_record() -> None:
    """A URL may end in "WARC/1.0"."""
    data = page("http://a.example/WARC/1.0", text_of(0)) + page("http://a.example/1", text_of(1))
    assert [one.url for one in read(data) if isinstance(one, Response)] == ["http://a.example/WARC/1.0", "http://a.example/1"]


def test_lengths_that_are_wrong() -> None:
    """Too long, too short, huge, no number: the record is rejected, and those around it are read, also in gzip members."""
    for length in (b"1%d", b"%d0", b"9%d99999999", b"-%d", b"%d.5"):
        for number in range(5):
            parts = [page(f"http://a.example/{i}", text_of(i)) for i in range(5)]
            before, name, rest = parts[number].partition(b"Content-Length: ")
            digits = rest.partition(b"\r\n")[0]
            parts[number] = before + name + rest.replace(digits, length % int(digits), 1)
            for form, pack in PACK.items():
                found = read(b"".join(map(pack, parts)))
                expected = [f"http://a.example/{i}" for i in range(5) if i != number]
                assert [one.url for one in found if isinstance(one, Response)] == expected, (length, number, form)
                assert sum(isinstance(one, BadRecord) for one in found) == 1, (length, number, form)


def with_dictionary(parts: Sequence[bytes]) -> bytes:
    """A WARC.zst whose frames share a dictionary, which is in a skippable frame before them."""
    dictionary = zstd.train_dict([*parts, *([text_of(i) for i in range(200)])], 4000)
    packed: bytes = zstd.compress(dictionary.dict_content)
    frames: bytes = b"".join(zst(part, dictionary) for part in parts)
    return skippable(packed) + frames


@pytest.mark.parametrize("form", ["frames", "whole", "dictionary", "dictionary-raw", "whole-after-frame"])
def test_zstandard(tmp_path: Path, form: str) -> None:
    """A frame for each record, one for all, and frames with a dictionary, as the IIPC recommends; small splits."""
    path = tmp_path / "crawl.warc.zst"
    path.write_bytes(
        {
            "frames": b"".join(map(zstd.compress, PARTS)),
            "whole": zstd.compress(b"".join(PARTS)),
            "dictionary": with_dictionary(PARTS),
            "dictionary-raw": skippable(RAW)
            + b"".join(zstd.compress(part, zstd_dict=zstd.ZstdDict(RAW, is_raw=True)) for part in PARTS),
            "whole-after-frame": b"\x50\x2a\x4d\x18\0\0\0\0" + zstd.compress(b"".join(PARTS)),
        }[form]
    )
    found = through_sources(path, 100)
    assert {one.url: one.content for one in found if isinstance(one, Page)} == PAGES
    assert Counter(type(one) for one in found) == {Page: 5, Skipped: 7}


RAW = (
    b"<p>word WARC/1.0 WARC-Type: response WARC-Target-URI: http://a.example/ Content-Length: "  # a dictionary that is only text
)


def test_a_dictionary_is_damaged() -> None:
    """Without it no frame can be read: that is reported, and does not end the run."""
    data = bytearray(with_dictionary(PARTS))
    for at in (5, 20, 200, 2000):
        data[at] ^= 0xFF
        found = read(bytes(data))
        assert all(PAGES[one.url] == one.body for one in found if isinstance(one, Response))
        assert any(isinstance(one, BadRecord) for one in found), at


WHOLE: dict[str, Callable[[bytes], bytes]] = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress, ".zst": zst}


@pytest.mark.parametrize("suffix", WHOLE)
@pytest.mark.parametrize("kind", ["crawl.warc", "pages.jsonl", "page.html"])
def test_damage_of_files_compressed_as_a_whole(tmp_path: Path, kind: str, suffix: str) -> None:
    """Cut or with a bit flipped, whatever the codec: damage is reported, and of a cut file pages are read as they were."""
    lines = b"".join(json.dumps({"url": url, "html": body.decode()}).encode() + b"\n" for url, body in PAGES.items())
    data = {"crawl.warc": b"".join(PARTS), "pages.jsonl": lines, "page.html": b"<!doctype html>" + text_of(9)}[kind]
    packed = WHOLE[suffix](data)
    path = tmp_path / f"{kind}{suffix}"
    path.write_bytes(packed)
    whole = through_sources(path)
    assert sum(isinstance(one, Page) for one in whole) == (1 if kind == "page.html" else 5)
    for seed in range(60):
        at = random.Random(seed).randrange(4, len(packed))
        path.write_bytes(packed[:at] if seed % 2 else packed[:at] + bytes([packed[at] ^ 1 << seed % 8]) + packed[at + 1 :])
        found = through_sources(path)
        pages = {one.url: one.content for one in found if isinstance(one, Page)}
        intact = {one.url: one.content for one in whole if isinstance(one, Page)}
        assert any(isinstance(one, Rejected) for one in found) or pages == intact, seed
        if seed % 2 and kind != "page.html":
            assert pages.items() <= intact.items(), seed


def test_magic_numbers_are_searched_in_linear_time() -> None:
    """Many starts of members that are none, of several kinds, between two pages."""
    parts = [gzip.compress(page(f"http://a.example/{i}", text_of(i))) for i in range(2)]
    for magic in (b"\x1f\x8b\x08", b"\x1f\x8b\x08\0\0\0\0\0\0\x03", b"\x1f\x8b\x08\x08\0\0\0\0\0\x03"):
        found = read(parts[0] + magic * 20_000 + parts[1])
        assert [one.url for one in found if isinstance(one, Response)] == ["http://a.example/0", "http://a.example/1"]
        assert sum(isinstance(one, BadRecord) for one in found) == 1
