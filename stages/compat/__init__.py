"""Workarounds for the internals of other libraries, one file for each.

``SEEN_WITH`` in a file lists the versions, up to the minor number, with which it was tested.
"""
