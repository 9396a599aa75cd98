"""Small editors that train on a CPU: on pixels, and on FLUX.1's latents through a tiny autoencoder."""

from training.editors.tiny.latents import LatentEditor
from training.editors.tiny.pixels import PixelEditor

__all__ = ["LatentEditor", "PixelEditor"]
