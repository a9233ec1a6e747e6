"""Which utterances of the corpora become rows of the manifest, and of which split."""
