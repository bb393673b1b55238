"""People and their accounts, split by verb: what they say of themselves, how they stand, and how they are forgotten."""
