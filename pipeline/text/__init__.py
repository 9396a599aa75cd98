"""Texts from traces: what was done to a picture, in words that claim no more than the trace knows."""
