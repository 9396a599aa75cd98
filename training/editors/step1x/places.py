"""Where the parts of Step1X-Edit lie: which files of a folder or of a hub model are meant."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from degradations.cues.weights import hub_files, is_hub_id
from schemas.errors import CheckpointError, RecipeError

_WEIGHTS, _INDEX = ".safetensors", ".safetensors.index.json"
_AUTOENCODERS = ("ae.safetensors", "vae.safetensors")
#: Files of a release that are no transformer to train: its autoencoder, and copies made for other uses.
_NO_TRANSFORMER = re.compile(r"^(ae|vae)\.|fp8|lora", re.IGNORECASE)
_SLICES = re.compile(r"^TP[-_]?\d+")

#: From the names of the files that are there (with / between folders) to the file or folder that is meant; "" for all.
Choice = Callable[[Sequence[str]], str]


def locate(field: str, place: str, choose: Choice) -> Path:
    """The file or folder that a recipe's field names.

    place: a local file, taken as it is; a local folder, of which `choose` takes a part; a hub id, owner/name, likewise
    and fetched where the hub's cache lacks it; or owner/name/FILE, a file or folder of a hub model.
    Raises RecipeError when it is none of these or the hub does not give it, CheckpointError when nothing in it is meant
    or several files might be.
    """
    local = Path(place).expanduser()
    if local.is_file():
        return local
    if local.is_dir():
        return local / _chosen(field, place, local_names(local), choose)
    owner, _, rest = place.partition("/")
    name, _, inside = rest.partition("/")
    model = f"{owner}/{name}"
    if not is_hub_id(model) or ".." in Path(inside).parts:
        raise RecipeError(f"{field}: {place!r} is neither a path here nor a hub id, owner/name or owner/name/FILE")
    if not inside:
        inside = _chosen(field, place, _hub_names(field, model), choose)
    patterns = [inside, f"{inside}/*"] if inside else ["*.safetensors", "*.json", "*.txt"]
    found = hub_files(field, model, patterns) / inside
    if not found.exists():
        raise RecipeError(f"{field}: the hub model {model!r} has no {inside!r}; look at its list of files")
    return found


def local_names(folder: Path) -> list[str]:
    """The files of a folder and of its folders, by relative name."""
    return sorted(
        path.relative_to(folder).as_posix() for path in (*folder.glob("*"), *folder.glob("*/*")) if path.is_file()
    )


def the_transformer(names: Sequence[str]) -> str:
    """`transformer` with our `connector` beside it; `transformer`; shards with an index; or the only file of weights
    that is neither an autoencoder's nor in FP8 nor low-rank.
    """
    if "connector/config.json" in names:
        return ""
    if _weights_in(names, "transformer/"):
        return "transformer"
    if any(name.endswith(_INDEX) for name in _top(names)):
        return ""
    if slices := [name for name in _top(names) if _SLICES.match(name)]:
        raise ValueError(f"holds slices of tensors ({', '.join(slices)}); join them to whole tensors first")
    return _only([name for name in _weights_in(names, "") if not _NO_TRANSFORMER.search(name)])


def the_autoencoder(names: Sequence[str]) -> str:
    """`vae`; `ae.safetensors` or `vae.safetensors`; a folder of diffusers; or the only file of weights."""
    if _weights_in(names, "vae/"):
        return "vae"
    if named := [name for name in names if name in _AUTOENCODERS]:
        return _only(named)
    if "config.json" in names and _weights_in(names, ""):
        return ""
    return _only(_weights_in(names, ""))


def the_language_model(names: Sequence[str]) -> str:
    """All of it; of a release with `text_encoder` too, its processor lies beside."""
    if not any(name in names for name in ("config.json", "text_encoder/config.json")):
        raise ValueError("has no config.json")
    return ""


def _top(names: Sequence[str]) -> list[str]:
    return [name for name in names if "/" not in name]


def _weights_in(names: Sequence[str], prefix: str) -> list[str]:
    inside = [name for name in names if name.startswith(prefix) and name.endswith(_WEIGHTS)]
    return [name for name in inside if "/" not in name.removeprefix(prefix)]


def _only(files: Sequence[str]) -> str:
    if len(files) != 1:
        found = f"holds several: {', '.join(files)}" if files else "holds none that is meant"
        raise ValueError(f"{found}; name one file")
    return files[0]


def _chosen(field: str, place: str, names: Sequence[str], choose: Choice) -> str:
    try:
        return choose(names)
    except ValueError as error:
        found = ", ".join(names[:20]) or "nothing"
        raise CheckpointError(f"{field}: {place!r} {error}, as {place}/FILE; found there: {found}") from error


def _hub_names(field: str, model: str) -> list[str]:
    """From the hub or, where it cannot be reached, from its local cache."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    try:
        return sorted(HfApi().list_repo_files(model))
    except (HfHubHTTPError, OfflineModeIsEnabled, OSError):
        return local_names(hub_files(field, model, ["*.json"]))
