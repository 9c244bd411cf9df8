"""Which files a path stands for, of which kind each is, and what is read of it."""

import bz2
import errno
import gzip
import lzma
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import fsspec
import pytest

from bigdata_demos.crawl import plan, reader
from bigdata_demos.crawl.model import Page, Rejected, Unreadable
from bigdata_demos.errors import InputError
from bigdata_demos.keywords import run
from bigdata_demos.keywords.analysis.text import extract
from tests.support.crawl import AVRO, HTML, LINE, PNG, kinds, read, rejections, urls, write
from tests.support.paths import ROOT, SITE
from tests.support.warc import page as warc_page


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("page.html", HTML, "html"),
        ("page.HTM", HTML, "html"),
        ("page.php", HTML, "html"),
        ("page", b"\n <!-- hello --><HTML>", "html"),
        ("page.aspx", b'<?xml version="1.0"?>\n<!DOCTYPE html PUBLIC "x">', "html"),
        ("crawl.warc", warc_page("http://a.example/", b"<p>x"), "warc"),
        ("crawl", warc_page("http://a.example/", b"<p>x"), "warc"),
        ("crawl.jsonl", warc_page("http://a.example/", b"<p>x"), "warc"),
        ("pages.avro", AVRO, "avro"),
        ("pages", AVRO, "avro"),
        ("pages.txt", AVRO, "avro"),
        ("pages.jsonl", LINE, "jsonl"),
        ("pages.ndjson", LINE, "jsonl"),
        ("pages.json", LINE, "jsonl"),
        ("pages", LINE, "jsonl"),
        ("pages.log", b"\xef\xbb\xbf\r\n " + LINE, "jsonl"),
        ("pages.avro", LINE, "jsonl"),
        ("empty.jsonl", b"", "jsonl"),
    ],
)
def test_kind(tmp_path: Path, name: str, content: bytes, kind: str) -> None:
    """By content first, by name where that does not tell; named or found in a directory."""
    path = write(tmp_path / name, content)
    assert kinds(path) == kinds(tmp_path) == {name: (kind, "")}


@pytest.mark.parametrize("content", [warc_page("http://a.example/0", b"<p>some words"), AVRO], ids=["warc", "avro"])
def test_another_kind_named_html(tmp_path: Path, content: bytes) -> None:
    """Its own pages are read, or the file is rejected: it is no page itself, whatever its name."""
    found = read(write(tmp_path / "page.html", content))
    for one in found:
        if isinstance(one, Page) and one.url == "page.html":
            with pytest.raises(Unreadable, match="not-html"):
                extract(one)
    assert found


@pytest.mark.parametrize("name", ["notes.txt", "style.css", "picture.png", "README", "x.gz"])
def test_what_is_no_page(tmp_path: Path, name: str) -> None:
    """Skipped and counted in a directory, refused where it was named."""
    path = write(tmp_path / name, PNG if name.endswith("png") else b"body { color: red }")
    write(tmp_path / "page.html", HTML)
    splits, skipped = plan.plan([str(tmp_path)])
    assert ([part.name for split in splits for part in split.ranges], skipped) == (["page.html"], 1)
    with pytest.raises(InputError, match="not a web page, WARC, Avro or JSON lines file"):
        plan.plan([str(path)])


def test_a_picture_named_html(tmp_path: Path) -> None:
    """It has the name of a page: it is read, and rejected when it is parsed."""
    write(tmp_path / "page.html", PNG)
    [found] = read(tmp_path)
    assert isinstance(found, Page)
    assert found.content == PNG
    with pytest.raises(Unreadable, match="not-html"):
        extract(found)


PACKERS: dict[str, Callable[[bytes], bytes]] = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}


@pytest.mark.parametrize("suffix", PACKERS)
@pytest.mark.parametrize(
    ("name", "content", "identity"),
    [
        ("page.html", HTML, "page.html{}"),
        ("page", HTML, "page{}"),
        ("pages.jsonl", LINE, "u"),
        ("pages", LINE, "u"),
        ("pages.avro", AVRO, "http://a.example/0"),
        ("crawl.warc", warc_page("http://a.example/", b"<p>x"), "http://a.example/"),
        ("crawl", warc_page("http://a.example/", b"<p>x"), "http://a.example/"),
    ],
)
def test_compression_by_suffix(tmp_path: Path, suffix: str, name: str, content: bytes, identity: str) -> None:
    """Every kind in every compression; a page keeps the name of its file."""
    found = read(write(tmp_path / (name + suffix), PACKERS[suffix](content)), split_bytes=5)
    assert rejections(found) == []
    assert urls(found)[0] == identity.format(suffix)
    assert len(urls(found)) == len(set(urls(found)))


@pytest.mark.parametrize("suffix", PACKERS)
@pytest.mark.parametrize("damage", ["cut", "garbage", "flipped", "nothing"])
def test_damaged_compression(tmp_path: Path, suffix: str, damage: str) -> None:
    """Never an exception: what is before the damage is read, and the damage is told of."""
    whole = PACKERS[suffix](b"".join(b'{"id": %d, "text": "word%d"}\n' % (i, i * i) for i in range(1, 5_000)))
    middle = len(whole) // 2
    content = {
        "cut": whole[:-30],
        "garbage": b"this is not compressed" * 50,
        "flipped": whole[:middle] + bytes(255 - byte for byte in whole[middle : middle + 9]) + whole[middle + 9 :],
        "nothing": b"",
    }[damage]
    found = read(write(tmp_path / f"pages.jsonl{suffix}", content))
    assert all(isinstance(one, Page | Rejected) for one in found)
    if damage == "nothing":
        assert urls(found) == []
    else:
        assert {"truncated", "unreadable"} & {one.reason for one in found if isinstance(one, Rejected)}
    if (suffix, damage) != (".bz2", "flipped"):  # bzip2 hands out a block before its checksum comes
        assert urls(found)[:50] == [str(i) for i in range(1, 51)][: len(urls(found))]


# Directories, globs, names.


def test_directory(tmp_path: Path) -> None:
    """All files below it in order of their names; pages are known by their path below it, however it is named."""
    for name in ("b.html", "a/z.html", "a/b/c.html", "a.html", "A.html"):
        write(tmp_path / "site" / name, HTML)
    expected = sorted(["b.html", "a/z.html", "a/b/c.html", "a.html", "A.html"])
    assert sorted(urls(read(tmp_path / "site"))) == expected
    assert urls(read(f"{tmp_path}/site/")) == urls(read(tmp_path / "site")) == urls(read(f"{tmp_path}/site/../site"))
    assert urls(read(f"file://{tmp_path}/site")) == urls(read(tmp_path / "site"))
    assert urls(read(tmp_path / "site" / "a" / "b" / "c.html")) == ["c.html"]


def test_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Relative paths, and the one that is only a dot."""
    write(tmp_path / "a" / "b.html", HTML)
    monkeypatch.chdir(tmp_path)
    assert urls(read("a")) == ["b.html"]
    assert urls(read(".")) == ["a/b.html"]


def test_hidden_files_are_left_out(tmp_path: Path) -> None:
    """Those below a directory whose name, or whose directory's name, starts with a dot; not where the input itself is hidden."""
    for name in (".hidden.html", ".git/x.html", "a/.b/c.html", "seen.html"):
        write(tmp_path / ".root" / name, HTML)
    splits, skipped = plan.plan([str(tmp_path / ".root")])
    assert [part.name for split in splits for part in split.ranges] == ["seen.html"]
    assert skipped == 0
    assert urls(read(tmp_path / ".root" / ".hidden.html")) == [".hidden.html"]


def test_globs(tmp_path: Path) -> None:
    """Files in order of their names, directories not; each named by its last part."""
    for name in ("b.html", "a.html", "c/d.html", "e.jsonl"):
        write(tmp_path / name, LINE if name.endswith("jsonl") else HTML)
    write(tmp_path / "dir.html" / "x.html", HTML)
    assert urls(read(tmp_path / "*.html")) == ["a.html", "b.html"]
    assert urls(read(tmp_path / "[ab].html")) == ["a.html", "b.html"]
    assert urls(read(tmp_path / "?.jsonl")) == ["u"]
    assert sorted(urls(read(tmp_path / "**" / "*.html"))) == ["a.html", "b.html", "d.html", "x.html"]
    with pytest.raises(InputError, match="no file matches"):
        plan.plan([str(tmp_path / "*.warc")])


@pytest.mark.parametrize("name", ["[draft].html", "what?.html", "a*b.html", "{x}.html", "two  words .html", "tab\t.html", "new\nline.html", "naïve ☃.html", "per%20cent#x.html", "a::b.html", "-"])  # fmt: skip
def test_odd_names(tmp_path: Path, name: str) -> None:
    """A file that is there is that file, whatever its name looks like; alone and in a directory."""
    write(tmp_path / name, HTML)
    write(tmp_path / "d.html", HTML)
    assert urls(read(tmp_path / name)) == [name]
    assert urls(read(tmp_path)) == sorted(["d.html", name])


def test_directory_with_brackets(tmp_path: Path) -> None:
    """The same for a directory's name."""
    write(tmp_path / "site [2024]*" / "x.html", HTML)
    assert urls(read(tmp_path / "site [2024]*")) == ["x.html"]


def test_name_that_is_not_utf8(tmp_path: Path) -> None:
    """The page is read, and its name can be written to any output."""
    write(tmp_path / os.fsdecode(b"caf\xe9.html"), HTML)
    for path in (tmp_path, tmp_path / os.fsdecode(b"caf\xe9.html")):
        [found] = read(path)
        assert isinstance(found, Page)
        assert extract(found).url == "caf\ufffd.html"
    result = run([tmp_path], output=tmp_path.parent / f"{tmp_path.name}-out")
    assert (result.pages, result.rejected) == (1, 0)


def test_rejected_file_whose_name_is_not_utf8(tmp_path: Path) -> None:
    """One that is rejected is told of as well."""
    write(tmp_path / "in" / os.fsdecode(b"caf\xe9.html"), b"")
    write(tmp_path / "in" / os.fsdecode(b"caf\xe8.jsonl"), b"{broken\n")
    write(tmp_path / "in" / "fine.html", HTML)
    result = run([tmp_path / "in"], output=tmp_path / "out", max_rejected=90)
    assert (result.pages, result.reasons) == (1, {"bad-record": 1, "empty": 1})


@pytest.mark.parametrize("path", ["no-such-file.html", "no-such-directory/", "no/such/*.html", "site.html/below"])
def test_missing(tmp_path: Path, path: str) -> None:
    """What is not there is an error that names it."""
    write(tmp_path / "site.html", HTML)
    with pytest.raises(InputError, match=path.split("*", maxsplit=1)[0].rstrip("/")):
        plan.plan([str(tmp_path / "site.html"), f"{tmp_path}/{path}"])


@pytest.mark.parametrize("path", ["nonsense://bucket/x", "://x", "http://127.0.0.1:1/x.html", "x\x00y"])
def test_what_is_no_path(path: str) -> None:
    """Nothing but an error that names it."""
    with pytest.raises(InputError, match=r"cannot be read|no such file"):
        plan.plan([path])


def test_directory_that_links_to_itself(tmp_path: Path) -> None:
    """Read once."""
    write(tmp_path / "a" / "x.html", HTML)
    (tmp_path / "a" / "loop").symlink_to(tmp_path / "a", target_is_directory=True)
    assert urls(read(tmp_path)) == ["a/x.html"]


def test_dangling_link(tmp_path: Path) -> None:
    """A page that is in the directory's list but cannot be opened: the rest is read; at most it is told of."""
    write(tmp_path / "a.html", HTML)
    (tmp_path / "gone.html").symlink_to(tmp_path / "nowhere.html")
    (tmp_path / "gone.jsonl").symlink_to(tmp_path / "nowhere.jsonl")
    found = read(tmp_path)
    assert urls(found) == ["a.html"]
    assert {(url, why) for _, url, why in rejections(found)} >= {("gone.html", "unreadable")}
    with pytest.raises(InputError, match=r"gone\.html"):
        plan.plan([str(tmp_path / "gone.html")])


@pytest.mark.parametrize("name", ["a.html", "a.jsonl", "a.avro", "a.warc.gz"])
def test_file_that_goes_between_plan_and_read(tmp_path: Path, name: str) -> None:
    """The run fails, and says which file: a page that is there no more is no bad page."""
    content = {"html": HTML, "jsonl": LINE, "avro": AVRO, "gz": gzip.compress(warc_page("http://a.example/", b"<p>x"))}
    path = write(tmp_path / name, content[name.rpartition(".")[2]])
    write(tmp_path / "b.html", HTML)
    splits, _ = plan.plan([str(tmp_path)])
    data = path.read_bytes()
    path.write_bytes(data[:-1])
    with pytest.raises(
        InputError, match=rf"{name}: has {len(data) - 1} bytes, and had {len(data)} or more when the run was planned"
    ):
        list(reader.read(splits[0]))
    path.unlink()
    with pytest.raises(InputError, match=f"{name}: was there when the run was planned, and is gone"):
        list(reader.read(splits[0]))


@pytest.mark.parametrize("name", ["a.html", "a.jsonl", "a.avro", "a.warc", "a.warc.gz", "a.jsonl.gz"])
@pytest.mark.parametrize("number", [errno.EIO, errno.EMFILE, errno.ENOMEM, errno.ENOSPC])
def test_faults_of_the_machine_are_no_bad_pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, number: int) -> None:
    """An I/O error, too many open files, no memory, a full disk: the task fails, so that it is tried again."""
    page = warc_page("http://a.example/", b"<p>x")
    content = {"html": HTML, "jsonl": LINE, "avro": AVRO, "warc": page, "gz": gzip.compress(page if "warc" in name else LINE)}
    write(tmp_path / name, content[name.rpartition(".")[2]])
    splits, _ = plan.plan([str(tmp_path)])

    def fail(*_: object) -> NoReturn:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(reader, "open_file", fail)
    with pytest.raises(InputError, match=rf"{name}: this machine cannot read it: .*{os.strerror(number)}"):
        list(reader.read(splits[0]))


@pytest.mark.parametrize("scheme", ["", "file://"])
def test_pipe_in_a_directory(tmp_path: Path, scheme: str) -> None:
    """What is no regular file is not waited for."""
    write(tmp_path / "a.html", HTML)
    os.mkfifo(tmp_path / "pipe.html")
    os.mkfifo(tmp_path / "pipe")
    code = "import sys; from tests.support.crawl import read, urls; print(urls(read(sys.argv[1])))"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
    done = subprocess.run(
        [sys.executable, "-c", code, f"{scheme}{tmp_path}"],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
        env=environment,
    )
    assert done.stdout.strip() == "['a.html']", done.stderr[-1000:]


def test_file_that_goes_while_its_directory_is_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is left out, and the others are read."""
    for name in "abcdef":
        write(tmp_path / f"{name}.html", HTML)
    scandir = os.scandir

    @contextmanager
    def listed(path: str) -> Iterator[Iterator[os.DirEntry[str]]]:
        with scandir(path) as entries:
            found = list(entries)
        (tmp_path / "c.html").unlink(missing_ok=True)
        yield iter(found)

    monkeypatch.setattr("bigdata_demos.crawl.files.os.scandir", listed)
    assert urls(read(tmp_path)) == [f"{name}.html" for name in "abdef"]


def test_local_path_with_what_urls_have(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path is a path, whatever is in it; and ``..`` after a link is the directory before the link."""
    write(tmp_path / "a::b" / "x.html", HTML)
    assert urls(read(tmp_path / "a::b" / "*.html")) == ["x.html"]
    (tmp_path / "link").symlink_to(tmp_path / "a::b", target_is_directory=True)
    write(tmp_path / "y.html", HTML)
    monkeypatch.chdir(tmp_path)
    assert urls(read("link/../y.html")) == ["y.html"]
    with pytest.raises(InputError, match="no such file"):
        plan.plan(["link/../x.html"])


def test_a_file_named_twice_is_read_twice(tmp_path: Path) -> None:
    """Nothing is deduplicated."""
    path = write(tmp_path / "a.html", HTML)
    assert urls(read(path, tmp_path, path)) == ["a.html"] * 3


def test_memory_url() -> None:
    """Any file system that fsspec knows: files, directories and globs; identity is the path below the directory."""
    fs = fsspec.filesystem("memory")
    fs.pipe({"/sources-test/a.html": HTML, "/sources-test/b/pages.jsonl": LINE * 2, "/sources-test/crawl.warc.gz": gzip.compress(warc_page("http://a.example/", b"<p>x")), "/sources-test/x.css": b"x"})  # fmt: skip
    try:
        found = read("memory://sources-test")
        assert urls(found) == ["a.html", "u", "u", "http://a.example/"]
        names = ("a.html", "b/pages.jsonl", "b/pages.jsonl", "crawl.warc.gz")
        assert [one.source.replace("///", "//") for one in found] == [f"memory://sources-test/{name}" for name in names]
        assert urls(read("memory://sources-test/b/*.jsonl")) == ["u", "u"]
        assert urls(read("memory://sources-test/a.html")) == ["a.html"]
        assert rejections(found) == []
        with pytest.raises(InputError, match="memory://sources-test/none"):
            plan.plan(["memory://sources-test/none"])
    finally:
        fs.rm("/sources-test", recursive=True)


def test_local_files_need_no_fsspec() -> None:
    """Nor asyncio: both take longer to import than all else that a small local job needs."""
    code = (
        "import sys; from bigdata_demos.keywords import cli; cli.main(sys.argv[1:]); print(*sorted(sys.modules), file=sys.stderr)"
    )
    line = [sys.executable, "-c", code, "--engine", "serial", "--format", "jsonl", str(SITE)]
    done = subprocess.run(line, capture_output=True, text=True, timeout=60, check=True)
    assert not {"fsspec", "asyncio"} & set(done.stderr.split())
    assert "bigdata_demos.keywords.runner" in done.stderr.split()


def test_copy_of_the_site_has_the_same_pages(tmp_path: Path) -> None:
    """Where a directory is does not matter to who its pages are."""
    shutil.copytree(SITE, tmp_path / "elsewhere")
    assert urls(read(tmp_path / "elsewhere")) == urls(read(SITE))
