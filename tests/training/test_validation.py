"""The processes of a world share validation out; each picture is shown once."""

import torch

from tests.training.conftest import small_training
from training.data.sets import open_validation_sets
from training.editors import build_editor
from training.editors.base import EditorConfig
from training.encodings import Encoder
from training.validation import Validation


class Second:
    """The second of two processes; its sums are what it adds to them."""

    rank, size, leads = 1, 2, False

    def sum(self, values):
        return values


def test_a_process_that_only_goes_along_adds_no_score_and_no_picture(sets):
    training = small_training(validation={"samples": 1, "steps": 1})
    validation = Validation(open_validation_sets(training, sets), training)
    encoder = Encoder(build_editor(EditorConfig.of(training), 0), training.data, "")
    verdict, shown = validation(encoder, Second())  # all samples pass together, so the first process has them
    assert verdict.score == 0.0
    assert shown.captions and all(not picture.any() for picture in shown.after)
    assert all(picture.any() for picture in shown.before)
    assert torch.isfinite(torch.stack(shown.after)).all()
