"""Sources of utterances: one file per corpus."""
