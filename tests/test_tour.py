"""``docs/tour.md`` shows what its code and its commands print, and quotes the source (``python -m tests.test_tour`` updates the output)."""

import contextlib
import doctest
import io
import re
import tempfile
import textwrap
from pathlib import Path
from typing import Any

from tests.support.documents import run_blocks
from tests.support.paths import ROOT

TOUR = ROOT / "docs" / "tour.md"
SESSION = re.compile(r"^```pycon\n(.*?)^```\n", re.MULTILINE | re.DOTALL)
QUOTE = re.compile(r"^```py\n# (\S+)\n(.*?)^```\n", re.MULTILINE | re.DOTALL)


def run_sessions(text: str, directory: Path) -> str:
    """The text with the output of its Python sessions as it is when they are run in a directory, one after another."""
    names: dict[str, Any] = {}

    def session(found: re.Match[str]) -> str:
        shown = ""
        for example in doctest.DocTestParser().get_examples(found[1]):
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed), contextlib.chdir(directory):
                exec(compile(example.source, str(TOUR), "single"), names)
            first, *others = example.source.splitlines()
            shown += "".join([f">>> {first}\n", *(f"... {line}\n" for line in others), printed.getvalue()])
        return f"```pycon\n{shown}```\n"

    return SESSION.sub(session, text)


def test_outputs(tmp_path: Path) -> None:
    """Each line of the tour prints what the tour says."""
    text = TOUR.read_text(encoding="utf-8")
    assert text.count("\n>>> ") > 40
    assert run_sessions(run_blocks(text, tmp_path), tmp_path) == text


def test_quotes() -> None:
    """The lines that the tour quotes are lines of the source, in this order."""
    quotes = QUOTE.findall(TOUR.read_text(encoding="utf-8"))
    assert len(quotes) >= 3
    for path, body in quotes:
        source = (ROOT / path).read_text(encoding="utf-8")
        assert any(textwrap.indent(textwrap.dedent(body), " " * indent) in source for indent in (0, 4, 8)), (path, body)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        TOUR.write_text(
            run_sessions(run_blocks(TOUR.read_text(encoding="utf-8"), Path(scratch)), Path(scratch)), encoding="utf-8"
        )
