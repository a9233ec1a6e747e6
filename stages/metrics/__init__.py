"""Error rates over a corpus, with their uncertainty."""
