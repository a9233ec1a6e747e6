"""Commands that end with the process that started them."""

import os
import sys

# The id of the process with which Prefect's flow runs end: see flows/__init__.py.
FLOW_RUNS_TIED_TO = "EARSHOT_FLOW_RUNS_TIED_TO"

# Set after exec, not between fork and exec, as a flow's process has threads.
STARTER = (
    "import runpy, sys; from stages.program.parents import die_with_parent;"
    "die_with_parent(int(sys.argv.pop(1))); module = sys.argv.pop(1);"
    "runpy.run_module(module, run_name='__main__', alter_sys=True)"
)


def tied(module: str, *arguments: str) -> list[str]:
    """``python -m module arguments`` as a command that the kernel kills when this process dies (Linux)."""
    return [sys.executable, "-c", STARTER, str(os.getpid()), module, *arguments]
