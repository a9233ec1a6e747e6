"""What a model is trained to do: a task implements loss and decode."""
