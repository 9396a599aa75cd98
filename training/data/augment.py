"""What befalls a degraded image as it is loaded."""

from __future__ import annotations

import numpy as np

from degradations.scene import Scene
from degradations.web_style import WebStyle
from schemas.recipe.degradations import WebStyleSection
from training.data.pairs import Pixels

_WEB_STYLE = WebStyle(WebStyleSection())


def web_style(image: Pixels, rng: np.random.Generator) -> Pixels:
    """One mild trip of a uint8 (H, W, 3) image through the web, of a severity uniform in [0, 1]."""
    scene = Scene(*image.shape[:2])
    return _WEB_STYLE.apply(image, _WEB_STYLE.draw(rng, scene, float(rng.random())), scene)
