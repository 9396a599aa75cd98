"""Show pictures to filters that look at them by themselves."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Literal

from filters.contract import Finding, Image
from filters.looking import Looker, Picture
from pipeline.stages.stage import ItemStage
from pipeline.unit import Item

#: What is looked at, and the prefix of its scores: the clean target of a synthesis, the degraded picture, the clean
#: reference of a harvested photograph.
Seen = Literal["source", "input", "reference"]
#: Sources of which a worker remembers what was found.
_REMEMBERED = 4096


class Filter(ItemStage):
    """Scores `source.*`, `input.*` or `reference.*` by the filters of `lookers`, once for the variants of a source,
    those in other units of this worker included.

    As the first stage of a pass it looks at the pass's pictures in batches. A filter that fails costs a row its scores
    and is named in the row's `unscored`; the row goes on.
    """

    name = "filter"

    def __init__(self, seen: Seen, lookers: Sequence[Looker]) -> None:
        self._seen = seen
        self._lookers = list(lookers)
        self._found: dict[str, list[Finding | Exception]] = {}
        #: What was found of the sources last looked at, where nothing failed.
        self._known: OrderedDict[str, list[Finding | Exception]] = OrderedDict()

    def foresee(self, items: Sequence[Item]) -> None:
        self._look({self._key(item): item for item in items if not item.ended and self._pixels(item) is not None})

    def process(self, item: Item) -> None:
        if self._pixels(item) is None:
            return
        key = self._key(item)
        if key not in self._found:
            self._look({key: item})
        for looker, finding in zip(self._lookers, self._found[key], strict=True):
            if looker.label not in item.filters:
                item.filters.append(looker.label)
            if isinstance(finding, Exception):
                name = looker.label.partition("=")[0]
                item.unscored.append(f"{self._seen}.{name}: {type(finding).__name__}: {finding}")
                continue
            item.scores.update({f"{self._seen}.{name}": value for name, value in finding.scores.items()})
            item.answers.update({f"{self._seen}.{name}": text for name, text in finding.answers.items()})

    def _look(self, wanted: dict[str, Item]) -> None:
        self._found = {key: self._known[key] for key in wanted if key in self._known}
        fresh = {key: item for key, item in wanted.items() if key not in self._found}
        if not fresh:
            return
        pictures = []
        for item in fresh.values():
            pixels = self._pixels(item)
            assert pixels is not None
            pictures.append(Picture(pixels, "" if self._seen == "source" else item.row.degradation))
        looks = [looker.look(pictures) for looker in self._lookers]
        for n, key in enumerate(fresh):
            self._found[key] = [found[n] for found in looks]
            if self._seen == "source" and not any(isinstance(found, Exception) for found in self._found[key]):
                self._known[key] = self._found[key]
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)

    def _key(self, item: Item) -> str:
        return item.row.sha256 if self._seen == "source" else item.row.sample_key

    def _pixels(self, item: Item) -> Image | None:
        return item.degraded if self._seen == "input" else item.clean
