"""The cues of photographs, by the providers that a recipe names."""

from __future__ import annotations

import contextlib
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from degradations.contract import Image
from degradations.cues.cache import CueCache, DepthCache, MaskCache, cache_store
from degradations.cues.depth import DepthPrior
from degradations.cues.masks import Superpixels
from degradations.cues.provider import DepthProvider, MaskProvider
from degradations.scene import DepthCue, MaskCue
from schemas.errors import RecipeError
from schemas.recipe.cues import CuesSection, DepthSection, MasksSection
from schemas.trace import Cue

C = TypeVar("C", DepthCue, MaskCue)


@dataclass(frozen=True)
class Wanted:
    """image: uint8 (H, W, 3), sRGB. needs: as `Degradation.needs` gives them. source: sha256 of the file of which it
    is the decoded picture, to find its cues again; empty where there is none."""

    image: Image
    needs: frozenset[str]
    source: str = ""


class Cues:
    """Depth and masks by the providers of the section: those of the sources last asked for are at hand, and those of
    models are kept in the cache.

    Raises RecipeError when a model cannot be used (see `dpt.model_folder`, `sam2_masks.model_files`).
    """

    def __init__(self, section: CuesSection | None = None) -> None:
        section = section or CuesSection()
        self.depth: DepthProvider = DepthPrior()
        self.masks: MaskProvider = Superpixels()
        kept_depth: DepthCache | None = None
        kept_masks: MaskCache | None = None
        if section.depth.provider == "dpt":
            from degradations.cues.dpt import DptDepth

            self.depth = DptDepth(section.depth.model, section.device)
            kept_depth = DepthCache(section.cache, self.depth.provider, self.depth.version)
        if section.masks.provider == "sam2":
            from degradations.cues.sam2_masks import Sam2Masks

            self.masks = Sam2Masks(section.masks, section.device)
            kept_masks = MaskCache(section.cache, self.masks.provider, self.masks.version)
        #: How many sources are best asked for at once.
        self.batch = max(self.depth.batch, self.masks.batch)
        self._depths: _Shelf[DepthCue] = _Shelf(self.batch, kept_depth)
        self._masks: _Shelf[MaskCue] = _Shelf(self.batch, kept_masks)

    def load(self) -> None:
        """Loads the models now rather than with the first picture. Raises RecipeError when one cannot be used."""
        self.depth.load()
        self.masks.load()

    def of(self, wanted: Sequence[Wanted]) -> list[tuple[DepthCue | None, MaskCue | None]]:
        """Depth and masks of each picture, None where it does not need them. Pictures of one source count once."""
        depths = self._depths.filled("depth", wanted, lambda images, at: self.depth.estimate(images))
        masks = self._masks.filled(
            "masks", wanted, lambda images, at: self.masks.segment(images, [depths.get(n) for n in at])
        )
        return [(depths.get(n), masks.get(n)) for n in range(len(wanted))]


def check_cues(section: CuesSection) -> None:
    """Finds the files of the models that the section names, without loading them, and the cache.

    Raises RecipeError when a package or file is missing, a model is of no kind that can be used, or the cache no uri.
    """
    if section.depth.provider == "dpt":
        from degradations.cues.dpt import model_folder

        model_folder(section.depth.model)
    if section.masks.provider == "sam2":
        from degradations.cues.sam2_masks import model_files

        model_files(section.masks)
    cache_store(section.cache)


class _Shelf(Generic[C]):
    """Cues of one kind: the last `size` in memory, all of them in the cache if there is one."""

    def __init__(self, size: int, cache: CueCache[C] | None) -> None:
        self._size = size
        self._cache: CueCache[C] | None = cache
        self._recent: OrderedDict[str, C] = OrderedDict()

    def filled(
        self, kind: str, wanted: Sequence[Wanted], compute: Callable[[list[Image], list[int]], list[C]]
    ) -> dict[int, C]:
        """Position → cue of the pictures that need `kind`; what is not here is computed in one call."""
        needing = [n for n, one in enumerate(wanted) if kind in one.needs]
        found = {n: cue for n in needing if (cue := self._recalled(wanted[n].source)) is not None}
        first = {wanted[n].source or n: n for n in reversed(needing) if n not in found}
        missing = sorted(first.values())
        if missing:
            for n, cue in zip(missing, compute([wanted[n].image for n in missing], missing), strict=True):
                found[n] = cue
                self._keep(wanted[n].source, cue)
        return {n: found[n] if n in found else found[first[wanted[n].source]] for n in needing}

    def _recalled(self, source: str) -> C | None:
        if source in self._recent:
            self._recent.move_to_end(source)
            return self._recent[source]
        if not source or self._cache is None or (cue := self._cache.get(source)) is None:
            return None
        self._remember(source, cue)
        return cue

    def _keep(self, source: str, cue: C) -> None:
        if source:
            self._remember(source, cue)
            if self._cache is not None:
                with contextlib.suppress(OSError):  # a cache that cannot be written costs time, not the sample
                    self._cache.put(source, cue)

    def _remember(self, source: str, cue: C) -> None:
        self._recent[source] = cue
        while len(self._recent) > self._size:
            self._recent.popitem(last=False)


def for_trace(traced: Sequence[Cue], section: CuesSection) -> Cues:
    """The providers that a trace names, models as the section has them.

    Raises RecipeError when the trace's provider is neither embedded nor the section's, or its version is another.
    """
    named = {cue.name: cue for cue in traced if cue.name in ("depth", "masks")}
    parts: dict[str, object] = {}
    for name, part, embedded in (("depth", section.depth, DepthSection()), ("masks", section.masks, MasksSection())):
        provider = named[name].provider if name in named else embedded.provider
        if provider not in (part.provider, embedded.provider):
            raise RecipeError(
                f"cues.{name}.provider: {part.provider!r}, but the trace was made with {provider!r}; "
                "replay with the recipe that made it"
            )
        parts[name] = part if provider == part.provider else embedded
    cues = Cues(section.model_copy(update=parts))
    for name, own in (("depth", cues.depth), ("masks", cues.masks)):
        if name in named and own.version != named[name].version:
            raise RecipeError(
                f"cues.{name}: provider {own.provider!r} is version {own.version} here, the trace was made with "
                f"{named[name].version}; bring back that model, code and device"
            )
    return cues
