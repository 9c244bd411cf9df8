"""Benchmarks: the same job by the same public command on each engine; a time counts only if the results agree.

- :mod:`.engines`: the contestants, and how long and with what resources each of their runs takes;
- :mod:`.formats`: the same records written and read as JSON lines, Avro and Parquet;
- :mod:`.hadoop`: two ways in which Hadoop reads a crawl, and its JSON as Avro;
- :mod:`.report`: the figures for a terminal and as one HTML page, and the comparison of two benchmarks;
- :mod:`.results`: ``results.json``, with every run as it was measured;
- :mod:`.statistics`: medians, paired ratios, bootstrap intervals, COST, crossover;
- :mod:`.environment`: machine, versions, commit;
- :mod:`.cli`: the command, ``bigdata-demos bench --help``.
"""
