"""Sounds of corpora that are made on this machine: speech by espeak-ng, chords."""
