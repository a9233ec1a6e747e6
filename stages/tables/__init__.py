"""Delimited text and tables as they come, with the file and the row in every error."""
