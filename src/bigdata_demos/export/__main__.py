"""``python -m bigdata_demos.export``: the same as ``bigdata-demos export``."""

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())
