"""The keyword job as a program for ``spark-submit``: spark-submit chooses the cluster, and starts the driver's JVM.

::

    spark-submit --master … deploy/spark_job.py crawl.warc.gz --output DIRECTORY

The arguments are those of ``bigdata-demos keywords``, without ``--engine`` and ``--cluster``. See docs/deployment.md.
"""

import sys

from bigdata_demos.keywords.cli import main

if __name__ == "__main__":
    sys.exit(main([*sys.argv[1:], "--engine", "spark", "--cluster", ""]))
