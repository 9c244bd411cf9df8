"""``python -m bigdata_demos.demo``: the job on the bundled crawl, on every engine that this machine can run.

Each engine runs in a process of its own, by the public command, as a user would run it.
"""

import os
import re
import subprocess
import sys
from typing import NamedTuple

from .errors import EngineError
from .keywords.engines import ENGINES, download, why_not

_PAGES_SHOWN = 5
SUMMARY = re.compile(r"^pages=(\d+) .*digest=(\S+) startup=([\d.]+) seconds=([\d.]+)$", re.MULTILINE)


class Row(NamedTuple):
    """A line of the table; times are in seconds, and ``seconds`` includes ``startup``."""

    engine: str
    startup: float
    seconds: float
    pages: int
    digest: str


def run(engine: str, *, shown: bool) -> Row | str:
    """Run the job on an engine; returns its figures, or the last line of its error. ``shown``: print the first keywords."""
    command = [sys.executable, "-m", "bigdata_demos.keywords", "--engine", engine, "--format", "table", "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    summary = SUMMARY.search(done.stderr)
    if done.returncode or not summary:
        return done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"exit status {done.returncode}"
    if shown:
        print("\n\n".join(done.stdout.split("\n\n")[:_PAGES_SHOWN]), "\n")
        print(f"… and {int(summary[1]) - _PAGES_SHOWN} more pages: {sys.executable} -m bigdata_demos.keywords\n")
    return Row(engine, float(summary[3]), float(summary[4]), int(summary[1]), summary[2])


def break_even(row: Row, serial: Row, workers: int) -> int:
    """Return the pages from which an engine with some workers can be faster than one thread, at the earliest.

    One thread takes ``w`` seconds for the pages; the engine takes its fixed costs, which are all that it took longer than that
    on this small crawl, and ``w / workers`` if its work scales perfectly.
    """
    work = max(serial.seconds - serial.startup, 0.01)
    fixed = max(row.seconds - work, row.startup)
    return round(fixed * workers / (workers - 1) / work * serial.pages)


def _explain(rows: list[Row]) -> None:
    print(f"\nAll {len(rows)} digests are equal: every engine wrote the same keywords and the same index, bit for bit.")
    serial, cores = rows[0], os.cpu_count() or 1
    fastest = min(rows, key=lambda row: row.seconds)
    print(f"On this crawl of {serial.pages} pages, {fastest.engine} is the fastest: most of what the others take is fixed costs.")
    if serial.engine == "serial" and cores > 1 and len(rows) > 1:
        each = ", ".join(f"{row.engine} {break_even(row, serial, cores):,}" for row in rows[1:])
        print(f"On a large crawl, {cores} workers save more than they cost. The earliest break-even, in pages: {each}.")
        print("docs/performance.md has measurements of large crawls; `bigdata-demos bench` measures yours.")


def main() -> int:
    """Run the demonstration; fails if an engine fails, or if two of them disagree."""
    rows: list[Row] = []
    left_out: dict[str, str] = {}
    failed = False
    for engine in ENGINES:  # Hadoop is the last, and so is its download
        if why := why_not(engine):
            left_out[engine] = why
            continue
        try:
            download(engine, lambda text: print(text, file=sys.stderr, flush=True))
        except EngineError as error:
            left_out[engine] = str(error)
            continue
        print(f"{engine} …", file=sys.stderr, flush=True)
        result = run(engine, shown=not rows)
        if isinstance(result, Row):
            rows.append(result)
        else:
            failed = True
            print(f"{engine} failed: {result}", file=sys.stderr)
    print(f"{'engine':10}{'pages':>6}{'start-up s':>12}{'total s':>10}  digest")
    for row in rows:
        print(f"{row.engine:10}{row.pages:6}{row.startup:12.2f}{row.seconds:10.2f}  {row.digest[:23]}…")
    for engine, why in left_out.items():
        print(f"{engine:10}left out: {why}")
    if len({row.digest for row in rows}) > 1:
        print("\nThe digests differ: this is a bug. Please report it with this table.")
        return 1
    if rows and not failed:
        _explain(rows)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
