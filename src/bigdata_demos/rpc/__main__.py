"""``python -m bigdata_demos.rpc``: the same as ``bigdata-demos rpc``."""

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())
