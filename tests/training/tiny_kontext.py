"""FLUX.1 Kontext's pipeline of its real classes with a few thousand random weights, written to disk."""

from __future__ import annotations

from pathlib import Path

import torch
from diffusers import AutoencoderKL, FlowMatchEulerDiscreteScheduler, FluxKontextPipeline, FluxTransformer2DModel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer, T5Config, T5EncoderModel, T5TokenizerFast

from schemas.recipe.training import KontextSection, ObjectiveSection
from training.editors.base import EditorConfig

LETTERS = "abcdefghijklmnopqrstuvwxyz"
CHANNELS = 4


def write_kontext(folder: Path, guidance_embeds: bool = True) -> Path:
    """The pipeline as its `save_pretrained` writes it. The same weights each time, none of them near zero."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        pipeline = FluxKontextPipeline(
            scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0, use_dynamic_shifting=True),
            vae=tiny_autoencoder(),
            text_encoder=_clip(),
            tokenizer=_clip_words(),
            text_encoder_2=_t5(),
            tokenizer_2=_t5_words(),
            transformer=_transformer(guidance_embeds),
        )
    pipeline.save_pretrained(folder)
    return folder


def kontext_config(folder: Path, form: str = "noise", **section: object) -> EditorConfig:
    editor = KontextSection.model_validate({"model": str(folder), **section})
    return EditorConfig(editor=editor, objective=ObjectiveSection(form=form), crop=32, steps=3)


def _transformer(guidance_embeds: bool) -> FluxTransformer2DModel:
    model = FluxTransformer2DModel(
        in_channels=4 * CHANNELS,
        num_layers=1,
        num_single_layers=2,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=32,
        pooled_projection_dim=24,
        guidance_embeds=guidance_embeds,
        axes_dims_rope=(4, 6, 6),
    )
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += (0.3 if parameter.ndim == 1 else 0.05) * torch.randn_like(parameter)
    return model


def tiny_autoencoder(channels: int = CHANNELS) -> AutoencoderKL:
    return AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=(8, 8, 8, 8),
        layers_per_block=1,
        latent_channels=channels,
        norm_num_groups=4,
        scaling_factor=0.3611,
        shift_factor=0.1159,
        use_quant_conv=False,
        use_post_quant_conv=False,
    )


def _clip() -> CLIPTextModel:
    config = CLIPTextConfig(
        vocab_size=2 * len(LETTERS) + 2,
        hidden_size=24,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=77,
        bos_token_id=2 * len(LETTERS),
        eos_token_id=2 * len(LETTERS) + 1,
        pad_token_id=2 * len(LETTERS) + 1,
    )
    return CLIPTextModel(config)


def _t5() -> T5EncoderModel:
    config = T5Config(
        vocab_size=len(_t5_pieces()),
        d_model=32,
        d_kv=8,
        d_ff=48,
        num_layers=2,
        num_heads=4,
        feed_forward_proj="gated-gelu",
    )
    return T5EncoderModel(config)


def _clip_words() -> CLIPTokenizer:
    """Every letter is a token, inside a word and at its end."""
    pieces = [*LETTERS, *(f"{letter}</w>" for letter in LETTERS), "<|startoftext|>", "<|endoftext|>"]
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    return CLIPTokenizer(vocab=vocabulary, merges=[], model_max_length=77)


def _t5_pieces() -> list[tuple[str, float]]:
    return [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", -9.0), ("▁", -2.0), *((letter, -3.0) for letter in LETTERS)]


def _t5_words() -> T5TokenizerFast:
    return T5TokenizerFast(vocab=_t5_pieces(), extra_ids=0, model_max_length=512)
