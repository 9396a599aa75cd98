"""Scores of a clean target: what it must be before anything is done to it."""
