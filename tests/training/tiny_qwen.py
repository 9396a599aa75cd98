"""Qwen-Image-Edit's pipelines with random weights of the published classes, on disk as diffusers writes them."""

import torch
from diffusers import (
    AutoencoderKLQwenImage,
    DiffusionPipeline,
    FlowMatchEulerDiscreteScheduler,
    QwenImageEditPipeline,
    QwenImageEditPlusPipeline,
    QwenImageTransformer2DModel,
)
from transformers import Qwen2_5_VLForConditionalGeneration, Qwen2VLProcessor

from tests.training.tiny_qwen_vl import WIDTH, write_qwen_vl

#: Of the published scheduler (Qwen-Image, 2025).
SCHEDULER = {
    "base_image_seq_len": 256,
    "base_shift": 0.5,
    "max_image_seq_len": 8192,
    "max_shift": 0.9,
    "shift_terminal": 0.02,
    "time_shift_type": "exponential",
    "use_dynamic_shifting": True,
}
CLASSES = {"qwen-image-edit": QwenImageEditPipeline, "qwen-image-edit-plus": QwenImageEditPlusPipeline}


def tiny_transformer(seed=0, **changes):
    """Two blocks of two heads; no weight is 0 or 1, so that every part of the model is seen in what it predicts."""
    sizes = {"num_layers": 2, "attention_head_dim": 16, "num_attention_heads": 2, "axes_dims_rope": (4, 6, 6)}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return scattered(QwenImageTransformer2DModel(joint_attention_dim=WIDTH, **{**sizes, **changes})).eval()


def tiny_autoencoder(**changes):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        return scattered(AutoencoderKLQwenImage(base_dim=2, dim_mult=[1, 1, 2, 2], num_res_blocks=1, **changes))


def scattered(model):
    for parameter in model.parameters():
        if parameter.ndim == 1:
            parameter.data += 0.2 * torch.randn_like(parameter)
    return model


def write_qwen_pipeline(folder, kind, **transformer):
    """The whole pipeline of an editor's kind; transformer: changes to its configuration."""
    write_qwen_vl(folder / "text_encoder", folder / "processor")
    processor = Qwen2VLProcessor.from_pretrained(folder / "processor")
    CLASSES[kind](
        scheduler=FlowMatchEulerDiscreteScheduler(**SCHEDULER),
        vae=tiny_autoencoder(),
        text_encoder=Qwen2_5_VLForConditionalGeneration.from_pretrained(folder / "text_encoder"),
        tokenizer=processor.tokenizer,
        processor=processor,
        transformer=tiny_transformer(**transformer),
    ).save_pretrained(folder)
    return folder


def open_pipeline(folder):
    """diffusers' own pipeline of the folder, on the CPU in fp32.

    Its picture tokens are numbered by row and column, as when the published weights were trained: diffusers 0.42 with
    transformers 5 leaves out the input that this takes (diffusers issue 14194).
    """
    pipeline = DiffusionPipeline.from_pretrained(folder)
    pipeline.text_encoder.register_forward_pre_hook(_number_by_row_and_column, with_kwargs=True)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def _number_by_row_and_column(model, args, kwargs):
    pictures = (kwargs["input_ids"] == model.config.image_token_id).int()
    return args, {**kwargs, "mm_token_type_ids": pictures}
