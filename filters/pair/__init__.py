"""Scores of a pair: a degraded picture beside its clean target."""
