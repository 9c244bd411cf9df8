"""What an index contains as a whole: its sites, languages, runs and rejected pages."""

import json
import re
from typing import Any, Final, NamedTuple

from ..index.database import Database

_EXAMPLES: Final = 20  # rejected pages of each reason
_HAS_PART: Final = "(lower(url) LIKE ? ESCAPE '!' OR lower(source) LIKE ? ESCAPE '!')"


class Count(NamedTuple):
    """A site, a language or a reason, and how many pages have it."""

    name: str
    pages: int


class Run(NamedTuple):
    """A run that was loaded: ``present`` of its pages have not been replaced by later runs; the job took so many ``seconds``."""

    digest: str
    engine: str
    pages: int
    present: int
    rejected: int
    has_text: bool
    inputs: list[str]
    effort: str
    seconds: float


class Rejection(NamedTuple):
    """A page that could not be read, where it is, and why."""

    url: str
    source: str
    offset: int
    reason: str
    detail: str


def sites(database: Database, limit: int) -> list[Count]:
    """Return the sites with the most pages. Pages whose URL has no host are of the site ``""``."""
    sql = "SELECT site, count(*) FROM pages GROUP BY site ORDER BY 2 DESC, site LIMIT ?"
    return [Count(*row) for row in database.execute(sql, (limit,))]


def languages(database: Database) -> list[Count]:
    """Return the languages of the pages, the commonest first."""
    return [
        Count(*row)
        for row in database.execute("SELECT language, count(*) FROM pages GROUP BY language ORDER BY 2 DESC, language")
    ]


def runs(database: Database) -> list[Run]:
    """Return the runs, the last one first."""
    rows = database.execute(
        "SELECT digest, engine, pages, (SELECT count(*) FROM pages WHERE run = runs.id), rejected, has_text, manifest"
        " FROM runs ORDER BY id DESC"
    ).fetchall()
    found = []
    for *numbers, has_text, text in rows:
        manifest: dict[str, Any] = json.loads(text)
        facts = (manifest["inputs"], manifest["effort"], manifest["seconds"]["total"])
        found.append(Run._make([*numbers, bool(has_text), *facts]))
    return found


def reasons(database: Database, part: str = "") -> list[Count]:
    """Return the reasons for which pages were rejected, the commonest first, of those with a ``part`` in URL or file."""
    sql = f"SELECT reason, count(*) FROM rejections WHERE {_HAS_PART} GROUP BY reason ORDER BY 2 DESC, reason"  # noqa: S608 (a constant)
    return [Count(*row) for row in database.execute(sql, _pattern(part))]


def rejections(database: Database, reason: str, part: str = "", limit: int = _EXAMPLES) -> list[Rejection]:
    """Return some of the pages that were rejected for a reason; only those with a ``part`` in their URL or file name."""
    columns = "url, source, start, reason, detail"
    sql = f"SELECT {columns} FROM rejections WHERE reason = ? AND {_HAS_PART} ORDER BY source, start, url LIMIT ?"  # noqa: S608 (constants)
    return [Rejection(*row) for row in database.execute(sql, (reason, *_pattern(part), limit))]


def rejection_of(database: Database, url: str) -> Rejection | None:
    """Return why the page with a URL was rejected; None if it was not."""
    columns = "url, source, start, reason, detail"
    sql = f"SELECT {columns} FROM rejections WHERE url = ? ORDER BY run DESC, source, start LIMIT 1"  # noqa: S608 (a constant)
    row = database.execute(sql, (url,)).fetchone() if url else None
    return Rejection(*row) if row else None


def _pattern(part: str) -> tuple[str, str]:
    pattern = re.sub("([!%_])", r"!\1", part.lower())
    return f"%{pattern}%", f"%{pattern}%"
