"""References by an image-editing pipeline of diffusers."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as PillowImage

from pipeline.harvest.generators.contract import Image, Request
from schemas.errors import RecipeError
from schemas.recipe.harvest import GeneratorSection

FIELD = "harvest.generator.model"


class PipelineReferences:
    """Any pipeline whose call takes `image` and `prompt`: InstructPix2Pix, FLUX.1-Kontext, Qwen-Image-Edit and others.

    Weights are read from safetensors files alone. Each photograph has a generator of its own on the CPU, seeded by its
    key, so a reference depends neither on its neighbours nor on the batch.
    """

    provider, batch = "diffusers", 1

    def __init__(self, section: GeneratorSection) -> None:
        self._section = section
        self._pipeline: Any = None

    @property
    def version(self) -> str:
        """The model's name, without the folders of a local one, and its revision."""
        section = self._section
        name = Path(section.model).name if Path(section.model).is_dir() else section.model
        return f"{name}@{section.revision}" if section.revision else name

    def load(self) -> None:
        """Loads the pipeline.

        Raises RecipeError when the package, folder or weights are missing or the pipeline takes no image.
        """
        section = self._section
        try:
            import torch
            from diffusers import DiffusionPipeline
        except ImportError as error:
            raise RecipeError(
                "harvest.generator.kind: 'diffusers' needs torch and diffusers; install tarnish[train]"
            ) from error
        device = section.device
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        try:
            pipeline = DiffusionPipeline.from_pretrained(
                section.model,
                revision=section.revision or None,
                torch_dtype=torch.bfloat16 if device == "cuda" else torch.float32,
                use_safetensors=True,
            )
        except Exception as error:
            raise RecipeError(
                f"{FIELD}: {section.model!r} cannot be loaded ({error}); name the folder or hub id of a pipeline of "
                "diffusers with safetensors weights"
            ) from error
        missing = {"image", "prompt"} - set(inspect.signature(pipeline.__call__).parameters)
        if missing:
            raise RecipeError(
                f"{FIELD}: {type(pipeline).__name__} takes no {' and no '.join(sorted(missing))}; "
                "name an image-editing pipeline"
            )
        pipeline.set_progress_bar_config(disable=True)
        self._pipeline = pipeline.to(device)

    def generate(self, requests: Sequence[Request]) -> list[Image | Exception]:
        """The edited picture of each photograph, at the size that the pipeline gives it."""
        if self._pipeline is None:
            self.load()
        return [self._one(request) for request in requests]

    def _one(self, request: Request) -> Image | Exception:
        import torch

        section = self._section
        options: dict[str, Any] = {}
        if section.steps is not None:
            options["num_inference_steps"] = section.steps
        if section.guidance is not None:
            options["guidance_scale"] = section.guidance
        try:
            made = self._pipeline(
                image=PillowImage.fromarray(request.photograph),
                prompt=request.prompt,
                generator=torch.Generator("cpu").manual_seed(request.seed),
                **options,
            )
            return np.array(made.images[0].convert("RGB"), dtype=np.uint8)
        except Exception as error:
            return error
