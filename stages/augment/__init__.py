"""Augmentations of training: of recordings, cached or fresh in every epoch, and of features, on the device."""
