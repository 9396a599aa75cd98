"""Engines: they run a worker over tasks and know nothing of what it does."""
