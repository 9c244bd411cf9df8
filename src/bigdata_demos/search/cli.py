"""The command ``bigdata-demos search``."""

import argparse
import csv
import json
import re
import shutil
import sys
import textwrap
from collections.abc import Sequence
from functools import partial
from typing import Final

from .. import command
from ..errors import UsageError
from ..index.cache import index_of
from ..index.database import open_database
from .compare import CHANGES, Change, Comparison, compare
from .searcher import Found, Hit, Searcher, open_searcher

_EPILOG = """\
queries:
  map reduce          pages with both words, in any form
  "map reduce"        with the phrase
  hado*               with a word that starts so
  -spark              without the word
  site:example.org  lang:de  keyword:shuffle     of a site, in a language, with a keyword

examples:
  bigdata-demos search site.db map reduce
  bigdata-demos search out/site '"global interpreter lock" -java'     an output, which is indexed first, in a cache
  bigdata-demos search site.db spark --output-format jsonl | jq -r .url
  bigdata-demos search site.db --related index.html
  bigdata-demos search site.db --top --language de
  bigdata-demos search out/monday --diff out/tuesday      what came and went, of outputs or databases

Put -- before a query that starts with a minus.
"""
_MAX_LIMIT: Final = 10_000
_MARK, _UNMARK = "\033[1m", "\033[0m"


def parser() -> command.Parser:
    """Return the command's parser."""
    made = command.Parser(
        "bigdata-demos search", description="Search the pages of a crawl, in an index or an output.", epilog=_EPILOG
    )
    made.add_argument(
        "index",
        nargs="?",
        metavar="INDEX",
        help="a database made by `bigdata-demos index`, a file or postgresql://…, or an output of the keywords command",
    )
    made.add_argument("query", nargs="*", metavar="QUERY", help="words and conditions (below)")
    made.add_argument(
        "--limit", type=command.number_from(1, _MAX_LIMIT), default=10, metavar="N", help="results shown (default: 10)"
    )
    made.add_argument(
        "--output-format", choices=("table", "jsonl", "csv"), default="table", help="format of the results (default: table)"
    )
    made.add_argument("--related", metavar="URL", help="show the pages that share the rarest keywords with this one")
    made.add_argument("--top", action="store_true", help="show the keywords of most pages")
    made.add_argument(
        "--diff", metavar="INDEX", help="show the pages and keywords that came, went or changed from the first index to this one"
    )
    made.add_argument("--site", default="", metavar="HOST", help="of --top: of this site's pages")
    made.add_argument("--language", default="", metavar="CODE", help="of --top: of the pages in this language")
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    return command.run(parser(), _execute, argv)


def _execute(arguments: argparse.Namespace) -> int:
    if not arguments.index:
        raise UsageError("name an index, or an output of the keywords command")
    if bool(arguments.query) + bool(arguments.related) + bool(arguments.diff) + arguments.top != 1:
        raise UsageError("give a query, or `related`, or `top`, or `diff`")
    progress = partial(command.Progress, "page", quiet=arguments.quiet)
    with open_searcher(index_of(arguments.index, command.say, progress)) as searcher:
        if arguments.related:
            rows = searcher.related(arguments.related, arguments.limit)
            _print(
                arguments.output_format,
                ("url", "title", "keywords"),
                [(url, title, " · ".join(common)) for url, title, common in rows],
            )
        elif arguments.diff:
            with open_database(index_of(arguments.diff, command.say, progress)) as other:
                _print_comparison(compare(searcher.database, other, arguments.limit), arguments.output_format)
        elif arguments.top:
            top = searcher.top(site=arguments.site, language=arguments.language, limit=arguments.limit)
            _print(arguments.output_format, ("keyword", "pages"), top)
        else:
            return _search(searcher, " ".join(arguments.query), arguments)
    return 0


def _search(searcher: Searcher, query: str, arguments: argparse.Namespace) -> int:
    found = searcher.search(query, arguments.limit)
    if arguments.output_format == "table":
        _print_hits(found)
    else:
        rows = [(hit.url, hit.title, hit.language, hit.score, hit.snippet, hit.keywords, hit.copies) for hit in found.hits]
        _print(arguments.output_format, ("url", "title", "language", "score", "snippet", "keywords", "copies"), rows)
    if not found.hits:
        command.say(f"no page has all of that: {searcher.advice(query) or 'try fewer words'}")
        return 1
    command.say(f"hits={found.total} shown={len(found.hits)} pages={searcher.pages}")
    return 0


def _print_comparison(comparison: Comparison, form: str) -> None:
    _print(form, Change._fields, comparison.shown)
    for kind in ("page", "keyword"):
        command.say(f"{kind}s: {' '.join(f'{change}={comparison.numbers[kind, change]}' for change in CHANGES)}")


def _print(form: str, names: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    if form == "jsonl":
        for row in rows:
            print(json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False))
    elif form == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(names)
        writer.writerows([" · ".join(cell) if isinstance(cell, list) else cell for cell in row] for row in rows)
    else:
        command.print_table(names, [[_visible(str(cell)) for cell in row] for row in rows])


def _print_hits(found: Found) -> None:
    width = min(max(shutil.get_terminal_size().columns, 40), 120)
    for number, hit in enumerate(found.hits, 1):
        print(f"{number}. {_visible(hit.title or hit.url)}")
        copies = f"  (and {hit.copies} with the same text)" if hit.copies else ""
        print(f"   {_visible(hit.url)}{copies}")
        for line in textwrap.wrap(_marked(hit), width - 3, break_on_hyphens=False):
            print(f"   {line}")
        if hit.keywords:
            print(f"   keywords: {' · '.join(map(_visible, hit.keywords))}")
        print()


def _marked(hit: Hit) -> str:
    """Return a snippet with its hits in bold, or between asterisks where there is no terminal."""
    before, after = (_MARK, _UNMARK) if command.coloured() else ("*", "*")
    text, last = "", 0
    for start, end in hit.marks:
        text += _visible(hit.snippet[last:start]) + before + _visible(hit.snippet[start:end]) + after
        last = end
    return re.sub(r"\s+", " ", text + _visible(hit.snippet[last:])).strip()


def _visible(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)
