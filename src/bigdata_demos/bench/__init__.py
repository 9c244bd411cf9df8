"""Measures the engines side by side: the same job, the same public command, equal answers before a time counts.

Reading order:

- :mod:`.results`: what a benchmark leaves, ``results.json``: every run, raw (nothing heavy is imported there);
- :mod:`.contestants`: which command runs a run, and what that run says of itself;
- :mod:`.peers`: what others would write instead, each in a few lines;
- :mod:`.measure`: one run in a fresh process; seconds, CPU seconds and peak memory of the whole process tree;
- :mod:`.rounds`: interleaves the runs, checks the digests, saves after each run;
- :mod:`.statistics`: medians, paired ratios, bootstrap intervals, COST, crossover: pure functions;
- :mod:`.summary`, :mod:`.table`, :mod:`.page`, :mod:`.svg`: the same figures for a terminal and as one HTML page;
- :mod:`.stores`, :mod:`.access`, :mod:`.access_report`: the same records in JSON lines, Avro and Parquet, written and read;
- :mod:`.compare`: whether a change made something slower;
- :mod:`.cli`: the command, ``bigdata-demos bench --help``.
"""
