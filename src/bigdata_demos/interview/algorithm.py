"""The parallel algorithm on one screen: count the words of many pages.

Run it with ``python -m bigdata_demos.interview.algorithm [INPUT …]``.
"""

import asyncio
import os
import re
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import reduce
from itertools import islice

from ..corpus.writers import decoded
from ..crawl.model import Page
from ..crawl.plan import bundled_crawl, plan
from ..crawl.reader import read


def process_page(page: str) -> Counter[str]:
    """Map: count the words of a page. This is a pure function, so a retry does no harm."""
    return Counter(re.findall(r"\w+", re.sub("<[^>]*>", " ", page).lower()))


def reducer(left: Counter[str], right: Counter[str]) -> Counter[str]:
    """Reduce: add a partial result to another one, in place. Associative, commutative; ``Counter()`` is its identity."""
    left.update(right)
    return left


def process_batch(batch: Sequence[str]) -> Counter[str]:
    """Map a batch, and merge its results at once, so that only one result crosses the boundary of the process."""
    return reduce(reducer, map(process_page, batch), Counter())


async def process_all(pages: Iterable[str], batch_size: int = 16, workers: int = os.cpu_count() or 1) -> Counter[str]:
    """Process batches in parallel, two for each worker at a time, so that memory is bounded. A failure cancels the others."""
    loop, total, rest = asyncio.get_running_loop(), Counter[str](), iter(pages)
    batches = iter(lambda: list(islice(rest, batch_size)), [])
    pool = ProcessPoolExecutor(workers)
    try:
        running = {loop.run_in_executor(pool, process_batch, batch) for batch in islice(batches, 2 * workers)}
        while running:
            done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            total = reduce(reducer, [task.result() for task in done], total)
            running |= {loop.run_in_executor(pool, process_batch, batch) for batch in islice(batches, len(done))}
    finally:
        pool.shutdown(cancel_futures=True)
    return total


if __name__ == "__main__":
    splits, _ = plan(sys.argv[1:] or [str(bundled_crawl())])
    texts = (decoded(page) for split in splits for page in read(split) if isinstance(page, Page))
    for word, count in asyncio.run(process_all(texts)).most_common(10):
        print(f"{count:7,}  {word}")
