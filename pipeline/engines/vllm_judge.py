"""The judge's questions to a vision-language model that Ray Data's vLLM processor runs on the GPUs of a cluster."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from filters.judge.cache import AnswerCache
from filters.judge.conversation import MAX_TOKENS
from filters.judge.rows import Rows
from schemas.errors import TarnishError
from schemas.recipe.filters.judge import JudgeSection

#: Pixels of the side of what one token shows, at least (Qwen's models: 28 and 32), and tokens of a question and of a
#: reminder at most.
_TOKEN_SIDE, _QUESTION_TOKENS, _REMINDER_TOKENS = 28, 1024, 128
_BATCH = 32


@dataclass(frozen=True)
class Pass:
    """asked: how often a question was put, repetitions included. failed: how often that brought no answer.

    error: the first failure's reason, empty without one.
    """

    asked: int
    failed: int
    error: str


def judge_with_vllm(questions: Any, section: JudgeSection) -> Pass:
    """Puts the questions of a `ray.data.Dataset` and keeps the answers in `section.cache`, where `KeptJudge` looks.

    questions: rows of picture (bytes), kind, degradation, as `filters.judge.rows` has them. Those whose answers are
    kept are not put again; those with a malformed answer or none are put again in further rounds, `section.attempts`
    in all, and what is open then is left for the next pass. The cache must be a folder that all machines share.
    Raises TarnishError when vllm or Ray's part for it is not installed, or the cluster has no GPU.
    """
    process = _processor(section, rows := Rows(section, AnswerCache(section.cache, section.model)))
    asked, failed, error = 0, 0, ""
    for _ in range(section.attempts):
        left = questions.filter(rows.open).materialize()
        if left.count() == 0:
            break
        for row in process(left).iter_rows():
            asked += 1
            if told := rows.keep(row):
                failed, error = failed + 1, error or told
    return Pass(asked, failed, error)


def _processor(section: JudgeSection, rows: Rows) -> Callable[[Any], Any]:
    """Dataset of questions → dataset of what `rows.postprocess` makes of the answers."""
    lacking = [name for name in ("ray", "vllm") if find_spec(name) is None]
    try:
        if lacking:
            raise ModuleNotFoundError(f"No module named {lacking[0]!r}")
        import ray
        from ray.data.llm import build_processor, vLLMEngineProcessorConfig
    except ImportError as error:
        raise TarnishError(
            f"filters.judge.provider: 'vllm' needs ray[llm] with vllm ({error}); install ray[llm] on every machine of "
            "the cluster, or serve the model and set filters.judge.provider=endpoint"
        ) from error
    gpus = int(ray.cluster_resources().get("GPU", 0))
    if gpus == 0:
        raise TarnishError(
            "filters.judge.provider: 'vllm' needs a GPU and Ray has none; join a cluster that has one, or set it to "
            "endpoint"
        )
    config = vLLMEngineProcessorConfig(
        model_source=section.model,
        engine_kwargs={
            "max_model_len": _longest(section),
            "limit_mm_per_prompt": {"image": 1},
            "seed": 0,
            "trust_remote_code": False,
        },
        concurrency=gpus,
        batch_size=_BATCH,
        prepare_multimodal_stage={"enabled": True, "chat_template_content_format": "openai"},
        should_continue_on_error=True,
    )
    return build_processor(config, preprocess=rows.preprocess, postprocess=rows.postprocess)


def _longest(section: JudgeSection) -> int:
    """Tokens of the longest conversation: the picture, the question, and every answer with its reminder."""
    side = -(-section.long_side // _TOKEN_SIDE)
    return side * side + _QUESTION_TOKENS + section.attempts * (MAX_TOKENS + _REMINDER_TOKENS)


def judge_tasks_with_vllm(
    tasks: list[bytes],
    factory: Callable[..., Callable[[bytes], list[dict[str, Any]]]],
    arguments: tuple[Any, ...],
    section: JudgeSection,
) -> Pass:
    """`judge_with_vllm` of the questions that `factory(*arguments)` makes of each task, in actors of one CPU."""
    import ray.data
    from ray.data import ActorPoolStrategy

    questions = ray.data.from_items([{"task": task} for task in tasks], override_num_blocks=len(tasks)).flat_map(
        _Asker, fn_constructor_args=(factory, arguments), compute=ActorPoolStrategy(min_size=1, max_size=len(tasks))
    )
    return judge_with_vllm(questions.materialize(), section)


class _Asker:
    """The question worker inside a Ray actor."""

    def __init__(
        self, factory: Callable[..., Callable[[bytes], list[dict[str, Any]]]], arguments: tuple[Any, ...]
    ) -> None:
        self._worker = factory(*arguments)

    def __call__(self, row: dict[str, Any]) -> list[dict[str, Any]]:
        return self._worker(row["task"])
