"""Haze, fog, smoke and dusk by Koschmieder's law on metric depth."""

from degradations.haze.haze import Haze, HazeParams

__all__ = ["Haze", "HazeParams"]
