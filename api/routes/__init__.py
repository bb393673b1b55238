"""One module per feature; `api/app.py` mounts them all under /api/v1, and under /api for the current version."""
