"""Makes corpora, offline: from the reader's own Python, from nothing, or from a corpus of another kind.

- :mod:`.pydoc_pages`: the documentation of the standard library, some hundred real pages;
- :mod:`.synthetic`: as many pages as wanted, words and sizes distributed as on the web, equal for equal seeds;
- :mod:`.convert`: whatever :mod:`bigdata_demos.crawl` reads;
- :mod:`.writers`: WARC, Avro, JSON lines, directories; an output is complete, or it isn't there;
- :mod:`.cli`: the command, ``bigdata-demos corpus --help``.
"""
