"""``python -m bigdata_demos.corpus``: the same as ``bigdata-demos corpus``."""

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())
