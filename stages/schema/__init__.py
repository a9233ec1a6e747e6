"""What the files of the pipeline may say: params, manifest rows, feature tables. Never torch."""
