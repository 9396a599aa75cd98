"""The embedded segments: superpixels merged by colour and depth."""

import subprocess
import sys

import cv2
import numpy as np
import pytest

from degradations.cues.cues import Cues, Wanted
from degradations.cues.depth import estimate_depth
from degradations.cues.masks import PIXELS, segment
from degradations.scene import DepthCue
from tests.degradations.pictures import crops
from tests.degradations.test_cues import landscape


def things() -> tuple[np.ndarray, np.ndarray]:
    """Rough ground under a blue sky with three plain things, and the number of each (0 where there is none)."""
    picture, number = landscape(), np.zeros((200, 300), int)
    for n, (colour, place) in enumerate(
        {
            (200, 30, 30): np.s_[110:150, 30:80],
            (230, 220, 40): np.s_[120:190, 130:165],
            (40, 40, 160): np.s_[100:140, 220:280],
        }.items(),
        1,
    ):
        picture[place], number[place] = colour, n
    return picture, number


def at(labels: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    return cv2.resize(labels, shape[::-1], interpolation=cv2.INTER_NEAREST)


def test_each_thing_is_one_segment_of_its_own():
    picture, number = things()
    labels = at(segment(picture).labels, number.shape)
    owners = []
    for n in (1, 2, 3):
        inside = labels[number == n]
        owner = np.bincount(inside).argmax()
        assert (inside == owner).mean() > 0.9
        assert (number[labels == owner] == n).mean() > 0.9
        owners.append(owner)
    assert len(set(owners)) == 3


def test_sky_and_ground_are_never_one_segment():
    labels = at(segment(landscape()).labels, (200, 300))
    assert not np.intersect1d(labels[:80], labels[100:]).size


def test_depth_parts_what_colour_joins():
    """Tiles of nearly one grey, alternately; a step of depth across them makes two things of them."""
    tiles = np.indices((10, 10)).sum(axis=0) % 2 * 6 + 100
    picture = np.repeat(tiles.astype(np.uint8).repeat(20, 0).repeat(20, 1)[..., None], 3, axis=2)
    flat = np.zeros((200, 200), np.float32)
    step = flat.copy()
    step[:, 100:] = 1.0

    def shared(depth):
        labels = segment(picture, DepthCue(depth, flat, "prior", "1")).labels
        return np.intersect1d(labels[:, :100], labels[:, 100:]).size

    assert shared(flat) > 0 and shared(step) == 0


def test_photographs_have_some_ten_to_sixty_segments(photo_paths):
    counts = []
    for path in photo_paths:
        labels = segment(cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)).labels
        counts.append(int(labels.max()) + 1)
        assert np.bincount(labels.ravel()).max() < 0.9 * labels.size
    assert min(counts) >= 8 and max(counts) <= 60
    assert 10 <= np.median(counts) <= 40


def test_labels_are_numbered_without_a_gap_in_reading_order():
    cue = segment(crops(1)[0])
    assert (cue.provider, cue.version) == ("superpixels", "1")
    assert cue.labels.dtype == np.int32
    values, first = np.unique(cue.labels, return_index=True)
    assert np.array_equal(values, np.arange(len(values)))
    assert (np.diff(first) > 0).all()


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (7, 1), (2, 2), (5, 3000), (3000, 5), (33, 31), (700, 900)])
@pytest.mark.parametrize("fill", ["black", "grey", "white", "noise"])
def test_any_size_and_content(shape, fill):
    level = {"black": 0, "grey": 128, "white": 255}
    image = np.full((*shape, 3), level.get(fill, 0), np.uint8)
    if fill == "noise":
        image = np.random.default_rng(1).integers(0, 256, image.shape, dtype=np.uint8)
    labels = segment(image).labels
    height, width = labels.shape
    assert height * width <= PIXELS * 1.02
    assert height <= shape[0] and width <= shape[1]
    assert labels.min() == 0 and labels.max() < 60
    assert np.array_equal(np.unique(labels), np.arange(labels.max() + 1))


def test_it_refuses_what_is_no_image():
    with pytest.raises(ValueError, match="uint8"):
        segment(np.zeros((4, 4, 3), np.float32))


def test_a_depth_at_hand_saves_work_and_another_providers_changes_nothing():
    image = crops(1)[0]
    alone = segment(image).labels
    assert np.array_equal(segment(image, estimate_depth(image)).labels, alone)
    upside_down = DepthCue(np.eye(9, dtype=np.float32), np.ones((9, 9), np.float32), "dpt", "0")
    assert np.array_equal(segment(image, upside_down).labels, alone)


def test_equal_to_the_bit_in_another_process_and_with_other_threads(tmp_path):
    image = landscape(421, 733)
    np.save(tmp_path / "image.npy", image)
    code = (
        "import sys, cv2, numpy as np; cv2.setNumThreads(1)\n"
        "from degradations.cues.masks import segment\n"
        "np.save(sys.argv[1] + '/labels.npy', segment(np.load(sys.argv[1] + '/image.npy')).labels)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
    threads = cv2.getNumThreads()
    try:
        cv2.setNumThreads(4)
        labels = segment(image).labels
    finally:
        cv2.setNumThreads(threads)
    assert np.array_equal(np.load(tmp_path / "labels.npy"), labels)


def test_only_what_is_needed_is_estimated():
    image = crops(1)[0]
    cues = Cues()
    none, depth, masks, both = cues.of(
        [Wanted(image, frozenset(needs)) for needs in ((), ("depth",), ("masks", "patterns.rain"), ("depth", "masks"))]
    )
    assert none == (None, None)
    assert depth[0] is not None and depth[1] is None
    assert masks[0] is None and masks[1] is not None
    assert np.array_equal(both[0].disparity, depth[0].disparity) and np.array_equal(both[1].labels, masks[1].labels)
