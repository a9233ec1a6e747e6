"""Tools for people, behind the command ``earshot``; no stage depends on them."""
