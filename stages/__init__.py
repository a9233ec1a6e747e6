"""The five DVC stages and their vocabulary: a file here is a stage, a folder is vocabulary."""
