"""Lightning callbacks and what else runs around training: history, seeds, samples."""
