"""``python -m bigdata_demos.quality``: the same as ``bigdata-demos quality``."""

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())
