"""The interview answer: what to say, how the engines differ, their code, and figures measured on this machine.

Read in this order: :mod:`.answers` (the prose), :mod:`.code` (extracts the map-reduce code of the engines from their source),
:mod:`.figures` (benchmark results of this machine), then the output: :mod:`.terminal`, :mod:`.page`, :mod:`.cli`.
"""
