"""Building a pattern bank: resumable, on any engine, the same bytes for the same seed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator

import cv2

from degradations.patterns.bank import Kind
from degradations.patterns.errors import PatternError
from degradations.patterns.files import encode_pattern
from degradations.patterns.generate import GENERATOR_VERSION, make_pattern
from degradations.patterns.manifest import FINISHED, UNFINISHED, BankManifest
from degradations.patterns.store import Store
from pipeline.engines.engine import Engine

#: Patterns a task: long enough to hide an actor's call, short enough for a smooth bar.
_BATCH = 4


class PatternWorker:
    """Called with a JSON list of numbers; makes and writes those patterns; returns [[name, sha256], ...] as JSON."""

    def __init__(self, uri: str, plan: BankManifest) -> None:
        cv2.setNumThreads(1)  # the engine has one worker a core already
        self._store = Store(uri).inside(plan.kind)
        self._plan = plan

    def __call__(self, task: bytes) -> bytes:
        made = []
        for number in json.loads(task):
            data = encode_pattern(make_pattern(self._plan.kind, self._plan.seed, number, self._plan.size))
            self._store.write(file_name(number), data)
            made.append([file_name(number), hashlib.sha256(data).hexdigest()])
        return json.dumps(made).encode()


def file_name(number: int) -> str:
    """The file of pattern `number`."""
    return f"{number:05d}.png"


def plan_bank(kind: Kind, seed: int, size: int, count: int) -> BankManifest:
    """The manifest of a bank before any pattern is made."""
    return BankManifest(kind=kind, seed=seed, size=size, count=count, generator=GENERATOR_VERSION)


def pending_patterns(uri: str, plan: BankManifest) -> list[int]:
    """Numbers of the patterns of `plan` that are not at `uri` yet; none when its manifest is there.

    Raises PatternError when another bank, or anything else, is there.
    """
    store = Store(uri).inside(plan.kind)
    files = set(store.names())
    for name in (FINISHED, UNFINISHED):
        if name in files:
            there = BankManifest.model_validate_json(store.read(name)).model_copy(update={"sha256": {}})
            if there != plan:
                raise PatternError(
                    f"{store.uri} holds the bank {there.model_dump_json(exclude={'sha256'})}, asked for was "
                    f"{plan.model_dump_json(exclude={'sha256'})}; choose another --out or the same options"
                )
            return [] if name == FINISHED else [n for n in range(plan.count) if file_name(n) not in files]
    if files:
        raise PatternError(f"{store.uri} is not empty and holds no bank ({sorted(files)[0]}); choose another --out")
    return list(range(plan.count))


def build_bank(uri: str, plan: BankManifest, engine: Engine) -> Iterator[int]:
    """Makes the missing patterns, yielding how many each finished task made; the manifest comes last.

    Killed at any moment, the same call goes on with what is missing. Raises PatternError as `pending_patterns`.
    """
    store = Store(uri).inside(plan.kind)
    pending = pending_patterns(uri, plan)
    if FINISHED in store.names():
        return
    try:
        store.write(UNFINISHED, plan.model_dump_json(exclude={"sha256"}).encode())
    except OSError as error:
        raise PatternError(f"--out: {store.uri} cannot be written ({error}); choose another folder or uri") from error
    tasks = [json.dumps(pending[i : i + _BATCH]).encode() for i in range(0, len(pending), _BATCH)]
    hashes: dict[str, str] = {}
    for result in engine.run(tasks, PatternWorker, (uri, plan)):
        made = dict(json.loads(result))
        hashes |= made
        yield len(made)
    for number in range(plan.count):
        name = file_name(number)
        if name not in hashes:  # made by an earlier run
            hashes[name] = hashlib.sha256(store.read(name)).hexdigest()
    whole = plan.model_copy(update={"sha256": dict(sorted(hashes.items()))})
    store.write(FINISHED, whole.model_dump_json().encode())
    store.delete(UNFINISHED)
