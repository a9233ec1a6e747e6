"""What happens around training: history, seeds, samples."""
