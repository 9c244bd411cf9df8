"""Benchmarks run the same job with the same public command on each engine; a time counts only if the digests agree.

- :mod:`.engines`: runs the contestants, and measures their time, CPU seconds and memory;
- :mod:`.formats`: writes and reads the same records as JSON lines, Avro and Parquet;
- :mod:`.hadoop`: compares two ways in which Hadoop reads a crawl, and its JSON with Avro;
- :mod:`.report`: shows the figures in a terminal and as an HTML page, and compares two benchmarks;
- :mod:`.results`: ``results.json``, with the raw measurements of every run;
- :mod:`.statistics`: medians, paired ratios, bootstrap intervals, COST, crossover;
- :mod:`.environment`: machine, versions, commit;
- :mod:`.cli`: the command, ``bigdata-demos bench --help``.
"""
