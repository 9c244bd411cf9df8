"""One thread: the baseline that every engine is measured against, and the simplest form of what all of them do."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from ...crawl.model import Split
from ...errors import UsageError
from .. import tasks
from ..job import Job
from ..model import Part
from ..output import spill
from ..output.spill import Segment
from . import Progress, Run, Settings, check_embedded, check_options


@contextmanager
def open(settings: Settings) -> Iterator[Run]:
    """Start nothing."""
    check_embedded("serial", settings)
    check_options("serial", settings.options, {})
    if settings.workers > 1:
        raise UsageError("engine serial has one worker: leave out `workers`, or use `engine=asyncio`")

    def run(job: Job, splits: Sequence[Split], progress: Progress) -> list[Part]:
        with spill.directory(job.workdir) as spilled:
            return _run_serial(job, splits, progress, spilled)

    yield run


def _run_serial(job: Job, splits: Sequence[Split], progress: Progress, spilled: str) -> list[Part]:
    """Run both passes, one split after another. Tasks exchange data by files."""
    parts: list[Part] = []

    # Pass 1: map
    tables: dict[int, list[Segment]] = defaultdict(list)
    for done, split in enumerate(splits):
        progress("map", done, len(splits))
        mapped = tasks.map_split(job, split, spilled)
        # shuffle
        for bucket, segment in mapped:
            tables[bucket].append(segment)
    # reduce
    merged: list[tuple[int, Segment]] = []
    for done, (bucket, some) in enumerate(sorted(tables.items())):
        progress("merge", done, len(tables))
        merged.append(tasks.merge(job, bucket, some, spilled))
    frequencies = spill.join(spilled, merged)

    # Pass 2: map
    postings: dict[int, list[Segment]] = defaultdict(list)
    for done, split in enumerate(splits):
        progress("score", done, len(splits))
        written, posted = tasks.score_split(job, split, frequencies, spilled)
        parts += written
        # shuffle
        for bucket, segment in posted:
            postings[bucket].append(segment)
    # reduce
    for done, (bucket, some) in enumerate(sorted(postings.items())):
        progress("index", done, len(postings))
        parts.append(tasks.write_bucket(job, bucket, some))
    return parts
