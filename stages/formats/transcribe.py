"""The former name of ``earshot transcribe``."""

import sys

from stages.commands.transcribe import main

if __name__ == "__main__":
    sys.exit(main())
