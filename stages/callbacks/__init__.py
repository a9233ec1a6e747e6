"""What happens around training: history, resume, samples."""
