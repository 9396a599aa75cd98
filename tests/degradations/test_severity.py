"""One number in [0, 1] moves each degradation from barely visible to severe; any size of picture is taken."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from skimage.metrics import structural_similarity

from degradations.chain import apply_chain, draw_chain
from degradations.cues.depth import estimate_depth
from degradations.cues.masks import segment
from degradations.scene import Scene
from schemas.recipe.chains import ChainStep
from schemas.recipe.degradations import DegradationsSection
from tests.degradations.pictures import crops

SECTION = DegradationsSection()
NAMES = list(SECTION.weights())
#: Mean 1 − SSIM that is still barely visible at severity 0: a resampled or developed picture is never the same.
BARELY = {"realesrgan": 0.25, "compression": 0.1}


def scene_of(image: np.ndarray) -> Scene:
    depth = estimate_depth(image)
    return Scene(*image.shape[:2], depth, segment(image, depth))


@pytest.fixture(scope="module")
def pictures():
    return [(image, scene_of(image)) for image in crops(4)]


def distance(name: str, severity: float, pictures) -> float:
    values = []
    for number, (image, scene) in enumerate(pictures):
        for seed in range(4):
            degraded = apply_chain(image, draw_chain([name], SECTION, scene, severity, seed, str(number)), scene)
            pair = (cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in (image, degraded))
            values.append(1 - structural_similarity(*pair))
    return float(np.mean(values))


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_severity_moves_every_degradation_from_barely_visible_to_severe(name, pictures):
    distances = [distance(name, severity, pictures) for severity in (0.0, 0.25, 0.5, 0.75, 1.0)]
    assert distances == sorted(distances)
    assert distances[0] < BARELY.get(name, 0.075)
    assert distances[-1] > max(0.1, 2 * distances[0]) or name == "realesrgan"
    assert distances[-1] > 0.1


@pytest.mark.parametrize("level", [1, 2, 3, 4, 5])
def test_levels_are_the_fifths_of_severity(level):
    step = ChainStep(degradation="noise", level=level)
    severities = [step.at(quantile) for quantile in np.linspace(0, 1, 21)]
    assert severities == sorted(severities)
    assert severities[0] == pytest.approx((level - 1) / 5)
    assert severities[-1] == pytest.approx(level / 5, abs=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("size", [(4320, 7680), (16, 7680), (7680, 16)])
@pytest.mark.parametrize("name", NAMES)
def test_8k_and_extreme_aspects(name, size):
    small = cv2.resize(crops(1)[0], (max(1, size[1] // 8), max(1, size[0] // 8)), interpolation=cv2.INTER_LINEAR)
    image = cv2.resize(small, size[::-1], interpolation=cv2.INTER_LINEAR)
    scene = scene_of(image)
    out = apply_chain(image, draw_chain([name], SECTION, scene, 0.5, 1, "key"), scene)
    assert out.shape == image.shape
    assert out.dtype == np.uint8
