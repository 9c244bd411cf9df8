"""``python -m bigdata_demos.demo``: the job on the bundled crawl, on every engine that this machine can run.

Each engine runs in a process of its own, through the public command, as a user would run it.
"""

import re
import subprocess
import sys
from typing import NamedTuple

from .errors import EngineError
from .keywords.engines import ENGINES, load

PAGES_SHOWN = 5
SUMMARY = re.compile(r"^pages=(\d+) .*digest=(\S+) startup=([\d.]+) seconds=([\d.]+)$", re.MULTILINE)


class Row(NamedTuple):
    """A line of the table."""

    engine: str
    startup: float
    seconds: float
    pages: int
    digest: str


def why_not(engine: str) -> str:
    """Why an engine cannot run on this machine; ``""`` if it can."""
    try:
        load(engine)
        if engine in ("spark", "hadoop"):
            from .cluster.java import find_java

            find_java(engine)
        if engine == "hadoop":
            from .cluster.hadoop import jars

            jars.install(lambda text: print(text, file=sys.stderr, flush=True))
    except EngineError as error:
        return str(error)
    return ""


def run(engine: str, *, shown: bool) -> Row | str:
    """Run the command on an engine; returns its figures, or its error's line."""
    command = [sys.executable, "-m", "bigdata_demos.keywords", "--engine", engine, "--format", "table", "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = SUMMARY.search(done.stderr)
    if done.returncode or not found:
        return done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"exit status {done.returncode}"
    if shown:
        print("\n\n".join(done.stdout.split("\n\n")[:PAGES_SHOWN]), "\n")
        print(f"… and {int(found[1]) - PAGES_SHOWN} pages more: {sys.executable} -m bigdata_demos.keywords\n")
    return Row(engine, float(found[3]), float(found[4]), int(found[1]), found[2])


def main() -> int:
    """Run the demonstration; fails if an engine does, or if two of them disagree."""
    left_out = {engine: why for engine in ENGINES if (why := why_not(engine))}
    rows: list[Row] = []
    failed = False
    for engine in ENGINES:
        if engine in left_out:
            continue
        print(f"{engine} …", file=sys.stderr, flush=True)
        result = run(engine, shown=not rows)
        if isinstance(result, Row):
            rows.append(result)
        else:
            failed = True
            print(f"{engine} failed: {result}", file=sys.stderr)
    print(f"{'engine':10}{'pages':>6}{'start-up s':>12}{'in all s':>10}  digest")
    for row in rows:
        print(f"{row.engine:10}{row.pages:6}{row.startup:12.2f}{row.seconds:10.2f}  {row.digest[:23]}…")
    for engine, why in left_out.items():
        print(f"{engine:10}left out: {why}")
    if len({row.digest for row in rows}) > 1:
        print("\nThe engines DISAGREE: that is a bug, please report it with this table.")
        return 1
    if rows and not failed:
        fastest = min(rows, key=lambda row: row.seconds)
        print(
            f"\nOne answer from {len(rows)} engines. On a crawl this small, {fastest.engine} is the quickest: start-up decides."
        )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
