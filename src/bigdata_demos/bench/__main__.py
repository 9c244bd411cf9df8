"""``python -m bigdata_demos.bench``: the same as ``bigdata-demos bench``."""

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())
