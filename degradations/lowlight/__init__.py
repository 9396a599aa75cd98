"""Low light: on the sensor of a camera, by a curve, or by a network."""

from degradations.lowlight.lowlight import Lowlight as Lowlight
from degradations.lowlight.lowlight import LowlightParams as LowlightParams
