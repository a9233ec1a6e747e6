"""What corpora that are made on this machine are made of: speech by espeak-ng, chords."""
