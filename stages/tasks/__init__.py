"""What a model is trained to do: a task answers loss and decode."""
