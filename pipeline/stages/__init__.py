"""Stages: plain classes called with a unit. They know nothing of Ray."""
