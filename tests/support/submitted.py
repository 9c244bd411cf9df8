"""``spark-submit`` with a packed environment, as ``docs/deployment.md`` has it."""

import json
import os
import shutil
import subprocess
import sys
import tarfile
import venv
from pathlib import Path

from bigdata_demos.cluster import spark_classes
from bigdata_demos.keywords import run
from tests.support.paths import ROOT


def pack_environment(directory: Path, python: str, packages: str) -> Path:
    """Pack a virtual environment of a Python of the executors' machine; what this package needs is in a directory there."""
    venv.create(directory, symlinks=True)
    shutil.rmtree(directory / "bin")
    (directory / "bin").mkdir()
    (directory / "bin" / "python").symlink_to(python)
    (directory / "pyvenv.cfg").write_text(f"home = {Path(python).parent}\ninclude-system-site-packages = false\n")
    own = directory / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    shutil.copytree(ROOT / "src" / "bigdata_demos", own / "bigdata_demos", ignore=shutil.ignore_patterns("__pycache__"))
    (own / "others.pth").write_text(packages)
    archive = directory.with_suffix(".tar.gz")
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(directory, ".")
    return archive


def spark_submit(
    python: str, master: str, settings: Path | None, archive: Path, directory: Path, options: dict[str, str], *arguments: str
) -> "subprocess.CompletedProcess[str]":
    """Run the job of ``deploy/`` in a directory by spark-submit; the executors have the Python of the archive, the driver ``python``."""
    command = [
        f"{spark_classes.home()}/bin/spark-submit",
        "--master", master,
        *(["--properties-file", str(settings)] if settings else []),
        "--archives", f"{archive}#environment",
        *(part for name, value in {"spark.ui.enabled": "false", **options}.items() for part in ("--conf", f"{name}={value}")),
        "--driver-java-options", spark_classes.java_options(spark_classes.directory()),
        str(ROOT / "deploy" / "spark_job.py"),
        *arguments,
    ]  # fmt: skip
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("SPARK_", "PYSPARK_", "PYTHON"))},
        "PYSPARK_DRIVER_PYTHON": python,
        "PYSPARK_PYTHON": "./environment/bin/python",  # which is in the executors' directories only
    }
    return subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, timeout=300, check=False)


def check_output(done: "subprocess.CompletedProcess[str]", output: Path) -> None:
    """Check that a job of the bundled crawl ended well, with the result of one thread."""
    assert done.returncode == 0, done.stderr[-2000:]
    manifest = json.loads((output / "manifest.json").read_text(encoding="utf-8"))
    assert (manifest["engine"], manifest["digest"]) == ("spark", run([], engine="serial").digest)
