"""Harvest: real degraded photographs, their clean references, and the pairs they make."""
