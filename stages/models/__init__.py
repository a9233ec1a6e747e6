"""Encoders, which turn features into a representation per frame, decoders and heads."""
