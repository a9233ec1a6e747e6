"""Recordings as files: read, measured, packed."""
