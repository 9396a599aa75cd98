"""Another package named `training` before ours ends the command with a remedy."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def run(path: list[Path], cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, path))}
    code = "from jobs.shadowed import refuse_another_training as refuse; refuse(); print('ours')"
    return subprocess.run([sys.executable, "-c", code], cwd=cwd, env=environment, capture_output=True, text=True)


def test_ours_is_found_from_any_folder(tmp_path):
    assert run([ROOT], tmp_path).stdout == "ours\n"


def test_another_is_refused_and_named(tmp_path):
    (tmp_path / "training").mkdir()
    (tmp_path / "training" / "__init__.py").touch()
    done = run([tmp_path, ROOT], Path("/"))
    assert done.returncode == 1
    assert f"rm -r {tmp_path / 'training'}" in done.stderr
