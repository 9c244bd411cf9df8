"""``python -m bigdata_demos.avro``: the same as ``bigdata-demos avro``."""

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())
