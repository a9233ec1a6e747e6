"""The old name of ``earshot lm``."""

import sys

from stages.commands.lm import main

if __name__ == "__main__":
    sys.exit(main())
