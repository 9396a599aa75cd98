"""A bank in a folder or object store: one that was built, or photographs of patterns."""

from __future__ import annotations

import hashlib
from functools import lru_cache

import cv2
import numpy as np
from pydantic import ValidationError

from degradations.patterns.bank import Kind, Pattern, PatternBank
from degradations.patterns.errors import PatternError
from degradations.patterns.files import decode_pattern
from degradations.patterns.manifest import FINISHED, UNFINISHED, BankManifest
from degradations.patterns.photographs import from_photograph
from degradations.patterns.store import Store

#: How traces name a bank that is not embedded; its version tells which, since no trace names a path.
PROVIDER = "folder"
_IMAGES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp")


class FolderBank(PatternBank):
    """The bank of `kind` at `uri`/`kind`, else at `uri` itself.

    With a manifest it is a bank that `tarnish patterns build` wrote; a file whose sha256 is not the manifest's is an
    error. Without one, every image in it is taken for a photograph of a pattern (see `photographs`); its version is
    the hash of their bytes, so all are read once. Raises PatternError when there is nothing, or an unfinished bank.
    """

    def __init__(self, kind: Kind, uri: str) -> None:
        self.kind = kind
        self.provider = PROVIDER
        self._store = Store(uri)
        files = self._list()
        self._hashes: dict[str, str] = {}
        self._built = FINISHED in files
        if self._built:
            manifest = self._manifest()
            self._hashes, self.version = manifest.sha256, manifest.version()
            self.names = tuple(sorted(self._hashes))
        else:
            self.names = tuple(name for name in files if name.lower().endswith(_IMAGES) and not name.startswith("."))
            self._hashes = {name: hashlib.sha256(self._read(name)).hexdigest() for name in self.names}
            self.version = hashlib.sha256("".join(map(self._hashes.__getitem__, self.names)).encode()).hexdigest()[:16]
        if not self.names:
            raise PatternError(
                f"degradations.patterns.{kind}: no patterns at {uri!r}; build a bank with "
                f"`tarnish patterns build --kind {kind} --out {uri}`, name a folder of photographs, or say embedded"
            )

    def _list(self) -> list[str]:
        inner = self._store.inside(self.kind)
        files = inner.names()
        if files:
            self._store = inner
        else:
            files = self._store.names()
        if UNFINISHED in files and FINISHED not in files:
            raise PatternError(
                f"degradations.patterns.{self.kind}: the bank at {self._store.uri!r} is unfinished; run the same "
                "`tarnish patterns build` again to finish it"
            )
        return files

    def _manifest(self) -> BankManifest:
        try:
            manifest = BankManifest.model_validate_json(self._read(FINISHED))
        except ValidationError as error:
            raise PatternError(f"{self._store.uri}/{FINISHED} is no manifest of a bank ({error})") from error
        if manifest.kind != self.kind:
            raise PatternError(
                f"degradations.patterns.{self.kind}: the bank at {self._store.uri!r} holds {manifest.kind} patterns"
            )
        return manifest

    def _read(self, name: str) -> bytes:
        try:
            return self._store.read(name)
        except OSError as error:
            raise PatternError(f"{self._store.uri}/{name} cannot be read ({error})") from error

    @lru_cache(maxsize=64)  # noqa: B019 (banks live as long as the process)
    def load(self, name: str) -> Pattern:
        if name not in self._hashes:
            raise PatternError(f"pattern {name!r} is not in the {self.kind} bank at {self._store.uri!r}")
        data = self._read(name)
        if hashlib.sha256(data).hexdigest() != self._hashes[name]:
            raise PatternError(f"{self._store.uri}/{name} is not the file of its manifest; build the bank again")
        stored = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED if self._built else cv2.IMREAD_COLOR)
        if stored is None:
            raise PatternError(f"{self._store.uri}/{name} is no image that OpenCV can read; remove it from the bank")
        return decode_pattern(np.asarray(stored)) if self._built else self._photograph(np.asarray(stored))

    def _photograph(self, stored: Pattern) -> Pattern:
        pattern = from_photograph(self.kind, decode_pattern(stored))
        pattern.flags.writeable = False
        return pattern
