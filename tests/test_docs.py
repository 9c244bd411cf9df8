"""The documentation's commands work, and ``docs/avro.md`` shows what they print (``make docs`` runs this file, which updates it)."""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.support.documents import BLOCK, run_blocks
from tests.support.requirements import require

DOCS = Path(__file__).parents[1] / "docs"


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
    assert len(manifests) == 2
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
