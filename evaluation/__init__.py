"""Fidelity metrics and the report of a run. Floor 3."""
