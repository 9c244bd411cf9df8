"""Measures how often ``bench compare`` calls noise a difference: ``python docs/measure_compare.py OUTPUT INPUT [TIMES]``.

Runs the same benchmark TIMES + 1 times (20 + 1 by default): one thread, asyncio on two workers, and the word count, five
rounds each. Compares each run with the next one, and prints every row that shows a difference, and how many comparisons have
none. (The word count is the control, and has no verdict.)
"""

import subprocess
import sys
from itertools import pairwise
from pathlib import Path

from bigdata_demos.bench.report.compare import SAME, UNJUDGED, compare
from bigdata_demos.bench.report.table import interval
from bigdata_demos.bench.results import load

BENCHMARK = ("--engines", "asyncio", "--peers", "wordcount", "--workers", "2", "--runs", "5", "--no-cold", "--quiet")


def main() -> None:
    """Run the benchmarks that OUTPUT does not have yet, and compare them."""
    output, pages = Path(sys.argv[1]), sys.argv[2]
    times = int(sys.argv[3]) if len(sys.argv) > 3 else 20
    runs = [output / f"{number:02}" for number in range(times + 1)]
    for run in runs:
        if not (run / "results.json").exists():
            command = [sys.executable, "-m", "bigdata_demos.bench", "--input", pages, "--output", str(run), *BENCHMARK]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    alike = 0
    for before, after in pairwise(runs):
        found = [one for one in compare(load(before), load(after)) if one.verdict not in {SAME, UNJUDGED}]
        alike += not found
        for one in found:
            print(f"{before.name} and {after.name}: {one.key[0]} {interval(one.ratio)}, {one.verdict}")
    print(f"no difference in {alike} of {times} comparisons")


if __name__ == "__main__":
    main()
