"""`tarnish preview`: a sheet of all modes and severities."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from evaluation.sheet import labelled_grid
from jobs.cli import app
from jobs.preview import LEVELS, degraded_levels, single_modes
from schemas.recipe.degradations import DegradationsSection
from tests.degradations.pictures import crops


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.png"
    cv2.imwrite(str(path), cv2.cvtColor(crops(1, 96, 128)[0], cv2.COLOR_RGB2BGR))
    return path


def run(*arguments):
    return CliRunner().invoke(app, ["preview", *map(str, arguments)])


def test_a_row_a_mode_and_a_column_a_level(photo, tmp_path):
    out = tmp_path / "sheet.png"
    result = run(photo, "--only", "noise", "--side", "64", "--out", out)
    assert result.exit_code == 0, result.output
    section = DegradationsSection()
    rows, cell = len(section.modes("noise")), (48, 64)
    sheet = cv2.imread(str(out))
    assert sheet.shape == (22 + rows * (22 + cell[0] + 4), 6 * (cell[1] + 4) - 4, 3)


def test_the_same_photo_gives_the_same_sheet(photo, tmp_path):
    for name in ("a.png", "b.png"):
        assert run(photo, "--only", "compression", "--side", "48", "--out", tmp_path / name).exit_code == 0
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_levels_rise(photo):
    clean = crops(1, 96, 128)[0].astype(np.float64)
    (_, name, section) = single_modes(DegradationsSection(), "noise")[0]
    errors = [np.abs(p - clean).mean() for p in degraded_levels(crops(1, 96, 128)[0], name, section, 3)]
    assert len(errors) == len(LEVELS)
    assert errors[-1] > errors[0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--only", "fog"], "unknown degradation 'fog'; known: noise"),
        (["--out", "sheet.gif"], "neither .png nor .jpg"),
        (["--out", "nowhere/sheet.png", "--only", "haze"], "cannot be written"),
    ],
)
def test_mistakes_are_told_plainly(photo, arguments, message):
    result = run(photo, *arguments)
    assert result.exit_code == 1
    assert message in result.output.replace("\n", " ")


def test_no_photo_and_no_picture(tmp_path):
    assert "cannot be read" in run(tmp_path / "none.png").output
    (tmp_path / "text.png").write_text("no picture")
    assert "no picture that can be used" in run(tmp_path / "text.png").output.replace("\n", " ")


def test_an_empty_sheet_is_refused():
    with pytest.raises(ValueError, match="at least one row"):
        labelled_grid([], [])
