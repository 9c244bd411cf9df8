"""``python -m bigdata_demos.report``."""

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())
