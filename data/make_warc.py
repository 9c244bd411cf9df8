"""Makes ``data/site.warc.gz``, the bundled crawl, of ``data/site``: ``python data/make_warc.py [OUTPUT]``."""

import sys
from pathlib import Path

from bigdata_demos.corpus import convert, writers
from bigdata_demos.crawl.model import Page

DATA = Path(__file__).parent
BASE_URL = "http://site.example/"
DATES = {f"{BASE_URL}bad/year-9999.html": "9999-12-31T23:59:59Z"}  # further than a datetime with a time zone may go


def main(output: str) -> None:
    """Write each page of the site as a response."""
    with writers.open_output(output, overwrite=True) as warc:
        for page in convert.pages([str(DATA / "site")], base_url=BASE_URL):
            if isinstance(page, Page):
                warc.write(page._replace(date=DATES.get(page.url, "2026-11-23T00:00:00Z"), content_type="text/html"))


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else str(DATA / "site.warc.gz"))
