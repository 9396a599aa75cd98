"""Which pair is drawn when, and by which process: shares, exhaustion, order."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import DatasetError
from schemas.recipe.training import StageSection
from schemas.tasks import TASKS
from training.data.dealing import Dealt
from training.data.groups import by_size, singles
from training.data.mixing import draws
from training.data.pairs import PairSet, PixelCache
from training.families.buckets import Size

DRAWN = 10_000


class Columns:
    """A reader of pairs that nobody looks at."""

    def __init__(self, tasks, curricula=None):
        self.tasks = self.degradations = list(tasks)
        self.keys = [f"key{number:04d}" for number in range(len(self.tasks))]
        self.curricula = curricula or [""] * len(self.tasks)
        self.digests = ["0" * 16] * len(self.tasks)

    def __len__(self):
        return len(self.tasks)

    def __getitem__(self, position):
        raise AssertionError("nothing is read to plan draws")


def made(name, counts, curricula=None):
    return PairSet(name, Columns([t for t, n in counts.items() for _ in range(n)], curricula), PixelCache(0))


tasks = st.lists(st.sampled_from(sorted(TASKS)), min_size=1, max_size=10, unique=True)
weights = st.floats(0.05, 1.0)


@st.composite
def mixtures(draw):
    """Two sets, and a stage of 10,000 draws from them."""
    sets = {
        name: made(name, {task: draw(st.integers(1, 40)) for task in draw(tasks)}) for name in ("synthetic", "real")
    }
    common = set.intersection(*({*pairs.positions_by_task()} for pairs in sets.values()))
    asked = {task: draw(weights) for task in sorted(common)} if draw(st.booleans()) else {}
    batch_size = draw(st.sampled_from([8, 16, 40]))
    stage = StageSection(
        steps=DRAWN // batch_size,
        batch_size=batch_size,
        weights={name: draw(weights) for name in sets},
        weights_end=draw(st.none() | st.fixed_dictionaries(dict.fromkeys(sets, weights))),
        tasks=asked,
    )
    return sets, stage


def part_shares(sets, stage):
    """What each set and task should have of the whole stage."""
    end = stage.weights_end or stage.weights
    shares = {}
    for name, pairs in sets.items():
        of_set = sum(w[name] / sum(w.values()) for w in (stage.weights, end)) / 2
        within = stage.tasks or dict.fromkeys(pairs.positions_by_task(), 1.0)
        shares |= {(name, task): of_set * w / sum(within.values()) for task, w in within.items()}
    return shares


@given(mixtures(), st.sampled_from([1, 2, 4, 8]))
@settings(max_examples=60)
def test_every_process_gets_the_shares_to_within_one_percent(mixture, world):
    sets, stage = mixture
    drawn = draws(sets, stage, "7/finetune")
    wanted = part_shares(sets, stage)
    taken = []
    for rank in range(world):
        dealt = Dealt(singles(Size(16, 16), stage.steps, stage.batch_size), drawn.part, rank, world)
        places = np.concatenate([dealt[step].places.ravel() for step in range(stage.steps)])
        taken.append(places.reshape(stage.steps, -1))
        counts = Counter(drawn.parts[part][:2] for part in drawn.part[places])
        got = {part: counts[part] / len(places) for part in wanted}
        for keys in (
            [[part] for part in wanted],
            *(
                [[part for part in wanted if part[column] == name] for name in {part[column] for part in wanted}]
                for column in (0, 1)
            ),
        ):
            for parts in keys:
                assert sum(got[part] for part in parts) == pytest.approx(sum(wanted[part] for part in parts), abs=0.01)
    together = np.sort(np.concatenate(taken, axis=1), axis=1)
    assert (together == np.arange(stage.steps * stage.batch_size).reshape(stage.steps, -1)).all(), "the global batches"


@given(mixtures())
@settings(max_examples=30)
def test_no_pair_comes_again_before_its_set_and_task_are_exhausted(mixture):
    sets, stage = mixture
    drawn = draws(sets, stage, "7/transfer")
    for number, part in enumerate(drawn.parts):
        positions = drawn.positions[drawn.part == number]
        size = len(part.positions)
        epochs = positions[: len(positions) // size * size].reshape(-1, size)
        assert (np.sort(epochs, axis=1) == part.positions).all()
        assert len(set(positions[len(epochs) * size :])) == len(positions) - len(epochs) * size
        if size > 20:
            assert len(np.unique(epochs, axis=0)) == len(epochs), "a new order each epoch"


def test_the_order_depends_on_the_key_and_the_pairs_alone():
    counts = {"blur": 30, "rain": 50}
    stage = StageSection(steps=100, batch_size=8)
    one = draws({"synthetic": made("synthetic", counts)}, stage, "7/transfer")
    longer = stage.model_copy(update={"steps": 150})
    other = draws({"more": made("more", counts), "synthetic": made("synthetic", counts)}, longer, "7/transfer")
    assert (one.positions == other.positions[: len(one)]).all()
    assert (one.positions != draws({"synthetic": made("synthetic", counts)}, stage, "8/transfer").positions).any()


def test_shares_move_along_a_straight_line_from_the_first_step_to_the_last():
    sets = {name: made(name, {"blur": 5}) for name in ("synthetic", "real")}
    stage = StageSection(steps=101, batch_size=100, weights={"synthetic": 4}, weights_end={"synthetic": 1, "real": 3})
    drawn = draws(sets, stage, "0/finetune", ahead=200)
    real = (drawn.part == 1).reshape(103, 100).mean(axis=1)
    line = 0.75 * np.minimum(np.arange(103), 100) / 100
    assert np.abs(real - line).max() < 0.021
    assert real[0] == 0 and real[100] == 0.75 and (real[101:] == 0.75).all(), "draws ahead have the last shares"


def test_a_curriculum_draws_only_its_pairs():
    pairs = made("synthetic", {"blur": 4, "mixed": 4}, ["single", "multiple"] * 2 + ["high_order", "single"] * 2)
    drawn = draws({"synthetic": pairs}, StageSection(steps=5, batch_size=8, curriculum=("single", "multiple")), "0")
    assert {*drawn.positions} == {0, 1, 2, 3, 5, 7}
    only = draws({"synthetic": pairs}, StageSection(steps=5, batch_size=8, curriculum=("high_order",)), "0")
    assert [part.task for part in only.parts] == ["mixed"]
    with pytest.raises(DatasetError, match=r"no pair of curriculum high_order; it has single: change the stage"):
        draws({"synthetic": made("s", {"blur": 1}, ["single"])}, StageSection(curriculum=("high_order",)), "0")


def test_a_task_that_nobody_knows_is_refused_before_any_work():
    with pytest.raises(DatasetError, match="'s' has pairs of unknown tasks: sharpen; known: blur, compression"):
        draws({"synthetic": made("s", {"blur": 3, "sharpen": 2})}, StageSection(), "0")


SIZES = [Size(16, 64), Size(32, 32), Size(64, 16)]


@given(st.lists(st.sampled_from(SIZES), min_size=40, max_size=40), st.sampled_from([1, 2, 4]))
def test_pictures_of_one_size_pass_together_in_their_order(sizes, together):
    asked = []

    def size_of(place):
        asked.append(place)
        return sizes[place % 40]

    groups = by_size(size_of, together, batch_size=8)
    steps = [next(groups) for _ in range(12)]
    assert asked == list(range(len(asked)))
    places = np.concatenate([step.places for step in steps])
    assert {step.places.shape for step in steps} == {(8 // together, together)}
    for size, row in zip([size for step in steps for size in step.sizes], places, strict=True):
        assert {sizes[place % 40] for place in row} == {size}
    for size in SIZES:
        in_order = [place for place in places.ravel() if sizes[place % 40] == size]
        assert in_order == sorted(in_order)
    assert len(asked) - places.size <= len(SIZES) * (together - 1), "that many wait at most"
    assert len({*places.ravel()}) == places.size
