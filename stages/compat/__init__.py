"""What works around the insides of other libraries, one file for each of them.

``SEEN_WITH`` of a file holds the versions, up to the minor number, that it was written for and tested with.
"""
