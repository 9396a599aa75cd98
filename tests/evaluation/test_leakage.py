import cv2
import numpy as np
import PIL.Image
import pytest

from evaluation.leakage import Leak, find_leaks, refuse_leaks
from evaluation.overlap import find_overlaps
from schemas.errors import DatasetError
from schemas.source import SourceImage


def source(key, split, hash_="", near=""):
    return SourceImage(
        key=key, uri=f"{split}/{key}.jpg", sha256="", size=1, split=split, perceptual_hash=hash_, near_duplicate_of=near
    )


def leaks_of(*rows, radius=10):
    return find_leaks(rows, radius)


def test_different_pictures_do_not_leak():
    rows = [source("a", "train", "0" * 16), source("b", "heldout", "f" * 16), source("c", "heldout")]
    assert leaks_of(*rows) == []
    refuse_leaks(rows, 10)


def test_the_same_bytes_on_both_sides_leak():
    assert leaks_of(source("a", "train"), source("a", "heldout")) == [
        Leak("heldout/a.jpg", "train/a.jpg", "same bytes")
    ]


@pytest.mark.parametrize("marked", ["train", "heldout"])
def test_a_mark_across_the_split_leaks_in_either_direction(marked):
    near = {"train": ("", "h"), "heldout": ("t", "")}[marked]
    (leak,) = leaks_of(source("h", "heldout", near=near[0]), source("t", "train", near=near[1]))
    assert leak == Leak("heldout/h.jpg", "train/t.jpg", "marked near duplicate")


@pytest.mark.parametrize(("radius", "leaks"), [(3, 0), (4, 1), (64, 1)])
def test_hashes_within_the_radius_leak(radius, leaks):
    found = leaks_of(source("t", "train", "000000000000000f"), source("h", "heldout", "0" * 16), radius=radius)
    assert [leak.why for leak in found] == ["perceptual hash 4 bits apart"] * leaks


def test_an_image_without_a_hash_is_near_to_none():
    assert leaks_of(source("t", "train"), source("h", "heldout", "0" * 16)) == []


def test_a_pair_is_named_once_with_its_strongest_proof():
    (leak,) = leaks_of(source("a", "train", "0" * 16, near="a"), source("a", "heldout", "0" * 16))
    assert leak.why == "same bytes"


def test_refusing_names_the_pairs():
    with pytest.raises(DatasetError, match=r"1 held-out.*\n.*heldout/a\.jpg ~ train/a\.jpg \(same bytes\)"):
        refuse_leaks([source("a", "train"), source("a", "heldout")], 10)


@pytest.fixture(scope="module")
def photos(photo_paths):
    return {path.stem: np.asarray(PIL.Image.open(path).convert("RGB")) for path in photo_paths}


def test_shipped_photographs_overlap_only_as_the_stereo_pair(photos):
    names = list(photos)
    heldout = {name: photos[name] for name in names[::2]}
    found = find_overlaps(heldout, ((name, photos[name]) for name in names[1::2]))
    assert [(leak.heldout, leak.train) for leak in found] == [("motorcycle_left", "motorcycle_right")]


@pytest.mark.parametrize("name", ["astronaut", "coffee", "china", "chelsea"])
def test_a_scaled_rotated_recompressed_crop_is_found(photos, name):
    image = photos[name]
    height, width = image.shape[:2]
    crop = np.rot90(image[height // 4 : -height // 5, width // 5 : -width // 4])
    crop = cv2.resize(crop, None, fx=0.8, fy=0.8, interpolation=cv2.INTER_AREA)
    crop = cv2.imdecode(cv2.imencode(".jpg", crop, [cv2.IMWRITE_JPEG_QUALITY, 60])[1], cv2.IMREAD_COLOR)
    (leak,) = find_overlaps({"crop": crop}, photos.items())
    assert (leak.heldout, leak.train) == ("crop", name)


def test_pictures_without_texture_match_nothing():
    grey = np.full((50, 60, 3), 128, np.uint8)
    assert find_overlaps({"a": grey}, [("b", grey), ("c", np.zeros((1, 1, 3), np.uint8))]) == []
