"""References by a service that speaks OpenAI's image-edit protocol (POST /images/edits)."""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Sequence
from typing import Any

from filters.decoding import decode
from pipeline.encoding import encode_lossless
from pipeline.harvest.generators.contract import Image, Request
from schemas.errors import RecipeError
from schemas.recipe.harvest import GeneratorSection


class ServiceReferences:
    """One request a photograph: the picture as PNG, the prompt, and `response_format` b64_json.

    Requests that fail with 429, 5xx or a broken connection are sent again with growing pauses, as the client of the
    package openai does. The version is the service's model name: what it makes is not ours to repeat, so references are
    kept with the dataset.
    Raises RecipeError for a url that is no http(s), a missing key, or without the package openai.
    """

    provider, batch = "http", 1

    def __init__(self, section: GeneratorSection, max_pixels: int) -> None:
        try:
            from openai import OpenAI
        except ImportError as error:
            raise RecipeError(
                "harvest.generator.kind: 'http' needs the package openai; install tarnish[judge]"
            ) from error
        if not section.url.startswith(("http://", "https://")):
            raise RecipeError(
                f"harvest.generator.url: {section.url!r} is no http address, e.g. http://127.0.0.1:8000/v1"
            )
        key = "none"
        if section.api_key_variable:
            key = os.environ.get(section.api_key_variable, "")
            if not key:
                raise RecipeError(
                    f"harvest.generator.api_key_variable: {section.api_key_variable} is not set; export the key"
                )
        self._client: Any = OpenAI(
            base_url=section.url, api_key=key, timeout=section.timeout, max_retries=section.retries
        )
        self._model, self._max_pixels = section.model, max_pixels

    @property
    def version(self) -> str:
        return self._model

    def load(self) -> None:
        """The service is asked with the first photograph."""

    def generate(self, requests: Sequence[Request]) -> list[Image | Exception]:
        """The edited picture of each photograph, or the error that the service gave."""
        return [self._one(request) for request in requests]

    def _one(self, request: Request) -> Image | Exception:
        try:
            answer = self._client.images.edit(
                model=self._model,
                image=("photograph.png", encode_lossless(request.photograph, "png"), "image/png"),
                prompt=request.prompt,
                response_format="b64_json",
                n=1,
            )
            text = answer.data[0].b64_json if answer.data else None
            if not text:
                raise ValueError("the service answered without a picture")
            return decode(base64.b64decode(text, validate=True), self._max_pixels).pixels
        except binascii.Error as error:
            return ValueError(f"the service's picture is no base64 ({error})")
        except Exception as error:
            return error
