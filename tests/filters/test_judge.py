"""The judge: what it asks, how strictly it reads, and what a misbehaving endpoint costs."""

from __future__ import annotations

import base64
import json

import cv2
import numpy as np
import pytest
from pydantic import ValidationError

from filters.judge.answers import Answer
from filters.judge.asking import Asking
from filters.judge.cache import AnswerCache, fingerprint
from filters.judge.client import EndpointError
from filters.judge.conversation import encoded
from filters.judge.judge import EndpointJudge, KeptJudge
from filters.judge.questions import VERSION, question
from filters.judge.select import build_judge
from filters.looking import Picture
from schemas.errors import RecipeError
from schemas.recipe.filters import JudgeSection
from schemas.tasks import TASKS
from tests.filters.files import scene
from tests.filters.judge_server import SUITS, Reply, dead_url, fails, right, says, serving

CLEAR = {
    "judge.collage": 0.0,
    "judge.screenshot": 0.0,
    "judge.drawing": 0.0,
    "judge.heavy_text": 0.0,
    "judge.watermark": 0.0,
    "judge.border": 0.0,
}


@pytest.fixture
def server():
    with serving() as started:
        yield started


@pytest.fixture
def section(server, tmp_path):
    def make(**fields):
        settings = {
            "provider": "endpoint",
            "model": "judge",
            "url": server.url,
            "retries": 1,
            "timeout": 5.0,
            "cache": str(tmp_path / "kept"),
        }
        return JudgeSection(**{**settings, **fields})

    return make


def pictures(count: int, degradation: str = "rain") -> list[Picture]:
    """Different small pictures."""
    return [Picture(scene(24 + n, 32), degradation) for n in range(count)]


def shown(request: dict) -> np.ndarray:
    """The picture in a request, RGB."""
    url = request["messages"][0]["content"][0]["image_url"]["url"]
    head, _, data = url.partition(",")
    assert head == "data:image/jpeg;base64"
    return cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR_RGB)


def score_by_height(request: dict) -> Reply:
    """A right answer that depends on the picture alone."""
    return says(f"Degradation Score: {1 + shown(request).shape[0] % 5}")


# --- what is asked ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("degradation", sorted(TASKS))
def test_every_task_has_a_question_of_its_own(degradation):
    asked = question("degradation", degradation)
    assert "3×3" in asked.text and asked.text.endswith("Degradation Score: <1-5>")
    others = [question("degradation", name).text for name in TASKS if name != degradation]
    assert asked.text not in others


def test_chains_are_asked_for_any_fault_and_clean_pictures_for_none():
    assert question("degradation", "realesrgan") == question("degradation", "mixed")
    assert question("degradation", "") is None
    assert question("suitability") is not None


# --- how answers are read --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("Degradation Score: 3", 3),
        ("degradation score:5.", 5),
        ("**Degradation Score: 1**\n", 1),
        ("**Degradation Score**: <2>", 2),
        ("- Degradation Score： 4\r\nThe rain is faint.", 4),
        ("All nine regions show streaks.\nDegradation Score: 2", 2),
        ("Degradation Score: 4\nDegradation Score: 4", 4),
    ],
)
def test_a_well_formed_score_is_read(text, score):
    assert question("degradation", "rain").read(Answer(text)) == {"judge.degradation": float(score)}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "3",
        "Score: 3",
        "Degradation Score: 0",
        "Degradation Score: 6",
        "Degradation Score: 35",
        "Degradation Score: -3",
        "Degradation Score: 3.5",
        "Degradation Score: 3.0",
        "Degradation Score: 3/5",
        "Degradation Score: 2-3",
        "Degradation Score: three",
        "Degradation Score: ３",
        "Degradation Score:\n3",
        "Degradation Score: <1-5>",
        "Degradation Score: 3 or 4",
        "Degradation Score: 3\nDegradation Score: 4",
        "At first Degradation Score: 2, but then\nDegradation Score: 3",
        "I cannot judge this picture.",
    ],
)
def test_anything_else_is_no_score(text):
    assert question("degradation", "rain").read(Answer(text)) is None


def test_an_answer_that_was_cut_off_is_no_answer():
    assert question("degradation", "rain").read(Answer("Degradation Score: 1", finished=False)) is None


def test_all_points_of_suitability_are_read():
    text = SUITS.replace("Drawing: no", "Drawing: Yes").replace("Heavy text: no", "**Heavy text**: YES.")
    assert question("suitability").read(Answer(text)) == {**CLEAR, "judge.drawing": 1.0, "judge.heavy_text": 1.0}


@pytest.mark.parametrize(
    "text",
    [
        SUITS.replace("Border: no", ""),
        SUITS.replace("Collage: no", "Collage: maybe"),
        SUITS.replace("Collage: no", "Collage: yes/no"),
        SUITS.replace("Collage: no", "Collage: no, it is one photograph"),
        SUITS + "\nCollage: yes",
        SUITS.replace("\n", ", "),
        "no no no no no no",
        "no",
    ],
)
def test_one_missing_or_doubtful_point_voids_the_answer(text):
    assert question("suitability").read(Answer(text)) is None


def test_answers_after_the_attempts_do_not_count():
    asking = Asking(question("degradation", "rain"), attempts=2)
    late = [Answer("?"), Answer("??"), Answer("Degradation Score: 3")]
    assert asking.finding(late).scores == {"judge.degradation.malformed": 2.0}
    assert not asking.settled(late[:1])


# --- the picture -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "sent"), [((30, 40), (30, 40)), ((300, 200), (64, 43)), ((1, 900), (1, 64)), ((1, 1), (1, 1))]
)
def test_the_picture_is_shrunk_to_the_long_side(size, sent):
    pixels = np.resize(scene(), (*size, 3)).astype(np.uint8)
    data = encoded(pixels, 64)
    assert cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB).shape == (*sent, 3)
    assert encoded(np.asfortranarray(pixels), 64) == data


# --- the endpoint that works -----------------------------------------------------------------------------------------


def test_scores_and_raw_answers(server, section):
    degree, suits = EndpointJudge(section(), "degradation"), EndpointJudge(section(), "suitability")
    degree.load()
    [finding] = degree.look(pictures(1))
    assert finding.scores == {"judge.degradation": 4.0, "judge.degradation.malformed": 0.0}
    assert finding.answers == {"judge.degradation.raw": '["Degradation Score: 4"]'}
    [finding] = suits.look(pictures(1, ""))
    assert finding.scores == {**CLEAR, "judge.suitability.malformed": 0.0}
    assert json.loads(finding.answers["judge.suitability.raw"]) == [SUITS]


def test_a_request_is_greedy_short_and_holds_the_picture_and_the_question(server, section):
    EndpointJudge(section(), "degradation").look([Picture(scene(), "haze")])
    [request] = server.requests
    assert request["model"] == "judge"
    assert (request["temperature"], request["seed"], request["max_tokens"]) == (0.0, 0, 256)
    [message] = request["messages"]
    assert message["role"] == "user"
    assert message["content"][1] == {"type": "text", "text": question("degradation", "haze").text}
    assert np.abs(shown(request).astype(int) - scene()).mean() < 2


def test_a_clean_picture_is_not_asked_for_a_degradation(server, section):
    [finding] = EndpointJudge(section(), "degradation").look(pictures(1, ""))
    assert (finding.scores, server.requests) == ({}, [])


def test_the_key_is_sent_and_none_of_another_service(server, section, tmp_path, monkeypatch):
    for name in ("OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.setenv(name, "of-another")
    monkeypatch.setenv("JUDGE_KEY", "secret")
    EndpointJudge(section(), "degradation").look(pictures(1))
    EndpointJudge(section(api_key_variable="JUDGE_KEY", cache=str(tmp_path)), "degradation").look(pictures(1))
    assert [headers["authorization"] for headers in server.headers] == ["Bearer none", "Bearer secret"]
    assert not any("of-another" in value for headers in server.headers for value in headers.values())


def test_results_depend_neither_on_order_nor_on_concurrency(server, section, tmp_path):
    server.behave = score_by_height
    seen = pictures(12)
    alone = EndpointJudge(section(concurrency=1, cache=str(tmp_path / "a")), "degradation").look(seen)
    assert server.most_at_once == 1
    together = EndpointJudge(section(concurrency=8, cache=str(tmp_path / "b")), "degradation").look(seen[::-1])
    assert together[::-1] == alone
    assert [finding.scores["judge.degradation"] for finding in alone] == [1 + (24 + n) % 5 for n in range(12)]


def test_no_more_requests_than_the_limit_are_under_way(server, section):
    server.script(says("Degradation Score: 2", wait=0.1))
    EndpointJudge(section(concurrency=3), "degradation").look(pictures(12))
    assert server.most_at_once == 3


def test_it_works_within_a_running_event_loop(server, section):
    import asyncio

    judge = EndpointJudge(section(), "degradation")

    async def notebook():
        return judge.look(pictures(2))

    assert [finding.scores["judge.degradation"] for finding in asyncio.run(notebook())] == [4.0, 4.0]


# --- malformed answers -----------------------------------------------------------------------------------------------


def test_a_malformed_answer_is_asked_for_again_with_a_reminder(server, section):
    server.script(says("It rains a lot."), says("Degradation Score: 2"))
    [finding] = EndpointJudge(section(), "degradation").look(pictures(1))
    assert finding.scores == {"judge.degradation": 2.0, "judge.degradation.malformed": 1.0}
    assert json.loads(finding.answers["judge.degradation.raw"]) == ["It rains a lot.", "Degradation Score: 2"]
    first, second = (request["messages"] for request in server.requests)
    assert second[0] == first[0]
    assert [part["text"] for message in second[1:] for part in message["content"]] == [
        "It rains a lot.",
        question("degradation", "rain").reminder,
    ]
    assert [message["role"] for message in second] == ["user", "assistant", "user"]


def test_an_answer_that_stays_malformed_is_recorded_as_such_and_never_guessed(server, section):
    server.script(says("Three."))
    for _ in range(2):  # the second time from the cache
        [finding] = EndpointJudge(section(attempts=3), "degradation").look(pictures(1))
        assert finding.scores == {"judge.degradation.malformed": 3.0}
        assert json.loads(finding.answers["judge.degradation.raw"]) == ["Three."] * 3
        assert len(server.requests) == 3


@pytest.mark.parametrize("reply", [says(None), says(""), says("Degradation Score: 3", finish="length")])
def test_silence_and_answers_cut_off_are_malformed(server, section, reply):
    server.script(reply)
    [finding] = EndpointJudge(section(attempts=1), "degradation").look(pictures(1))
    assert finding.scores == {"judge.degradation.malformed": 1.0}


def test_text_that_is_no_unicode_is_kept_readable(server, section):
    server.script(says("\ud83d rain"))
    [finding] = EndpointJudge(section(attempts=1), "degradation").look(pictures(1))
    assert finding.answers["judge.degradation.raw"].encode()


# --- the endpoint that does not work ---------------------------------------------------------------------------------

GOOD = says("Degradation Score: 5")


@pytest.mark.parametrize(
    "first",
    [
        fails(429, Retry_After="0.01"),
        fails(500, retry_after_ms="1"),
        fails(503, retry_after_ms="1"),
        Reply(GOOD.body, sent=40),
        Reply(reset=True),
        Reply(GOOD.body, wait=0.9),
        Reply(b"<html>starting</html>"),
        Reply(b"<html>starting</html>", headers={"Content-Type": "text/html"}),
        Reply(GOOD.body[:-20]),
        Reply(b'{"object": "chat.completion", "choices": []}'),
        Reply(b'{"error": {"message": "overloaded"}}'),
        Reply(b""),
    ],
    ids=["429", "500", "503", "cut", "reset", "slow", "text", "html", "half", "empty", "error", "nothing"],
)
def test_a_request_that_fails_once_is_sent_again(server, section, first, monkeypatch):
    monkeypatch.setattr("filters.judge.client._FIRST_PAUSE", 0.01)
    server.script(first, GOOD)
    [finding] = EndpointJudge(section(timeout=0.5 if first.wait else 9.0), "degradation").look(pictures(1))
    assert finding.scores == {"judge.degradation": 5.0, "judge.degradation.malformed": 0.0}
    assert json.loads(finding.answers["judge.degradation.raw"]) == ["Degradation Score: 5"]
    assert len(server.requests) == 2


def test_the_server_says_how_long_to_wait(server, section):
    server.script(fails(429, Retry_After="0.8"), GOOD)
    EndpointJudge(section(), "degradation").look(pictures(1))
    assert server.arrived[1] - server.arrived[0] >= 0.8


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (fails(429, "busy", retry_after_ms="1"), "status 429: .*busy"),
        (fails(500, "broken", retry_after_ms="1"), "status 500: .*broken"),
        (Reply(GOOD.body, sent=40), "RemoteProtocolError"),
        (Reply(GOOD.body, wait=0.9), "no answer within 0.2 s"),
        (Reply(b"<html>"), "no chat completion: <html>"),
    ],
    ids=["429", "500", "cut", "slow", "text"],
)
def test_a_request_that_keeps_failing_costs_the_picture_its_scores_with_the_reason(server, section, reply, told):
    server.script(reply)
    [error] = EndpointJudge(section(timeout=0.2 if reply.wait else 9.0, retries=1), "degradation").look(pictures(1))
    assert isinstance(error, EndpointError)
    assert str(error).startswith(f"filters.judge.url: {server.url}: ")
    with pytest.raises(EndpointError, match=told):
        raise error
    assert len(server.requests) == 2


def test_a_reply_that_never_ends_is_given_up(server, section):
    server.script(Reply(GOOD.body, drip=0.1))
    [error] = EndpointJudge(section(timeout=0.2, retries=0), "degradation").look(pictures(1))
    assert "no answer within 0.2 s" in str(error)


def test_what_the_server_refuses_is_not_sent_again_and_concerns_that_picture_alone(server, section):
    server.behave = lambda request: fails(400, "too small") if shown(request).shape[0] == 25 else right(request)
    seen = pictures(4)
    found = EndpointJudge(section(concurrency=1), "degradation").look(seen)
    assert [isinstance(one, EndpointError) for one in found] == [False, True, False, False]
    assert "status 400" in str(found[1])
    assert len(server.requests) == 4


def test_a_model_that_the_server_does_not_know(server, section):
    server.script(fails(404, "no such model"))
    [error] = EndpointJudge(section(), "degradation").look(pictures(1))
    assert "is 'judge' the name that the server knows?" in str(error)


def test_the_key_never_shows_in_a_message(server, section, monkeypatch):
    monkeypatch.setenv("JUDGE_KEY", "secret-1")
    server.script(fails(401, "wrong key: secret-1"))
    [error] = EndpointJudge(section(api_key_variable="JUDGE_KEY"), "degradation").look(pictures(1))
    assert "wrong key: ***" in str(error)


def test_a_picture_that_cannot_be_shown_costs_itself_alone(server, section):
    broken = Picture(np.zeros((0, 5, 3), np.uint8), "rain")
    found = EndpointJudge(section(), "degradation").look([*pictures(1), broken])
    assert isinstance(found[1], Exception)
    assert found[0].scores["judge.degradation"] == 4.0


def test_when_nobody_listens_only_requests_under_way_are_retried(section):
    judge = EndpointJudge(section(url=dead_url(), concurrency=2), "degradation")
    found = judge.look(pictures(40))
    assert all(isinstance(error, EndpointError) and error.kind == "absent" for error in found)
    assert ["not asked after this" in str(error) for error in found] == [False] * 2 + [True] * 38


def test_an_endpoint_that_fails_three_times_in_a_row_is_left_alone(server, section):
    server.script(fails(500, retry_after_ms="1"))
    found = EndpointJudge(section(retries=2, concurrency=1), "degradation").look(pictures(10))
    assert all(isinstance(error, EndpointError) for error in found)
    assert len(server.requests) == 3 * 3


def test_failures_here_and_there_stop_nothing(server, section):
    server.behave = lambda request: right(request) if shown(request).shape[0] % 3 else fails(500, retry_after_ms="1")
    found = EndpointJudge(section(concurrency=1), "degradation").look(pictures(12))
    assert [isinstance(one, EndpointError) for one in found] == [True, False, False] * 4


# --- what is kept ----------------------------------------------------------------------------------------------------


def test_what_is_kept_is_not_asked_for_again(server, section):
    first = EndpointJudge(section(), "degradation").look(pictures(3))
    assert EndpointJudge(section(), "degradation").look(pictures(3)) == first
    assert len(server.requests) == 3


def test_kept_answers_serve_when_the_endpoint_is_dead(server, section):
    kept = EndpointJudge(section(), "degradation").look(pictures(2))
    found = EndpointJudge(section(url=dead_url(), retries=0), "degradation").look(pictures(3))
    assert found[:2] == kept
    assert isinstance(found[2], EndpointError)


def test_pictures_questions_and_models_are_kept_apart(server, section):
    base = Picture(scene(), "rain")
    EndpointJudge(section(), "degradation").look([base])
    other = scene()
    other[30, 40] ^= 128
    EndpointJudge(section(), "degradation").look([Picture(other, "rain")])
    EndpointJudge(section(), "degradation").look([Picture(scene(), "haze")])
    EndpointJudge(section(), "suitability").look([base])
    EndpointJudge(section(model="another"), "degradation").look([base])
    EndpointJudge(section(long_side=64), "degradation").look([base])
    assert len(server.requests) == 6
    EndpointJudge(section(concurrency=2, timeout=9.0), "degradation").look([base])
    assert len(server.requests) == 6


def test_errors_are_not_kept(server, section):
    server.script(says("Hm."), fails(400), says("Degradation Score: 3"))
    judge = EndpointJudge(section(), "degradation")
    assert isinstance(judge.look(pictures(1))[0], EndpointError)
    [finding] = judge.look(pictures(1))
    assert finding.scores == {"judge.degradation": 3.0, "judge.degradation.malformed": 0.0}


def test_a_recipe_with_other_attempts_gets_what_a_fresh_run_would_give(server, section):
    server.script(says("Hm."), says("Hm."), says("Degradation Score: 3"))
    EndpointJudge(section(attempts=3), "degradation").look(pictures(1))
    [fewer] = EndpointJudge(section(attempts=2), "degradation").look(pictures(1))
    assert fewer.scores == {"judge.degradation.malformed": 2.0}
    assert len(server.requests) == 3
    server.script(says("Hm."), says("Hm."), says("Degradation Score: 3"))
    EndpointJudge(section(attempts=2, model="other"), "degradation").look(pictures(1))
    [more] = EndpointJudge(section(attempts=3, model="other"), "degradation").look(pictures(1))
    assert more.scores == {"judge.degradation": 3.0, "judge.degradation.malformed": 2.0}
    assert len(server.requests) == 3 + 3
    assert server.requests[5]["messages"] == server.requests[2]["messages"]


@pytest.mark.parametrize("spoil", [lambda data: data[:-9], lambda data: data.replace(b"4", b"5"), lambda data: b""])
def test_a_spoilt_file_counts_as_missing(server, section, tmp_path, spoil):
    [first] = EndpointJudge(section(), "degradation").look(pictures(1))
    [kept] = (tmp_path / "kept").rglob("*.json")
    kept.write_bytes(spoil(kept.read_bytes()))
    assert EndpointJudge(section(), "degradation").look(pictures(1)) == [first]
    assert len(server.requests) == 2
    assert [path.name for path in (tmp_path / "kept").rglob("*") if path.is_file()] == [kept.name]


def test_an_empty_cache_is_the_users_cache_folder(server, section, tmp_path, monkeypatch):
    monkeypatch.setenv("TARNISH_CACHE", str(tmp_path / "mine"))
    EndpointJudge(section(cache=""), "degradation").look(pictures(1))
    assert len(list((tmp_path / "mine" / "judge").rglob("*.json"))) == 1


def test_the_judge_without_a_model_reads_what_another_kept(section, tmp_path):
    judge = KeptJudge(section(provider="vllm"), "degradation")
    [missing] = judge.look(pictures(1))
    assert "run the pass" in str(missing)
    asked = question("degradation", "rain")
    shot = fingerprint(encoded(pictures(1)[0].pixels, 1024))
    AnswerCache(str(tmp_path / "kept"), "judge").put(shot, asked, [Answer("Degradation Score: 2")])
    assert judge.look(pictures(1))[0].scores == {"judge.degradation": 2.0, "judge.degradation.malformed": 0.0}
    assert judge.look(pictures(1, ""))[0].scores == {}


# --- the recipe ------------------------------------------------------------------------------------------------------


def test_the_label_names_the_model_and_the_wording(section):
    assert build_judge(section(), "degradation").label == f"judge.degradation=endpoint:judge@{VERSION}"
    assert build_judge(section(provider="vllm"), "suitability").label == f"judge.suitability=vllm:judge@{VERSION}"


@pytest.mark.parametrize(
    "url",
    ["", "127.0.0.1:8000", "file:///etc/passwd", "ftp://host/v1", "http://", "http://host:99999/v1", "https://:1/v1"],
)
def test_a_url_that_is_none_is_refused(url):
    with pytest.raises(ValidationError, match=r"http://127.0.0.1:8000/v1"):
        JudgeSection(provider="endpoint", model="judge", url=url)


@pytest.mark.parametrize("url", ["http://me:pw@host/v1", "https://host/v1?key=1"])
def test_a_url_with_secrets_is_refused(url):
    with pytest.raises(ValidationError, match="api_key_variable"):
        JudgeSection(provider="endpoint", model="judge", url=url)


def test_a_key_that_is_not_set_is_told_before_the_run(section, monkeypatch):
    monkeypatch.delenv("JUDGE_KEY", raising=False)
    with pytest.raises(RecipeError, match=r"filters.judge.api_key_variable: 'JUDGE_KEY' is not set"):
        EndpointJudge(section(api_key_variable="JUDGE_KEY"), "degradation")


def test_a_cache_that_cannot_be_is_told_before_the_run(section, tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    for cache in (str(file), "s3://bucket/kept"):
        with pytest.raises(RecipeError, match=r"filters.judge.cache"):
            EndpointJudge(section(cache=cache), "degradation")


def test_a_cache_that_cannot_be_written_costs_no_answer(server, section, tmp_path):
    judge = EndpointJudge(section(), "degradation")
    folder = tmp_path / "kept" / "judge"
    folder.rmdir()
    folder.write_text("")
    assert judge.look(pictures(1))[0].scores["judge.degradation"] == 4.0
