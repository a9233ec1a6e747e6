"""Audio files: reading, measuring, packing."""
