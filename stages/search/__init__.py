"""From log-probabilities to token sequences."""
