"""From transcripts to token indices and back."""
