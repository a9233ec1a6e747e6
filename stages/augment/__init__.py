"""Augmentation of training: of recordings, cached or fresh, and of features on the device."""
