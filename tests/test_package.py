"""The package: what the wheel carries, what its public names are, and that each engine keeps the contract."""

import ast
import re
import subprocess
import sys
import venv
import zipfile
from pathlib import Path
from sysconfig import get_path

from bigdata_demos.crawl import plan, reader
from bigdata_demos.crawl.model import Page
from bigdata_demos.keywords.analysis.kernels import native
from bigdata_demos.keywords.engines import ENGINES as RECORDS
from bigdata_demos.keywords.engines import EngineModule, asyncio_pool, dask_bag, hadoop_streaming, serial, spark_rdd
from tests.support.paths import DATA, ROOT, SITE

# Held to the contract by the type checker: the modules as they are, no base class.
ENGINES: tuple[EngineModule, ...] = (serial, asyncio_pool, dask_bag, spark_rdd, hadoop_streaming)


def test_each_engine_is_one_readable_file() -> None:
    """An engine's file is short enough to be read beside the others, and marks map, shuffle and reduce."""
    for engine in ENGINES:
        text = Path(str(engine.__file__)).read_text()  # type: ignore[attr-defined]
        assert len(text.splitlines()) < 150, engine
        for verb in ("# Pass 1: map", "# Pass 2: map", "shuffle", "reduce"):
            assert verb in text, (engine, verb)


def test_wheel_carries_the_crawl_the_schemas_and_the_types(tmp_path: Path) -> None:
    """A user of the wheel has all that a user of the source tree has; its command runs in an environment of its own."""
    build = [sys.executable, "-m", "build", "--wheel", "--outdir", str(tmp_path), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {
        "bigdata_demos/data/site.warc.gz",
        "bigdata_demos/schemas/keywords.avsc",
        "bigdata_demos/interview/questions/skew.md",
        "bigdata_demos/py.typed",
    } <= set(names)
    assert not [name for name in names if "__pycache__" in name or name.startswith("tests")]
    environment = tmp_path / "environment"
    venv.create(environment, symlinks=True)
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", str(environment / "bin" / "python"), "install", "-q", "--no-deps", str(wheel)],
        check=True,
    )
    packages = next(environment.glob("lib/python*/site-packages"))
    (packages / "dependencies.pth").write_text(get_path("purelib"))  # only what it depends on is that of the tests
    command = [str(environment / "bin" / "bigdata-demos"), "keywords", "--engine", "asyncio", "--format", "jsonl"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert len(done.stdout.splitlines()) == 63


def test_bundled_crawl_is_the_site() -> None:
    """data/site.warc.gz has the pages of data/site, byte for byte (`make crawl` makes it), one of them from the year 9999."""
    pages = [page for split in plan.plan([str(DATA / "site.warc.gz")])[0] for page in reader.read(split)]
    found = {page.url.removeprefix("http://site.example/"): page.content for page in pages if isinstance(page, Page)}
    assert found == {str(path.relative_to(SITE)): path.read_bytes() for path in SITE.rglob("*.html")}
    assert "9999-12-31T23:59:59Z" in {page.date for page in pages if isinstance(page, Page)}


def test_links_of_the_site_lead_somewhere() -> None:
    """Every link between the site's pages has a page or a file at its end, and every page can be reached."""
    from urllib.parse import urljoin

    reached, waiting = set[str](), ["index.html"]
    while waiting:
        name = waiting.pop()
        if name in reached:
            continue
        reached.add(name)
        text = (SITE / name).read_bytes().decode("utf-16" if name == "spark-ja.html" else "latin-1")
        for link in re.findall(r'(?:href|src)="([^"#:]+)', text) if name.endswith(".html") else ():
            target = urljoin(name, link)
            if (SITE / target).is_file():
                waiting.append(target)
            else:
                assert name == "bad/truncated.html", (name, link)  # which ends in the middle of one
    assert reached == {str(path.relative_to(SITE)) for path in SITE.rglob("*") if path.is_file()}


def test_tests_import_no_other_tests() -> None:
    """What test modules share is in tests/support; none imports another one, or conftest."""
    for path in (ROOT / "tests").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
            if isinstance(node, ast.ImportFrom):
                names = [f"{node.module or ''}.{name}" for name in names]
            for name in names:
                assert not {part for part in name.split(".") if part.startswith(("test_", "conftest"))}, (path, name)


def test_documents_name_tests_that_exist() -> None:
    """Each test or file of tests that the documents or the source mention is there."""
    texts = {path: path.read_text() for path in (ROOT / "tests").rglob("*.py")}
    known = {path.stem for path in texts} | {name for text in texts.values() for name in re.findall(r"def (test_\w+)", text)}
    for path in (ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "src").rglob("*.py"), *texts):
        text = path.read_text()
        assert set(re.findall(r"\btest_\w+", text)) <= known, path
        for file in re.findall(r"\btests/[\w/]+\.py\b", text):
            assert (ROOT / file).exists(), (path, file)


def test_a_serial_run_imports_no_cluster(tmp_path: Path) -> None:
    """A run on one thread needs nothing of Hadoop, Docker, Spark or Dask, and does not pay for their imports.

    Nor for that of numpy, which the compiled kernel does without.
    """
    code = (
        "import sys; from bigdata_demos.keywords import run\n"
        f"run([{str(SITE / 'mapreduce.html')!r}], engine='serial', output={str(tmp_path / 'out')!r})\nprint(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    foreign = r"(bigdata_demos\.cluster\.(hadoop|docker|compose|spark|dask|container)|(pyspark|py4j|requests|dask|distributed)\b)"
    if native.available():
        foreign += r"|numpy\b"
    assert [name for name in done.stdout.split() if re.match(foreign, name)] == []


def test_engine_records() -> None:
    """Each engine has one record, and its module's file; what it has to do with clusters is said whole or not at all."""
    assert {engine.module for engine in RECORDS.values()} == {str(module.__name__).rpartition(".")[2] for module in ENGINES}  # type: ignore[attr-defined]
    for name, engine in RECORDS.items():
        assert name == engine.name
        assert bool(engine.scheme) == bool(engine.variable)


TESTED_IN = {
    "bench/engines/cc_pyspark_job": "bench/test_cli",
    "bench/report/curves": "bench/test_figures",
    "bench/report/parts": "bench/test_figures",
    "bench/report/plots": "bench/test_figures",
    "bench/report/resources": "bench/test_figures",
    "bench/report/sections": "bench/test_figures",
    "cluster/spark_master": "cluster/test_standalone",
    "crawl/html": "crawl/test_files",
    "crawl/records": "crawl/test_jsonl",
    "index/cache": "search/test_cli",
    "index/sqlite": "index/test_load",
    "keywords/outputs": "storage/test_webhdfs",
    "keywords/tasks": "keywords/engines/test_conformance",
    "search/overview": "serve/test_app",
    "storage/cache": "search/test_cli",
    "storage/files": "crawl/test_files",
    "storage/remote": "crawl/test_files",
}
"""The test modules of modules that are reached through others only."""


def test_each_module_has_a_test_that_can_be_found() -> None:
    """A test module imports it, or has its name in the same folder, or is in the list."""
    tests, source = ROOT / "tests", ROOT / "src" / "bigdata_demos"
    imported = set[str]()
    for path in tests.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                imported |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    missing = set[str]()
    for path in source.rglob("*.py"):
        name = path.relative_to(source).with_suffix("")
        mirrored = tests / name.parent / f"test_{name.name}.py"
        if (
            path.stem not in ("__init__", "__main__")
            and not mirrored.exists()
            and f"bigdata_demos.{'.'.join(name.parts)}" not in imported
        ):
            missing.add(str(name))
    assert missing == TESTED_IN.keys()
    assert all((tests / f"{path}.py").exists() for path in TESTED_IN.values())
