"""Kill -9 of the driver in the middle of a run, three times: resuming ends like an undisturbed run."""

import os
import signal
import subprocess
import sys
import time

import pytest
import yaml

from tests.pipeline.runs import files, synthesize


def start(recipe_path, out, engine):
    command = [sys.executable, "-c", "from jobs.cli import main; main()", "synthesize"]
    return subprocess.Popen(
        [*command, str(recipe_path), "--out", str(out), "--engine", engine],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def ledger_parts(out):
    """Inode and modification time of each ledger part: a part that is written again gets others."""
    return {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in (out / "ledger").glob("*.parquet")}


def kill_after(process, out, parts, seconds=240):
    """SIGKILL as soon as more than `parts` units are done, so in the middle of the next one."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            pytest.fail(f"the run ended before it could be killed:\n{process.stdout.read()}")
        if len(ledger_parts(out)) > parts:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            return
        time.sleep(0.005)
    process.kill()
    pytest.fail("no unit was finished in time")


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["local", "ray"])
def test_three_kills_then_resume(make_recipe, tmp_path, engine):
    recipe = make_recipe(plan={"variants": 12, "unit_size": 4}, engine={"kind": engine})
    undisturbed = synthesize(recipe, tmp_path / "undisturbed")
    recipe_path = tmp_path / "recipe.yaml"
    recipe_path.write_text(yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False))
    out = tmp_path / "killed"
    done = {}
    for _ in range(3):
        kill_after(start(recipe_path, out, engine), out, len(done))
        assert ledger_parts(out).items() >= done.items(), "a finished unit was done twice"
        done = ledger_parts(out)
    assert len(done) < 24
    process = start(recipe_path, out, engine)
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output
    assert "done by earlier runs" in output
    assert ledger_parts(out).items() >= done.items(), "a finished unit was done twice"
    assert files(undisturbed) == files(type(undisturbed).open(out))


@pytest.mark.slow
def test_ctrl_c_says_how_to_resume(make_recipe, tmp_path):
    recipe = make_recipe(plan={"variants": 12, "unit_size": 4})
    recipe_path = tmp_path / "recipe.yaml"
    recipe_path.write_text(yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False))
    out = tmp_path / "stopped"
    process = start(recipe_path, out, "local")
    deadline = time.monotonic() + 120
    while not ledger_parts(out) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130, output
    assert "run the same command again to resume" in output
    assert not (out / "tmp").exists()
