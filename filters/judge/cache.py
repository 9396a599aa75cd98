"""Answers kept in a folder, so that a picture is put before a model once."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from filters.judge.answers import Answer
from filters.judge.conversation import SAMPLING
from filters.judge.questions import VERSION, Question
from schemas.errors import RecipeError
from schemas.record import canonical_json

_FIELD = "filters.judge.cache"


def fingerprint(picture: bytes) -> str:
    """By which a picture is known here: the sha256, in hex, of the bytes that the model is shown."""
    return hashlib.sha256(picture).hexdigest()


class AnswerCache:
    """The answers of one model to questions about pictures, in `folder` (empty: the user's cache folder).

    Kept are answers alone, malformed ones included, never errors; a question that they do not settle is put on from
    there. Files are written whole or not at all; one that cannot be read, or is not what was written, counts as
    missing; one that cannot be written costs time, not the answer. Processes may share the folder.
    Raises RecipeError for a folder that cannot be made.
    """

    def __init__(self, folder: str, model: str) -> None:
        if "://" in folder:
            raise RecipeError(f"{_FIELD}: {folder!r} is no folder; name one on this machine or on a shared file system")
        self._folder = (Path(folder).expanduser() if folder else _user_folder()) / "judge"
        self._model = model
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RecipeError(f"{_FIELD}: {folder!r} cannot be made ({error}); name a folder to write to") from error

    def get(self, shown: str, question: Question) -> tuple[Answer, ...]:
        """The answers kept about the picture with this `fingerprint`, none if there are none."""
        key = self._key(shown, question)
        try:
            seal, _, body = self._path(key).read_bytes().partition(b"\n")
            if hashlib.sha256(body).hexdigest().encode() != seal:
                return ()
            kept = json.loads(body)
            return tuple(Answer(**answer) for answer in kept["answers"]) if kept["key"] == key else ()
        except (OSError, ValueError, KeyError, TypeError):
            return ()

    def put(self, shown: str, question: Question, answers: Sequence[Answer]) -> None:
        """Keeps the answers, in the order in which they were given, in place of those kept before."""
        key = self._key(shown, question)
        told = [{"text": answer.text, "finished": answer.finished} for answer in answers]
        kept = {"key": key, "model": self._model, "question": question.text, "answers": told}
        body = canonical_json(kept).encode("utf-8", "backslashreplace")
        with contextlib.suppress(OSError):
            _write(self._path(key), hashlib.sha256(body).hexdigest().encode() + b"\n" + body)

    def _key(self, shown: str, question: Question) -> str:
        asked = [VERSION, question.text, question.reminder, SAMPLING]
        return hashlib.sha256(canonical_json([shown, asked, self._model]).encode()).hexdigest()

    def _path(self, key: str) -> Path:
        return self._folder / key[:2] / f"{key}.json"


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=".", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _user_folder() -> Path:
    if folder := os.environ.get("TARNISH_CACHE"):
        return Path(folder).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tarnish"
