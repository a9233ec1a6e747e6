"""From waveforms to features: one file per frontend."""
