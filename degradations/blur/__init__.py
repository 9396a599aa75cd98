"""Camera shake, recorded trajectories, defocus by depth, and blur as software makes it."""

from degradations.blur.blur import Blur, BlurParams

__all__ = ["Blur", "BlurParams"]
