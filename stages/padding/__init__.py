"""What belongs to an utterance of a batch, and what is padding."""
