"""Banks are built once, whole, resumable, and the same for the same seed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from degradations.patterns.banks import Banks, open_bank
from degradations.patterns.errors import PatternError
from degradations.patterns.folder import FolderBank
from degradations.patterns.generate import make_pattern
from degradations.patterns.manifest import FINISHED, UNFINISHED
from degradations.patterns.sheet import contact_sheet
from pipeline.engines.local import LocalEngine
from pipeline.pattern_banks import build_bank, pending_patterns, plan_bank
from tests.object_store import object_store

PLAN = plan_bank("haze", seed=5, size=32, count=6)


def built(folder: Path, plan=PLAN) -> FolderBank:
    assert sum(build_bank(str(folder), plan, LocalEngine())) == plan.count
    return FolderBank(plan.kind, str(folder))


def test_a_bank_holds_what_the_generator_makes(tmp_path):
    bank = built(tmp_path)
    assert len(bank.names) == 6
    for number, name in enumerate(bank.names):
        np.testing.assert_array_equal(bank.load(name), make_pattern("haze", 5, number, 32))
    assert not bank.load(bank.names[0]).flags.writeable


@pytest.mark.parametrize("kind", ["moire", "flare", "haze", "rain", "reflection"])
def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(kind):
    first = make_pattern(kind, 1, 2, 48)
    np.testing.assert_array_equal(first, make_pattern(kind, 1, 2, 48))
    assert not np.array_equal(first, make_pattern(kind, 2, 2, 48))
    assert not np.array_equal(first, make_pattern(kind, 1, 3, 48))
    assert first.dtype == np.uint8
    assert first.shape == ((48, 48) if kind in ("haze", "rain") else (48, 48, 3))


def test_versions_tell_banks_apart(tmp_path):
    first, again = built(tmp_path / "a"), built(tmp_path / "b")
    other = built(tmp_path / "c", plan_bank("haze", seed=6, size=32, count=6))
    assert first.version == again.version != other.version


def test_an_interrupted_build_goes_on_where_it_stopped(tmp_path):
    whole = built(tmp_path / "whole")
    job = build_bank(str(tmp_path / "part"), PLAN, LocalEngine())
    next(job)
    job.close()
    with pytest.raises(PatternError, match="unfinished"):
        FolderBank("haze", str(tmp_path / "part"))
    assert pending_patterns(str(tmp_path / "part"), PLAN) == [4, 5]
    assert sum(build_bank(str(tmp_path / "part"), PLAN, LocalEngine())) == 2
    assert FolderBank("haze", str(tmp_path / "part")).version == whole.version


def test_a_finished_bank_is_left_alone(tmp_path):
    built(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    assert list(build_bank(str(tmp_path), PLAN, LocalEngine())) == []
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_another_bank_in_the_folder_is_refused(tmp_path):
    built(tmp_path)
    with pytest.raises(PatternError, match=r'"seed":5.*choose another --out'):
        pending_patterns(str(tmp_path), plan_bank("haze", seed=6, size=32, count=6))
    (tmp_path / "moire").mkdir()
    (tmp_path / "moire" / "notes.txt").write_text("mine")
    with pytest.raises(PatternError, match=r"notes\.txt"):
        pending_patterns(str(tmp_path), plan_bank("moire", seed=6, size=32, count=6))


def test_a_changed_file_is_an_error(tmp_path):
    bank = built(tmp_path)
    cv2.imwrite(str(tmp_path / "haze" / bank.names[1]), np.zeros((32, 32), np.uint8))
    with pytest.raises(PatternError, match="not the file of its manifest"):
        bank.load(bank.names[1])


def test_an_empty_folder_and_a_bad_uri_say_what_to_do(tmp_path):
    with pytest.raises(PatternError, match="patterns build --kind rain"):
        FolderBank("rain", str(tmp_path))
    with pytest.raises(PatternError, match="no usable folder"):
        FolderBank("rain", "nosuch://bucket")


@pytest.mark.parametrize("kind", ["moire", "flare", "haze", "rain", "reflection"])
def test_photographs_are_patterns_too(tmp_path, kind):
    rng = np.random.default_rng(0)
    photograph = cv2.GaussianBlur(rng.integers(0, 256, (60, 90, 3), dtype=np.uint8), (0, 0), 2)
    photograph[20, 30] = 255
    cv2.imwrite(str(tmp_path / "one.jpg"), photograph)
    cv2.imwrite(str(tmp_path / "two.png"), photograph[:40])
    bank = FolderBank(kind, str(tmp_path))
    assert bank.names == ("one.jpg", "two.png")
    for name in bank.names:
        pattern = bank.load(name)
        assert pattern.dtype == np.uint8
        assert pattern.ndim == (2 if kind in ("haze", "rain") else 3)
    if kind == "moire":
        assert abs(float(bank.load("two.png").mean()) - 128) < 8
    if kind in ("haze", "rain"):  # tileable: it ends as it began
        np.testing.assert_array_equal(bank.load("two.png")[0], bank.load("two.png")[-1])


def test_a_photograph_that_is_none_is_named(tmp_path):
    (tmp_path / "broken.jpg").write_bytes(b"no image")
    with pytest.raises(PatternError, match=r"broken\.jpg is no image"):
        FolderBank("flare", str(tmp_path)).load("broken.jpg")


def test_the_embedded_bank_is_made_once_and_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("TARNISH_CACHE", str(tmp_path))
    open_bank.cache_clear()
    bank = Banks()["haze"]
    pattern = bank.load(bank.names[3])
    kept = list(tmp_path.rglob("*.png"))
    assert [path.name for path in kept] == [f"{bank.names[3]}.png"]
    open_bank.cache_clear()
    np.testing.assert_array_equal(Banks()["haze"].load(bank.names[3]), pattern)
    kept[0].write_bytes(b"cut off")
    open_bank.cache_clear()
    np.testing.assert_array_equal(Banks()["haze"].load(bank.names[3]), pattern)
    open_bank.cache_clear()


def test_a_place_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(PatternError, match="cannot be written"):
        list(build_bank(str(tmp_path / "file"), PLAN, LocalEngine()))


def test_a_contact_sheet_shows_every_kind(tmp_path):
    assert contact_sheet(built(tmp_path)).shape[2] == 3


def test_a_bank_lives_in_an_object_store(monkeypatch, tmp_path):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    local = built(tmp_path)
    with object_store() as (uri, objects):
        assert sum(build_bank(uri, PLAN, LocalEngine())) == 6
        assert {name.rpartition("/")[2] for name in objects if not name.endswith("/")} == {
            FINISHED,
            *(f"{n:05d}.png" for n in range(6)),
        }
        bank = FolderBank("haze", uri)
        assert bank.version == local.version
        np.testing.assert_array_equal(bank.load("00002.png"), local.load("00002.png"))


@pytest.mark.slow
def test_a_build_killed_at_any_moment_resumes_to_the_same_bytes(tmp_path):
    command = [sys.executable, "-m", "jobs.cli", "patterns", "build", "--kind", "haze", "--count", "60", "--size", "96"]
    command += ["--engine", "local", "--out"]
    environment = {**os.environ, "NO_COLOR": "1"}
    killed = subprocess.Popen([*command, str(tmp_path / "killed")], env=environment, stdout=subprocess.DEVNULL)
    folder = tmp_path / "killed" / "haze"
    until = time.monotonic() + 120
    while len(list(folder.glob("*.png"))) < 5 and time.monotonic() < until and killed.poll() is None:
        time.sleep(0.002)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert (folder / UNFINISHED).exists()
    for name in ("killed", "whole"):
        subprocess.run([*command, str(tmp_path / name)], env=environment, check=True, stdout=subprocess.DEVNULL)
    files = {path.name: path.read_bytes() for path in (tmp_path / "whole" / "haze").iterdir()}
    there = {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.startswith(".")}
    assert there == files
    assert (tmp_path / "killed" / "haze.jpg").exists()
