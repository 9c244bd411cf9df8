"""Loads the output of a run into an index, exactly once, and removes it again.

It is a small MapReduce of its own. Worker processes take the parts of the output, each independently: they analyze the pages, and
write what they find to *staged* tables, and postings to sorted runs (:mod:`.postings`). Then one transaction merges these into
the index. A load that is killed leaves nothing that is seen, and one that is repeated leaves what it left before: a page that is
in the index already, by its URL, is replaced, and so is one that the output has twice, by the later one.
"""

import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from ..cluster.processes import in_processes, workers_for
from ..errors import InputError
from ..keywords.output.reading import Manifest, read_manifest, records
from ..keywords.outputs import place_of
from ..storage import scratch
from ..storage.places import Place, address, at
from . import postings
from .database import Database, stage_into, storable
from .pages import pages_of

_PART: Final = 1 << 32  # more than the pages of a part
_WORTH_A_WORKER: Final = 5_000  # pages: each process learns the words anew
_TASKS: Final = 2  # of each worker, or more
_PAGES: Final = 10_000  # of a task, unless parts are larger
Progress = Callable[[str, int, int], None]

_MERGE: Final = """
INSERT INTO pages (url, site, title, language, run, content, declared)
    SELECT url, site, title, language, CAST(? AS INTEGER), content, declared FROM {staged}.pages
    WHERE n IN (SELECT max(n) FROM {staged}.pages GROUP BY url) ORDER BY n;
CREATE TEMPORARY TABLE numbers AS
    SELECT max(n) AS n, pages.id AS page FROM {staged}.pages AS new JOIN pages ON pages.url = new.url GROUP BY pages.id;
CREATE UNIQUE INDEX numbers_n ON numbers (n);
INSERT INTO texts SELECT page, text FROM {staged}.pages JOIN numbers USING (n) ORDER BY page;
INSERT INTO keywords SELECT page, rank, phrase, lowered, stems, score, tf, df
    FROM {staged}.keywords JOIN numbers USING (n) ORDER BY page, rank
"""
_REMOVE: Final = """
UPDATE words SET pages = words.pages - counted.number FROM (
    SELECT word, count(*) AS number FROM postings WHERE page IN (SELECT page FROM gone) GROUP BY word
) AS counted WHERE counted.word = words.id;
DELETE FROM words WHERE pages = 0;
DELETE FROM postings WHERE page IN (SELECT page FROM gone);
DELETE FROM keywords WHERE page IN (SELECT page FROM gone);
DELETE FROM body WHERE {body_page} IN (SELECT page FROM gone);
DELETE FROM texts WHERE page IN (SELECT page FROM gone);
DELETE FROM pages WHERE id IN (SELECT page FROM gone)
"""


def load(database: Database, output: str | Path, progress: Progress | None = None, *, workers: int = 0) -> Manifest:
    """Load the output of a run; return its manifest.

    Args:
        database: an index that was opened for writing; its tables are created if there are none.
        output: a directory, also in HDFS.
        progress: called with ``"analyze"``, the pages that are done, and all.
        workers: processes that analyze pages; 0 for one for every 5,000 pages, up to the number of cores.

    Raises:
        InputError: it is no output, or one of its parts has changed.
        JobFailed: a worker process died.
    """
    place = place_of(output)
    where = address(place)
    manifest = read_manifest(place)
    tell = progress or (lambda *_: None)
    directory = scratch.make()
    try:
        with database.staging(directory) as staged:
            _stage_all(staged, directory, where, manifest, workers_for(manifest.pages, _WORTH_A_WORKER, workers), tell)
            tell("merge", 0, 1)
            with database.transaction():
                database.create()
                _merge(database, directory, place, manifest)
            tell("merge", 1, 1)
    finally:
        scratch.discard(directory)
    database.tidy()
    return manifest


def _stage_all(staged: str, directory: Path, output: str, manifest: Manifest, workers: int, progress: Progress) -> None:
    """Stage all parts of an output, by worker processes if they are worth it. A task has several parts if these are small."""
    names = sorted(name.partition("/")[2] for name in manifest.parts["keywords"])
    tasks = max(_TASKS * workers, manifest.pages // _PAGES)
    size = -(-len(names) // tasks) or 1
    stage = partial(stage_parts, staged, directory, output, manifest)
    done = 0
    for pages in in_processes(stage, [names[start : start + size] for start in range(0, len(names), size)], workers):
        done += pages
        progress("analyze", done, manifest.pages)


def stage_parts(staged: str, directory: Path, output: str, manifest: Manifest, names: Sequence[str]) -> int:
    """Stage the pages of some parts of an output; return their number. It runs in the workers."""
    stage, done = stage_into(staged), 0
    with postings.Runs(directory, names[0]) as runs:
        for name in names:
            first = int("".join(filter(str.isdigit, name))) * _PART
            done += stage(staged, first, runs.passing(pages_of(at(output), manifest, name), first))
    return done


def _merge(database: Database, directory: Path, place: Place, manifest: Manifest) -> None:
    """Merge the staged pages, in a transaction."""
    run = _record(database, manifest)
    database.execute(
        f"CREATE TEMPORARY TABLE gone AS SELECT id AS page FROM pages WHERE url IN (SELECT url FROM {database.staged}.pages)"  # noqa: S608 (our own name)
    )
    _remove_gone(database)
    for statement in (*_MERGE.split(";\n"), database.merge_body):
        database.execute(statement.format(staged=database.staged), (run,) if "?" in statement else ())
    postings.add(database, directory)
    database.execute("DROP TABLE numbers")
    database.execute("DELETE FROM rejections WHERE run = ?", (run,))
    for row in records(place, manifest.parts["rejected"], "rejected"):
        values = [row[name] for name in ("source", "offset", "url", "reason", "detail")]
        database.execute("INSERT INTO rejections VALUES (?, ?, ?, ?, ?, ?)", (run, *map(storable, values)))


def _record(database: Database, manifest: Manifest) -> int:
    """Record a run, and return its number."""
    database.execute(
        "INSERT INTO runs (digest, engine, pages, rejected, has_text, manifest) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (digest) DO UPDATE"
        " SET has_text = excluded.has_text, manifest = excluded.manifest, engine = excluded.engine",
        (
            manifest.digest,
            manifest.engine,
            manifest.pages,
            manifest.rejected,
            int(bool(manifest.parts["text"])),
            json.dumps(manifest.whole, ensure_ascii=False),
        ),
    )
    return int(database.execute("SELECT id FROM runs WHERE digest = ?", (manifest.digest,)).fetchone()[0])


def _remove_gone(database: Database) -> int:
    """Remove the pages of the temporary table ``gone``, and that; return their number."""
    (pages,) = database.execute("SELECT count(*) FROM gone").fetchone()
    if pages:
        for statement in _REMOVE.split(";\n"):
            database.execute(statement.format(body_page=database.body_page))
    database.execute("DROP TABLE gone")
    return int(pages)


def drop(database: Database, digest: str) -> int:
    """Remove a run and its pages; return their number. ``digest`` may be cut. Raises InputError if there is no such run."""
    if not database.has_tables:
        raise InputError(f"no run has been loaded into {database.name}: look at its name")
    with database.transaction():
        runs: Sequence[tuple[int]] = database.execute(
            "SELECT id FROM runs WHERE substr(digest, 1, length(?)) = ?", (digest, digest)
        ).fetchall()
        if len(runs) != 1:
            raise InputError(f"{digest}: {'several runs have' if runs else 'no run has'} a digest that starts with this")
        database.execute("CREATE TEMPORARY TABLE gone AS SELECT id AS page FROM pages WHERE run = CAST(? AS INTEGER)", runs[0])
        pages = _remove_gone(database)
        database.execute("DELETE FROM rejections WHERE run = ?", runs[0])
        database.execute("DELETE FROM runs WHERE id = ?", runs[0])
    return pages
