"""Any pixel-level transform of the package albumentations as a step of a chain."""

from __future__ import annotations

import difflib
import json
import os
import warnings
from functools import cache
from typing import Any, ClassVar

import numpy as np
from pydantic import JsonValue

from degradations.contract import Degradation, Image, Params
from degradations.rng import pixel_seed
from degradations.scene import Scene
from degradations.severity import linear, position
from schemas.errors import RecipeError
from schemas.recipe.degradations import AlbumentationsSection

_FIELD = "degradations.albumentations"
_ENDS = {"mild", "severe"}


class AlbumentationsParams(Params):
    """The transform's class name and constructor arguments as plain JSON, the seed of its own draws, the version."""

    transform: str
    arguments: dict[str, JsonValue]
    seed: int
    version: str


class Albumentations(Degradation[AlbumentationsParams]):
    """A transform of albumentations (Buslaev et al. 2020), recorded and replayed.

    Allowed are image-only transforms and dropouts: they keep the picture's size and place. Whatever moves geometry is
    refused, because the clean target would no longer match. Severity moves the arguments given as {mild, severe}; the
    transform's own draws come from its seed.
    """

    name: ClassVar[str] = "albumentations"
    task: ClassVar[str] = "mixed"
    params_type: ClassVar[type[Params]] = AlbumentationsParams

    def __init__(self, section: AlbumentationsSection) -> None:
        self.section = section

    def check(self) -> None:
        """Raises RecipeError for a transform that is unknown, not allowed or given arguments that it refuses."""
        for quantile in (0.0, 1.0):
            arguments = {name: _at(value, quantile) for name, value in self.section.arguments.items()}
            probe = np.full((64, 64, 3), 128, dtype=np.uint8)
            _run(_build(self.section.transform, arguments), probe, self.section.transform, 0)

    def draw(self, rng: np.random.Generator, scene: Scene, severity: float) -> AlbumentationsParams:
        quantile = position(rng, severity)
        arguments = {name: _at(value, quantile) for name, value in self.section.arguments.items()}
        transform = _build(self.section.transform, arguments)
        return AlbumentationsParams(
            transform=self.section.transform,
            arguments=_plain(transform),
            seed=pixel_seed(rng),
            version=_package().__version__,
        )

    def apply(self, image: Image, params: AlbumentationsParams, scene: Scene) -> Image:
        """Raises ValueError where another version of albumentations is installed than the one that was recorded."""
        installed = _package().__version__
        if installed != params.version:
            raise ValueError(
                f"{params.transform} was drawn with albumentations {params.version}, installed is {installed}; "
                f"install albumentations=={params.version} to replay it"
            )
        return _run(_build(params.transform, params.arguments), image, params.transform, params.seed)


@cache
def _package() -> Any:
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # else the import asks the network for its newest version
    try:
        import albumentations
    except ImportError as error:
        raise RecipeError(
            f"{_FIELD} needs the package albumentations; install the extra: pip install 'tarnish[albumentations]', "
            "or take the step out"
        ) from error
    return albumentations


def _class(name: str) -> Any:
    """The transform class `name`; only those that albumentations itself defines."""
    package = _package()
    allowed = (package.ImageOnlyTransform, package.PixelDropout, package.CoarseDropout, package.GridDropout)
    known = [
        key for key, value in vars(package).items() if _is_transform(value, package) and issubclass(value, allowed)
    ]
    if name in known:
        return getattr(package, name)
    value = vars(package).get(name)
    if _is_transform(value, package):
        raise RecipeError(
            f"{_FIELD}.transform: {name} moves geometry or needs more than one picture, so the clean target would not "
            "match; choose an image-only transform"
        )
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
    remedy = f"did you mean {near[0]}?" if near else "see albumentations' list of pixel-level transforms"
    raise RecipeError(f"{_FIELD}.transform: unknown transform {name!r}; {remedy}")


def _is_transform(value: Any, package: Any) -> bool:
    return (
        isinstance(value, type)
        and issubclass(value, package.BasicTransform)
        and value not in (package.BasicTransform, package.ImageOnlyTransform)
        and value.__module__.startswith("albumentations.")
    )


def _build(name: str, arguments: dict[str, Any]) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("error", message="Argument.* not valid for transform")
            return _class(name)(**{**arguments, "p": 1.0})
    except (TypeError, ValueError, UserWarning) as error:
        raise RecipeError(f"{_FIELD}.arguments: {name} refuses {arguments}: {error}") from error


def _run(transform: Any, image: Image, name: str, seed: int) -> Image:
    transform.set_random_seed(seed)
    try:
        out = transform(image=np.ascontiguousarray(image))["image"]
    except (KeyError, TypeError, ValueError) as error:
        raise RecipeError(
            f"{_FIELD}.transform: {name} cannot run on a picture alone ({error}); choose another transform"
        ) from error
    if not isinstance(out, np.ndarray) or out.shape != image.shape or out.dtype != np.uint8:
        made = f"{out.dtype} {out.shape}" if isinstance(out, np.ndarray) else type(out).__name__
        raise RecipeError(
            f"{_FIELD}.transform: {name} made {made} of uint8 {image.shape}; choose one that keeps size and type"
        )
    return np.ascontiguousarray(out)


def _plain(transform: Any) -> dict[str, JsonValue]:
    """All constructor arguments, defaults included, as plain JSON."""
    recorded = dict(transform.to_dict()["transform"])
    recorded.pop("__class_fullname__")
    plain: dict[str, JsonValue] = json.loads(json.dumps(recorded))
    return plain


def _at(value: Any, quantile: float) -> Any:
    """An argument at `quantile`: {mild: A, severe: B} is interpolated, whole numbers stay whole."""
    if not (isinstance(value, dict) and value.keys() == _ENDS):
        return value
    return _between(value["mild"], value["severe"], quantile)


def _between(mild: Any, severe: Any, quantile: float) -> Any:
    if isinstance(mild, list) and isinstance(severe, list) and len(mild) == len(severe):
        return [_between(a, b, quantile) for a, b in zip(mild, severe, strict=True)]
    if any(isinstance(end, bool) or not isinstance(end, int | float) for end in (mild, severe)):
        raise RecipeError(
            f"{_FIELD}.arguments: mild {mild!r} and severe {severe!r} are not two numbers or two lists of equal length"
        )
    between = linear(quantile, mild, severe)
    return round(between) if isinstance(mild, int) and isinstance(severe, int) else between
