"""Masks that separate utterances from padding in a batch."""
