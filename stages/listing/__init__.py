"""Decides which utterances become rows of the manifest, and in which split."""
