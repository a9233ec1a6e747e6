"""Tools for people, behind the command ``earshot``; no stage depends on them.

A command is a module with ``parser()`` and ``main(arguments)``; what is heavy it imports once it runs.
"""
