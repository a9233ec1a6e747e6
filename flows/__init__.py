"""Prefect flows that run DVC through its command line."""

import os

from flows.tied import FLOW_RUNS_TIED_TO

# Prefect reads these at import. They turn telemetry off.
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
os.environ.setdefault("DO_NOT_TRACK", "1")

if parent := os.environ.pop(FLOW_RUNS_TIED_TO, None):
    from stages.program.parents import die_with_parent

    die_with_parent(int(parent))
    if run := os.environ.get("PREFECT__FLOW_RUN_ID"):
        from flows import run_process

        run_process.note(run)
