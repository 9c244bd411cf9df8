"""``python -m bigdata_demos.index``: the same as ``bigdata-demos index``."""

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())
