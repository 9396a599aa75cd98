"""Scores of an image or a pair, and the policy that decides from scores alone. Floor 2: imports `schemas` only."""
