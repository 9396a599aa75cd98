"""Small models with random weights, written to disk by the libraries' own classes."""

from __future__ import annotations

from pathlib import Path


def write_dpt(folder: Path, seed: int = 0, size: int = 64) -> Path:
    """A DPT as transformers saves it."""
    import torch
    from transformers import DPTConfig, DPTForDepthEstimation, DPTImageProcessor

    torch.manual_seed(seed)
    config = DPTConfig(
        hidden_size=32,
        num_hidden_layers=4,
        num_attention_heads=2,
        intermediate_size=64,
        image_size=size,
        patch_size=16,
        backbone_out_indices=[0, 1, 2, 3],
        neck_hidden_sizes=[8, 16, 16, 16],
        fusion_hidden_size=16,
    )
    return _saved(DPTForDepthEstimation(config), DPTImageProcessor(size={"height": size, "width": size}), folder)


def write_depth_anything(folder: Path, kind: str = "relative", size: int = 56) -> Path:
    """A Depth Anything, relative or metric, whose processor keeps the aspect."""
    import torch
    from transformers import DepthAnythingConfig, DepthAnythingForDepthEstimation, Dinov2Config, DPTImageProcessor

    torch.manual_seed(0)
    backbone = Dinov2Config(
        hidden_size=32,
        num_hidden_layers=4,
        num_attention_heads=2,
        image_size=size,
        patch_size=14,
        out_features=["stage1", "stage2", "stage3", "stage4"],
        reshape_hidden_states=False,
    )
    config = DepthAnythingConfig(
        backbone_config=backbone,
        patch_size=14,
        reassemble_hidden_size=32,
        neck_hidden_sizes=[8, 16, 16, 16],
        fusion_hidden_size=16,
        head_hidden_size=8,
        depth_estimation_type=kind,
    )
    processor = DPTImageProcessor(size={"height": size, "width": size}, keep_aspect_ratio=True, ensure_multiple_of=14)
    return _saved(DepthAnythingForDepthEstimation(config), processor, folder)


def _saved(network, processor, folder: Path) -> Path:
    import torch

    with torch.no_grad():
        for parameter in network.parameters():  # fresh weights are so small that every picture looks alike
            if parameter.ndim > 1:
                parameter.mul_(4.0)
    network.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def write_sam2(folder: Path, name: str = "tiny") -> tuple[Path, Path]:
    """(YAML, checkpoint .pt) of a SAM 2 with a narrow encoder."""
    import sam2
    import torch
    from hydra.utils import instantiate
    from omegaconf import OmegaConf

    config = OmegaConf.load(Path(sam2.__file__).parent / "configs/sam2.1/sam2.1_hiera_t.yaml")
    model = config.model
    model.image_encoder.trunk.update({"embed_dim": 8, "stages": [1, 1, 2, 1], "global_att_blocks": [3]})
    model.image_encoder.neck.update({"backbone_channel_list": [64, 32, 16, 8], "d_model": 32})
    model.image_encoder.neck.position_encoding.num_pos_feats = 32
    model.memory_attention.update({"d_model": 32, "num_layers": 1})
    model.memory_attention.layer.update({"d_model": 32, "dim_feedforward": 32})
    model.memory_attention.layer.self_attention.embedding_dim = 32
    model.memory_attention.layer.cross_attention.embedding_dim = 32
    folder.mkdir(parents=True, exist_ok=True)
    OmegaConf.save(config, folder / f"{name}.yaml")
    torch.manual_seed(0)
    network = instantiate(model, _recursive_=True)
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.ndim > 1:
                parameter.mul_(3.0)
    torch.save({"model": network.state_dict()}, folder / f"{name}.pt")
    return folder / f"{name}.yaml", folder / f"{name}.pt"
