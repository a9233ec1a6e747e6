"""Prefect and DVC around the stages; imports nothing of them but the schema."""
