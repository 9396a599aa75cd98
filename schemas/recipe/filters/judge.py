"""A vision-language model that looks at pictures."""

from typing import Literal

from pydantic import Field, model_validator

from schemas.recipe.section import Section


class JudgeSection(Section):
    """provider: `none`, `endpoint` (an OpenAI-compatible server: vLLM, `transformers serve`) or `vllm` (Ray Data's vLLM
    processor, on a cluster with GPUs).
    model: the name that the server knows, or a hub id or folder for `vllm`; Qwen/Qwen3-VL-8B-Instruct is the paper's.
    questions: `degradation` (the degradation score, 1-5) and `suitability` (collage, screenshot, drawing, heavy text).
    url, api_key_variable: of the server; the environment variable that holds its key, empty for none.
    concurrency: requests under way at a time in one worker. timeout: seconds a request may take. retries: how often a
    request that failed is sent again, with growing pauses. attempts: how often an answer of the wrong form is asked
    for again.
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

    @model_validator(mode="after")
    def _named(self) -> "JudgeSection":
        if self.provider != "none" and not self.model:
            raise ValueError(f"provider {self.provider!r} needs a model, e.g. Qwen/Qwen3-VL-8B-Instruct")
        return self
