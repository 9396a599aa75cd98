"""How pairs of any size come to the size of a sample."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from degradations.rng import generator
from schemas.recipe.training import DataSection
from training.data.fits import MULTIPLE, bucket_of, drawn_fit, fitted, middle
from training.data.pairs import Pair
from training.families.buckets import Size

sides = st.integers(20, 300)


def ramp(height, width):
    """Left to right in red, top to bottom in green."""
    image = np.zeros((height, width, 3), np.uint8)
    image[..., 0] = np.linspace(0, 255, width)
    image[..., 1] = np.linspace(0, 255, height)[:, None]
    return image


def made(height, width):
    image = ramp(height, width)
    return Pair("key", "0" * 16, "blur", "blur", image, 255 - image)


@given(sides, sides, st.sampled_from(["crop", "square", "bucket"]), st.booleans())
def test_both_images_come_to_the_size_alike(height, width, fit, mirror):
    data = DataSection(fit=fit, mirror=mirror)
    pair = made(height, width)
    size = bucket_of(height, width, 64) if fit == "bucket" else Size(64, 64)
    drawn, mirrored = drawn_fit(pair, data, size, generator(0, height, width))
    still = fitted(pair, data, 64)
    for crop in (drawn, still):
        assert crop.degraded.shape == crop.clean.shape == (*size, 3)
        assert np.abs(crop.degraded.astype(int) + crop.clean - 255).max() <= 1, "the same place of both"
        assert (crop.whole is crop.degraded) == (fit != "crop")
    assert not mirrored or mirror
    rising = drawn.degraded[0, -1, 0] >= drawn.degraded[0, 0, 0]
    assert fit == "crop" or rising != mirrored
    if fit != "crop":
        assert np.array_equal(drawn.degraded, still.degraded[:, ::-1] if mirrored else still.degraded)


def test_a_square_is_the_middle_made_small_enough():
    square = fitted(made(100, 300), DataSection(fit="square"), 50).degraded.astype(int)
    assert square.shape == (50, 50, 3)
    assert square[0, :, 1].max() <= 3 and square[-1, :, 1].min() >= 252, "the whole height"
    assert square[0, 0, 0] == pytest.approx(85, abs=2) and square[0, -1, 0] == pytest.approx(170, abs=2), "a third"


def test_a_picture_of_the_size_passes_untouched():
    image = ramp(64, 48)
    assert np.array_equal(middle(image, Size(64, 48)), image)
    assert np.array_equal(middle(np.vstack([image, image]), Size(64, 48)), np.vstack([image, image])[32:96])


def test_a_small_picture_is_enlarged():
    large = middle(ramp(16, 16), Size(64, 64)).astype(int)
    assert large.shape == (64, 64, 3) and large[32, 32, 0] == pytest.approx(129, abs=4)


@given(st.integers(512, 4096), st.integers(512, 4096))
def test_a_bucket_has_the_area_and_nearly_the_shape(height, width):
    size = bucket_of(height, width, 1024)
    assert size.height % MULTIPLE == size.width % MULTIPLE == 0
    assert size.height * size.width == pytest.approx(1024**2, rel=0.02)
    aspect = min(max(width / height, 0.5), 2.0)
    assert size.aspect == pytest.approx(aspect, rel=0.05)
