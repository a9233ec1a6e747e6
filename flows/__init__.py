"""Prefect flows that drive DVC by its command line."""

import os

# Before Prefect is imported: it reads them then. Nobody is told what runs here.
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
os.environ.setdefault("DO_NOT_TRACK", "1")
