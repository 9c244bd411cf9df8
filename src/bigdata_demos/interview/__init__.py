"""The answer to an interviewer: what to say, how the engines differ, the code that runs, and this machine's own figures.

Read in this order: :mod:`.answers` (the prose), :mod:`.code` (cuts the engines' map-reduce code out of their source),
:mod:`.figures` (what a benchmark measured on this machine), then what shows them: :mod:`.terminal`, :mod:`.page`, :mod:`.cli`.
"""
