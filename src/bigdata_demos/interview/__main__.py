"""``python -m bigdata_demos.interview``: the same as ``bigdata-demos interview``."""

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())
