"""Clips: windows of videos become sources that are blurred by their own frames."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from degradations.blur.video import averaged
from filters.clips import is_clip, read_clip
from filters.decode_errors import DecodeError
from filters.decoding import decode
from jobs.cli import app
from pipeline.clips import windows
from pipeline.replay import replay
from pipeline.sources.uri import read_uri
from schemas.errors import RecipeError, TarnishError
from schemas.recipe import parse_recipe
from tests.degradations.pictures import crops
from tests.pipeline.runs import QUICK, ledger, members, synthesize

SHARED_VIDEO = Path(__file__).resolve().parents[3] / "shared" / "video"


def panning(frames: int, step: float = 1.5, seed: int = 0) -> list[np.ndarray]:
    """A photograph that moves to the left."""
    wide = cv2.resize(crops(seed + 1)[seed], (320, 240), interpolation=cv2.INTER_CUBIC)
    wide = np.concatenate([wide, wide[:, ::-1]], axis=1)
    places = ((np.float32([[1, 0, -step * n], [0, 1, 0]])) for n in range(frames))
    return [cv2.warpAffine(wide, place, (288, 240), flags=cv2.INTER_LINEAR) for place in places]


def video(path: Path, frames: list[np.ndarray]) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = frames[0].shape[1], frames[0].shape[0], "yuv420p"
        stream.options = {"crf": "8"}
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))
    return path


@pytest.fixture(scope="module")
def pan(tmp_path_factory):
    return video(tmp_path_factory.mktemp("video") / "pan.mp4", panning(40))


@pytest.fixture(scope="module")
def clip(pan):
    return next(window.data for window in windows(pan, length=9) if window.verdict == "clip")


def test_motion_is_kept_and_its_middle_frame_is_the_picture(pan, clip):
    verdicts = [(window.first, window.verdict) for window in windows(pan, length=9)]
    assert verdicts == [(0, "clip"), (9, "clip"), (18, "clip"), (27, "clip")]
    assert is_clip(clip)
    frames = read_clip(clip, 10**8)
    assert frames.shape == (9, 240, 288, 3)
    decoded = decode(clip, 10**8)
    assert decoded.format == "clip"
    np.testing.assert_array_equal(decoded.pixels, frames[4])
    assert np.abs(frames[4].astype(int) - panning(5)[4]).mean() < 4.0


def test_the_same_frames_give_the_same_bytes(pan, clip):
    again = next(window for window in windows(pan, length=9))
    assert again.data == clip
    assert again.name.endswith(".mkv")


def test_what_stands_still_is_left_out(tmp_path):
    still = video(tmp_path / "still.mp4", panning(12, step=0.0))
    assert {window.verdict for window in windows(still, length=5)} == {"still"}


def test_a_cut_is_found(tmp_path):
    cut = video(tmp_path / "cut.mp4", [*panning(6), *panning(6, seed=2)])
    assert [window.verdict for window in windows(cut, length=11)] == ["cut"]


def test_a_soft_middle_is_no_target(tmp_path):
    frames = panning(9)
    frames[4] = cv2.GaussianBlur(frames[4], (0, 0), 3)
    soft = video(tmp_path / "soft.mp4", frames)
    assert [window.verdict for window in windows(soft, length=9)] == ["soft"]


def test_strides_overlap_or_skip(pan):
    assert [window.first for window in windows(pan, 9, 4)] == [0, 4, 8, 12, 16, 20, 24, 28]
    assert [window.first for window in windows(pan, 9, 15)] == [0, 15, 30]


def test_mistakes_are_told(tmp_path, pan):
    with pytest.raises(TarnishError, match="no middle frame"):
        next(windows(pan, 8))
    (tmp_path / "text.mp4").write_text("no video")
    with pytest.raises(TarnishError, match="no readable video"):
        next(windows(tmp_path / "text.mp4"))
    result = CliRunner().invoke(app, ["clips", "build", str(tmp_path / "gone.mp4")])
    assert result.exit_code == 1
    assert "does not exist" in result.output.replace("\n", " ")


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda data: data[:64], "decode.unsupported"),
        (lambda data: data[:4] + b"nonsense" * 20, "decode.unsupported"),
        (lambda data: data, "decode.too_many_pixels"),
    ],
)
def test_damaged_clips_have_a_reason(clip, damage, reason):
    with pytest.raises(DecodeError) as caught:
        decode(damage(clip), 1000 if reason == "decode.too_many_pixels" else 10**8)
    assert caught.value.reason == reason


def test_a_clip_without_a_middle_has_a_reason(tmp_path):
    even = video(tmp_path / "even.mkv", panning(4))
    with pytest.raises(DecodeError) as caught:
        decode(even.read_bytes(), 10**8)
    assert caught.value.reason == "decode.clip_frames"


def test_clips_are_blurred_by_their_frames_aligned_and_replayed(pan, tmp_path):
    folder = tmp_path / "clips"
    assert CliRunner().invoke(app, ["clips", "build", str(pan), "--out", str(folder), "--length", "9"]).exit_code == 0
    (folder / "cut.mkv").write_bytes(next(folder.glob("*.mkv")).read_bytes()[:64])
    recipe = parse_recipe(
        {
            "filters": QUICK,
            "sources": [{"path": str(folder), "kind": "clips"}],
            "plan": {"variants": 2},
            "policy": {"rules": []},
        }
    )
    dataset = synthesize(recipe, tmp_path / "dataset")
    rows = ledger(dataset)
    assert {row.reason for row in rows if row.verdict != "accepted"} == {"decode.unsupported"}
    accepted = [row for row in rows if row.verdict == "accepted"]
    assert len(accepted) == 8
    stored = members(dataset)
    for row in accepted:
        assert row.degradation == "blur"
        [step] = row.trace.steps
        assert step.params["how"]["mode"] == "video"
        data = read_uri(row.uri)
        degraded, clean = (
            np.array(Image.open(io.BytesIO(stored[f"{row.sample_key}.{part}.png"]))) for part in ("lq", "gt")
        )
        np.testing.assert_array_equal(clean, decode(data, 10**8).pixels)
        np.testing.assert_array_equal(replay(data, row.trace), degraded)
        frames = step.params["how"]["frames"]
        backwards = averaged(decode(data, 10**8).clip[::-1], frames, step.params["highlight_gain"])
        assert np.abs(backwards.astype(int) - degraded).max() <= 1  # as much before the picture as after it
    with pytest.raises(RecipeError, match=r"is a clip, and degradations\.blur\.weight is 0"):
        off = parse_recipe(
            {
                "filters": QUICK,
                "sources": [{"path": str(folder), "kind": "clips"}],
                "degradations": {"blur": {"weight": 0}},
            }
        )
        synthesize(off, tmp_path / "off")


def test_a_finished_video_is_skipped_and_a_dry_run_writes_nothing(pan, tmp_path):
    arguments = ["clips", "build", str(pan), "--length", "9", "--out", str(tmp_path / "clips")]
    assert "nothing was written" in CliRunner().invoke(app, [*arguments, "--dry-run"]).output
    assert not (tmp_path / "clips").exists()
    assert CliRunner().invoke(app, arguments).exit_code == 0
    again = CliRunner().invoke(app, arguments)
    assert "videos done before │ 1" in again.output


@pytest.mark.slow
def test_killed_and_resumed_it_leaves_the_same_clips(tmp_path):
    folder = tmp_path / "videos"
    folder.mkdir()
    for number in range(3):
        video(folder / f"{number}.mp4", panning(40, step=1.0 + number))
    command = [sys.executable, "-m", "jobs.cli", "clips", "build", str(folder), "--length", "9", "--out"]
    killed = subprocess.Popen([*command, str(tmp_path / "killed")], stdout=subprocess.DEVNULL, env={**os.environ})
    until = time.monotonic() + 60
    while len(list((tmp_path / "killed").glob("*.mkv"))) < 3 and time.monotonic() < until and killed.poll() is None:
        time.sleep(0.005)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    for name in ("killed", "whole"):
        subprocess.run([*command, str(tmp_path / name)], check=True, stdout=subprocess.DEVNULL)
    found = [{p.name: p.read_bytes() for p in (tmp_path / name).glob("*.mkv")} for name in ("killed", "whole")]
    assert found[0] == found[1]
    assert len(found[1]) == 12


@pytest.mark.skipif(not SHARED_VIDEO.is_dir(), reason="no shared videos")
def test_real_videos_give_clips():
    verdicts = [window.verdict for window in windows(SHARED_VIDEO / "cockatoo_yuv420.mp4", 31)]
    assert "clip" in verdicts
