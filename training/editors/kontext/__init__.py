"""FLUX.1 Kontext (Black Forest Labs, 2025) from diffusers' and transformers' classes."""

from training.editors.kontext.editor import KontextEditor

__all__ = ["KontextEditor"]
