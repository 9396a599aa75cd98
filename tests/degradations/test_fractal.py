"""Fractal noise: its spectrum, its stretch and its edges."""

import numpy as np
import pytest

from degradations.fractal import fractal_noise
from degradations.rng import generator


def spectrum(field):
    power = np.abs(np.fft.fft2(field)) ** 2
    down, right = np.fft.fftfreq(len(field))[:, None], np.fft.fftfreq(len(field))[None, :]
    return power, down, right


@pytest.mark.parametrize("exponent", [0.8, 1.2, 2.0])
def test_amplitude_falls_as_a_power_of_the_frequency(exponent):
    fields = [fractal_noise(generator(seed), 128, exponent) for seed in range(8)]
    _, down, right = spectrum(fields[0])
    mean = np.mean([spectrum(field)[0] for field in fields], axis=0)
    frequency = np.hypot(down, right)
    band = (frequency > 0.03) & (frequency < 0.4)
    slope = np.polyfit(np.log(frequency[band]), np.log(mean[band]), 1)[0]
    assert slope == pytest.approx(-2 * exponent, abs=0.1)
    assert all(abs(field.mean()) < 1e-4 and abs(field.std() - 1) < 1e-4 for field in fields)


def test_shapes_are_longer_along_their_angle():
    def lengths(field):
        return [1 / np.abs(np.diff(field, axis=axis)).mean() for axis in (0, 1)]

    down, right = lengths(fractal_noise(generator(1), 128, 1.5, stretch=4.0))
    assert right > 1.5 * down
    down, right = lengths(fractal_noise(generator(1), 128, 1.5, stretch=4.0, angle=np.pi / 2))
    assert down > 1.5 * right


def test_one_pixel_is_nought():
    assert fractal_noise(generator(1), 1, 1.0).tolist() == [[0.0]]
