"""Tools of the command ``earshot``; no stage depends on them.

A command is a module with ``parser()`` and ``main(arguments)``; slow imports are inside ``main``.
"""
