"""From rows of a manifest to feature shards: jobs that need nothing of one another."""
