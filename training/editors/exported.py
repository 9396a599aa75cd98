"""What the folder of an exported editor says of it."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from schemas.errors import CheckpointError
from schemas.recipe.training import TinySection
from training.editors.base import EditorConfig

#: The file with the `EditorConfig`.
CONFIG = "config.json"


def read_exported(folder: Path) -> EditorConfig:
    """The configuration of the editor in `folder`. Where the folder holds all weights of a pretrained kind's
    transformer, not only an adapter's, its section names the folder as their place.

    Raises CheckpointError when the file is missing, damaged or of another version.
    """
    try:
        config = EditorConfig.model_validate_json((folder / CONFIG).read_text(encoding="utf-8"))
    except OSError as error:
        raise CheckpointError(
            f"editor {folder}: no readable {CONFIG}; name the folder of an exported editor"
        ) from error
    except ValidationError as error:
        raise CheckpointError(f"editor {folder}: {CONFIG} is not of this version: {error}") from error
    if config.lora.rank or isinstance(config.editor, TinySection):
        return config
    here = config.editor.model_copy(update={"transformer": str(folder)})
    return config.model_copy(update={"editor": here})
