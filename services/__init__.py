"""Database and Redis work on a session that is passed in. Nothing here commits, speaks HTTP or knows Temporal."""
