"""``python -m bigdata_demos.search``: the same as ``bigdata-demos search``."""

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())
