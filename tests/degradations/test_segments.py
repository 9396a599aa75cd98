"""Noise and motion by segment; blur by the frames of a clip."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from degradations.blur import Blur
from degradations.blur.blur import BlurParams
from degradations.blur.grain import Grain, with_grain
from degradations.blur.object_motion import ObjectMotionParams, choose_object, object_motion
from degradations.blur.video import averaged
from degradations.light import decode, encode
from degradations.noise.segment_aware import SegmentAwareNoise
from degradations.rng import generator
from degradations.scene import MaskCue, Scene
from schemas.recipe.degradations import BlurModes, BlurSection
from tests.degradations.pictures import crops


def masks(labels: np.ndarray) -> MaskCue:
    return MaskCue(labels.astype(np.int32), "test", "1")


def quarters(side: int) -> MaskCue:
    return masks(np.kron(np.array([[0, 1], [2, 3]]), np.ones((side // 2, side // 2))))


def square(side: int, inner: int) -> MaskCue:
    labels = np.zeros((side, side))
    labels[(side - inner) // 2 : (side + inner) // 2, (side - inner) // 2 : (side + inner) // 2] = 1
    return masks(labels)


# Noise


def test_each_segment_has_its_own_noise_level():
    image = np.full((256, 256, 3), 128, np.uint8)
    spreads = []
    for seed in range(12):
        params = SegmentAwareNoise.draw(generator(seed), Scene(256, 256), 0.5)
        out = params.apply(image, quarters(64)).astype(float) - 128
        blocks = [out[20:108, 20:108], out[20:108, 148:236], out[148:236, 20:108], out[148:236, 148:236]]
        levels = [block.std() for block in blocks]
        fine, coarse = params.deviations(image, quarters(64))
        wanted = [float(np.hypot(fine[y, x], coarse[y, x])) for y in (64, 192) for x in (64, 192)]
        np.testing.assert_allclose(levels, wanted, rtol=0.12)
        spreads.append(max(levels) / min(levels))
    assert np.median(spreads) > 1.5


def test_dark_and_textured_parts_have_more():
    image = np.full((128, 128, 3), 230, np.uint8)
    image[:, :64] = 20
    params = SegmentAwareNoise.draw(generator(1), Scene(128, 128), 0.5).model_copy(
        update={"dark": 1.0, "textured": 0.0, "feather": 0.0}
    )
    fine, coarse = params.deviations(image, masks(np.zeros((32, 32))))
    total = fine + coarse
    assert total[64, 16] / total[64, 112] == pytest.approx((2 - 20 / 255) / (2 - 230 / 255), rel=0.02)


# Motion of an object


@pytest.mark.parametrize("rank", [0.0, 0.3, 0.99])
def test_objects_are_ordered_by_size(rank):
    labels = np.zeros((20, 20), np.int32)
    labels[1:5, 1:6], labels[6:9, 1:6], labels[12:14, 1:6], labels[:, 15:] = 1, 2, 3, 4  # 4 touches three borders
    assert labels[choose_object(labels, rank)].tolist()[0] == {0.0: 1, 0.3: 1, 0.99: 3}[rank]


def test_one_segment_is_the_whole_picture():
    assert choose_object(np.zeros((3, 4), np.int32), 0.7).all()


def test_an_object_spreads_along_its_path_and_stays_centred():
    image = np.full((160, 160, 3), 60, np.uint8)
    image[70:90, 70:90] = 200
    params = ObjectMotionParams(rank=0.0, length=24.0, angle=0.0, feather=0.0)
    out = decode(object_motion(image, params, square(160, 20), 1.0))[..., 0]
    light = out - decode(image)[0, 0, 0]
    columns, rows = light.sum(axis=0), light.sum(axis=1)
    x = float((columns * np.arange(160)).sum() / columns.sum())
    y = float((rows * np.arange(160)).sum() / rows.sum())
    assert x == pytest.approx(79.5, abs=0.1)
    assert y == pytest.approx(79.5, abs=0.1)
    full = (decode(image)[..., 0] - decode(image)[0, 0, 0]).sum()
    assert light.sum() == pytest.approx(full, rel=0.02)
    assert np.count_nonzero(light[79] > 0.01) == pytest.approx(44, abs=4)


def test_what_is_far_from_the_object_is_left_alone():
    image = crops(1)[0]
    params = ObjectMotionParams(rank=0.0, length=10.0, angle=1.0, feather=1.0)
    out = object_motion(image, params, square(192, 40), 1.0)
    changed = np.argwhere((out != image).any(axis=2))
    assert changed.min() > 60
    assert changed.max() < 132


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 30), st.integers(1, 30), st.integers(1, 5))
def test_any_segments_and_sizes(seed, height, width, count):
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    labels = rng.integers(0, count, (max(1, height // 2), max(1, width // 2)))
    cue = masks(np.unique(labels, return_inverse=True)[1].reshape(labels.shape))
    params = ObjectMotionParams(
        rank=rng.random(), length=rng.uniform(1, 60), angle=rng.uniform(0, 6), feather=rng.random()
    )
    assert object_motion(image, params, cue, 3.0).shape == image.shape
    noisy = SegmentAwareNoise.draw(generator(seed), Scene(height, width), 0.7).apply(image, cue)
    assert noisy.shape == image.shape
    assert noisy.dtype == np.uint8


# Frames of a clip


def test_a_clip_is_averaged_in_linear_light():
    clip = np.zeros((9, 4, 5, 3), np.uint8)
    clip[:, :, :] = (np.arange(9) * 25)[:, None, None, None]
    wanted = encode(decode(clip[2:7]).mean(axis=0).astype(np.float32))
    np.testing.assert_array_equal(averaged(clip, 5, 1.0), wanted)


def test_a_picture_from_a_clip_is_blurred_by_its_frames_and_no_other_picture_is():
    blur = Blur(BlurSection())
    clip = np.zeros((15, 8, 8, 3), np.uint8)
    with_clip = [blur.draw(generator(n), Scene(8, 8, clip=clip), n / 49) for n in range(50)]
    assert {p.how.mode for p in with_clip} == {"video"}
    assert {p.how.frames for p in with_clip} <= {7, 9, 11, 13, 15}
    assert blur.needs(with_clip[0]) == {"clip"}
    assert "video" not in {blur.draw(generator(n), Scene(8, 8), 0.5).how.mode for n in range(200)}
    off = Blur(BlurSection(modes=BlurModes(video=0)))
    assert "video" not in {off.draw(generator(n), Scene(8, 8, clip=clip), 0.5).how.mode for n in range(50)}


def test_frames_alone_need_a_clip():
    weights = {name: float(name == "video") for name in BlurModes.model_fields}
    blur = Blur(BlurSection(modes=BlurModes(**weights)))
    with pytest.raises(ValueError, match="needs a clip"):
        blur.draw(generator(0), Scene(8, 8), 0.5)
    params = blur.draw(generator(0), Scene(8, 8, clip=np.zeros((31, 8, 8, 3), np.uint8)), 1.0)
    assert BlurParams.model_validate(params.model_dump(mode="json")) == params
    with pytest.raises(ValueError, match="clip of at least"):
        blur.apply(np.zeros((8, 8, 3), np.uint8), params, Scene(8, 8))


# Grain


def test_grain_is_stronger_in_the_dark_and_has_its_deviation():
    grain = Grain(sigma=4.0, shared=0.5, seed=9)
    for code in (60, 128, 190):
        noise = with_grain(np.full((300, 300, 3), code, np.uint8), grain).astype(float) - code
        assert noise.std() == pytest.approx(4.0 * np.sqrt(2.2 - 2 * code / 255), rel=0.03)
        assert np.corrcoef(noise[..., 0].ravel(), noise[..., 2].ravel())[0, 1] == pytest.approx(0.25, abs=0.03)
