"""Our own editors as reference generators of a harvest."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pipeline.harvest.generators.contract import Image, ReferenceGenerator, Request
from pipeline.harvest.generators.select import build_generator
from schemas.errors import RecipeError
from schemas.recipe import Recipe
from schemas.recipe.harvest import GeneratorSection
from training.editors.file_digest import sampled_digest


class EditorReferences:
    """An exported editor at the folder `harvest.generator.model`. version: its name and a digest of its weights.

    Raises RecipeError when the folder holds no weights, or the device is not there.
    """

    provider, batch = "editor", 1

    def __init__(self, section: GeneratorSection) -> None:
        self._folder, self._section = Path(section.model).expanduser(), section
        weights = sorted(self._folder.rglob("*.safetensors"))
        if not weights:
            raise RecipeError(
                f"harvest.generator.model: {section.model!r} holds no safetensors file; name an editor's folder"
            )
        self._version = f"{self._folder.resolve().name}@{sampled_digest(weights)}"

    @property
    def version(self) -> str:
        return self._version

    def load(self) -> None:
        """Loads the editor. Raises CheckpointError when the folder holds none."""
        from training.editors import load_editor
        from training.restoring.device import chosen_device

        device = chosen_device(self._section.device, "harvest.generator.device")
        self._editor = load_editor(self._folder, device)

    def generate(self, requests: Sequence[Request]) -> list[Image | Exception]:
        """The restored picture of each photograph."""
        from training.restore import restore_image

        made: list[Image | Exception] = []
        for request in requests:
            try:
                made.append(restore_image(self._editor, request.photograph, request.prompt, self._section.steps))
            except Exception as error:
                made.append(error)
        return made


def build_any_generator(recipe: Recipe) -> ReferenceGenerator | None:
    """The generator that `recipe.harvest.generator` asks for, our own editors among them.

    Raises RecipeError when it cannot be used.
    """
    if recipe.harvest.generator.kind == "editor":
        return EditorReferences(recipe.harvest.generator)
    return build_generator(recipe)
