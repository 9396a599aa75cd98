"""pyiqa metrics. pyiqa is not installed here, for its licence: a stand-in module with its documented entry points
(`list_models`, `create_metric(name, device=...)`, metrics called with a float (1, 3, H, W) in [0, 1]) shows how it is
called; that real metrics give the values they should is not tested."""

from __future__ import annotations

import importlib.util
import sys

import numpy as np
import pytest

from filters.quality.pyiqa_metrics import PyiqaMetrics
from schemas.errors import RecipeError

pytest.importorskip("torch")

_STAND_IN = """
class Mean:
    def __init__(self, name, device):
        self.scale = {"brightness": 1.0, "double": 2.0}[name]
        self.device = device

    def __call__(self, pixels):
        assert pixels.ndim == 4 and pixels.shape[:2] == (1, 3) and str(pixels.device) == self.device
        assert pixels.dtype.is_floating_point and 0 <= pixels.min() and pixels.max() <= 1
        return self.scale * pixels.mean(dim=(1, 2, 3), keepdim=False)[:, None]


def list_models(metric_mode=None):
    return ["brightness", "double"] if metric_mode == "NR" else ["brightness", "double", "psnr"]


def create_metric(name, device=None):
    return Mean(name, device)
"""


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    if importlib.util.find_spec("pyiqa"):
        pytest.skip("the real pyiqa is installed")
    (tmp_path / "pyiqa.py").write_text(_STAND_IN)
    monkeypatch.syspath_prepend(tmp_path)
    yield
    sys.modules.pop("pyiqa", None)


def test_each_metric_is_asked_about_each_picture(stand_in):
    filter_ = PyiqaMetrics(("brightness", "double"), "cpu")
    filter_.load()
    found = filter_.score([np.full((4, 6, 3), value, np.uint8) for value in (0, 51, 255)])
    assert [finding.scores["quality.brightness"] for finding in found] == pytest.approx([0, 0.2, 1])
    assert [finding.scores["quality.double"] for finding in found] == pytest.approx([0, 0.4, 2])
    assert filter_.version != PyiqaMetrics(("brightness",), "cpu").version


def test_a_metric_that_needs_a_reference_is_refused(stand_in):
    with pytest.raises(RecipeError, match="'psnr' is no no-reference metric of pyiqa; it has brightness, double"):
        PyiqaMetrics(("psnr",), "cpu")


def test_without_pyiqa_the_remedy_is_told():
    if importlib.util.find_spec("pyiqa"):
        pytest.skip("pyiqa is installed")
    with pytest.raises(RecipeError, match=r"pip install pyiqa .* or set filters\.quality\.pyiqa=\[\]"):
        PyiqaMetrics(("musiq",))
