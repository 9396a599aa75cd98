"""The folder of a dataset: what lies where, whose recipe made it, and who may write to it."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType

import pyarrow.parquet as pq
import yaml

from pipeline.files import write_atomically
from schemas.errors import DatasetError
from schemas.recipe import Recipe, fingerprint_of
from schemas.record import canonical_json

#: Characters of a value that a message shows.
_MOST_SHOWN = 200


def code_version() -> str:
    """The version of this package, which every trace names."""
    return version("tarnish")


@dataclass(frozen=True)
class Dataset:
    """A dataset at `root`.

    manifest/ and plan/: numbered Parquet parts, one an extension of the source set. shards/, index/ and ledger/: one
    file a work unit, all three of one stem. A unit is done when its ledger part exists. thumbnails/: what is kept of
    rejected pixels. texts/: questions and answers about accepted samples. references/: the clean pictures that were
    made for harvested photographs. unscored/: an empty file for each unit in which a filter failed on a row, which the
    next run does again. decision.parquet: the newest decision, if it was made after the run. review.parquet: what
    people decided. tmp/: files in the making.
    """

    root: Path

    @property
    def manifest(self) -> Path:
        return self.root / "manifest"

    @property
    def plan(self) -> Path:
        return self.root / "plan"

    @property
    def shards(self) -> Path:
        return self.root / "shards"

    @property
    def index(self) -> Path:
        return self.root / "index"

    @property
    def ledger(self) -> Path:
        return self.root / "ledger"

    @property
    def thumbnails(self) -> Path:
        return self.root / "thumbnails"

    @property
    def texts(self) -> Path:
        return self.root / "texts"

    @property
    def references(self) -> Path:
        return self.root / "references"

    @property
    def unscored(self) -> Path:
        return self.root / "unscored"

    @property
    def temporary(self) -> Path:
        return self.root / "tmp"

    @property
    def decision(self) -> Path:
        return self.root / "decision.parquet"

    @property
    def review(self) -> Path:
        return self.root / "review.parquet"

    @property
    def description(self) -> Path:
        return self.root / "dataset.json"

    @classmethod
    def open(cls, root: Path) -> Dataset:
        """The dataset at `root`. Raises DatasetError if there is none."""
        dataset = cls(root)
        if not dataset.description.is_file():
            raise DatasetError(f"{root}: no dataset here (dataset.json is missing); name the folder of a finished run")
        return dataset

    @classmethod
    def create(cls, root: Path, recipe: Recipe, made_of: Mapping[str, str] = MappingProxyType({})) -> Dataset:
        """The dataset at `root`, made if it does not exist, for this recipe.

        made_of: what else its content depends on, by name.
        Raises DatasetError when it was made by a recipe whose content differs, or by another version of the code, and
        when the folder holds something else.
        """
        dataset = cls(root)
        if dataset.description.is_file():
            dataset._refuse_other_content({**recipe.content(), **made_of})
        elif root.exists() and (not root.is_dir() or any(root.iterdir())):
            raise DatasetError(f"{root}: holds files but no dataset.json; name an empty folder or a dataset")
        folders = ("manifest", "plan", "shards", "index", "ledger", "thumbnails", "texts", "unscored")
        for folder in (root / name for name in folders):
            _made(folder)
        if not dataset.description.is_file():
            text = yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
            write_atomically(root / "recipe.yaml", text.encode(), dataset.temporary)
            description = {
                "fingerprint": fingerprint_of({**recipe.content(), **made_of}),
                "code_version": code_version(),
                "content": {**recipe.content(), **made_of},
            }
            data = json.dumps(description, indent=2, ensure_ascii=False, sort_keys=True).encode()
            write_atomically(dataset.description, data, dataset.temporary)
        return dataset

    def refuse_other(self, recipe: Recipe, made_of: Mapping[str, str]) -> None:
        """Raises DatasetError when the folder holds a dataset that was made of something else."""
        if self.description.is_file():
            self._refuse_other_content({**recipe.content(), **made_of})

    def fingerprint(self) -> str:
        """The fingerprint of the recipe that made the dataset."""
        return str(json.loads(self.description.read_text(encoding="utf-8"))["fingerprint"])

    def stem(self, unit: int, split: str) -> str:
        """File name, without extension, of a unit's shard, index and ledger part."""
        return f"{split}-{self.fingerprint()[:12]}-{unit:06d}"

    def done_units(self) -> set[int]:
        """Numbers of the units whose ledger part exists."""
        return {_number(path) for path in self.ledger.glob("*.parquet")}

    def planned_rows(self) -> int:
        """How many rows the plan has."""
        return sum(pq.read_metadata(part).num_rows for part in self.plan.glob("*.parquet"))

    def unscored_units(self) -> set[int]:
        """Numbers of the done units in which a filter failed on a row."""
        return {_number(path) for path in self.unscored.glob("*-*")} & self.done_units()

    def reopen(self, stem: str) -> None:
        """Makes a unit undone: its samples leave the index before its rows leave the ledger."""
        (self.index / f"{stem}.parquet").unlink(missing_ok=True)
        (self.ledger / f"{stem}.parquet").unlink(missing_ok=True)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Holds the dataset for one driver; leftovers of a killed one are removed on entry.

        Raises DatasetError while another process of this machine holds it.
        """
        _made(self.root)
        folder = os.open(self.root, os.O_RDONLY)
        try:
            try:
                fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise DatasetError(f"{self.root}: another run is writing here; wait for it or stop it") from error
            shutil.rmtree(self.temporary, ignore_errors=True)
            try:
                yield
            finally:
                shutil.rmtree(self.temporary, ignore_errors=True)
        finally:
            os.close(folder)

    def _refuse_other_content(self, content: Mapping[str, object]) -> None:
        described = json.loads(self.description.read_text(encoding="utf-8"))
        made, asked = described["content"], json.loads(canonical_json(content))
        differing = sorted(name for name in made.keys() | asked.keys() if made.get(name) != asked.get(name))
        if differing:
            lines = [f"  {name}: {_short(made.get(name))} there, {_short(asked.get(name))} here" for name in differing]
            remedy = "name another folder"
            if not all(name.startswith("packed.") for name in differing):
                remedy += ", or set the field back"
            if any(name.startswith("policy") for name in differing):
                remedy += "; to apply a new policy to finished samples run `tarnish decide`"
            raise DatasetError(f"{self.root}: made by another recipe; {remedy}\n" + "\n".join(lines))
        if described["code_version"] != code_version():
            raise DatasetError(
                f"{self.root}: made by tarnish {described['code_version']}, this is {code_version()}; "
                "name another folder or install that version"
            )


def _made(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DatasetError(f"{folder}: cannot be made ({error.strerror}); name a folder that can be written") from error


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…"


def _number(path: Path) -> int:
    return int(path.stem.rsplit("-", 1)[1])
