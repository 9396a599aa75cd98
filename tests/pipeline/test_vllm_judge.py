"""The judge on Ray Data's vLLM processor: its rows, its rounds, and what is missing here."""

from __future__ import annotations

from typing import Any

import pytest
from typer.testing import CliRunner

from filters.judge.cache import AnswerCache, fingerprint
from filters.judge.conversation import encoded
from filters.judge.judge import KeptJudge
from filters.judge.questions import question
from filters.judge.rows import Rows
from filters.looking import Picture
from jobs.cli import app
from pipeline.engines import vllm_judge
from pipeline.engines.vllm_judge import Pass, judge_with_vllm
from schemas.errors import TarnishError
from schemas.recipe import parse_recipe
from schemas.recipe.filters import JudgeSection
from tests.filters.files import scene
from tests.filters.judge_server import SUITS
from tests.pipeline.runs import ledger, only, synthesize


@pytest.fixture
def section(tmp_path):
    return JudgeSection(provider="vllm", model="Qwen/Qwen3-VL-8B-Instruct", attempts=3, cache=str(tmp_path / "kept"))


@pytest.fixture
def rows(section):
    return Rows(section, AnswerCache(section.cache, section.model))


def picture(number: int) -> Picture:
    return Picture(scene(24 + number, 32), "rain")


def asked(number: int) -> dict[str, Any]:
    return {"picture": encoded(picture(number).pixels, 1024), "kind": "degradation", "degradation": "rain"}


def left_the_model(row: dict[str, Any], text: str, tokens: int = 5) -> dict[str, Any]:
    return {**row, "generated_text": text, "num_generated_tokens": tokens}


def test_a_row_becomes_a_conversation_and_its_answer_is_kept(rows, section):
    row = {**asked(0), **rows.preprocess(asked(0))}
    assert row["sampling_params"] == {"temperature": 0.0, "seed": 0, "max_tokens": 256}
    [message] = row["messages"]
    assert message["content"][0]["image_url"]["url"].startswith("data:image/jpeg;base64,")
    assert message["content"][1]["text"] == question("degradation", "rain").text
    assert row["picture"] == b"" and row["shown"] == fingerprint(asked(0)["picture"])
    kept = rows.postprocess(left_the_model(row, "Degradation Score: 3"))
    assert "messages" not in kept and "picture" not in kept
    assert rows.open(asked(0))
    assert rows.keep(kept) == ""
    assert not rows.open(asked(0))
    assert KeptJudge(section, "degradation").look([picture(0)])[0].scores["judge.degradation"] == 3.0


def test_a_malformed_or_cut_answer_leaves_the_question_open_and_is_shown_to_the_model(rows):
    for text, tokens in (("Rain.", 5), ("Degradation Score: 3", 256)):
        row = {**asked(0), **rows.preprocess(asked(0))}
        rows.keep(rows.postprocess(left_the_model(row, text, tokens)))
        assert rows.open(asked(0))
    told = rows.preprocess(asked(0))["messages"]
    assert [message["role"] for message in told] == ["user", "assistant", "user", "assistant", "user"]
    assert told[1]["content"] == [{"type": "text", "text": "Rain."}]


def test_an_error_is_told_and_not_kept(rows):
    assert rows.keep({**asked(0), "__inference_error__": "ValueError: too long"}) == "ValueError: too long"
    assert rows.open(asked(0))


def test_a_question_that_was_there_twice_is_answered_once(rows):
    twice = [{**asked(0), **rows.preprocess(asked(0))} for _ in range(2)]
    for row, text in zip(twice, ("Hm.", "Degradation Score: 1"), strict=True):
        rows.keep(rows.postprocess(left_the_model(row, text)))
    assert [answer.text for answer in rows.cache.get(twice[0]["shown"], question("degradation", "rain"))] == ["Hm."]


def test_a_clean_picture_asks_nothing(rows):
    clean = {**asked(0), "degradation": ""}
    assert not rows.open(clean)
    with pytest.raises(ValueError, match="asks nothing"):
        rows.preprocess(clean)


def test_what_is_missing_is_named_with_the_remedy(section, monkeypatch):
    monkeypatch.setattr(vllm_judge, "find_spec", lambda name: None if name == "vllm" else object())
    with pytest.raises(TarnishError, match=r"No module named 'vllm'.*install ray\[llm\].*provider=endpoint"):
        judge_with_vllm(None, section)


def test_the_model_has_room_for_the_picture_and_every_attempt(section):
    assert vllm_judge._longest(section) >= 37 * 37 + 3 * 256
    assert vllm_judge._longest(section.model_copy(update={"long_side": 2048})) >= 4 * 37 * 37


@pytest.mark.slow
def test_rounds_over_ray_data_settle_every_question(rows, section, ray_session, monkeypatch):
    """A stand-in for the model between the real row functions, on real Ray Data; it answers well the second time."""

    def process(dataset):
        def through(row):
            row = {**row, **rows.preprocess(row)}
            if fingerprint(b"") == row["shown"]:
                return {**row, "__inference_error__": "ValueError: no picture"}
            text = "Degradation Score: 2" if len(row["messages"]) == 3 else "It rains."
            return {**rows.postprocess(left_the_model(row, text)), "__inference_error__": ""}

        return dataset.map(through)

    monkeypatch.setattr(vllm_judge, "_processor", lambda *_: process)
    questions = ray_session.data.from_items([*map(asked, range(4)), {**asked(0), "picture": b""}])
    assert judge_with_vllm(questions, section) == Pass(4 * 2 + 3, 3, "ValueError: no picture")
    found = KeptJudge(section, "degradation").look([picture(n) for n in range(4)])
    assert [finding.scores for finding in found] == [{"judge.degradation": 2.0, "judge.degradation.malformed": 1.0}] * 4
    assert judge_with_vllm(questions.limit(4), section).asked == 0


@pytest.mark.slow
def test_a_dataset_waits_for_its_judge_and_takes_the_kept_answers(small_photos, tmp_path, ray_session, monkeypatch):
    """`tarnish judge` between two runs of synthesize, with a stand-in for the model alone."""
    judge = {"provider": "vllm", "model": "tiny", "cache": str(tmp_path / "kept"), "attempts": 1}
    recipe = parse_recipe(
        {
            "sources": [{"path": str(small_photos)}],
            "degradations": only("rain"),
            "filters": {"watermark": {"provider": "overlay"}, "judge": judge},
        }
    )
    dataset = synthesize(recipe, tmp_path / "dataset")
    assert all(len(row.unscored) == 2 for row in ledger(dataset))
    rows = Rows(recipe.filters.judge, AnswerCache(judge["cache"], "tiny"))

    def process(questions):
        def through(row):
            row = {**row, **rows.preprocess(row)}
            text = SUITS if row["kind"] == "suitability" else "Degradation Score: 2"
            return {**rows.postprocess(left_the_model(row, text)), "__inference_error__": ""}

        return questions.map(through)

    monkeypatch.setattr(vllm_judge, "_processor", lambda *_: process)
    done = CliRunner().invoke(app, ["judge", str(dataset.root)])
    assert done.exit_code == 0, done.output
    assert "16 answers asked for, 0 failed" in done.output
    for row in ledger(synthesize(recipe, tmp_path / "dataset")):
        assert row.unscored == [] and row.scores["input.judge.degradation"] == 2
        assert row.scores["source.judge.collage"] == 0
