"""open_clip semantics: real classes of open_clip with tiny random weights, written to disk and loaded as any other."""

from __future__ import annotations

import math

import numpy as np
import pytest

from filters.semantics.select import build_semantics
from schemas.errors import RecipeError
from schemas.recipe.filters.quality import QualitySection
from schemas.recipe.filters.semantics import PROMPTS, SemanticsSection
from tests.filters.clip_models import ARCHITECTURE, register, tiny_network, write_clip, write_clip_folder, write_head

pytest.importorskip("open_clip")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clip")
    register(folder)
    return write_clip(folder)


@pytest.fixture(scope="module")
def pictures():
    rng = np.random.default_rng(1)
    shapes = [(40, 60), (1, 1), (300, 2), (2, 3000), (97, 64), (256, 256)]
    return [rng.integers(0, 256, (*shape, 3), dtype=np.uint8) for shape in shapes]


def semantics(checkpoint, batch=16, aesthetic="", **fields):
    section = SemanticsSection(
        **{"provider": "open_clip", "model": ARCHITECTURE, "checkpoint": str(checkpoint), **fields}
    )
    return build_semantics(section, QualitySection(aesthetic=str(aesthetic)), "cpu", batch)


def scores_of(built, pictures):
    return [finding.scores for finding in built.score(pictures)]


def test_each_prompt_gives_a_cosine_and_a_probability(checkpoint, pictures):
    for scores in scores_of(semantics(checkpoint), pictures):
        assert scores.keys() == {f"{kind}.{name}" for kind in ("clip", "semantics") for name in PROMPTS}
        assert all(-1 <= scores[f"clip.{name}"] <= 1 for name in PROMPTS)
        assert sum(scores[f"semantics.{name}"] for name in PROMPTS) == pytest.approx(1, abs=1e-9)


def test_the_numbers_are_those_of_open_clip_itself(checkpoint, pictures):
    import open_clip
    import torch
    from PIL import Image

    network, prepare = open_clip.create_model_from_pretrained(ARCHITECTURE, str(checkpoint))
    network.eval()
    with torch.no_grad():
        shown = prepare(Image.fromarray(pictures[0]))[None]
        image = network.encode_image(shown, normalize=True)
        texts = network.encode_text(open_clip.get_tokenizer(ARCHITECTURE)(list(PROMPTS.values())), normalize=True)
        cosines = (image @ texts.T)[0]
        shares = (network.logit_scale.exp() * cosines / 2.5).softmax(dim=0)
    scores = scores_of(semantics(checkpoint, temperature=2.5), pictures[:1])[0]
    assert [scores[f"clip.{name}"] for name in PROMPTS] == pytest.approx(cosines.tolist(), abs=1e-5)
    assert [scores[f"semantics.{name}"] for name in PROMPTS] == pytest.approx(shares.tolist(), abs=1e-5)


def test_neither_batch_nor_order_nor_threads_change_a_score(checkpoint, pictures):
    import torch

    whole = scores_of(semantics(checkpoint), pictures)
    assert scores_of(semantics(checkpoint, batch=1), pictures) == whole
    assert scores_of(semantics(checkpoint, batch=4), pictures[::-1]) == whole[::-1]
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert scores_of(semantics(checkpoint), pictures[:1]) == whole[:1]
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)
    assert semantics(checkpoint).score([]) == []


def test_a_pt_file_of_tensors_gives_the_same(checkpoint, pictures, tmp_path):
    first, second = semantics(checkpoint), semantics(write_clip(tmp_path, name="weights.pt"))
    assert scores_of(second, pictures[:2]) == scores_of(first, pictures[:2])
    assert first.version == second.version  # of the weights, not of their file


def test_a_pickle_of_more_than_tensors_is_not_opened(checkpoint, tmp_path):
    import torch

    torch.save({"state_dict": tiny_network().state_dict(), "run": open}, tmp_path / "bad.pt")
    with pytest.raises(RecipeError, match="holds more than tensors and is not opened"):
        semantics(tmp_path / "bad.pt").load()


def test_a_local_folder_brings_its_own_preprocessing(checkpoint, pictures, tmp_path):
    folder = write_clip_folder(tmp_path / "a")
    built = semantics("", model=f"local-dir:{folder}")
    assert sum(scores_of(built, pictures)[3][f"semantics.{name}"] for name in PROMPTS) == pytest.approx(1)
    other = semantics("", model=f"local-dir:{write_clip_folder(tmp_path / 'b', mean=(0.4, 0.5, 0.5))}")
    assert scores_of(built, pictures[:1]) != scores_of(other, pictures[:1])
    assert len({built.version, other.version, semantics(checkpoint).version}) == 3


def test_the_version_tells_weights_prompts_and_temperature_apart(checkpoint, tmp_path):
    prompts = {"blur": "smeared", "clean": "sharp"}
    variants = [
        semantics(checkpoint),
        semantics(checkpoint, prompts=prompts),
        semantics(checkpoint, prompts={"clean": "sharp", "blur": "something else"}),
        semantics(checkpoint, temperature=2.0),
        semantics(write_clip(tmp_path, seed=1)),
        semantics(checkpoint, aesthetic=write_head(tmp_path / "head.safetensors")),
    ]
    assert len({built.version for built in variants}) == len(variants)
    assert semantics(checkpoint).version == semantics(checkpoint, batch=3).version


def test_embeddings_have_unit_length_and_feed_the_aesthetic_head(checkpoint, pictures, tmp_path):
    from safetensors.numpy import load_file

    head = write_head(tmp_path / "head.safetensors")
    built = semantics(checkpoint, aesthetic=head)
    embedded = built.embed(pictures)
    assert embedded.dtype == np.float32 and embedded.shape == (len(pictures), 32)
    assert np.linalg.norm(embedded, axis=1) == pytest.approx(np.ones(len(pictures)), abs=1e-6)
    tensors = load_file(head)
    expected = embedded @ tensors["weight"][0] + tensors["bias"][0]
    assert [s["quality.aesthetic"] for s in scores_of(built, pictures)] == pytest.approx(expected.tolist(), abs=1e-5)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"model": "ViT-B-23"}, r"filters\.semantics\.model: open_clip .* no architecture 'ViT-B-23' \(did you mean"),
        ({"checkpoint": "nowhere.pt"}, r"checkpoint: 'nowhere.pt' is neither a file here nor a tag of tarnish-tiny"),
        ({"model": "ViT-B-32", "checkpoint": "laion"}, r"'laion' is neither .* its tags: .*laion2b_s34b_b79k"),
        ({"model": "local-dir:/nowhere", "checkpoint": ""}, r"has no open_clip_config.json"),
        ({"model": "hf-hub:a/b"}, r"'hf-hub:a/b' brings its own; leave it empty"),
    ],
)
def test_what_cannot_be_named_is_refused_before_anything_loads(checkpoint, fields, said):
    with pytest.raises(RecipeError, match=said):
        semantics(**{"checkpoint": checkpoint, **fields})


def test_what_cannot_be_loaded_is_told(checkpoint, tmp_path):
    import torch
    from safetensors.torch import save_file

    with pytest.raises(RecipeError, match=r"hf-hub:a/b.*cannot be loaded"):
        semantics("", model="hf-hub:a/b").load()
    state = dict(tiny_network().state_dict())
    lacking = {name: value.contiguous() for name, value in state.items() if name != "text_projection"}
    save_file(lacking, tmp_path / "part.safetensors")
    with pytest.raises(RecipeError, match=r"text_projection.*bring the whole checkpoint"):
        semantics(tmp_path / "part.safetensors").load()
    (tmp_path / "torn.safetensors").write_bytes(checkpoint.read_bytes()[:5000])
    with pytest.raises(RecipeError, match="cannot be loaded"):
        semantics(tmp_path / "torn.safetensors").load()
    (tmp_path / "weights.onnx").write_bytes(b"")
    with pytest.raises(RecipeError, match=r"weights\.onnx' is no \.safetensors, \.pt"):
        semantics(tmp_path / "weights.onnx")
    assert torch.is_grad_enabled()


def test_a_missing_package_is_named_with_its_remedy(checkpoint, monkeypatch):
    import filters.inference

    monkeypatch.setattr(filters.inference, "find_spec", lambda name: None if name == "open_clip" else object())
    with pytest.raises(RecipeError, match=r"needs the package open_clip; install tarnish\[semantics\]"):
        semantics(checkpoint)


def test_an_aesthetic_head_must_fit(checkpoint, tmp_path):
    with pytest.raises(RecipeError, match="reads 16 features, tarnish-tiny-clip gives 32"):
        semantics(checkpoint, aesthetic=write_head(tmp_path / "small.safetensors", 16)).load()
    with pytest.raises(RecipeError, match=r"holds .* a linear head has weight"):
        semantics(checkpoint, aesthetic=checkpoint)
    with pytest.raises(RecipeError, match="is no file here"):
        semantics(checkpoint, aesthetic=tmp_path / "nothing")
    with pytest.raises(RecipeError, match=r"set filters\.semantics\.provider=open_clip"):
        build_semantics(SemanticsSection(), QualitySection(aesthetic="head.safetensors"), "cpu", 1)


def test_a_gpu_that_is_not_there_is_told(checkpoint):
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    section = SemanticsSection(provider="open_clip", model=ARCHITECTURE, checkpoint=str(checkpoint))
    with pytest.raises(RecipeError, match=r"filters\.device: 'cuda'"):
        build_semantics(section, QualitySection(), "cuda", 1)


def test_grey_black_and_white_pictures_have_scores(checkpoint):
    pictures = [np.full((64, 64, 3), value, np.uint8) for value in (0, 128, 255)]
    assert all(
        math.isfinite(value) for scores in scores_of(semantics(checkpoint), pictures) for value in scores.values()
    )


def test_without_a_model_statistics_answer_and_say_so(pictures):
    built = build_semantics(SemanticsSection(), QualitySection(), "cpu", 4)
    built.load()
    assert (built.name, built.provider) == ("semantics", "statistics")
    scores = built.score(pictures[:1])[0].scores
    assert sum(scores[f"semantics.{name}"] for name in PROMPTS) == pytest.approx(1, abs=1e-6)
