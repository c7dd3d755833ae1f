"""``python -m darkclr`` is the command ``darkclr``."""

import sys

from darkclr.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
