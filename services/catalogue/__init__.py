"""The catalogue: what is sold, as shoppers and staff see it, and what it costs now."""
