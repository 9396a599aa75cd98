"""Every degradation keeps the contract: parameters first, pixels second, the same bytes from the same trace."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from degradations.chain import apply_chain, draw_chain
from degradations.registry import CLASSES, build
from degradations.rng import generator
from degradations.scene import DepthCue, MaskCue, Scene
from schemas.recipe.degradations import DegradationsSection
from schemas.tasks import TASKS
from schemas.trace import Step

NAMES = list(CLASSES)
ODD_SIZES = [(1, 1), (1, 7), (7, 1), (33, 2), (17, 40)]


def scene_of(height: int, width: int) -> Scene:
    """A floor that recedes to a horizon under a strip of sky."""
    rows = np.linspace(0.0, 1.0, max(height, 2), dtype=np.float32)[:height, None]
    disparity = np.ascontiguousarray(np.broadcast_to(rows, (height, width)))
    sky = (disparity < 0.2).astype(np.float32)
    labels = (np.arange(height)[:, None] * 3 // height * 2 + np.arange(width) * 2 // width).astype(np.int32)
    return Scene(
        height,
        width,
        depth=DepthCue(disparity, sky, provider="test", version="1"),
        masks=MaskCue(np.unique(labels, return_inverse=True)[1].reshape(height, width).astype(np.int32), "test", "1"),
    )


def picture(height: int, width: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (max(height // 4, 1), max(width // 4, 1), 3)).astype(np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR).reshape(height, width, 3)


def flat(height: int, width: int, code: int) -> np.ndarray:
    return np.full((height, width, 3), code, dtype=np.uint8)


@pytest.mark.parametrize("name", NAMES)
def test_name_and_task_are_known(name):
    cls = CLASSES[name]
    assert cls.name == name
    assert cls.task in TASKS


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    severity=st.floats(0.0, 1.0),
    size=st.tuples(st.integers(1, 48), st.integers(1, 48)),
)
def test_parameters_survive_json_and_replay_to_the_same_bytes(name, seed, severity, size):
    degradation = build(name)
    scene = scene_of(*size)
    image = picture(*size, seed)
    before = image.copy()
    params = degradation.draw(generator(seed, name), scene, severity)
    read_back = degradation.params_type.model_validate(json.loads(json.dumps(params.model_dump(mode="json"))))
    assert read_back == params
    out = degradation.apply(image, params, scene)
    assert out.dtype == np.uint8
    assert out.shape == image.shape
    np.testing.assert_array_equal(image, before)
    np.testing.assert_array_equal(degradation.apply(image, read_back, scene), out)


@pytest.mark.parametrize("name", NAMES)
def test_equal_keys_draw_equal_parameters(name):
    degradation, scene = build(name), scene_of(40, 60)
    first = degradation.draw(generator(7, "key", 0), scene, 0.5)
    assert degradation.draw(generator(7, "key", 0), scene, 0.5) == first
    assert degradation.draw(generator(8, "key", 0), scene, 0.5) != first


@pytest.mark.parametrize("size", ODD_SIZES)
@pytest.mark.parametrize("name", NAMES)
def test_odd_sizes_and_flat_pictures_keep_shape(name, size):
    degradation, scene = build(name), scene_of(*size)
    pictures = [picture(*size, 3), flat(*size, 128), flat(*size, 255), flat(*size, 0)]
    for number, image in enumerate(pictures):
        for severity in (0.0, 0.5, 1.0):
            params = degradation.draw(generator(number, name, severity), scene, severity)
            out = degradation.apply(image, params, scene)
            assert out.shape == image.shape
            assert out.dtype == np.uint8


@pytest.mark.parametrize("name", NAMES)
def test_a_view_gives_the_same_pixels_as_a_copy(name):
    degradation, scene = build(name), scene_of(31, 29)
    whole = picture(62, 58, 5)
    view = whole[::2, ::2]
    params = degradation.draw(generator(1, name), scene, 0.6)
    copied = degradation.apply(np.ascontiguousarray(view), params, scene)
    np.testing.assert_array_equal(degradation.apply(view, params, scene), copied)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("severity", [-0.01, 1.01, float("nan")])
def test_severity_outside_the_unit_interval_is_refused(name, severity):
    with pytest.raises(ValueError, match="severity"):
        build(name).draw(generator(0), scene_of(8, 8), severity)


_DIGESTS = """
import hashlib, json, sys
import cv2
from tests.degradations.test_contract import chain_digests
cv2.setNumThreads(int(sys.argv[1]))
print(json.dumps(chain_digests()))
"""


def chain_digests() -> dict[str, str]:
    """sha256 of the output of several draws of every mode, each replayed from the JSON of its steps."""
    digests = {}
    image, scene = picture(120, 161, 11), scene_of(120, 161)
    clip = np.stack([picture(120, 161, seed) for seed in range(15)])
    for name in NAMES:
        for mode in DegradationsSection().modes(name) or ("",):
            section = DegradationsSection().only(name, mode) if mode else DegradationsSection()
            seen = replace(scene, clip=clip) if mode == "video" else scene
            digest = hashlib.sha256()
            for seed in range(3):
                steps = draw_chain([name], section, seen, (seed + 0.5) / 3, seed, "key")
                replayed = [Step.model_validate_json(step.model_dump_json()) for step in steps]
                digest.update(apply_chain(image, replayed, seen).tobytes())
            digests[f"{name} {mode}"] = digest.hexdigest()
    return digests


@pytest.mark.slow
def test_another_process_with_other_threads_gives_the_same_bytes():
    root = Path(__file__).resolve().parents[2]
    here = chain_digests()
    for threads in ("1", "2"):
        env = {**os.environ, "OMP_NUM_THREADS": threads, "PYTHONHASHSEED": threads}
        done = subprocess.run(
            [sys.executable, "-c", _DIGESTS, threads], cwd=root, env=env, capture_output=True, text=True, check=True
        )
        assert json.loads(done.stdout.splitlines()[-1]) == here
