"""The embedded depth prior."""

import subprocess
import sys

import cv2
import numpy as np
import pytest

from degradations.cues.depth import DEPTH_PIXELS, estimate_depth
from degradations.cues.guided import guided_filter
from degradations.cues.segments import superpixels
from degradations.cues.shrink import shrink


def landscape(height=200, width=300, horizon=0.45):
    """A blue sky over rough green ground."""
    rows = np.linspace(0, 1, height)[:, None, None]
    picture = np.where(rows < horizon, (110, 160, 230), (70, 110, 50)) * np.ones((1, width, 1))
    rough = np.random.default_rng(0).normal(0, 18, (height, width, 1)) * (rows >= horizon)
    return np.clip(picture + rough, 0, 255).astype(np.uint8)


def test_sky_is_found_and_is_farthest():
    depth = estimate_depth(landscape())
    assert depth.sky[:80].mean() > 0.98
    assert depth.sky[100:].mean() < 0.02
    assert depth.disparity[:80].max() < 0.05


def test_ground_comes_nearer_towards_the_lower_edge():
    rows = estimate_depth(landscape()).disparity.mean(axis=1)
    assert rows[110] < rows[140] < rows[170] < rows[198]
    assert rows[198] > 0.85


def test_a_rough_top_is_no_sky():
    assert estimate_depth(landscape()[::-1].copy()).sky[:60].max() < 0.2


def test_a_thing_before_the_sky_is_no_sky():
    picture = landscape()
    picture[20:110, 140:165] = (60, 50, 45)
    depth = estimate_depth(picture)
    assert depth.sky[30:85, 148:158].max() < 0.3
    assert depth.sky[30:85, 180:].min() > 0.7
    assert depth.disparity[30:85, 148:158].mean() > 2 * depth.disparity[30:85, 180:].mean()


def test_it_says_what_it_is_and_keeps_to_its_ranges():
    depth = estimate_depth(landscape())
    assert (depth.provider, depth.version) == ("prior", "1")
    for plane in (depth.disparity, depth.sky):
        assert plane.dtype == np.float32
        assert plane.shape == depth.disparity.shape
        assert 0.0 <= plane.min() <= plane.max() <= 1.0


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (7, 1), (2, 2), (5, 3000), (3000, 5), (33, 31), (700, 900)])
@pytest.mark.parametrize("fill", ["black", "grey", "white", "noise"])
def test_any_size_and_content(shape, fill):
    level = {"black": 0, "grey": 128, "white": 255}
    image = np.full((*shape, 3), level.get(fill, 0), np.uint8)
    if fill == "noise":
        image = np.random.default_rng(1).integers(0, 256, image.shape, dtype=np.uint8)
    depth = estimate_depth(image)
    height, width = depth.disparity.shape
    assert height * width <= DEPTH_PIXELS * 1.02
    assert height <= shape[0] and width <= shape[1]
    assert np.isfinite(depth.disparity).all() and np.isfinite(depth.sky).all()


def test_it_refuses_what_is_no_image():
    with pytest.raises(ValueError, match="uint8"):
        estimate_depth(np.zeros((4, 4, 3), np.float32))


def test_equal_to_the_bit_in_another_process_and_with_other_threads(tmp_path):
    image = landscape(421, 733)
    np.save(tmp_path / "image.npy", image)
    code = (
        "import sys, cv2, numpy as np; cv2.setNumThreads(1)\n"
        "from degradations.cues.depth import estimate_depth\n"
        "depth = estimate_depth(np.load(sys.argv[1] + '/image.npy'))\n"
        "np.save(sys.argv[1] + '/depth.npy', np.stack([depth.disparity, depth.sky]))\n"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
    threads = cv2.getNumThreads()
    try:
        cv2.setNumThreads(4)
        depth = estimate_depth(image)
    finally:
        cv2.setNumThreads(threads)
    assert np.array_equal(np.load(tmp_path / "depth.npy"), np.stack([depth.disparity, depth.sky]))


def test_superpixels_follow_colour():
    image = np.zeros((20, 30, 3), np.uint8)
    image[:, 15:] = 200
    image[5:9, 3:7] = 90
    labels = superpixels(image, tolerance=100.0, smallest=4)
    assert labels.max() == 2
    assert len(np.unique(labels[:, 15:])) == 1 == len(np.unique(labels[5:9, 3:7]))


def test_guided_filter_keeps_an_edge_of_its_guide_and_smooths_the_rest():
    guide = np.zeros((40, 40), np.float32)
    guide[:, 20:] = 1.0
    noise = np.random.default_rng(0).normal(0, 0.1, guide.shape).astype(np.float32)
    out = guided_filter(guide, guide + noise, radius=5, epsilon=1e-3)
    assert out[:, 19].mean() < 0.1 and out[:, 20].mean() > 0.9
    assert out[:, :18].std() < 0.03


def test_shrink_keeps_the_mean():
    image = np.random.default_rng(0).integers(0, 256, (101, 203, 3), dtype=np.uint8)
    small = shrink(image, 17, 33)
    assert small.shape == (17, 33, 3)
    assert abs(float(small.mean()) - float(image.mean())) < 2.0
    assert shrink(image, 101, 203) is image
