"""Augmentations of training audio: cached copies, and fresh ones in every epoch."""
