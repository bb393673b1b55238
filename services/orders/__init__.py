"""Orders, split by verb: requesting, placing, moving, reading."""
