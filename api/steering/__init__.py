"""Seeing and steering orders that are under way, from Temporal's own records: no worker has to be there."""
