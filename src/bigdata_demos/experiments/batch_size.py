"""Many small pieces of work are sent to a pool of worker processes, in batches of several sizes.

A message to a worker costs the same however little it contains: its content is pickled, sent through a pipe and unpickled, and
the driver wakes up for each result. If every item is a message, the driver is the bottleneck, and more workers do not help.
If batches are too large, there are too few of them: workers that are done early have nothing left to do, and at last one
worker has everything. Between these, many sizes of batches are about equally good.

The same trade-off decides how many partitions a bag of Dask or an RDD of Spark should have.
"""

import os
import pickle
import re
import statistics
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import islice
from typing import Final

from ..cluster.processes import worker_pool
from ..corpus import synthetic
from ..corpus.writers import decoded
from . import Outcome, Setting

WATCH = (
    "the seconds, which fall with the number of messages and rise again when all work is in one batch; and the largest batch's "
    "share of the work: with a share of 100 %, only one worker has something to do. The row without a pool shows what a pool "
    "has to beat. The bytes of a message with a single text are half as many again, because it names the function, too."
)
PAGES = (
    "Spark's page of a stage: the column Scheduler Delay, and the event timeline, where the green part of a task is the "
    "computation. Dask's dashboard: white space in the task stream, where workers wait for the scheduler."
)
LARGER = (
    "one scheduler serves all cores. As a calculation: a task of Dask has an overhead of 0.2 to 1 ms (its documentation, Best "
    "Practices), most of which is the scheduler's. At 1 ms, 3,200 cores are kept busy only by tasks that take 3.2 s or longer. "
    "As a rule, tasks should take seconds to minutes, and there should be a few for each core, so that they end at about the "
    "same time."
)
_SIZES: Final = (1, 10, 100, 1_000, 10_000)
_ITEM: Final = 200  # characters


def count_words(texts: Sequence[str]) -> list[int]:
    """Count the words of each text of a batch."""
    return [len(re.findall("[a-z]+", text)) for text in texts]


def items(number: int) -> list[str]:
    """Return pieces of synthetic pages of equal length."""
    texts = (decoded(page) for page in synthetic.pages(number, seed=1))
    pieces = (text[at : at + _ITEM] for text in texts for at in range(0, len(text) - _ITEM, _ITEM))
    return list(islice(pieces, number))


def cut(texts: list[str], size: int) -> list[list[str]]:
    """Cut the items into batches."""
    return [texts[at : at + size] for at in range(0, len(texts), size)]


def run_batches(pool: ProcessPoolExecutor, batches: list[list[str]]) -> list[int]:
    """Send each batch as one message, and join the results."""
    return [count for counts in pool.map(count_words, batches) for count in counts]


def pickled(batches: list[list[str]]) -> int:
    """Return the bytes of the function and the batches, as they are pickled for each message, without the pool's envelope."""
    return sum(len(pickle.dumps(partial(count_words, batch))) for batch in batches)


def measure(setting: Setting) -> Outcome:
    """Run the same work in batches of several sizes."""
    texts = items(3_000 if setting.quick else 50_000)
    work = sum(map(len, texts))
    start = time.perf_counter()
    expected = count_words(texts)
    seconds = {"without a pool": time.perf_counter() - start}
    rows: list[tuple[str | float, ...]] = [("without a pool", 0, 0, "–", seconds["without a pool"])]
    messages, sent, equal = {}, {}, True
    with worker_pool(setting.workers, os.getpid) as pool:
        for size in (*(size for size in _SIZES if size < len(texts)), len(texts)):
            name = f"{size:,}"
            setting.say(f"batches of {name}")
            batches, times = cut(texts, size), []
            for _ in range(3 if len(batches) < 5_000 else 1):
                start = time.perf_counter()
                equal &= run_batches(pool.executor, batches) == expected
                times.append(time.perf_counter() - start)
            seconds[name] = statistics.median(times)
            messages[name], sent[name] = len(batches), pickled(batches)
            largest = max(sum(map(len, batch)) for batch in batches)
            rows.append((name, messages[name], sent[name] / 1e6, f"{100 * largest / work:.3g} %", seconds[name]))
    one, *_ = messages
    best = min(messages, key=lambda name: seconds[name])
    return Outcome(
        data=f"{len(texts):,} texts of {_ITEM} characters, with {setting.workers} workers",
        head=("items in a batch", "messages", "MB pickled", "largest batch", "s"),
        rows=rows,
        bars=seconds,
        unit="s",
        finding=(
            f"For {len(texts):,} items, one message each took {seconds[one]:.1f} s, batches of {best} took {seconds[best]:.2f} s "
            f"in {messages[best]:,} messages, all in one batch {seconds[list(messages)[-1]]:.2f} s, and no pool "
            f"{seconds['without a pool']:.2f} s."
        ),
        holds=equal and sent[one] > 1.2 * sent["1,000"] and messages[one] == len(texts),
        counts={
            **{f"messages, {name}": number for name, number in messages.items()},
            **{f"bytes, {name}": nbytes for name, nbytes in sent.items()},
        },
    )
