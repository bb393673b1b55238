"""The catalogue as a file, in and out: CSV with a row per variant, or JSON Lines with a product per line."""
