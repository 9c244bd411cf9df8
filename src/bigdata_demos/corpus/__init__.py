"""Makes corpora offline: from the standard library's documentation, from a random generator, or from another corpus.

- :mod:`.pydoc_pages`: several hundred real pages, from pydoc;
- :mod:`.synthetic`: any number of pages, with word and size distributions as on the web, reproducible by seed;
- :mod:`.convert`: any input that :mod:`bigdata_demos.crawl` reads;
- :mod:`.writers`: writes WARC, Avro, JSON lines and directories atomically;
- :mod:`.cli`: the command, ``bigdata-demos corpus --help``.
"""
