"""The former name of ``earshot check``."""

import sys

from stages.commands.check import main

if __name__ == "__main__":
    sys.exit(main())
