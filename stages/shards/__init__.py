"""From rows of a manifest to feature shards, in independent jobs."""
