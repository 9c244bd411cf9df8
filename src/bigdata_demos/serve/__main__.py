"""``python -m bigdata_demos.serve``."""

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())
