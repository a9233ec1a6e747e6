"""How a stage runs as a program: entry, exit codes, inputs, outputs, progress."""
