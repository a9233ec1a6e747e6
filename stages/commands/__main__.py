"""``python -m stages.commands``: the command ``earshot``."""

import sys

from stages.commands.earshot import dispatch

if __name__ == "__main__":
    sys.exit(dispatch(sys.argv[1:]))
