"""One job on every engine: keyword extraction from a crawl, the example that MapReduce was born for.

Where to look:

- :mod:`bigdata_demos.keywords`: the job, its engines and the command;
- :mod:`bigdata_demos.corpus`: makes and converts corpora;
- :mod:`bigdata_demos.crawl`: from paths to pages;
- :mod:`bigdata_demos.avro`: Avro container files, read with bounds, and the command for them;
- :mod:`bigdata_demos.storage`: local files and HDFS, opened alike;
- :mod:`bigdata_demos.cluster`: starts, probes and explains clusters;
- :mod:`bigdata_demos.errors`: the one family of errors that all of it raises.
"""

__version__ = "0.1.0"
