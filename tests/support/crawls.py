"""A small crawl whose pages are meant to harm who shows them, and some that are not."""

import json
from pathlib import Path
from typing import Any, Final

from bigdata_demos.index.database import open_database
from bigdata_demos.index.load import load
from bigdata_demos.keywords import run

SCRIPT: Final = "<script>document.title='harmed'</script>"
PAGES: Final[list[dict[str, Any]]] = [
    {"url": "https://a.example/spark", "title": "Spark shuffles", "text": "Spark shuffles records. A shuffle moves records to reducers."},
    {"url": "https://a.example/copy", "title": "Spark shuffles", "text": "Spark shuffles records. A shuffle moves records to reducers."},
    {"url": "https://www.b.example/", "title": "Shuffle ohne Spark", "text": "Die Straßenbahn fährt über die Brücke in die Altstadt. Der Shuffle ist ein Tanz, den man in der Straßenbahn nicht tanzen kann."},
    {"url": f"https://a.example/{SCRIPT}", "title": SCRIPT, "text": f"{SCRIPT} harmful scripts </script><img src=x onerror=alert(1)>"},
    {"url": "javascript:document.title='harmed'", "title": "A link that runs", "text": "javascript links run harmful scripts"},
    {"url": "data:text/html,harmed", "title": "", "text": "a page without a title is known by its address"},
    {"url": "https://a.example/long", "title": "long title " * 1000, "text": "a title of many characters is cut where it is shown"},
    {"url": "https://a.example/bidi", "title": "\u202eevil \u05e9\u05dc\u05d5\u05dd עולם", "text": "שלום עולם shalom olam"},
    {"url": "https://a.example/\"'><b>", "title": "\"'><b>quotes", "text": "quotes and \"'><b>angle brackets"},
]  # fmt: skip
BAD: Final = ['{"url": "https://a.example/empty", "text": ""}', "no JSON at all"]


def make_index(directory: Path, database: str | Path, pages: list[dict[str, Any]] = PAGES, **settings: Any) -> None:
    """Run the job on pages, and load its output into a database."""
    lines = directory / "pages.jsonl"
    lines.write_text("".join(f"{line}\n" for line in [*map(json.dumps, pages), *BAD]))
    run([lines], engine="serial", output=directory / "out", **{"keep_text": True, **settings}, max_rejected=90)
    with open_database(database, write=True) as opened:
        load(opened, directory / "out")
