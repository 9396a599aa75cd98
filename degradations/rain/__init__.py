"""Rain: falling drops, what they do to air and ground, and drops on the glass."""

from degradations.rain.params import RainParams
from degradations.rain.rain import Rain

__all__ = ["Rain", "RainParams"]
