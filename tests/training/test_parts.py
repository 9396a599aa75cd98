"""The score, prompts as words, and the wavelet planes."""

import pytest
import torch

from training.editors.tiny.pixels import LEVELS
from training.editors.tiny.starlet import starlet
from training.editors.tiny.words import word_ids
from training.validation import gain_score, psnr


def test_no_gain_of_one_degradation_buys_harm_to_another():
    assert gain_score({"haze": 4.0, "blur": 0.0}) == pytest.approx(2.0)
    assert gain_score({"haze": 4.0, "blur": -1.0}) == pytest.approx(1.5 - 1.0)


def test_psnr_by_hand():
    clean = torch.zeros(2, 3, 4, 4)
    image = torch.stack([torch.full((3, 4, 4), 0.1), torch.zeros(3, 4, 4)])
    assert psnr(image, clean).tolist() == pytest.approx([20.0, 60.0])


def test_words_ignore_case_and_chinese_characters_are_words():
    assert word_ids("Remove the RAIN.", 512, 6)[:3] == word_ids("remove, the rain", 512, 6)[:3]
    chinese = word_ids("请将图像去雾。", 512, 8)
    assert all(chinese[:6]) and chinese[6:] == [0, 0]
    assert len(word_ids("a b c d", 512, 2)) == 2
    assert len(set(word_ids("please remove noise from the image", 512, 6))) == 6


def test_wavelet_planes_add_up_to_the_image():
    image = torch.rand(2, 3, 40, 48)
    planes = starlet(image, LEVELS)
    assert planes.shape == (2, 3 * LEVELS, 40, 48)
    assert torch.allclose(planes.unflatten(1, (LEVELS, 3)).sum(1), image, atol=1e-6)
    flat = starlet(torch.full((1, 3, 40, 40), 0.25), LEVELS).unflatten(1, (LEVELS, 3))
    assert flat[:, :-1].abs().max() < 1e-6
