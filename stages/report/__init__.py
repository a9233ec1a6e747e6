"""The report on a corpus: what a person should know of it before anything is trained."""
