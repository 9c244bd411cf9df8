"""How good keywords are: extractors compared by gold standards, documents whose keywords people have chosen.

- :mod:`.gold`: gold standards, and how they are read;
- :mod:`.measure`: precision, recall and F1 of extracted keywords;
- :mod:`.extractors`: this package's job with each ``--effort``, and other extractors from PyPI;
- :mod:`.make_gold`: a gold standard from pages that declare their keywords;
- :mod:`.plot`: F1 against speed, as SVG;
- :mod:`.cli`: the command, ``bigdata-demos quality --help``.
"""
