"""A vision-language model that looks at pictures."""

from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from schemas.recipe.section import Section


class JudgeSection(Section):
    """provider: `none`, `endpoint` (an OpenAI-compatible server: vLLM, `transformers serve`) or `vllm` (Ray Data's vLLM
    processor, on a cluster with GPUs).
    model: the name that the server knows, or a hub id or folder for `vllm`; Qwen/Qwen3-VL-8B-Instruct is the paper's.
    questions: `degradation` (the degradation score, 1-5) and `suitability` (collage, screenshot, drawing, heavy text,
    watermark, border).
    url: of the server's API, http or https, mostly with /v1 at its end; loopback by default.
    api_key_variable: the environment variable that holds the server's key, empty for none.
    concurrency: requests under way at a time in one worker. timeout: seconds a request may take. retries: how often a
    request that failed is sent again, with growing pauses. attempts: how often a question is put at most until an
    answer has the form asked for.
    long_side: the picture is shrunk to this before it is sent, in pixels.
    cache: folder in which answers are kept by image, question and model; empty: the user's cache folder.
    """

    provider: Literal["none", "endpoint", "vllm"] = "none"
    model: str = ""
    questions: tuple[Literal["degradation", "suitability"], ...] = ("degradation", "suitability")
    url: str = "http://127.0.0.1:8000/v1"
    api_key_variable: str = ""
    concurrency: int = Field(default=8, ge=1, le=256)
    timeout: float = Field(default=120.0, gt=0.0, allow_inf_nan=False)
    retries: int = Field(default=4, ge=0, le=20)
    attempts: int = Field(default=3, ge=1, le=10)
    long_side: int = Field(default=1024, ge=64)
    cache: str = ""

    @field_validator("url")
    @classmethod
    def _reachable(cls, url: str) -> str:
        try:
            parts = urlsplit(url)
            sound = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            sound = False
        if not sound:
            raise ValueError(f"url {url!r} is no address of a server; give one such as http://127.0.0.1:8000/v1")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError("url holds a name, a password or a query; give the key through api_key_variable")
        return url

    @model_validator(mode="after")
    def _named(self) -> "JudgeSection":
        if self.provider != "none" and not self.model:
            raise ValueError(f"provider {self.provider!r} needs a model, e.g. Qwen/Qwen3-VL-8B-Instruct")
        return self
