"""Checks of params.yaml against the classes that it names, before anything runs."""
