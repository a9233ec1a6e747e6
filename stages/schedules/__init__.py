"""Learning-rate schedules that PyTorch does not have."""
