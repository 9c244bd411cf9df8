"""How drivers and containers find each other: the secret, the recorded addresses, the paths both see, the package's fingerprint."""

import json
import os
import platform
import re
import shutil
import stat
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from bigdata_demos.cluster import registry
from bigdata_demos.cluster.registry import Record, check_paths, check_same, find, secret
from bigdata_demos.errors import EngineUnavailable, UsageError
from tests.support.paths import ROOT

MINOR = ".".join(platform.python_version_tuple()[:2])


@pytest.fixture
def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The registry's directory, empty."""
    made = tmp_path / "registry"
    made.mkdir()
    monkeypatch.setenv(registry.RUN, str(made))
    return made


# The secret


def test_processes_that_start_at_once_share_one_secret(at: Path) -> None:
    """All read the same secret; its mode is 0600, and no other file is left."""
    program = (
        "import sys; from bigdata_demos.cluster.registry import secret; print(1, flush=True); sys.stdin.read(1); print(secret())"
    )
    line = [sys.executable, "-c", program]
    racers = [subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(6)]
    for racer in racers:
        assert racer.stdout
        assert racer.stdout.readline() == "1\n"
    for racer in racers:
        assert racer.stdin
        racer.stdin.write("g")
        racer.stdin.flush()
    said = {racer.communicate(timeout=30)[0] for racer in racers}
    assert said == {(at / "secret").read_text() + "\n"}
    assert [path.name for path in at.iterdir()] == ["secret"]
    assert stat.S_IMODE((at / "secret").stat().st_mode) == 0o600


def test_the_first_secret_wins(at: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process has written its own just before."""
    link = os.link

    def too_late(source: Path, target: Path) -> None:
        target.touch(0o600)
        target.write_text("theirs-which-is-long-enough\n")
        link(source, target)

    monkeypatch.setattr(os, "link", too_late)
    assert secret() == "theirs-which-is-long-enough"
    assert [path.name for path in at.iterdir()] == ["secret"]


@pytest.mark.parametrize("mode", [0o640, 0o604])
def test_a_secret_that_others_can_read(at: Path, mode: int) -> None:
    """It is refused until its mode is 0600."""
    (at / "secret").write_text("known-to-everybody")
    (at / "secret").chmod(mode)
    with pytest.raises(EngineUnavailable, match=rf"^others can read {at}/secret: chmod 600 it, or remove it"):
        secret()
    (at / "secret").chmod(0o600)
    assert secret() == "known-to-everybody"


@pytest.mark.parametrize("text", ["", "sécret" * 9])
def test_a_file_that_is_no_secret(at: Path, text: str) -> None:
    """An empty or non-ASCII file is refused."""
    (at / "secret").write_text(text)
    (at / "secret").chmod(0o600)
    with pytest.raises(EngineUnavailable, match=r"secret is not a secret: remove it"):
        secret()


def test_no_secret(at: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A driver does not make one, as it would differ from the cluster's."""
    with pytest.raises(EngineUnavailable, match=r"there is no secret at .*: start the cluster"):
        secret(make=False)
    assert list(at.iterdir()) == []
    monkeypatch.setenv(registry.RUN, str(at / "nowhere"))
    with pytest.raises(EngineUnavailable, match=r"there is no secret at .*/nowhere/secret: start the cluster"):
        secret()
    monkeypatch.setattr(registry, "directory", lambda: None)
    with pytest.raises(EngineUnavailable, match=f"there is no docker/run directory here: .* set {registry.RUN}"):
        secret()


def test_a_directory_where_the_secret_cannot_be(at: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error has the user, the owner, and the variable that sets the user."""
    (at / "file").write_text("")
    monkeypatch.setenv(registry.RUN, str(at / "file"))
    with pytest.raises(
        EngineUnavailable, match=rf"no access to .* for user {os.getuid()}, it belongs to {os.getuid()}: BIGDATA_DEMOS_USER="
    ):
        secret()


# Addresses

RECORD = Record(
    scheme="spark", port=17077, inside="spark://spark-master:7077", page=18080, gateway="192.0.2.1", root="/data",
    interpreter="/opt/bigdata_demos/bin/python", python=platform.python_version(), pyspark="4.2.0", fingerprint=registry.fingerprint(),
)  # fmt: skip
DASK = replace(RECORD, scheme="tcp", port=18786, inside="tcp://dask-scheduler:8786")


@pytest.fixture
def known(at: Path) -> Path:
    """The registry's directory, with the records of a Spark and a Dask cluster."""
    registry.write(RECORD)
    registry.write(DASK)
    assert sorted(path.name for path in at.iterdir()) == ["dask.json", "secret", "spark.json"]
    return at


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize(
    ("url", "record"),
    [
        ("spark://localhost:17077", RECORD),
        ("spark://127.0.0.1:17077", RECORD),
        ("spark://spark-master:7077", RECORD),
        ("tcp://localhost:18786", DASK),
        ("tcp://dask-scheduler:8786", DASK),
        ("spark://localhost:7077", None),
        ("spark://spark-master:17077", None),
        ("spark://elsewhere:17077", None),
        ("spark://localhost:18786", None),
        ("tls://localhost:18786", None),
        ("yarn", None),
        ("", None),
    ],
)
def test_whose_address_it_is(url: str, record: Record | None) -> None:
    """The compose cluster is found by each of its addresses, and by no other."""
    assert find(url) == record


@pytest.mark.parametrize("text", ["", "{", "[]", '{"port": 17077}', json.dumps({**asdict(RECORD), "more": 1}), "\x80"])
def test_a_record_that_cannot_be_read(known: Path, text: str) -> None:
    """Damaged, or of another version: it is ignored, and the other cluster's is still found."""
    (known / "spark.json").write_bytes(text.encode("latin-1"))
    assert find("spark://localhost:17077") is None
    assert find("tcp://localhost:18786") == DASK


def test_no_records(at: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The registry's directory is empty, missing, or unknown."""
    assert find("spark://localhost:17077") is None
    monkeypatch.setenv(registry.RUN, str(at / "nowhere"))
    assert find("spark://localhost:17077") is None
    monkeypatch.setattr(registry, "directory", lambda: None)
    assert find("spark://localhost:17077") is None


def test_the_registrys_directory(at: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable's, also by a relative path, or the source tree's; always absolute."""
    assert registry.directory() == at
    monkeypatch.chdir(at)
    monkeypatch.setenv(registry.RUN, "below")
    assert registry.directory() == at / "below"
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv(registry.RUN, "")
    assert registry.directory() == ROOT / "docker" / "run"


# Paths


@pytest.fixture
def seen(tmp_path: Path) -> Record:
    """A cluster whose root has a page, a directory `out`, and symbolic links."""
    root = tmp_path / "tree"
    (root / "sub" / "deep").mkdir(parents=True)
    (root / registry.OUT).mkdir()
    (root / "page.html").write_text("words")
    (tmp_path / "outside.html").write_text("words")
    (root / "inner").symlink_to(root / "page.html")
    (root / "outer").symlink_to(tmp_path / "outside.html")
    (root / "up").symlink_to(tmp_path)
    (root / "short").symlink_to(root / "sub" / "deep")
    return replace(RECORD, root=str(root))


@pytest.mark.parametrize(
    "path",
    [
        "{root}", "{root}/page.html", "{root}/**/*.html", "{root}/nothing", "{root}/inner", "{root}/sub/../page.html",
        "file://{root}/page.html", "local://{root}/page.html", "-", "s3://bucket/*.warc.gz",
    ],
)  # fmt: skip
def test_inputs_that_containers_see(seen: Record, path: str) -> None:
    """Files below the root, standard input, and remote files."""
    check_paths(seen, [path.format(root=seen.root)], None)


@pytest.mark.parametrize(
    "path",
    [
        "{root}/../outside.html", "{root}-not/page.html", "{root}/../*.html", "{root}/outer", "{root}/up/outside.html", "{root}/up/*.html",
        "file://{root}/../outside.html", "local:///outside.html", "~/page.html", "page.html",
        "{root}/short/../../page.html",  # fsspec removes ".." with the directory before it, without following links
    ],
)  # fmt: skip
def test_inputs_that_containers_do_not_see(seen: Record, path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside of the root, however written; the error names the first of them, and the root."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    said = rf"^{re.escape(path.format(root=seen.root))}: the compose cluster sees {seen.root} and nothing else: .* up --root /"
    with pytest.raises(UsageError, match=said):
        check_paths(seen, [f"{seen.root}/page.html", path.format(root=seen.root), "/another"], None)


def test_relative_inputs(seen: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are relative to the current directory."""
    monkeypatch.chdir(Path(seen.root) / "sub")
    check_paths(seen, ["../page.html", "~/page.html".replace("~", ".."), "*.html", "."], None)
    with pytest.raises(UsageError, match=r"^\.\./\.\./outside\.html: "):
        check_paths(seen, ["../../outside.html"], None)


def test_a_root_by_a_symbolic_link(seen: Record, tmp_path: Path) -> None:
    """The containers see it by the link's name, and not by its target's."""
    link = tmp_path / "link"
    link.symlink_to(seen.root)
    by_link = replace(seen, root=str(link))
    check_paths(by_link, [f"{link}/page.html"], f"{link}/out/result")
    with pytest.raises(UsageError, match=f"sees {re.escape(str(link))} and nothing else"):
        check_paths(by_link, [f"{seen.root}/page.html"], None)


@pytest.mark.parametrize("output", ["out/sub/result", "sub/../out/result"])
def test_outputs_that_containers_can_write(seen: Record, output: str) -> None:
    """Anything below the root's `out`."""
    check_paths(seen, [], Path(seen.root) / output)
    check_paths(seen, [], f"{seen.root}/{output}")


@pytest.mark.parametrize("output", ["result", "out/../result", "../result", "output/result", "out", "up/result"])
def test_outputs_that_containers_cannot_write(seen: Record, output: str) -> None:
    """Outside of the root's `out`: the error proposes a path inside."""
    path = Path(seen.root) / output
    with pytest.raises(UsageError) as caught:
        check_paths(seen, [], path)
    name = path.resolve().name
    assert (
        str(caught.value)
        == f"output={path}: the compose cluster writes below {seen.root}/out only: output={seen.root}/out/{name}"
    )


# Driver and containers run the same versions


@pytest.mark.parametrize(("changes", "pyspark"), [({"python": f"{MINOR}.99"}, "4.2.0"), ({"pyspark": "4.1.0"}, "")])
def test_what_may_differ(changes: dict[str, str], pyspark: str) -> None:
    """Python's patch level; and pyspark's version where it does not matter (Dask)."""
    check_same(replace(RECORD, **changes), pyspark=pyspark)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"python": "3.1.4"},
            rf"^Python is {MINOR}\.\S+ here and 3\.1\.4 in the containers: .* PYTHON_VERSION={MINOR} docker compose",
        ),
        ({"python": f"{MINOR}9.0"}, rf"^Python is {MINOR}\.\S+ here and {MINOR}9\.0 in the containers"),
        (
            {"pyspark": "4.2.1"},
            r"^pyspark is 4\.2\.0 here and 4\.2\.1 in the containers: .* PYSPARK_VERSION=4\.2\.0 docker compose",
        ),
        (
            {"fingerprint": "0" * 64},
            "^the containers run another bigdata_demos than this one: bigdata-demos cluster up rebuilds their image",
        ),
    ],
)
def test_what_must_not_differ(changes: dict[str, str], said: str) -> None:
    """The error has both versions, and how to make them equal."""
    with pytest.raises(EngineUnavailable, match=said):
        check_same(replace(RECORD, **changes), pyspark="4.2.0")  # type: ignore[arg-type]


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A copy of the package."""
    source = Path(registry.__file__).parents[1]
    return Path(
        shutil.copytree(source, tmp_path / "copy" / "bigdata_demos", ignore=shutil.ignore_patterns("__pycache__", "*.gz"))
    )


def fingerprint_of(package: Path) -> str:
    """The fingerprint of a copy, computed by the copy."""
    program = "from bigdata_demos.cluster import registry; print(registry.__file__, registry.fingerprint())"
    done = subprocess.run(
        [sys.executable, "-c", program], env={"PYTHONPATH": str(package.parent)}, capture_output=True, text=True, check=True
    )
    file, said = done.stdout.split()
    assert Path(file).is_relative_to(package)
    return said


def test_fingerprint_depends_on_the_sources(package: Path) -> None:
    """A comment, a schema, a new file, a file renamed, a file removed: each gives another fingerprint."""
    fingerprints = [fingerprint_of(package)]
    job, schema = package / "keywords" / "job.py", next(package.rglob("*.avsc"))
    for change in (
        lambda: job.write_text(job.read_text() + "# more\n"),
        lambda: schema.write_text(schema.read_text() + "\n"),
        (package / "more.py").touch,
        lambda: job.rename(job.with_name("jobs.py")),
        (package / "__main__.py").unlink,
    ):
        change()
        fingerprints.append(fingerprint_of(package))
    assert len(set(fingerprints)) == len(fingerprints)


def test_fingerprint_depends_on_nothing_else(package: Path, tmp_path: Path) -> None:
    """Another place, compiled modules, backup files of editors, times and modes give the same fingerprint."""
    before = fingerprint_of(package)
    assert re.fullmatch("[0-9a-f]{64}", before)
    assert list(package.rglob("*.pyc")), "compiled by the first use"
    (package / "job.py~").write_text("old")
    (package / "errors.py").touch()
    (package / "errors.py").chmod(0o600)
    assert fingerprint_of(package) == before
    assert fingerprint_of(Path(shutil.copytree(package, tmp_path / "elsewhere" / "bigdata_demos"))) == before
