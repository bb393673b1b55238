"""The story of an order, deterministic: no clock, no randomness, no I/O but through activities."""
