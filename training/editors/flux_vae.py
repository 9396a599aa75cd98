"""FLUX's autoencoder (Black Forest Labs, 2024) as diffusers' AutoencoderKL: its published file in and out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import torch
from diffusers import AutoencoderKL
from safetensors.torch import save_file
from torch import Tensor

from schemas.errors import CheckpointError
from training.editors.diffusers_folder import CONFIG, load_part, shapes_of
from training.editors.weight_files import Shapes, WeightFiles

#: Latents the editors see: (z − SHIFT) · SCALE.
SHIFT, SCALE = 0.1159, 0.3611
#: Groups of its normalisations.
GROUPS = 32
#: What RealRestorer's release puts before every name.
INNER = "inner_model."

# Of the published layout alone.
_TELLING = "encoder.down.0.block.0.conv1.weight"

# Published module to ours, within one level or beside them.
_RESNET = {"norm1": "norm1", "conv1": "conv1", "norm2": "norm2", "conv2": "conv2", "nin_shortcut": "conv_shortcut"}
_ATTENTION = {"norm": "group_norm", "q": "to_q", "k": "to_k", "v": "to_v", "proj_out": "to_out.0"}
_ENDS = {"conv_in": "conv_in", "norm_out": "conv_norm_out", "conv_out": "conv_out"}
_MATRIX = re.compile(r"\.mid\.attn_1\.(q|k|v|proj_out)\.weight$")


def load_flux_vae(path: Path, dtype: torch.dtype = torch.float32) -> AutoencoderKL:
    """The autoencoder of the published file (`ae.safetensors`) or of a folder, as `dtype`, on the CPU.

    A folder is diffusers', or holds the published layout, with `inner_model.` before its names or without. Latents
    have 1/8 of the side for the published four levels. Raises CheckpointError when a file is missing or damaged, and,
    listing the names, when tensors are missing, unexpected or of other shapes.
    """
    files = WeightFiles(path, prefix=INNER)
    if path.is_dir() and (path / CONFIG).is_file() and _TELLING not in files.shapes:
        return _load_diffusers(path, dtype)
    model = _model_of(files)
    own = shapes_of(model)
    names = official_names(own)
    files.check({name: _there(name, own[ours]) for name, ours in names.items()})
    weights = {ours: files.tensor(name).to(dtype).reshape(own[ours]) for name, ours in names.items()}
    model.load_state_dict(weights, assign=True)
    return model.eval()


def save_official_vae(model: AutoencoderKL, file: Path) -> None:
    """Writes the weights as one safetensors file in the published layout. (A diffusers folder: `save_pretrained`.)"""
    weights = model.state_dict()
    names = official_names(shapes_of(model))
    making = file.with_name(file.name + ".making")
    save_file({name: _turned(name, weights[ours]).cpu().contiguous() for name, ours in names.items()}, making)
    making.replace(file)


def official_names(own: Shapes) -> dict[str, str]:
    """Published name → AutoencoderKL's, for each of `own`, the shapes of its state dict.

    Decoder levels are counted from the finest there, from the coarsest in diffusers.
    """
    levels = len({name.split(".")[2] for name in own if name.startswith("decoder.up_blocks.")})
    return {_official(name, levels): name for name in own}


def _official(name: str, levels: int) -> str:
    side, module, *rest, leaf = name.split(".")
    match [module, *rest]:
        case ["down_blocks", level, "resnets", block, layer]:
            inside = f"down.{level}.block.{block}.{_turn(_RESNET)[layer]}"
        case ["up_blocks", level, "resnets", block, layer]:
            inside = f"up.{levels - 1 - int(level)}.block.{block}.{_turn(_RESNET)[layer]}"
        case ["down_blocks", level, "downsamplers", "0", "conv"]:
            inside = f"down.{level}.downsample.conv"
        case ["up_blocks", level, "upsamplers", "0", "conv"]:
            inside = f"up.{levels - 1 - int(level)}.upsample.conv"
        case ["mid_block", "resnets", block, layer]:
            inside = f"mid.block_{int(block) + 1}.{_turn(_RESNET)[layer]}"
        case ["mid_block", "attentions", "0", *layer]:
            inside = f"mid.attn_1.{_turn(_ATTENTION)['.'.join(layer)]}"
        case _:
            inside = _turn(_ENDS)[module]
    return f"{side}.{inside}.{leaf}"


def _turn(table: dict[str, str]) -> dict[str, str]:
    return {ours: official for official, ours in table.items()}


def _there(name: str, shape: Sequence[int]) -> tuple[int, ...]:
    """The published shape: the attention's matrices are convolutions of one pixel there."""
    return (*shape, 1, 1) if _MATRIX.search(name) else tuple(shape)


def _turned(name: str, tensor: Tensor) -> Tensor:
    return tensor.reshape(_there(name, tensor.shape))


def _model_of(files: WeightFiles) -> AutoencoderKL:
    """Without weights; the sizes are those of the file."""
    levels = len({name.split(".")[2] for name in files.shapes if name.startswith("encoder.down.")})
    telling = [f"encoder.down.{level}.block.0.conv1.weight" for level in range(max(levels, 1))]
    files.need([*telling, "encoder.conv_out.weight", "encoder.conv_in.weight"], "FLUX's autoencoder")
    sizes = {name: files.shapes[name] for name in [*telling, "encoder.conv_out.weight", "encoder.conv_in.weight"]}
    widths = [sizes[name][0] for name in telling]
    latent = sizes["encoder.conv_out.weight"][0] // 2
    if (
        any(len(shape) != 4 for shape in sizes.values())
        or latent == 0
        or any(width % GROUPS or not width for width in widths)
    ):
        raise CheckpointError(f"weights {files.path}: not FLUX's autoencoder; shapes {sizes}")
    blocks = {name.split(".")[4] for name in files.shapes if name.startswith("encoder.down.0.block.")}
    with torch.device("meta"):
        return AutoencoderKL(
            in_channels=sizes["encoder.conv_in.weight"][1],
            out_channels=sizes["encoder.conv_in.weight"][1],
            down_block_types=("DownEncoderBlock2D",) * levels,
            up_block_types=("UpDecoderBlock2D",) * levels,
            block_out_channels=tuple(widths),
            layers_per_block=len(blocks),
            latent_channels=latent,
            norm_num_groups=GROUPS,
            sample_size=1024,
            scaling_factor=SCALE,
            shift_factor=SHIFT,
            use_quant_conv=False,
            use_post_quant_conv=False,
        )


def _load_diffusers(folder: Path, dtype: torch.dtype) -> AutoencoderKL:
    model = load_part(AutoencoderKL, folder, dtype)
    shift, scale = model.config.shift_factor, model.config.scaling_factor
    if (shift, scale) != (SHIFT, SCALE):
        raise CheckpointError(
            f"weights {folder}: shift {shift} and scale {scale}, not FLUX's {SHIFT} and {SCALE}; name the folder of "
            "FLUX's autoencoder"
        )
    return model
