"""`python -m lab`: see `python -m lab --help`."""

import sys

from lab.cli import main

sys.exit(main(sys.argv[1:]))
