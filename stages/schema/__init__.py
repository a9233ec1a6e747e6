"""Schemas of the pipeline's files: params, manifest rows, feature tables. Never imports torch."""
