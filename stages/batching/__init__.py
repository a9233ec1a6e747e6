"""From feature shards to padded batches."""
