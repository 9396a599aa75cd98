"""sRGB ↔ linear light."""

import numpy as np

from degradations.light import decode, encode


def test_every_code_survives_the_round_trip():
    codes = np.arange(256, dtype=np.uint8)
    assert (encode(decode(codes)) == codes).all()


def test_decode_is_the_srgb_curve():
    code = np.array([0, 10, 11, 128, 255], dtype=np.uint8)
    x = code / 255.0
    expected = np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)
    np.testing.assert_allclose(decode(code), expected, rtol=1e-6)


def test_encode_rounds_to_the_nearest_code():
    light = np.linspace(0.0, 1.0, 20_001, dtype=np.float32)
    exact = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light.astype(np.float64) ** (1 / 2.4) - 0.055) * 255.0
    assert np.abs(encode(light) - exact).max() < 0.5 + 0.06


def test_encode_clamps_and_takes_nan_for_black():
    light = np.array([-1.0, -0.0, 1.5, np.inf, -np.inf, np.nan], dtype=np.float32)
    assert encode(light).tolist() == [0, 0, 255, 255, 0, 0]


def test_shapes_are_kept_and_strided_images_are_read_rightly():
    image = np.random.default_rng(0).integers(0, 256, (37, 53, 3), dtype=np.uint8)
    view = image[::2, ::3, ::-1]
    assert decode(view).shape == view.shape
    assert (encode(decode(view)) == view).all()
    assert decode(np.empty((0, 4, 3), np.uint8)).shape == (0, 4, 3)
