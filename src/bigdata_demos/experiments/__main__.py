"""``python -m bigdata_demos.experiments``."""

import sys

from .cli import main

sys.exit(main())
