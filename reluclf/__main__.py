"""``python -m reluclf`` is the command line, see :mod:`reluclf.cli`."""

import sys

from reluclf.cli import main

if __name__ == "__main__":
    sys.exit(main())
