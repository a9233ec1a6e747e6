"""Searches: from log-probabilities to token sequences."""
