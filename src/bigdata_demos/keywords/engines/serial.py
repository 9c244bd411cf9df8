"""One thread: the baseline that every engine is measured against, and the plainest telling of what they all do."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from ...errors import UsageError
from ..job import Job
from ..model import Part, Split
from . import Progress, Run, Settings, check_embedded, check_options


@contextmanager
def open(settings: Settings) -> Iterator[Run]:
    """Start nothing."""
    check_embedded("serial", settings)
    check_options("serial", settings.options, {})
    if settings.workers > 1:
        raise UsageError("engine serial has one worker: leave out --workers, or take --engine asyncio")

    def run(job: Job, splits: Sequence[Split], progress: Progress) -> list[Part]:
        with TemporaryDirectory(prefix="kept-", dir=job.workdir) as spool:
            return run_serial(job, splits, progress, Path(spool))

    yield run


def run_serial(job: Job, splits: Sequence[Split], progress: Progress, spool: Path) -> list[Part]:
    """Both passes, one split after another; what is kept between them is in files."""
    parts: list[Part] = []

    # Pass 1: map
    tables: dict[int, list[bytes]] = defaultdict(list)
    for done, split in enumerate(splits):
        progress("map", done, len(splits))
        mapped = job.map_split(split)
        (spool / f"{split.number}.kept").write_bytes(mapped.kept)
        # shuffle
        for bucket, table in mapped.frequencies:
            tables[bucket].append(table)
    # reduce
    table = job.join({bucket: job.merge(bucket, some) for bucket, some in tables.items()})

    # Pass 2: map
    postings: dict[int, list[bytes]] = defaultdict(list)
    for done, split in enumerate(splits):
        progress("score", done, len(splits))
        scored = job.score_split(split, (spool / f"{split.number}.kept").read_bytes(), table)
        parts += scored.parts
        # shuffle
        for bucket, packed in scored.postings:
            postings[bucket].append(packed)
    # reduce
    for done, (bucket, some) in enumerate(sorted(postings.items())):
        progress("index", done, len(postings))
        parts.append(job.write_bucket(bucket, some))
    return parts
