"""``python -m bigdata_demos.cluster``: the same as ``bigdata-demos cluster``."""

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())
