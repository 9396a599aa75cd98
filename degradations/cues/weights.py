"""Where the files of a model lie, and which they are."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from schemas.errors import RecipeError

_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")


def require(field: str, value: str, packages: Sequence[str]) -> None:
    """Raises RecipeError when a package that `value` of a recipe's field needs is not installed."""
    missing = [name for name in packages if find_spec(name) is None]
    if missing:
        raise RecipeError(
            f"{field}: {value!r} needs the package {', '.join(missing)}; install tarnish[cues] (for SAM 2 also "
            "sam2) or take the default"
        )


def is_hub_id(model: str) -> bool:
    """Whether `model` has the form of a hub id, owner/name."""
    return _HUB_ID.fullmatch(model) is not None and ".." not in model


def hub_files(field: str, model: str, patterns: Sequence[str]) -> Path:
    """The folder of the files of hub model `model` that match, downloaded where the hub's local cache lacks them.

    Raises RecipeError when they can be had neither there nor from the hub.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(model, allow_patterns=list(patterns)))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        reason = str(error).strip().split("\n")[0]
        raise RecipeError(
            f"{field}: {model!r} is neither a path here nor a model that the hub gives ({type(error).__name__}: "
            f"{reason}); name a local path, or a hub id while the hub can be reached"
        ) from error


def digest(*parts: Path | str) -> str:
    """First 16 hex digits of the sha256 of the contents of these files and of these texts, in order."""
    whole = hashlib.sha256()
    for part in parts:
        if isinstance(part, Path):
            with part.open("rb") as file:
                whole.update(hashlib.file_digest(file, "sha256").digest())
        else:
            whole.update(hashlib.sha256(part.encode()).digest())
    return whole.hexdigest()[:16]
