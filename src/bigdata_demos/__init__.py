"""One job on every engine: keyword extraction from a crawl, the example that MapReduce was born for.

Where to look:

- :mod:`bigdata_demos.keywords`: the job, its engines and the command;
- :mod:`bigdata_demos.corpus`: makes and converts corpora;
- :mod:`bigdata_demos.formats`: Avro and WARC, as far as the libraries do not cover them;
- :mod:`bigdata_demos.cluster`: starts, probes and explains clusters;
- :mod:`bigdata_demos.errors`: the one family of errors that all of it raises.
"""

__version__ = "0.1.0"
