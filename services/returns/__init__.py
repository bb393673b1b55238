"""Goods on their way back, split by verb: requesting, deciding, receiving, closing, reading."""

from services.returns.requesting import open_undelivered

__all__ = ["open_undelivered"]
