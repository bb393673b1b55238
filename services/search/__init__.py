"""Search: what the index holds and how it keeps up with the catalogue, and how both engines are asked."""
