"""ONNX from raw waveform to log-probabilities, the frontend inside.

B batch, N samples, T' output frames, V vocabulary.
"""
