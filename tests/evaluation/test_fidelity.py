import math

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from torchmetrics.functional.image import peak_signal_noise_ratio as torch_psnr
from torchmetrics.functional.image import structural_similarity_index_measure as torch_ssim

from evaluation.fidelity import PSNR_CAP, psnr, ssim


def scene(height, width, seed=0):
    rough = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return cv2.GaussianBlur(rough, (0, 0), 2.0)


def noisy(image, amplitude, seed=1):
    noise = np.random.default_rng(seed).integers(-amplitude, amplitude + 1, image.shape)
    return np.clip(image.astype(np.int64) + noise, 0, 255).astype(np.uint8)


def reference_ssim(a, b):
    return structural_similarity(
        a, b, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255, channel_axis=2
    )


def test_psnr_by_hand():
    black = np.zeros((4, 5, 3), np.uint8)
    one_pixel = black.copy()
    one_pixel[0, 0] = (30, 0, 0)
    assert psnr(black, np.full_like(black, 255)) == pytest.approx(0.0, abs=1e-9)
    assert psnr(black, np.full_like(black, 10)) == pytest.approx(20 * math.log10(25.5), abs=1e-9)
    assert psnr(black, one_pixel) == pytest.approx(10 * math.log10(255**2 / (900 / 60)), abs=1e-9)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 60), st.integers(0, 2**16))
def test_psnr_agrees_with_torchmetrics_and_skimage(height, width, amplitude, seed):
    a = scene(height, width, seed)
    b = noisy(a, amplitude, seed + 1)
    if (a == b).all():
        assert psnr(a, b) == PSNR_CAP
        return
    theirs = torch_psnr(torch.from_numpy(a).double(), torch.from_numpy(b).double(), data_range=255.0)
    assert psnr(a, b) == pytest.approx(float(theirs), abs=1e-5)
    assert psnr(a, b) == pytest.approx(peak_signal_noise_ratio(a, b, data_range=255), abs=1e-9)


def test_identical_pictures_have_100_dB_and_ssim_1():
    a = scene(30, 40)
    assert psnr(a, a.copy()) == 100.0
    assert ssim(a, a.copy()) == pytest.approx(1.0, abs=1e-12)


@settings(max_examples=20, deadline=None)
@given(st.integers(11, 60), st.integers(11, 60), st.integers(1, 80), st.integers(0, 2**16))
def test_ssim_is_that_of_torchmetrics_over_windows_inside_the_picture(height, width, amplitude, seed):
    a = scene(height, width, seed)
    b = noisy(a, amplitude, seed + 1)
    planes = [torch.from_numpy(image.transpose(2, 0, 1).astype(np.float64))[None] for image in (a, b)]
    _, every_window = torch_ssim(*planes, data_range=255.0, return_full_image=True)
    assert ssim(a, b) == pytest.approx(float(every_window[..., 5:-5, 5:-5].mean()), abs=1e-9)


@pytest.mark.parametrize("height", [511, 512, 522, 523, 1030, 1100])
def test_bands_do_not_change_ssim(height):
    a = scene(height, 24)
    b = noisy(a, 25)
    assert ssim(a, b) == pytest.approx(reference_ssim(a, b), abs=1e-12)


def test_ssim_of_constants_is_the_luminance_term():
    a, b = np.full((20, 20, 3), 100, np.uint8), np.full((20, 20, 3), 150, np.uint8)
    c1 = (0.01 * 255) ** 2
    assert ssim(a, b) == pytest.approx((2 * 100 * 150 + c1) / (100**2 + 150**2 + c1), abs=1e-9)


@pytest.mark.parametrize("shape", [(1, 1), (1, 30), (30, 1), (10, 10), (5, 200)])
def test_a_side_shorter_than_the_window_is_lengthened_by_its_border(shape):
    a = scene(*shape)
    b = noisy(a, 20)
    around = [((11 - side) // 2 if side < 11 else 0, -(-(11 - side) // 2) if side < 11 else 0) for side in shape]
    padded = [np.pad(image, (*around, (0, 0)), mode="edge") for image in (a, b)]
    assert ssim(a, b) == pytest.approx(reference_ssim(*padded), abs=1e-12)


@pytest.mark.parametrize("measure", [psnr, ssim])
def test_what_is_no_pair_is_refused(measure):
    a = scene(20, 20)
    with pytest.raises(ValueError, match=r"\(20, 20, 3\) and \(20, 19, 3\)"):
        measure(a, a[:, 1:])
    with pytest.raises(ValueError, match="uint8"):
        measure(a.astype(np.float32), a)
