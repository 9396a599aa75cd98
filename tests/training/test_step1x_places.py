"""Which files of a folder or of a hub model are Step1X-Edit's parts."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from schemas.errors import CheckpointError, RecipeError
from training.editors.step1x import places
from training.editors.step1x.places import locate, the_autoencoder, the_transformer


@pytest.fixture
def release(tmp_path):
    """A hub model in the local cache."""
    for name in ("v1.0.safetensors", "v1.1.safetensors", "vae.safetensors"):
        (tmp_path / name).touch()
    return tmp_path


def chosen(choose: Callable, *names: str) -> str:
    return choose(names)


def test_which_files_of_a_release_are_meant():
    assert chosen(the_transformer, "connector/config.json", "transformer/config.json") == ""
    assert chosen(the_transformer, "transformer/a-00001-of-00002.safetensors", "vae/a.safetensors") == "transformer"
    assert chosen(the_transformer, "a.safetensors.index.json", "a-1.safetensors", "a-2.safetensors") == ""
    release = ("step1x-edit-v1p1-official.safetensors", "step1x-edit-v1p1-FP8.safetensors", "vae.safetensors")
    assert chosen(the_transformer, *release) == release[0]
    assert chosen(the_autoencoder, *release) == "vae.safetensors"
    assert chosen(the_autoencoder, "ae.safetensors", "vae/config.json", "vae/diffusion.safetensors") == "vae"
    assert chosen(the_autoencoder, "config.json", "diffusion_pytorch_model.safetensors") == ""


def test_places_that_hold_nothing_are_told(tmp_path):
    with pytest.raises(CheckpointError, match=r"none that is meant.*found there: nothing"):
        locate("training.editor.vae", str(tmp_path), the_autoencoder)
    with pytest.raises(RecipeError, match="'/nowhere/at/all' is neither a path here nor a hub id"):
        locate("training.editor.vae", "/nowhere/at/all", the_autoencoder)
    with pytest.raises(RecipeError, match="neither a path"):
        locate("training.editor.vae", "owner/name/../../secret", the_autoencoder)
    for rank in range(2):
        (tmp_path / f"TP_{rank}.safetensors").touch()
    with pytest.raises(CheckpointError, match="slices of tensors"):
        locate("training.editor.transformer", str(tmp_path), the_transformer)


def test_only_what_is_meant_is_fetched_from_the_hub(release, monkeypatch):
    asked = []

    def cached(field, model, patterns):
        asked.append((model, list(patterns)))
        return release

    monkeypatch.setattr(places, "hub_files", cached)
    found = locate("training.editor.vae", "owner/name", the_autoencoder)
    assert found == release / "vae.safetensors"
    assert asked[-1] == ("owner/name", ["vae.safetensors", "vae.safetensors/*"])
    assert locate("training.editor.transformer", "owner/name/v1.0.safetensors", the_transformer).is_file()
    assert asked[-1][1][0] == "v1.0.safetensors"
    with pytest.raises(RecipeError, match=r"has no 'v9\.safetensors'"):
        locate("training.editor.transformer", "owner/name/v9.safetensors", the_transformer)
