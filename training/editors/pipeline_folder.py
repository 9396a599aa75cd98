"""A pipeline as diffusers' `save_pretrained` writes it: `model_index.json` and one folder for each part."""

from __future__ import annotations

import json
from functools import cached_property
from pathlib import Path

from degradations.cues.weights import digest, hub_files
from schemas.errors import CheckpointError, RecipeError
from training.editors.file_digest import sampled_digest

INDEX = "model_index.json"
TRANSFORMER = "transformer"

_FIELD = "training.editor.model"
#: What is read of a part: configurations, weights and vocabularies.
_KINDS = ("json", "safetensors", "txt", "model", "jinja")


class PipelineFolder:
    """The pipeline in a local folder or of a hub id; each part is fetched when it is asked for.

    place: of the recipe's `training.editor.model`. pipelines: names of diffusers' classes, one of which it must be.
    """

    def __init__(self, place: str, *pipelines: str) -> None:
        self._place = place
        self._pipelines = pipelines

    @cached_property
    def _root(self) -> Path:
        """The folder, local or in the hub's cache, its index checked."""
        local = Path(self._place).expanduser()
        root = local if local.is_dir() else hub_files(_FIELD, self._place, (INDEX,))
        try:
            found = json.loads((root / INDEX).read_text(encoding="utf-8"))["_class_name"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise CheckpointError(
                f"{_FIELD}: {self._place!r} has no usable {INDEX} ({error!r}); name a pipeline as diffusers writes it"
            ) from error
        if found not in self._pipelines:
            raise CheckpointError(
                f"{_FIELD}: {self._place!r} is a {found}, not a {' or '.join(self._pipelines)}; name another pipeline "
                "or another training.editor.kind"
            )
        return root

    def part(self, name: str) -> Path:
        """The folder of one part, all its files there.

        Raises CheckpointError when the pipeline is of another kind or lacks the part, RecipeError when the hub does not
        give the files.
        """
        folder = self._root / name
        if not Path(self._place).expanduser().is_dir():
            folder = hub_files(_FIELD, self._place, [f"{name}/*.{kind}" for kind in _KINDS]) / name
        if not folder.is_dir():
            raise CheckpointError(f"{_FIELD}: {self._place!r} lacks {name}; copy the whole pipeline")
        return folder

    def digest(self, *parts: str) -> str:
        """16 hex digits that tell the files of these parts from others (see `sampled_digest`)."""
        return digest(*(sampled_digest(self._files(self.part(name))) for name in parts))

    def _files(self, folder: Path) -> list[Path]:
        return [path for kind in _KINDS for path in folder.glob(f"*.{kind}")]


def transformer_folder(pipeline: PipelineFolder, other: str) -> Path:
    """The folder of the transformer: the pipeline's own or, where `other` (of the recipe's
    `training.editor.transformer`) is not empty, that folder or the one named `transformer` in it.

    Raises RecipeError when `other` is no folder, CheckpointError as `PipelineFolder.part`.
    """
    if not other:
        return pipeline.part(TRANSFORMER)
    folder = Path(other).expanduser()
    if not folder.is_dir():
        raise RecipeError(f"training.editor.transformer: no folder {other!r}; name one that diffusers wrote")
    inside = folder / TRANSFORMER
    return inside if inside.is_dir() else folder
