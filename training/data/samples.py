"""One training sample: a drawn pair, fitted, with its instruction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

from degradations.rng import generator
from schemas.errors import DamagedError, DatasetError
from schemas.recipe.training import DataSection
from schemas.tasks import TASKS
from training.data.augment import web_style
from training.data.fits import drawn_fit, drawn_mirror
from training.data.identity import identity_of
from training.data.mixing import Draws, Part
from training.data.pairs import Pair, PairSet, Pixels
from training.editors.base import Request
from training.families.buckets import Size

#: Pairs that are tried for one place before it is given up.
ATTEMPTS = 20


class Replaced(NamedTuple):
    """A place whose drawn pair cannot be used: its key, and why. Another pair of the same set and task is there."""

    place: int
    key: str
    reason: str


class Asked(NamedTuple):
    """What will be asked about the sample at a place, if the pair drawn there can be used.

    set, position: where the pair is. styled: its degraded picture takes a trip through the web. picture: whether the
    text encoder sees it.
    """

    set: str
    position: int
    mirrored: bool
    styled: bool
    prompt: str
    picture: bool


class Sample(NamedTuple):
    """A sample at its place. reference: False where the editor is not to see the degraded latents.

    identity: names the two images as they are here, KEY-DIGEST/HxW/m0 (m1 where mirrored), for caches; None where the
    sample never comes again alike.
    """

    place: int
    task: str
    degraded: Pixels
    clean: Pixels
    request: Request
    reference: bool
    identity: str | None
    replaced: Replaced | None


class Samples:
    """The samples of a stage, by place. Every random choice is keyed by `key` (the seed and the stage's name) and the
    place, so a sample is the same on every process.
    """

    def __init__(self, sets: Mapping[str, PairSet], draws: Draws, data: DataSection, key: str) -> None:
        self._sets, self._draws, self._data, self._key = sets, draws, data, key
        self._languages = {name: share for name, share in data.languages.items() if share > 0}

    def size(self, place: int) -> Size | None:
        """Size of the degraded image of the pair drawn at `place`, if its header can be read."""
        part = self._draws.parts[self._draws.part[place]]
        return self._sets[part.set].size(int(self._draws.positions[place]))

    def asked(self, place: int) -> Asked:
        """What `load` will ask about the sample at `place`; nothing is read."""
        part, data = self._draws.parts[self._draws.part[place]], self._data
        return Asked(
            set=part.set,
            position=int(self._draws.positions[place]),
            mirrored=data.mirror and drawn_mirror(self._fit(place)),
            styled=self._happens(data.web_style, "web_style", place),
            prompt="" if self._happens(data.drop_prompt, "drop_prompt", place) else self._prompt(part.task, place),
            picture=not self._happens(data.drop_picture, "drop_picture", place),
        )

    def load(self, place: int, size: Size) -> Sample:
        """The sample at `place`, its images of `size`.

        A pair that cannot be used is replaced by a random one of its set and task. Raises DatasetError when none of
        20 pairs (of all, where they are fewer) can be used, or one cannot be read for now.
        """
        pair, replaced = self._usable(place)
        data, asked = self._data, self.asked(place)
        styled = asked.styled
        if styled and data.fit == "crop":
            pair = pair._replace(degraded=self._styled(pair.degraded, place))
        crop, mirrored = drawn_fit(pair, data, size, self._fit(place))
        if styled and data.fit != "crop":
            degraded = self._styled(crop.degraded, place)
            crop = crop._replace(degraded=degraded, whole=degraded)
        fixed = not styled and data.fit != "crop"
        return Sample(
            place=place,
            task=pair.task,
            degraded=crop.degraded,
            clean=crop.clean,
            request=Request(asked.prompt, crop.whole if asked.picture else None),
            reference=not self._happens(data.drop_reference, "drop_reference", place),
            identity=identity_of(pair.key, pair.digest, size, mirrored) if fixed else None,
            replaced=replaced,
        )

    def _usable(self, place: int) -> tuple[Pair, Replaced | None]:
        part = self._draws.parts[self._draws.part[place]]
        pairs = self._sets[part.set]
        reasons: dict[str, str] = {}
        for position in self._candidates(part, place):
            try:
                pair = pairs[position]
            except DamagedError as error:
                reasons[pairs.keys[position]] = str(error)
            else:
                return pair, Replaced(place, *next(iter(reasons.items()))) if reasons else None
        raise DatasetError(
            f"training set {part.set!r}: none of {len(reasons)} pairs of {part.task} drawn for place {place} can be "
            "used\n" + "\n".join(f"  {reason}" for reason in reasons.values())
        )

    def _candidates(self, part: Part, place: int) -> Iterator[int]:
        """Position of the pair drawn at `place`, then of others of its part."""
        drawn = int(self._draws.positions[place])
        yield drawn
        others = part.positions[part.positions != drawn]
        rng = generator(0, self._key, "replacement", place)
        yield from map(int, rng.choice(others, min(ATTEMPTS - 1, len(others)), replace=False))

    def _happens(self, probability: float, what: str, place: int) -> bool:
        return probability > 0.0 and bool(generator(0, self._key, what, place).random() < probability)

    def _fit(self, place: int) -> np.random.Generator:
        return generator(0, self._key, "fit", place)

    def _styled(self, image: Pixels, place: int) -> Pixels:
        return web_style(image, generator(0, self._key, "web_trip", place))

    def _prompt(self, task: str, place: int) -> str:
        names = list(self._languages)
        if len(names) == 1:
            return str(getattr(TASKS[task], names[0]))
        shares = [share / sum(self._languages.values()) for share in self._languages.values()]
        return str(getattr(TASKS[task], str(generator(0, self._key, "language", place).choice(names, p=shares))))
