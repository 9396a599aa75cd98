"""A whole Step1X-Edit with random weights of the real classes, on disk as it is published."""

from __future__ import annotations

from dataclasses import replace

import torch
from diffusers import AutoencoderKL
from tokenizers.pre_tokenizers import ByteLevel
from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration, Qwen2Tokenizer

from tests.training.tiny_qwen_vl import WIDTH, write_qwen_vl
from training.editors.flux_vae import SCALE, SHIFT, save_official_vae
from training.editors.step1x import Step1XShape, Step1XTransformer
from training.editors.step1x.checkpoint import save_official
from training.families.prompts import STEP1X_PREFIX

SHAPE = Step1XShape(
    channels=64,
    heads=2,
    head_dim=32,
    double_blocks=1,
    single_blocks=2,
    text_width=WIDTH,
    refiner_width=64,
    refiner_blocks=2,
    pooled_width=12,
)
SHAPES = {"v1.0": replace(SHAPE, version="v1.0"), "v1.1": replace(SHAPE, guidance=True, mask_token=True)}
#: The text from which the tokenizer learns its words.
WORDS = f"{STEP1X_PREFIX}\nsystem\nuser\nassistant\nPicture\nYou are a helpful assistant. Remove the rain"


def write_transformer(file, version="v1.1", seed=0, prefix="", **how):
    """Every weight and buffer random."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = Step1XTransformer.of(SHAPES[version])
        for tensor in model.state_dict().values():
            tensor += 0.2 * torch.randn_like(tensor)
    save_official(model, file, prefix, **how)
    return file


def write_vae(file):
    """FLUX's autoencoder with four narrow levels: 16 channels of latents, 1/8 of the side."""
    levels = 4
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        model = AutoencoderKL(
            down_block_types=("DownEncoderBlock2D",) * levels,
            up_block_types=("UpDecoderBlock2D",) * levels,
            block_out_channels=(32,) * levels,
            latent_channels=16,
            scaling_factor=SCALE,
            shift_factor=SHIFT,
            use_quant_conv=False,
            use_post_quant_conv=False,
        )
    save_official_vae(model, file)
    return file


def write_reader(folder):
    """Qwen2.5-VL whose tokenizer has whole words, as the published one has, so that the dropped positions are those
    before the picture."""
    write_qwen_vl(folder)
    letters = Qwen2Tokenizer.from_pretrained(folder)
    learnt = letters.train_new_from_iterator([WORDS], 5000, initial_alphabet=ByteLevel.alphabet(), show_progress=False)
    learnt.save_pretrained(folder)
    config = Qwen2_5_VLConfig.from_pretrained(folder)
    config.text_config.vocab_size = len(learnt)
    for name, token in {
        "image_token_id": "<|image_pad|>",
        "video_token_id": "<|video_pad|>",
        "vision_start_token_id": "<|vision_start|>",
        "vision_end_token_id": "<|vision_end|>",
    }.items():
        setattr(config, name, learnt.convert_tokens_to_ids(token))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        model = Qwen2_5_VLForConditionalGeneration(config)
        for parameter in model.parameters():
            if parameter.ndim > 1:
                torch.nn.init.normal_(parameter, std=0.15)
    model.save_pretrained(folder)
    return folder
