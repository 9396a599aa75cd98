"""Low-pass kernels of the blind super-resolution literature, float64 (k, k), odd k, sum 1.

Formulas: BSRGAN (Zhang et al. 2021) and Real-ESRGAN (Wang et al. 2021). Each is symmetric about its centre, so none
moves the picture.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Kernel = NDArray[np.float64]


def _quadratic(size: int, sigma_x: float, sigma_y: float, angle: float) -> Kernel:
    """q = xᵀΣ⁻¹x at each tap, Σ = R(angle)·diag(σx², σy²)·R(angle)ᵀ."""
    steps = np.arange(size) - (size - 1) / 2
    y, x = np.meshgrid(steps, steps, indexing="ij")
    along = np.cos(angle) * x + np.sin(angle) * y
    across = -np.sin(angle) * x + np.cos(angle) * y
    return (along / sigma_x) ** 2 + (across / sigma_y) ** 2


def generalized_gaussian(size: int, sigma_x: float, sigma_y: float, angle: float = 0.0, beta: float = 1.0) -> Kernel:
    """exp(−½·q^β): a Gaussian for β = 1, peaked below, flat-topped above. σ in pixels, angle in radians."""
    kernel = np.exp(-0.5 * _quadratic(size, sigma_x, sigma_y, angle) ** beta)
    return kernel / kernel.sum()


def plateau(size: int, sigma_x: float, sigma_y: float, angle: float = 0.0, beta: float = 1.0) -> Kernel:
    """1 / (1 + q^β): flat top, heavy tails. σ in pixels, angle in radians."""
    kernel = 1.0 / (1.0 + _quadratic(size, sigma_x, sigma_y, angle) ** beta)
    return kernel / kernel.sum()


def bessel_j1(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bessel function J₁ for |x| ≤ 60, to 1e-12: Bessel's integral by the midpoint rule, exact to aliasing."""
    angles = (np.arange(96) + 0.5) * np.pi / 96
    return np.mean(np.cos(angles - np.multiply.outer(x, np.sin(angles))), axis=-1)


def sinc(size: int, cutoff: float) -> Kernel:
    """Ideal circular low-pass ω·J₁(ωr) / 2πr, cut off at ω = `cutoff` (radians a pixel): rings at edges."""
    steps = np.arange(size) - (size - 1) / 2
    radius = np.hypot(*np.meshgrid(steps, steps, indexing="ij"))
    centre = radius == 0
    radius[centre] = 1.0
    kernel = cutoff * bessel_j1(cutoff * radius) / (2 * np.pi * radius)
    kernel[centre] = cutoff**2 / (4 * np.pi)
    return kernel / kernel.sum()
