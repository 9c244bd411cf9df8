"""Puts the questions of ``docs/search-questions.tsv`` to indexes: ``python docs/ask_questions.py web=web.db docs=docs.db``.

The file has the page that was expected before the index was asked, and the rank that it had. Prints the file with today's ranks;
0 for a page that is not among the first 100 hits.
"""

import csv
import sys
from pathlib import Path

from bigdata_demos.search.searcher import open_searcher


def main() -> None:
    """Ask."""
    indexes = dict(argument.split("=", 1) for argument in sys.argv[1:])
    writer = csv.writer(sys.stdout, delimiter="\t", lineterminator="\n")
    writer.writerow(["corpus", "question", "page", "rank"])
    with Path(__file__).with_name("search-questions.tsv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            if row["corpus"] not in indexes:
                continue
            with open_searcher(indexes[row["corpus"]]) as searcher:
                hits = searcher.search(row["question"], 100).hits
            ranks = [rank for rank, hit in enumerate(hits, 1) if hit.url.endswith(row["page"])]
            writer.writerow([row["corpus"], row["question"], row["page"], ranks[0] if ranks else 0])


if __name__ == "__main__":
    main()
