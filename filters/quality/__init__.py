"""Learned metrics of clean targets, none of them needed."""
