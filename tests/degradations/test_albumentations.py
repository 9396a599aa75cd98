"""The adapter: any pixel-level transform of albumentations in a chain, recorded and replayed."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from degradations.albumentations_adapter import Albumentations
from degradations.chain import apply_chain, check_transforms, draw_chain
from degradations.rng import generator
from degradations.scene import Scene
from schemas.errors import RecipeError
from schemas.recipe import parse_recipe
from schemas.recipe.degradations import AlbumentationsSection
from schemas.trace import Step
from tests.degradations.pictures import crops, mean_square_error

SCENE = Scene(192, 192)
TRANSFORMS = ["GlassBlur", "RandomFog", "PlasmaShadow", "Spatter", "SaltAndPepper", "CoarseDropout", "ImageCompression"]


def adapter(transform: str, **arguments: object) -> Albumentations:
    return Albumentations(AlbumentationsSection(transform=transform, arguments=arguments))


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_a_transform_is_recorded_as_json_and_replays_to_the_bit(transform):
    image, degradation = crops(1)[0], adapter(transform)
    params = degradation.draw(generator(1, transform), SCENE, 0.5)
    read_back = degradation.params_type.model_validate(json.loads(json.dumps(params.model_dump(mode="json"))))
    assert read_back == params
    out = degradation.apply(image, params, SCENE)
    assert out.shape == image.shape
    assert not np.array_equal(out, image)
    np.testing.assert_array_equal(adapter("Posterize").apply(image, read_back, SCENE), out)


def test_defaults_and_version_are_recorded():
    import albumentations

    params = adapter("GlassBlur").draw(generator(1), SCENE, 0.5)
    assert params.version == albumentations.__version__
    assert params.arguments["max_delta"] == 4
    assert params.arguments["p"] == 1.0


def test_another_version_is_refused_at_replay():
    degradation = adapter("GlassBlur")
    params = degradation.draw(generator(1), SCENE, 0.5).model_copy(update={"version": "1.0"})
    with pytest.raises(ValueError, match=r"install albumentations==1\.0 to replay it"):
        degradation.apply(crops(1)[0], params, SCENE)


def test_it_joins_a_chain():
    step = {"degradation": "albumentations", "section": {"transform": "GlassBlur", "arguments": {"sigma": 1.5}}}
    section = parse_recipe({"degradations": {"chains": {"glass": {"steps": [step, "noise"]}}}}).degradations
    check_transforms(section)
    steps = draw_chain(["glass"], section, SCENE, 0.5, 1, "key")
    assert steps[0].params["transform"] == "GlassBlur"
    assert steps[0].params["arguments"]["sigma"] == 1.5
    again = [Step.model_validate_json(step.model_dump_json()) for step in steps]
    image = crops(1)[0]
    np.testing.assert_array_equal(apply_chain(image, again, SCENE), apply_chain(image, steps, SCENE))


def test_severity_moves_arguments_from_mild_to_severe():
    degradation = adapter(
        "GlassBlur", sigma={"mild": 0.5, "severe": 2.0}, max_delta={"mild": 2, "severe": 6}, iterations=1
    )
    mildest = degradation.draw(generator(1), SCENE, 0.0).arguments
    assert (mildest["sigma"], mildest["max_delta"], mildest["iterations"]) == (0.5, 2, 1)
    severe = [degradation.draw(generator(seed), SCENE, 1.0).arguments for seed in range(40)]
    assert max(arguments["sigma"] for arguments in severe) > 1.8
    assert {type(arguments["max_delta"]) for arguments in severe} == {int}
    image = crops(1)[0]
    errors = []
    for severity in (0.0, 0.5, 1.0):
        drawn = [degradation.draw(generator(seed), SCENE, severity) for seed in range(6)]
        errors.append(np.mean([mean_square_error(degradation.apply(image, params, SCENE), image) for params in drawn]))
    assert np.all(np.diff(errors) > 0)


@pytest.mark.parametrize(
    ("transform", "arguments", "message"),
    [
        ("HorizontalFlip", {}, "moves geometry"),
        ("ShiftScaleRotate", {}, "moves geometry"),
        ("Perspective", {}, "moves geometry"),
        ("RandomCrop", {}, "moves geometry"),
        ("GlasBlur", {}, r"unknown transform 'GlasBlur'; did you mean GlassBlur\?"),
        ("Compose", {}, "unknown transform 'Compose'"),
        ("ImageOnlyTransform", {}, "unknown transform"),
        ("os", {}, "unknown transform 'os'"),
        ("__builtins__", {}, "unknown transform"),
        ("GlassBlur", {"sigma": "wide"}, "GlassBlur refuses"),
        ("Normalize", {}, "choose one that keeps size and type"),
        ("FDA", {}, "cannot run on a picture alone"),
        ("GlassBlur", {"sigma": {"mild": 1, "severe": "x"}}, "are not two numbers"),
    ],
)
def test_what_cannot_be_used_is_refused_before_the_run(transform, arguments, message):
    with pytest.raises(RecipeError, match=message):
        adapter(transform, **arguments).check()


def test_a_recorded_transform_is_checked_again_at_replay():
    degradation = adapter("GlassBlur")
    params = degradation.draw(generator(1), SCENE, 0.5)
    for name in ("HorizontalFlip", "BasicTransform", "os", "Lambda"):
        with pytest.raises(RecipeError, match="transform"):
            degradation.apply(crops(1)[0], params.model_copy(update={"transform": name}), SCENE)


def test_the_package_is_imported_only_when_used_and_asks_no_network():
    code = (
        "import sys, os; from degradations.registry import build; assert 'albumentations' not in sys.modules;"
        "from degradations.rng import generator; from degradations.scene import Scene;"
        "build('albumentations').draw(generator(0), Scene(8, 8), .5);"
        "assert 'albumentations' in sys.modules; print(os.environ['NO_ALBUMENTATIONS_UPDATE'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "1"


def test_an_argument_that_the_transform_does_not_know_is_refused():
    section = AlbumentationsSection(transform="GlassBlur", arguments={"intensity": 0.5})
    with pytest.raises(RecipeError, match=r"arguments: GlassBlur refuses .*intensity"):
        Albumentations(section).check()
