"""Sampling: shares, no repetition before exhaustion, order after resume."""

from collections import Counter

import numpy as np
import pytest

from schemas.errors import DatasetError, RecipeError
from schemas.recipe.training import StageSection
from training.data.batches import batches
from training.data.mixing import draws
from training.data.pairs import PairSet, PixelCache


@pytest.fixture
def pairs(sets):
    return {name: PairSet.open(name, folders, "train", PixelCache(64)) for name, folders in sets.items()}


@pytest.mark.slow
def test_shares_of_sets_and_tasks_over_ten_thousand_draws(pairs):
    stage = StageSection(weights={"synthetic": 2, "real": 8})
    sequence = draws(pairs, stage, "0/finetune")
    drawn = [sequence[i] for i in range(10_000)]
    by_set = Counter(draw.set for draw in drawn)
    assert by_set["real"] / 10_000 == pytest.approx(0.8, abs=0.01)
    task_of = {
        (name, position): task
        for name, part in pairs.items()
        for task, positions in part.positions_by_task().items()
        for position in positions
    }
    by_task = Counter(task_of[draw.set, draw.position] for draw in drawn)
    for task in ("noise", "blur", "haze"):
        assert by_task[task] / 10_000 == pytest.approx(1 / 3, abs=0.01)


def test_no_pair_repeats_before_its_set_is_exhausted(pairs):
    sequence = draws(pairs, StageSection(weights={"synthetic": 1}), "0/transfer")
    for epoch in range(3):
        positions = [sequence[i].position for i in range(18 * epoch, 18 * (epoch + 1))]
        assert sorted(positions) == list(range(18))
    assert [sequence[i] for i in range(18)] != [sequence[i] for i in range(18, 36)]


def test_the_order_after_resume_is_the_order_without_it(pairs):
    stage = StageSection(batch_size=4)
    whole = iter(batches(pairs, stage, 16, "0/transfer"))
    expected = [next(whole) for _ in range(9)]
    first = iter(batches(pairs, stage, 16, "0/transfer"))
    for _ in range(4):
        next(first)
    resumed = iter(batches(pairs, stage, 16, "0/transfer"))
    resumed.set_state(first.get_state())
    for batch in expected[4:]:
        again = next(resumed)
        assert again.places == batch.places
        assert np.array_equal(again.degraded.numpy(), batch.degraded.numpy())
        assert np.array_equal(again.clean.numpy(), batch.clean.numpy())


def test_two_processes_share_the_batch_of_one(pairs):
    stage = StageSection(batch_size=4)
    alone = iter(batches(pairs, stage, 16, "0/transfer"))
    halves = [iter(batches(pairs, stage, 16, "0/transfer", rank, 2)) for rank in range(2)]
    for _ in range(5):
        places = [next(half).places for half in halves]
        assert sorted(places[0] + places[1]) == sorted(next(alone).places)


def test_mistakes_are_told(pairs, sets, tmp_path):
    with pytest.raises(RecipeError, match=r"weights\.web: no such set of shards; given: synthetic, real"):
        draws(pairs, StageSection(weights={"web": 1}), "0")
    with pytest.raises(DatasetError, match="has no pair of rain; it has"):
        draws(pairs, StageSection(tasks={"rain": 1}), "0")
    with pytest.raises(RecipeError, match="batch_size 4 is no multiple of the 3 processes"):
        batches(pairs, StageSection(batch_size=4), 16, "0", 0, 3)
    with pytest.raises(DatasetError, match="no dataset here"):
        PairSet.open("synthetic", [tmp_path], "train", PixelCache(1))
