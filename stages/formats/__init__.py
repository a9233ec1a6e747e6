"""Formats in which a trained model is exported."""
