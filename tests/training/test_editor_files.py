"""Weights of editors on disk: rows read alone, large models in several files."""

from __future__ import annotations

import json

import pytest
import torch
from diffusers import AutoencoderKL
from safetensors.torch import save_file

from schemas.errors import CheckpointError
from tests.training.tiny_kontext import tiny_autoencoder
from training.editors.diffusers_folder import load_part
from training.editors.diffusers_saving import save_part
from training.editors.pipeline_folder import PipelineFolder
from training.editors.weight_files import WeightFiles


def test_rows_of_a_tensor_are_read_alone(tmp_path):
    matrix, vector, number = torch.arange(12.0).reshape(4, 3), torch.arange(5).bfloat16(), torch.tensor(3.0)
    save_file({"matrix": matrix, "vector": vector, "number": number}, tmp_path / "file.safetensors")
    files = WeightFiles(tmp_path)
    assert torch.equal(files.rows("matrix", 1, 3), matrix[1:3])
    assert torch.equal(files.rows("vector", 4, 5), vector[4:])
    assert files.rows("matrix", 2, 2).shape == (0, 3)
    assert torch.equal(files.rows("number", 0, 1), number)


class Asked(dict):
    """Weights that count how many of them were asked for."""

    def __init__(self, weights):
        super().__init__(weights)
        self.names = []

    def __getitem__(self, name):
        self.names.append(name)
        return super().__getitem__(name)


@pytest.mark.parametrize("file_bytes", [10**9, 4000])
def test_a_saved_part_is_read_back_whatever_the_number_of_files(tmp_path, file_bytes):
    model = tiny_autoencoder()
    weights = Asked({f"vae.{name}": tensor for name, tensor in model.state_dict().items()} | {"other.x": torch.ones(1)})
    save_part(model, tmp_path, weights, prefix="vae.", file_bytes=file_bytes)
    assert weights.names == [name for name in weights if name.startswith("vae.")]
    theirs, told = AutoencoderKL.from_pretrained(tmp_path, output_loading_info=True)
    assert not told["missing_keys"] and not told["unexpected_keys"]
    for other in (theirs, load_part(AutoencoderKL, tmp_path, torch.float32)):
        assert all(torch.equal(tensor, other.state_dict()[name]) for name, tensor in model.state_dict().items())
    indices = list(tmp_path.glob("*.index.json"))
    assert len(indices) == (file_bytes == 4000)
    for index in indices:
        told = json.loads(index.read_text())
        assert told["metadata"]["total_size"] == sum(tensor.nbytes for tensor in model.state_dict().values())
        assert len(set(told["weight_map"].values())) == len(list(tmp_path.glob("*.safetensors"))) > 5


def test_an_index_that_is_none_is_refused(tmp_path):
    (tmp_path / "model_index.json").write_text("[]")
    with pytest.raises(CheckpointError, match=r"no usable model_index\.json"):
        PipelineFolder(str(tmp_path), "FluxKontextPipeline").part("vae")
