"""Corpora: whatever they are written as, they are the same pages; and an output is complete, or it isn't there."""

import gzip
import io
import json
import math
import re
import signal
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bigdata_demos.corpus import cli, convert, pydoc_pages, synthetic, writers
from bigdata_demos.crawl.charset import decode
from bigdata_demos.crawl.model import MAX_BYTES, Page, Skipped
from bigdata_demos.errors import InputError, OutputError, UsageError
from bigdata_demos.keywords import run
from bigdata_demos.keywords.analysis.text import extract
from tests.support import paths
from tests.support.texts import text_of

SITE = str(paths.SITE)
OUTPUTS = ("x.warc.gz", "x.warc", "x.avro", "x.jsonl", "x.jsonl.gz", "x/")


def pages_of(*inputs: object) -> dict[str, Page]:
    """The pages of some inputs by url; nothing else may be in them."""
    found = [item for item in convert.pages([str(path) for path in inputs]) if not isinstance(item, Skipped)]
    assert all(isinstance(item, Page) for item in found)
    by_url = {item.url: item for item in found if isinstance(item, Page)}
    assert len(by_url) == len(found)
    return by_url


def corpus(*arguments: object) -> int:
    return cli.main([str(argument) for argument in arguments])


def write(path: Path, pages: list[Page], **options: Any) -> writers.Output:
    with writers.open_output(str(path), **options) as output:
        for page in pages:
            output.write(page)
    return output


def markup(page: Page) -> str:
    return page.content if isinstance(page.content, str) else decode(page.content, page.content_type)


def digest(source: object, tmp_path: Path, name: str) -> str:
    return run([str(source)], engine="serial", output=tmp_path / f"out-{name}").digest


def inside(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*"))


# What is written is what was read


@pytest.fixture(scope="module")
def site() -> dict[str, Page]:
    return pages_of(SITE)


@pytest.fixture(scope="module")
def site_digest(tmp_path_factory: pytest.TempPathFactory) -> str:
    return digest(SITE, tmp_path_factory.mktemp("site"), "site")


@pytest.mark.parametrize("first", OUTPUTS)
def test_round_trips(first: str, tmp_path: Path, site: dict[str, Page], site_digest: str) -> None:
    """From a directory to each kind, from that to each kind: same urls, same bytes (same markup, behind JSON lines)."""
    assert corpus("convert", SITE, "-o", f"{tmp_path}/1{first}") == 0
    once = pages_of(f"{tmp_path}/1{first}")
    assert once.keys() == site.keys()
    exact = "jsonl" not in first
    assert all(once[url].content == (page.content if exact else markup(page)) for url, page in site.items())
    for second in OUTPUTS:
        assert corpus("convert", f"{tmp_path}/1{first}", "-o", f"{tmp_path}/2{second}") == 0
        twice = pages_of(f"{tmp_path}/2{second}")
        assert twice.keys() == site.keys()
        if exact and "jsonl" not in second:
            assert all(twice[url].content == page.content for url, page in site.items())
        else:
            assert all(markup(twice[url]) == markup(page) for url, page in site.items())
        if first == "x.avro" and "jsonl" not in second:
            assert digest(f"{tmp_path}/2{second}", tmp_path, second.strip("/")) == site_digest
    if exact:  # what is no HTML (an image named .html) can be told from its bytes only
        assert digest(f"{tmp_path}/1{first}", tmp_path, "1") == site_digest


@pytest.mark.parametrize("name", OUTPUTS[:-1])
def test_equal_input_makes_equal_bytes(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert corpus("convert", SITE, "-o", tmp_path / f"a{name}", "--files", 3) == 0
    monkeypatch.setattr(time, "time", lambda: 4e9)
    assert corpus("convert", SITE, "-o", tmp_path / f"b{name}", "--files", 3) == 0
    made = sorted(tmp_path.glob("a*"))
    assert [path.name for path in made] == [f"ax-{i:05}{name[1:]}" for i in range(3)]
    for path in made:
        assert path.read_bytes() == (tmp_path / path.name.replace("ax", "bx")).read_bytes()
    urls = [list(pages_of(path)) for path in made]
    assert [url for row in zip(*urls, strict=True) for url in row] == list(pages_of(SITE))[: 3 * len(urls[0])]


PAGES = [
    Page(
        "https://example.org/täst?q=ö",
        "",
        0,
        "<title>T</title><p>Grüße".encode("latin-1"),
        False,
        "",
        "text/html; charset=latin1",
    ),
    Page("plain", "", 0, "One <b> & two.\nStill one.\n\n \nThree “quoted” things", True, "A < title", "", "2020-02-03T04:05:06Z"),
    Page(
        "decoded",
        "",
        0,
        '<meta charset="shift_jis"><title>日本</title><p>日本語のページ',
        False,
        "",
        "text/html; charset=shift_jis",
    ),
    Page("x y\r\nWARC-Type: evil", "", 0, b"<p>header injection", False, "", "text/html\r\nX: y"),
    Page("surrogate", "", 0, "<title>\ud83d\ude00 smile</title> lone \ud800 one", False, "", ""),
    Page("offset", "", 0, b"<p>dates", False, "", "", "2020-02-03T04:05:06+02:00"),
    Page("gif", "", 0, b"<p>said to be an image", False, "", "image/gif"),
    Page("zero", "", 0, b"", False, "", "text/html"),
    Page("untitled", "", 0, b"<p>words", False, "Given title", "text/html"),
]


@pytest.mark.parametrize("name", OUTPUTS)
def test_pages_that_are_hard_to_hold(name: str, tmp_path: Path) -> None:
    output = write(tmp_path / name, PAGES)
    pages = list(pages_of(tmp_path / name).values())
    if name == "x/":
        names = [writers.file_name(page.url) for page in PAGES]
        pages.sort(key=lambda page: names.index(page.url))
    assert len(pages) == len(PAGES)
    if name in ("x.avro", "x.jsonl", "x.jsonl.gz"):
        assert [page.url for page in pages] == [page.url for page in PAGES]
        assert [page.title for page in pages] == [page.title for page in PAGES]
        assert [page.date for page in pages] == [page.date for page in PAGES]
        assert not output.notes
    for page, given in zip(pages, PAGES, strict=True):
        if not given.content:
            assert not page.content
            continue
        if given.url == "https://example.org/täst?q=ö" and name == "x/":
            assert page.content == given.content  # and its character set is lost
            assert output.notes["a character set that only the HTTP header told: a directory can't say it"] == 1
            continue
        want = extract(given)
        assert text_of(extract(page)) == text_of(want)
        if given.url != "untitled" or name in ("x.avro", "x.jsonl", "x.jsonl.gz"):
            assert extract(page).title == want.title
    if "warc" in name:
        assert pages[3].url == "x%20y%0D%0AWARC-Type:%20evil"
        assert [page.date for page in pages[:2]] == [writers.DEFAULT_DATE, "2020-02-03T04:05:06Z"]
        assert pages[5].date == "2020-02-03T02:05:06Z"
        assert pages[0].content == PAGES[0].content
        assert pages[0].url == PAGES[0].url
        assert output.notes["the content type image/gif is not HTML's: text/html written"] == 1
        assert output.notes["a title that the markup lacks, dropped"] == 1


def test_warc_is_one_that_warcio_reads(tmp_path: Path) -> None:
    from warcio.archiveiterator import ArchiveIterator

    write(tmp_path / "x.warc.gz", [Page("http://a/", "", 0, b"<p>a"), Page("http://a/", "", 0, b"<p>a", date="yesterday")])
    with (tmp_path / "x.warc.gz").open("rb") as file:
        records = [(record.rec_type, dict(record.rec_headers.headers)) for record in ArchiveIterator(file, check_digests="raise")]
    assert [kind for kind, _ in records] == ["warcinfo", "response", "response"]
    assert len({headers["WARC-Record-ID"] for _, headers in records}) == 3
    assert records[2][1]["WARC-Date"] == writers.DEFAULT_DATE


def test_long_url_is_rejected_in_a_warc_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    long, longest = "http://a/" + "b" * 9000, "http://a/" + "b" * (writers.MAX_HEADER - 9)
    (tmp_path / "in.jsonl").write_text("".join(json.dumps({"url": url, "html": "<p>x"}) + "\n" for url in (long, longest)))
    assert corpus("convert", tmp_path / "in.jsonl", "-o", tmp_path / "x.warc.gz") == 0
    assert list(pages_of(tmp_path / "x.warc.gz")) == [longest]
    assert "pages=1 rejected=1 skipped=0 " in capsys.readouterr().err
    assert corpus("convert", tmp_path / "in.jsonl", "-o", tmp_path / "x.avro") == 0
    assert list(pages_of(tmp_path / "x.avro")) == [long, longest]


def test_rejected_are_named_and_not_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = ['{"url": "a", "html": "<p>a"}', "{not json", '{"html": "<p>no url"}', '{"url": "b", "text": "b"}']
    large = json.dumps({"url": "large", "text": "x" * (MAX_BYTES + 1)})
    (tmp_path / "in.jsonl").write_text("\n".join([*lines, large]))
    assert corpus("convert", tmp_path / "in.jsonl", "-o", tmp_path / "x.avro") == 0
    assert list(pages_of(tmp_path / "x.avro")) == ["a", "b"]
    said = capsys.readouterr()
    assert not said.out
    assert said.err.count("rejected: ") == 3
    assert "neither url nor id" in said.err
    assert "large: too-large" in said.err
    assert re.search(r"pages=2 rejected=3 skipped=0 bytes=\d+ output=\S+x.avro seconds=\d+\.\d\n$", said.err)


def test_base_url(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text(
        '{"id": 7, "html": "<p>a"}\n{"url": "http://b/c", "html": "<p>b"}\n{"url": "/d", "html": "d"}'
    )
    for base in ("https://e.org/f", "https://e.org/f/"):
        assert corpus("convert", tmp_path / "in.jsonl", "--base-url", base, "--overwrite", "-o", tmp_path / "x.avro") == 0
        assert list(pages_of(tmp_path / "x.avro")) == ["https://e.org/f/7", "http://b/c", "https://e.org/f/d"]


class Stdio:
    def __init__(self, data: bytes = b"") -> None:
        self.buffer = io.BytesIO(data)

    def isatty(self) -> bool:
        return False

    def flush(self) -> None:
        """Everything is in the buffer."""


def test_stdin_to_stdout(monkeypatch: pytest.MonkeyPatch, site: dict[str, Page]) -> None:
    monkeypatch.setattr(sys, "stdout", out := Stdio())
    assert corpus("convert", SITE) == 0
    monkeypatch.setattr(sys, "stdin", Stdio(out.buffer.getvalue()))
    monkeypatch.setattr(sys, "stdout", again := Stdio())
    assert corpus("convert", "-", "--date", "2021-01-01T00:00:00Z") == 0
    records = [json.loads(line) for line in again.buffer.getvalue().splitlines()]
    assert [record["url"] for record in records] == list(site)
    assert {record["date"] for record in records} == {"2021-01-01T00:00:00Z"}


def test_pipe_that_closes() -> None:
    command = f"{sys.executable} -m bigdata_demos.corpus synthetic --pages 2000 | head -1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    line, status = done.stdout.splitlines()
    assert json.loads(line)["url"] == synthetic.url_of(0)
    assert (status, done.stderr) == ("0", "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux only")
def test_stdout_that_is_full() -> None:
    with open("/dev/full", "wb") as full:
        command = [sys.executable, "-m", "bigdata_demos.corpus", "synthetic", "--pages", "20"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert re.fullmatch(r"error: cannot write to standard output: No space left on device: .*\n", done.stderr)


# File names


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("a/b.html", "a/b.html"),
        ("a/b", "a/b.html"),
        ("http://e.org", "e.org/index.html"),
        ("http://e.org/", "e.org/index.html"),
        ("http://e.org/a/", "e.org/a/index.html"),
        ("pydoc://python3.11/json.decoder.html", "python3.11/json.decoder.html"),
        ("http://e.org:80/a.php", "e.org_80/a.php.html"),
        ("/etc/passwd", "etc/passwd.html"),
        ("../../etc/passwd", "_/_/etc/passwd.html"),
        ("http://../..//./x", "_/_/x.html"),
        (".ssh/.rc", "_ssh/_rc.html"),
        ("a.html/b.html", "a.html_/b.html"),
        ("C:\\x\x00y", "C__x_y.html"),
        ("..", "_/index.html"),
        ("", "index.html"),
    ],
)
def test_file_names(url: str, name: str) -> None:
    assert writers.file_name(url) == name


def test_file_names_of_queries_differ() -> None:
    names = {writers.file_name(f"http://e.org/a.php?id={i}") for i in range(100)}
    assert len(names) == 100
    assert all(re.fullmatch(r"e\.org/a\.php-[0-9a-f]{12}\.html", name) for name in names)


HOSTILE = [
    "../../../escape", "/abs/olute", "http://..//../../x", "a/" * 500 + "b", "ü" * 5000, "x" * 300 + ".html", "\ud800", "\n", "..\\..\\x",
    "a", "a.html", "A", "a/b", "a.html/b", "http://e.org/?" + "q" * 9000, "con", "%2e%2e/%2e%2e/x", "~/x", "-rf", "http://[::1/x", "#", "?",
]  # fmt: skip


def test_hostile_urls_stay_inside(tmp_path: Path) -> None:
    pages = [Page(url, "", 0, f"<p>{i}".encode()) for i, url in enumerate(HOSTILE * 3)]
    write(tmp_path / "in" / "x", pages)
    assert {Path(name).parts[0] for name in inside(tmp_path)} == {"in"}
    assert {Path(name).parts[1] for name in inside(tmp_path) if name != "in"} == {"x"}
    found = pages_of(tmp_path / "in" / "x")  # none is hidden, none has replaced another
    assert {page.content for page in found.values()} == {page.content for page in pages}
    assert all(url.endswith(".html") for url in found)


# Complete, or not there


@pytest.mark.parametrize("name", OUTPUTS)
def test_existing_output_is_refused(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / name
    command = ("synthetic", "--pages", 3, "-o", f"{tmp_path}/{name}")
    assert corpus(*command) == 0
    before = inside(tmp_path)
    assert corpus(*command) == 1
    assert re.search(rf"^error: {target} exists already: .*--overwrite\n$", capsys.readouterr().err, re.MULTILINE)
    assert inside(tmp_path) == before
    assert corpus("synthetic", "--pages", 5, "-o", f"{tmp_path}/{name}", "--overwrite") == 0
    assert len(pages_of(target)) == 5
    if name != "x/":
        assert inside(tmp_path) == before


def test_what_was_not_made_here_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.html").write_text("years of work")
    (tmp_path / "x.avro").mkdir()
    for name in ("mine", "x.avro"):
        with pytest.raises(OutputError, match="was not made by this command"):
            write(tmp_path / name, [], overwrite=True)
    assert (tmp_path / "mine" / "thesis.html").read_text() == "years of work"


def test_fewer_files_leave_none_of_the_more(tmp_path: Path) -> None:
    (tmp_path / "x-1.avro").touch()
    write(tmp_path / "x.avro", PAGES, files=5)
    with pytest.raises(OutputError, match="exists already"):
        write(tmp_path / "x.avro", PAGES, files=2)
    write(tmp_path / "x.avro", PAGES, files=2, overwrite=True)
    assert inside(tmp_path) == ["x-00000.avro", "x-00001.avro", "x-1.avro"]


@pytest.mark.parametrize("name", OUTPUTS)
@pytest.mark.parametrize(("error", "status"), [(InputError("gone: look"), 1), (KeyboardInterrupt(), 130)])
def test_failure_leaves_nothing(
    name: str, error: BaseException, status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> Iterator[Page]:
        yield from PAGES
        raise error

    monkeypatch.setattr(cli, "source", fail)
    assert corpus("pydoc", "-o", f"{tmp_path}/new/{name}") == status
    assert not inside(tmp_path)
    (tmp_path / "x").mkdir()
    assert corpus("pydoc", "-o", f"{tmp_path}/{name}", "--overwrite") == status
    assert inside(tmp_path) == ["x"]


def test_termination_leaves_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bigdata_demos.corpus", "convert", "-", "-o", str(tmp_path / "new" / "x.warc.gz")]
    process = subprocess.Popen(command, stdin=subprocess.PIPE)
    while not inside(tmp_path):
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 143
    assert process.stdin
    process.stdin.close()
    assert not inside(tmp_path)


def test_disk_errors_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert corpus("synthetic", "--pages", 1, "-o", tmp_path / "file" / "x.avro") == 1
    said = capsys.readouterr().err
    assert said.startswith("error: cannot write")
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (("convert", SITE, "-o", "x.parquet"), 2),
        (("convert", SITE, "-o", "s3://bucket/x.avro"), 2),
        (("convert", SITE, "--files", 2), 2),
        (("convert", SITE, "-o", "dir/", "--files", 2), 2),
        (("convert", "no-such-file"), 1),
        (("convert", SITE, "no-such-file"), 1),
        (("convert", __file__), 1),
    ],
)
def test_errors(arguments: tuple[object, ...], status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.chdir(tmp_path)
    assert corpus(*arguments) == status
    said = capsys.readouterr()
    assert not said.out
    assert re.fullmatch(r"error: .+: .+\n", said.err)
    assert not inside(tmp_path)


@pytest.mark.parametrize(
    "arguments",
    [(), ("synthetic",), ("synthetic", "--pages", -1), ("synthetic", "--pages", 1, "--bytes", 9), ("pydoc", "--date", "2020"),
     ("pydoc", "--files", 0), ("convert",)],
)  # fmt: skip
def test_wrong_usage(arguments: tuple[object, ...]) -> None:
    assert corpus(*arguments) == 2


@pytest.mark.parametrize("command", [(), ("pydoc",), ("convert",), ("synthetic",)])
def test_help_has_examples(command: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert corpus(*command, "--help") == 0
    assert "bigdata-demos corpus" in capsys.readouterr().out


def test_help_imports_nothing_heavy() -> None:
    code = "import sys, bigdata_demos.corpus.__main__; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"numpy", "fastavro", "warcio", "tqdm", "fsspec", "resiliparse", "selectolax"} & set(done.stdout.split())


def test_targets() -> None:
    assert writers.target_of("a.b/c").kind == "directory"
    assert writers.target_of("a.avro/").kind == "directory"
    assert writers.target_of("A.WARC.GZ") == ("warc", True, ".WARC.GZ")
    for name in ("a.gz", "a.json", "v1.2", "hdfs://a/b"):
        with pytest.raises(UsageError):
            writers.target_of(name)


# Synthetic pages


def test_synthetic_is_the_seed(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        assert corpus("synthetic", "--pages", 300, "--seed", seed, "-o", tmp_path / f"{name}.warc.gz") == 0
    first, again, other = ((tmp_path / f"{name}.warc.gz").read_bytes() for name in "abc")
    assert first == again
    assert first != other
    contents = [{page.content for page in synthetic.pages(300, seed)} for seed in (1, 2)]
    assert not contents[0] & contents[1]


def test_synthetic_is_the_same_in_every_kind_and_number(tmp_path: Path) -> None:
    want = [(page.url, page.content) for page in synthetic.pages(300, 3)]
    assert [(page.url, page.content) for page in synthetic.pages(10, 3)] == want[:10]
    for name in OUTPUTS:
        assert corpus("synthetic", "--pages", 300, "--seed", 3, "-o", f"{tmp_path}/{name}") == 0
        found = pages_of(tmp_path / name)
        if name == "x/":
            assert sorted(page.content for page in found.values()) == sorted(content for _, content in want)
        else:
            assert [(page.url, markup(page).encode()) for page in found.values()] == want


def test_synthetic_words_follow_zipfs_law() -> None:
    words = Counter(
        word for page in synthetic.pages(1000, 5) for word in re.findall(r"\w+", extract(page).text.lower()) if not word.isdigit()
    )
    counts = sorted(words.values(), reverse=True)
    assert words.most_common(1)[0][0] == "the"
    points = [(math.log(rank), math.log(counts[rank - 1])) for rank in (10, 20, 40, 80, 160, 320, 640, 1280, 2560, 5120, 10240)]
    slope, _ = statistics.linear_regression(*zip(*points, strict=True))
    assert -1.15 < slope < -0.85
    assert statistics.correlation(*zip(*points, strict=True)) < -0.99


@pytest.mark.parametrize("nbytes", [512, 4096, 20_000])
def test_synthetic_sizes_are_log_normal(nbytes: int) -> None:
    sizes = [len(page.content) for page in synthetic.pages(1024, 5, nbytes)]
    assert 0.9 < statistics.median(sizes) / nbytes < 1.1
    if nbytes >= 4096:
        logs = [math.log(size) for size in sizes]
        assert 0.8 < statistics.stdev(logs) < 1.1
        assert abs(statistics.mean(logs) - statistics.median(logs)) < 0.1


def test_synthetic_is_html_whose_topics_are_its_keywords(tmp_path: Path) -> None:
    pages = list(synthetic.pages(500, 6))
    for page in pages[:100]:
        assert isinstance(page.content, bytes)
        for tag in (b"p", b"h1", b"h2", b"ul", b"li", b"a", b"nav", b"footer", b"main", b"html", b"strong"):
            assert page.content.count(b"<%b>" % tag) + page.content.count(b"<%b " % tag) == page.content.count(b"</%b>" % tag)
    write(tmp_path / "x.avro", pages)
    result = run([str(tmp_path / "x.avro")], engine="serial", output=tmp_path / "out", top=5)
    assert (result.pages, result.rejected) == (500, 0)
    hits = sum(
        record["title"].lower().split(" and ")[0] in [keyword["phrase"].lower() for keyword in record["keywords"]]
        for record in result.read_keywords()
    )
    assert hits > 450


def test_synthetic_words_are_unlike() -> None:
    world = synthetic.make_world()
    assert len(set(world.strings[: len(synthetic.FUNCTION_WORDS) // 2 + synthetic.VOCABULARY])) == (
        len(synthetic.FUNCTION_WORDS) // 2 + synthetic.VOCABULARY
    )
    assert set(synthetic.FUNCTION_WORDS[::2]) <= synthetic.STOPWORDS
    assert world.table.size == 1 << synthetic.TABLE_BITS


# The documentation of Python


def test_pydoc_of_some_modules(capfd: pytest.CaptureFixture[str]) -> None:
    items = list(pydoc_pages.pages(["json", "this", "bisect", "no_such_module", "antigravity"]))
    found = {item.url: item for item in items if isinstance(item, Page)}
    root = f"pydoc://python{sys.version_info.major}.{sys.version_info.minor}"
    assert {f"{root}/{name}.html" for name in ("bisect", "json", "json.decoder", "json.tool")} <= found.keys()
    assert not any(name in url for url in found for name in ("this", "antigravity", "__main__"))
    assert [item.source.split(":")[0] for item in items if isinstance(item, Skipped)] == ["no_such_module"]
    assert "JSONDecoder" in extract(found[f"{root}/json.decoder.html"]).text
    assert capfd.readouterr() == ("", "")


NOISY = {
    "prints": "import os, sys, warnings; print('loud'); print('loud', file=sys.stderr); os.write(1, b'loud'); warnings.warn('loud')",
    "exits": "raise SystemExit(0)",
    "fails": "1 / 0",
    "__main__": "raise KeyboardInterrupt",
}


def test_pydoc_lets_no_module_speak_or_exit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "noisy_package").mkdir()
    (tmp_path / "noisy_package" / "__init__.py").touch()
    for name, code in NOISY.items():
        (tmp_path / "noisy_package" / f"{name}.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "stdlib_module_names", {"noisy_package"})
    assert corpus("pydoc", "--verbose") == 0
    said = capfd.readouterr()
    urls = [json.loads(line)["url"].rpartition("/")[2] for line in said.out.splitlines()]
    assert urls == ["noisy_package.html", "noisy_package.prints.html"]
    assert "loud" not in said.out.replace("print('loud'", "") + said.err
    assert "skipped: noisy_package.exits: SystemExit: 0" in said.err
    assert "skipped: noisy_package.fails: ZeroDivisionError" in said.err
    assert "pages=2 rejected=0 skipped=2 " in said.err


def test_compressed_json_lines_have_no_name_nor_time(tmp_path: Path) -> None:
    write(tmp_path / "x.jsonl.gz", PAGES)
    raw = (tmp_path / "x.jsonl.gz").read_bytes()
    assert raw[3:8] == b"\0\0\0\0\0"
    assert len(gzip.decompress(raw).splitlines()) == len(PAGES)
