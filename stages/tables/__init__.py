"""Reads delimited text and tables; every error names the file and the row."""
