"""The recogniser as a filter: what it scores, of which pictures, and which folders it refuses."""

from __future__ import annotations

import json
import re
import warnings

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from filters.recogniser.model import RecogniserFilter
from filters.recogniser.network import RecogniserNetwork
from filters.recogniser.views import grid_tiles, tile_at, whole_of
from schemas.errors import RecipeError
from schemas.recogniser import NAMES
from tests.tiny_recogniser import write_recogniser


def picture(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_recogniser(tmp_path_factory.mktemp("recogniser"))


@pytest.fixture(scope="module")
def recogniser(folder):
    built = RecogniserFilter(str(folder), "cpu")
    built.load()
    return built


def test_every_degradation_has_a_probability_and_a_severity_no_larger(recogniser):
    scores = recogniser.score([picture(90, 120)])[0].scores
    assert scores.keys() == {
        "recognised.clean",
        *(f"recognised.{name}" for name in NAMES),
        *(f"recognised.severity.{name}" for name in NAMES),
    }
    assert all(0.0 <= value <= 1.0 for value in scores.values())
    assert all(scores[f"recognised.severity.{name}"] <= scores[f"recognised.{name}"] for name in NAMES)


def test_the_ledger_is_told_which_weights_ran(folder, recogniser, tmp_path):
    assert (recogniser.name, recogniser.provider) == ("recogniser", "recogniser")
    assert re.fullmatch("[0-9a-f]{16}", recogniser.version)
    assert RecogniserFilter(str(folder), "cpu").version == recogniser.version
    assert RecogniserFilter(str(write_recogniser(tmp_path, seed=1)), "cpu").version != recogniser.version


def test_scores_do_not_depend_on_the_pictures_beside_nor_on_threads(recogniser):
    pictures = [picture(40 + 30 * n, 150 - 20 * n, n) for n in range(5)]
    alone = [recogniser.score([one])[0].scores for one in pictures]
    assert len({scores["recognised.noise"] for scores in alone}) == 5
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        assert [found.scores for found in recogniser.score(pictures)] == alone
        assert [found.scores for found in recogniser.score(pictures[::-1])] == alone[::-1]
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)
    assert recogniser.score([]) == []


@pytest.mark.parametrize("size", [(1, 1), (8, 3000), (3000, 8), (31, 33), (1, 400)])
def test_any_size_is_scored(recogniser, size):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for image in (picture(*size), np.zeros((*size, 3), np.uint8), np.full((*size, 3), 255, np.uint8)):
            assert np.isfinite(list(recogniser.score([image])[0].scores.values())).all()


def test_tiles_are_spread_from_corner_to_corner_at_native_resolution():
    image = picture(100, 200)
    tiles = grid_tiles(image, 32)
    assert tiles.shape == (9, 6, 32, 32) and tiles.dtype == np.float32
    for number, (top, left) in {0: (0, 0), 2: (0, 168), 4: (34, 84), 8: (68, 168)}.items():
        cut = image[top : top + 32, left : left + 32].astype(float)
        np.testing.assert_allclose((tiles[number, :3].transpose(1, 2, 0) + 1) * 127.5, cut, atol=1e-4)
    assert whole_of(image, 32).shape == (3, 32, 32)


def test_the_residual_shows_faint_noise_and_nothing_of_a_flat_picture():
    flat = np.full((32, 32, 3), 90, np.uint8)
    assert not tile_at(flat, 0, 0, 32)[3:].any()
    dot = flat.copy()
    dot[10, 12] += 4
    residual = tile_at(dot, 0, 0, 32)[3:]
    assert residual[0, 10, 12] == 0.25 and np.count_nonzero(residual) == 3


def edited(folder, **changes):
    config = json.loads((folder / "config.json").read_text())
    config = {name: value for name, value in {**config, **changes}.items() if value is not None}
    (folder / "config.json").write_text(json.dumps(config))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"backbone": None}, "backbone is missing"),
        ({"format": 2}, "format: Input should be 1"),
        ({"tiles": 3}, "tiles: Extra inputs are not permitted"),
        ({"names": ["rust"]}, "known, once each: blur"),
        ({"backbone": "no_such_net"}, "has no model 'no_such_net'"),
        ({"backbone": "test_vit"}, "no planes (n, c, h, w); take a convolutional one"),
        ({"backbone": "vit_tiny_patch16_224"}, "takes no picture of any size"),
        ({"backbone": "test_resnet"}, "does not fit backbone 'test_resnet' with 9 names"),
        ({"names": ["blur", "noise"]}, "size mismatch"),
        ({"statistics": ["statistics.noise.fine"]}, "statistics are those of another version of tarnish"),
    ],
)
def test_a_folder_of_another_form_is_refused(tmp_path, changes, message):
    edited(write_recogniser(tmp_path), **changes)
    with pytest.raises(RecipeError, match=r"^filters.recogniser.model: ") as caught:
        RecogniserFilter(str(tmp_path), "cpu").load()
    assert message in str(caught.value)


def test_loading_draws_nothing_from_the_global_generator(folder):
    before = torch.random.get_rng_state()
    RecogniserFilter(str(folder), "cpu").load()
    assert torch.equal(torch.random.get_rng_state(), before)


def test_weights_that_lack_a_tensor_or_are_none_are_refused(tmp_path):
    path = write_recogniser(tmp_path) / "model.safetensors"
    tensors = load_file(path)
    del tensors["presence.bias"]
    save_file(tensors, path)
    with pytest.raises(RecipeError, match=r"filters.recogniser.model: .*presence.bias"):
        RecogniserFilter(str(tmp_path), "cpu").load()
    path.write_bytes(b"no weights")
    with pytest.raises(RecipeError, match=r"filters.recogniser.model: .*does not fit"):
        RecogniserFilter(str(tmp_path), "cpu").load()
    path.unlink()
    with pytest.raises(RecipeError, match=r"filters.recogniser.model: .*has no model.safetensors"):
        RecogniserFilter(str(tmp_path), "cpu")


def test_neither_order_nor_number_of_tiles_changes_the_scale_of_what_is_read():
    network = RecogniserNetwork("test_convnext", 3, 2).eval()
    tiles, wholes, measures = torch.rand(1, 4, 6, 32, 32), torch.rand(1, 3, 32, 32), torch.rand(1, 2)
    with torch.no_grad():
        first = network(tiles, wholes, measures)[0]
        torch.testing.assert_close(network(tiles.flip(1), wholes, measures)[0], first)
        torch.testing.assert_close(network(tiles.repeat(1, 3, 1, 1, 1), wholes, measures)[0], first)


def test_a_statistic_that_could_not_be_measured_counts_as_unknown_not_as_zero():
    network = RecogniserNetwork("test_convnext", 3, 2).eval()
    network.standardise(torch.tensor([[1.0, 5.0], [2.0, torch.nan], [3.0, 5.0]]))
    assert network.centre.tolist() == [2.0, 5.0] and network.scale.tolist() == pytest.approx([2 / 3, 1e-3])
    tiles, wholes = (
        torch.rand(2, 1, 6, 32, 32)[:1].expand(2, -1, -1, -1, -1),
        torch.rand(1, 3, 32, 32).expand(2, -1, -1, -1),
    )
    with torch.no_grad():
        usual, unknown = network(tiles, wholes, torch.tensor([[2.0, 5.0], [2.0, torch.nan]]))[0]
    assert torch.isfinite(unknown).all() and not torch.equal(usual, unknown)
