"""Step1X-Edit (2025) and RealRestorer, from diffusers' classes: the transformer, its checkpoints and their keys."""

from training.editors.step1x.checkpoint import load_step1x, save_diffusers, save_official
from training.editors.step1x.model import Step1XConnector, Step1XTransformer
from training.editors.step1x.shape import Step1XShape

__all__ = [
    "Step1XConnector",
    "Step1XShape",
    "Step1XTransformer",
    "load_step1x",
    "save_diffusers",
    "save_official",
]
