"""Banks by kind, opened when first asked for."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

from degradations.patterns.bank import Kind, PatternBank
from degradations.patterns.embedded import PROVIDER, EmbeddedBank


@lru_cache(maxsize=32)
def open_bank(kind: Kind, provider: str = PROVIDER) -> PatternBank:
    """The bank of `kind` that `provider` names: "embedded", or the folder or object-store uri of one.

    Raises PatternError when there is none.
    """
    if provider == PROVIDER:
        return EmbeddedBank(kind)
    from degradations.patterns.folder import FolderBank

    return FolderBank(kind, provider)


class Banks:
    """The banks of a recipe: `banks["moire"]`. providers: by kind; those not named are embedded."""

    def __init__(self, providers: Mapping[str, str] = MappingProxyType({})) -> None:
        self._providers = dict(providers)

    def __getitem__(self, kind: Kind) -> PatternBank:
        return open_bank(kind, self._providers.get(kind, PROVIDER))
