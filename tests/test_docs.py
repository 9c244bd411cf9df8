"""The documentation's commands work, and ``docs/avro.md`` shows what they print (``make docs`` runs this file, which updates it)."""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.support.requirements import require

DOCS = Path(__file__).parents[1] / "docs"
BLOCK = re.compile(r"^```(console|python)\n(.*?)^```\n", re.MULTILINE | re.DOTALL)
NOT_RUN = ("$ pip install ",)
SYNC = re.compile(r"\b[0-9a-f]{32}\b")  # a file's sync marker, which is random


def run_blocks(text: str, directory: Path) -> str:
    """The text with the output of all its commands as it is when they are run in a directory, one after another."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "COLUMNS": "120", "LC_ALL": "C.UTF-8"}
    variables = ""  # what commands have set, for those after them

    def output(program: list[str]) -> str:
        done = subprocess.run(program, cwd=directory, env=environment, capture_output=True, timeout=120, check=False)
        return SYNC.sub("…", (done.stdout + done.stderr).decode())

    def block(found: re.Match[str]) -> str:
        nonlocal variables
        language, body = found.groups()
        if language == "python":
            assert output([sys.executable, "-c", body]) == ""
            return found[0]
        shown = ""
        for line in body.splitlines():
            if not line.startswith("$ "):
                continue
            shown += line + "\n"
            if line.startswith(NOT_RUN):
                continue
            if re.match(r"\$ \w+='[^']*'$", line):
                variables += line[2:] + "\n"
            shown += output(["bash", "-c", f"exec 2>&1\n{variables}{line[2:]}"])
        return f"```console\n{shown}```\n"

    return BLOCK.sub(block, text)


def test_avro(tmp_path: Path) -> None:
    """Each command of the document prints what the document says."""
    text = (DOCS / "avro.md").read_text(encoding="utf-8")
    assert text.count("\n$ ") > 20
    assert run_blocks(text, tmp_path) == text


def test_readme_examples_in_sequence(tmp_path: Path) -> None:
    """The commands under "Use" can be pasted one after another, and the Python example after them."""
    require("spark")
    use = (DOCS.parent / "README.md").read_text(encoding="utf-8").partition("\n## Use\n")[2].partition("\n## ")[0]
    (commands, example) = (body for _, body in BLOCK.findall(use))
    lines = [line.removeprefix("$ ") for line in commands.splitlines()]
    assert len(lines) >= 8
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    for command in [["bash", "-o", "pipefail", "-c", line] for line in lines] + [[sys.executable, "-c", example]]:
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=600, check=False)
        assert done.returncode == 0, (command, done.stderr)
        assert done.stdout or "--output" in command[-1], command
    manifests = [json.loads(path.read_text(encoding="utf-8")) for path in tmp_path.glob("out/pydoc*/manifest.json")]
    assert len(manifests) == 3
    assert len({manifest["digest"] for manifest in manifests}) == 1


def test_links_lead_somewhere() -> None:
    """Each relative link of the README, of CONTRIBUTING and of the documentation names a file, and its anchor a heading."""
    for page in [DOCS.parent / "README.md", DOCS.parent / "CONTRIBUTING.md", *DOCS.glob("*.md")]:
        for link in re.findall(r"\]\((?!\w+:)([^)]+)\)", page.read_text(encoding="utf-8")):
            path, _, anchor = link.partition("#")
            target = (page.parent / path).resolve() if path else page
            assert target.exists(), (page.name, link)
            if anchor:
                headings = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), re.MULTILINE)
                assert anchor in {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}, (
                    page.name,
                    link,
                )


def test_readme_is_short() -> None:
    """A reader gets through it."""
    assert len((DOCS.parent / "README.md").read_text(encoding="utf-8").splitlines()) <= 120


if __name__ == "__main__":
    page = DOCS / "avro.md"
    with tempfile.TemporaryDirectory() as scratch:
        page.write_text(run_blocks(page.read_text(encoding="utf-8"), Path(scratch)), encoding="utf-8")
