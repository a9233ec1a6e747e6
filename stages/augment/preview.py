"""Earlier name of ``earshot preview``."""

import sys

from stages.commands.preview import main

if __name__ == "__main__":
    sys.exit(main())
