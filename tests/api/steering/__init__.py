"""Staff see and steer orders that are under way."""
