"""Encoders: features to a representation per frame."""
