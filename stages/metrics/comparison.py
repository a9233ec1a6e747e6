"""The old name of ``earshot compare``."""

import sys

from stages.commands.compare import main

if __name__ == "__main__":
    sys.exit(main())
