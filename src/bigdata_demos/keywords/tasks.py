"""The job's tasks on engines whose tasks exchange data by files (serial, asyncio and Dask), and pass on only where these are.

A task may run twice, and its files are the same then: see :mod:`bigdata_demos.keywords.output.spill`.
"""

from collections.abc import Sequence

from ..crawl.model import Split
from .analysis.frequencies import mapped_file
from .job import Job
from .model import Part
from .output import spill
from .output.spill import Segment


def map_split(job: Job, split: Split, spilled: str) -> list[tuple[int, Segment]]:
    """Map a split in pass 1: spill what is kept for pass 2, and its tables; return where the table of each bucket is."""
    mapped = job.map_split(split)
    spill.keep(spilled, split.number, mapped.kept)
    return spill.write(spilled, f"{split.number}.tables", mapped.frequencies)


def merge(job: Job, bucket: int, tables: Sequence[Segment], spilled: str) -> tuple[int, Segment]:
    """Reduce a bucket of pass 1: return it, and where its merged table is."""
    table = job.merge(bucket, map(spill.read, tables))
    [merged] = spill.write(spilled, f"{bucket}.merged", [(bucket, table)])
    return merged


def score_split(job: Job, split: Split, frequencies: str, spilled: str) -> tuple[list[Part], list[tuple[int, Segment]]]:
    """Map a split in pass 2, with the table in a file; return its parts, and where the postings of each bucket are."""
    scored = job.score_split(split, spill.kept(spilled, split.number), mapped_file(frequencies))
    return scored.parts, spill.write(spilled, f"{split.number}.postings", scored.postings)


def write_bucket(job: Job, bucket: int, postings: Sequence[Segment]) -> Part:
    """Reduce a bucket of pass 2: write its part of the index."""
    return job.write_bucket(bucket, map(spill.read, postings))
