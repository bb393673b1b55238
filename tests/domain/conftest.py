"""Hypothesis for the pure rules: no deadline, because a busy machine is no failure, and nothing kept between runs."""

from hypothesis import settings

settings.register_profile("tillwright", deadline=None, database=None, max_examples=200)
settings.load_profile("tillwright")
