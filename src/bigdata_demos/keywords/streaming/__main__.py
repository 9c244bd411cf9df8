"""``python -m bigdata_demos.keywords.streaming``."""

import sys

from .programs import main

if __name__ == "__main__":
    sys.exit(main())
