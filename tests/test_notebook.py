"""The notebook of the documentation runs, and prints what it shows. ``python -m tests.test_notebook`` writes the outputs anew."""

import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

from tests.support.paths import ROOT

NOTEBOOK = ROOT / "docs" / "notebook.ipynb"


def read() -> Any:
    """The notebook as it is committed."""
    return nbformat.reads(NOTEBOOK.read_text(encoding="utf-8"), as_version=4)  # type: ignore[no-untyped-call]


def executed(directory: Path) -> Any:
    """The notebook, with the outputs of a run in a directory."""
    notebook = read()
    NotebookClient(notebook, timeout=120, record_timing=False, resources={"metadata": {"path": str(directory)}}).execute()
    return notebook


def shown(notebook: Any) -> list[list[str]]:
    """What each cell prints, and whether it shows a picture or a table, which versions of pandas print differently."""
    return [
        [
            output["text"] if output.output_type == "stream" else "picture" if "image/png" in output["data"] else "table"
            for output in cell["outputs"]
        ]
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


def test_notebook(tmp_path: Path) -> None:
    """Each cell shows what is committed: counts, digest, tables, a plot, hits."""
    found = shown(executed(tmp_path))
    assert found == shown(read())
    assert "sha256:ee3ba343186e8a93" in found[0][0]
    assert found.count(["picture"]) == 1
    assert found.count(["table"]) == 4
    assert (tmp_path / "crawl.db").exists()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as directory:
        NOTEBOOK.write_text(nbformat.writes(executed(Path(directory))) + "\n", encoding="utf-8")  # type: ignore[no-untyped-call]
