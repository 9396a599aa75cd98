"""Encodings with a cache are those without one, and always belong to their own sample."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from diffusers import AutoencoderKL
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from degradations.rng import generator
from schemas.errors import RecipeError
from schemas.recipe.training import DataSection, TinySection, TrainingSection
from training.data.batches import Batch
from training.editors.base import EditorConfig, Posterior, Request
from training.editors.tiny import PixelEditor
from training.encodings import Encoder
from training.tensor_cache import TensorCache

SIDE = 16
SMALL = TinySection(heads=1, double_blocks=1, single_blocks=1, features=8, words=64)


class Counting(PixelEditor):
    """The small editor on latents of a random AutoencoderKL, which has deviations; it counts what it encodes."""

    def __init__(self, name: str = "first", dtype: torch.dtype = torch.float32) -> None:
        super().__init__(EditorConfig.of(TrainingSection(editor=SMALL)))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(len(name))
            self._autoencoder = [
                AutoencoderKL(
                    norm_num_groups=4,
                    block_out_channels=(8, 8),
                    latent_channels=4,
                    down_block_types=("DownEncoderBlock2D",) * 2,
                    up_block_types=("UpDecoderBlock2D",) * 2,
                ).eval()
            ]
        self.name, self.dtype, self.calls, self.requests, self.pictures = name, dtype, 0, 0, 0

    @property
    def identity(self) -> str:
        return self.name

    def encode_requests(self, requests):
        self.calls, self.requests = self.calls + 1, self.requests + len(requests)
        return [
            {name: t.to(self.dtype) if t.is_floating_point() else t for name, t in each.items()}
            for each in super().encode_requests(requests)
        ]

    def encode(self, pixels):
        self.pictures += len(pixels)
        found = self._autoencoder[0].encode(pixels * 2 - 1).latent_dist
        return Posterior(found.mean, found.std)

    def latent_shape(self, height, width):
        return 4, height // 2, width // 2


def batch(places, prompt="Please deblur.", size=(SIDE, SIDE), mirror=0, digest="d", identified=True, seed=0):
    """A sample's pictures follow from its number, size, mirror and digest; its place is its number."""
    pictures, names = [], []
    for place in places:
        name = f"key{place}-{digest}/{size[0]}x{size[1]}/m{mirror}"
        names.append(name)
        pictures.append(generator(seed, name).integers(0, 256, (2, *size, 3), dtype=np.uint8))
    return Batch(
        degraded_pixels=[pair[0] for pair in pictures],
        clean_pixels=[pair[1] for pair in pictures],
        requests=[Request(prompt, pair[0]) for pair in pictures],
        reference=torch.ones(len(names), dtype=torch.bool),
        tasks=["blur"] * len(names),
        places=list(places),
        identities=names if identified else [None] * len(names),
        replaced=[],
    )


@pytest.fixture
def data(tmp_path):
    return DataSection(fit="square", cache=str(tmp_path / "cache"), cache_latents=True)


PLAIN = DataSection(fit="square")


def rows(encoded):
    tensors = [encoded.clean, encoded.degraded, *(encoded.condition[name] for name in sorted(encoded.condition))]
    return [tuple(tensor[row] for tensor in tensors) for row in range(len(encoded.clean))]


def same(first, second):
    one, two = rows(first), rows(second)
    return len(one) == len(two) and all(
        a.dtype == b.dtype and torch.equal(a, b)
        for x, y in zip(one, two, strict=True)
        for a, b in zip(x, y, strict=True)
    )


def test_a_cache_changes_no_bit_and_nothing_is_encoded_twice(data):
    editor = Counting()
    without = Encoder(editor, PLAIN, "0/stage")(batch([3, 1, 2]))
    editor.calls = editor.requests = editor.pictures = 0
    encoder = Encoder(editor, data, "0/stage")
    assert same(encoder(batch([3, 1, 2])), without)
    assert (editor.calls, editor.requests, editor.pictures) == (1, 3, 6)
    again = Encoder(editor, data, "0/stage")
    assert same(again(batch([3, 1, 2])), without)
    assert (editor.calls, editor.requests, editor.pictures) == (1, 3, 6)
    assert dataclasses.astuple(encoder.cache.counts) == (0, 6, 0)
    assert dataclasses.astuple(again.cache.counts) == (6, 0, 0)


def test_only_what_is_missing_is_encoded_in_one_call(data):
    editor = Counting()
    Encoder(editor, data, "k")(batch([1, 3]))
    editor.calls = editor.requests = editor.pictures = 0
    mixed = Encoder(editor, data, "k")(batch([0, 1, 2, 3]))
    assert (editor.calls, editor.requests, editor.pictures) == (1, 2, 4)
    assert same(mixed, Encoder(editor, PLAIN, "k")(batch([0, 1, 2, 3])))


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(st.lists(st.integers(0, 7), min_size=1, max_size=4), min_size=1, max_size=4))
def test_encodings_belong_to_their_sample_in_any_order(tmp_path_factory, batches):
    """Places follow their numbers here, so a row of a sample is the same wherever and beside whomever it comes."""
    editor = Counting()
    data = DataSection(fit="square", cache=str(tmp_path_factory.mktemp("any")), cache_latents=True)
    encoder = Encoder(editor, data, "k")
    for places in batches:
        shuffled = rows(encoder(batch(places)))
        for place, row in zip(places, shuffled, strict=True):
            (alone,) = rows(Encoder(editor, PLAIN, "k")(batch([place])))
            assert all(torch.equal(a, b) for a, b in zip(row, alone, strict=True))


@pytest.mark.parametrize(
    "other", [{"size": (SIDE, 2 * SIDE)}, {"mirror": 1}, {"prompt": "请去除图像中的噪声。"}, {"digest": "e"}]
)
def test_another_size_mirror_prompt_or_content_never_matches(data, other):
    editor = Counting()
    Encoder(editor, data, "k")(batch([0, 1]))
    editor.requests = 0
    assert same(
        Encoder(editor, data, "k")(batch([0, 1], **other)), Encoder(Counting(), PLAIN, "k")(batch([0, 1], **other))
    )
    assert editor.requests == 2


def test_other_encoders_never_match(data):
    Encoder(Counting(), data, "k")(batch([0, 1]))
    other = Counting("another model")
    encoder = Encoder(other, data, "k")
    assert same(encoder(batch([0, 1])), Encoder(Counting("another model"), PLAIN, "k")(batch([0, 1])))
    assert (other.requests, other.pictures, encoder.cache.counts.found) == (2, 4, 0)


def test_latents_are_samples_of_the_posterior_with_noise_by_place():
    editor, pair = Counting(), batch([5])
    encoded = Encoder(editor, PLAIN, "7/transfer")(pair)
    rng = generator(0, "7/transfer", "posterior", 5)
    for pixels, latents in ((pair.clean, encoded.clean), (pair.degraded, encoded.degraded)):
        with torch.no_grad():
            posterior = editor.encode(pixels)
        noise = torch.from_numpy(rng.standard_normal((4, SIDE // 2, SIDE // 2), dtype=np.float32))
        assert torch.equal(latents, posterior.mean + posterior.deviation * noise)
    assert not torch.equal(encoded.clean, Encoder(editor, PLAIN, "7/finetune")(pair).clean)
    assert not encoded.clean.requires_grad


def test_a_dropped_reference_is_zeros(data):
    dropped = dataclasses.replace(batch([0, 1]), reference=torch.tensor([True, False]))
    encoded = Encoder(Counting(), data, "k")(dropped)
    assert encoded.degraded[0].abs().sum() > 0
    assert encoded.degraded[1].abs().sum() == 0
    assert encoded.clean[1].abs().sum() > 0


def test_what_never_comes_again_is_not_kept_but_a_prompt_without_a_picture_is(data):
    editor = Counting()
    encoder = Encoder(editor, data, "k")
    passing = batch([0, 1], identified=False)
    encoder(passing)
    encoder(passing)
    assert (editor.requests, encoder.cache.counts.kept) == (4, 0)
    blind = dataclasses.replace(passing, requests=[Request("Please deblur.", None)] * 2)
    for _ in range(2):
        encoder(blind)
    assert (editor.requests, encoder.cache.counts.kept) == (5, 1)
    held = Encoder(editor, PLAIN, "k")
    held(blind), held(blind)
    assert editor.requests == 6, "without a folder prompts are held in memory"


def test_families_that_read_only_the_prompt_encode_each_once(data):
    class Prompts(Counting):
        sees_picture = False

    editor = Prompts()
    Encoder(editor, data, "k")(batch([0, 1, 2]))
    Encoder(editor, data, "k")(batch([3], identified=False))
    assert editor.requests == 1


def test_latents_are_kept_only_where_the_recipe_says_so(data):
    editor = Counting()
    for _ in range(2):
        Encoder(editor, data.model_copy(update={"cache_latents": False}), "k")(batch([0]))
    assert (editor.requests, editor.pictures) == (1, 4)


def test_bf16_is_kept_as_bf16(data):
    editor = Counting(dtype=torch.bfloat16)
    first = Encoder(editor, data, "k")(batch([0]))
    second = Encoder(editor, data, "k")(batch([0]))
    assert first.condition["overview"].dtype == torch.bfloat16
    assert editor.requests == 1
    assert same(first, second)


KEY = ("condition", "model", "prompt")
KEPT = {"text": torch.arange(12.0).reshape(3, 4), "mask": torch.tensor([True, False])}


def file_of(cache: TensorCache) -> Path:
    (path,) = cache.folder.glob("??/*.safetensors")
    return path


def rewritten(path: Path, tensors) -> None:
    header = path.read_bytes()
    described = json.loads(header[8 : 8 + int.from_bytes(header[:8], "little")])["__metadata__"]
    path.write_bytes(safetensors.torch.save(tensors, metadata=described))


DAMAGE = {
    "cut off": lambda path: path.write_bytes(path.read_bytes()[:-5]),
    "empty": lambda path: path.write_bytes(b""),
    "a flipped bit": lambda path: path.write_bytes(path.read_bytes()[:-3] + b"\x01" + path.read_bytes()[-2:]),
    "no safetensors": lambda path: path.write_bytes(b"x" * 300),
    "no key": lambda path: path.write_bytes(safetensors.torch.save(KEPT)),
    "another name": lambda path: rewritten(path, {"words": KEPT["text"], "mask": KEPT["mask"]}),
    "another shape": lambda path: rewritten(path, {**KEPT, "text": KEPT["text"].reshape(4, 3)}),
    "another dtype": lambda path: rewritten(path, {**KEPT, "text": KEPT["text"].view(torch.int32)}),
    "not finite": lambda path: rewritten(path, {**KEPT, "text": KEPT["text"] / 0}),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_file_that_is_not_what_was_written_is_removed_and_counted(tmp_path, damage):
    cache = TensorCache(tmp_path)
    cache.put(KEY, KEPT)
    DAMAGE[damage](file_of(cache))
    assert cache.get(KEY) is None
    assert cache.counts.damaged == 1
    assert not list(tmp_path.glob("??/*"))
    cache.put(KEY, KEPT)
    assert all(torch.equal(tensor, KEPT[name]) for name, tensor in cache.get(KEY).items())


def test_a_file_under_another_files_name_is_not_taken_for_it(tmp_path):
    cache = TensorCache(tmp_path)
    cache.put(KEY, KEPT)
    mine = file_of(cache)
    other = ("condition", "model", "another prompt")
    cache.put(other, KEPT)
    (theirs,) = set(tmp_path.glob("??/*.safetensors")) - {mine}
    theirs.write_bytes(mine.read_bytes())
    assert cache.get(other) is None


def test_latents_of_another_shape_do_not_fit(data):
    editor = Counting()
    encoder = Encoder(editor, data, "k")
    pair = batch([0])
    encoder(pair)
    (key,) = [encoder._latents_key(pair.identities[0])]
    encoder.cache.put(key, {"clean": torch.zeros(1, 4, 2, 2), "degraded": torch.zeros(1, 4, 2, 2)})
    again = Encoder(editor, data, "k")
    assert same(again(pair), Encoder(editor, PLAIN, "k")(pair))
    assert again.cache.counts.damaged == 1


def test_values_that_are_not_finite_are_not_kept(tmp_path):
    cache = TensorCache(tmp_path)
    cache.put(KEY, {"text": torch.tensor([float("nan")])})
    assert cache.get(KEY) is None
    assert cache.counts.kept == 0


def test_nothing_is_left_beside_the_files(tmp_path):
    cache = TensorCache(tmp_path)
    cache.put(KEY, KEPT)
    cache.put(KEY, KEPT)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [file_of(cache).name]


def test_a_folder_that_cannot_be_used_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RecipeError, match=r"training.data.cache: .*file.*name another folder"):
        TensorCache(tmp_path / "file")
