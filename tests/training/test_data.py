"""Batches of a stage: resume, sharing between processes, and what each sample becomes."""

import numpy as np
import pytest
import torch

from degradations.rng import generator
from schemas.errors import DatasetError, RecipeError
from schemas.recipe.training import DataSection, StageSection, TrainingSection
from schemas.tasks import TASKS
from training.data.batches import batches, to_tensor
from training.data.pairs import PairSet, PixelCache
from training.data.samples import Samples


@pytest.fixture
def pairs(sets):
    return {name: PairSet.open(name, folders, "train", PixelCache(64)) for name, folders in sets.items()}


def of(crop=16, **data):
    """A recipe's part on training, of which batches read `crop` and `data` alone."""
    stages = {"transfer": StageSection(batch_size=8, microbatch=1)}
    return TrainingSection(crop=crop, data=DataSection(**data), stages=stages)


def taken(sets, stage, training, steps, rank=0, world=1, state=None):
    iterator = iter(batches(sets, stage, training, "0/transfer", rank, world))
    if state is not None:
        iterator.set_state(state)
    return [next(iterator) for _ in range(steps)], iterator.get_state()


def same(one, other):
    return (
        one.places == other.places
        and one.tasks == other.tasks
        and [request.prompt for request in one.requests] == [request.prompt for request in other.requests]
        and one.identities == other.identities
        and torch.equal(one.reference, other.reference)
        and torch.equal(one.degraded, other.degraded)
        and torch.equal(one.clean, other.clean)
    )


EVERYTHING = {
    "fit": "bucket",
    "languages": {"en": 1, "zh": 1},
    "drop_prompt": 0.3,
    "drop_picture": 0.3,
    "drop_reference": 0.3,
    "web_style": 0.5,
    "readers": 2,
}


@pytest.mark.parametrize("data", [{}, EVERYTHING], ids=["plain", "everything"])
def test_the_order_after_resume_is_the_order_without_it(pairs, data):
    training, stage = of(32, **data), StageSection(steps=9, batch_size=4, microbatch=2)
    whole, end = taken(pairs, stage, training, 9)
    _, state = taken(pairs, stage, training, 4)
    assert (state, end) == ({"next_index": 4}, {"next_index": 9})
    again, _ = taken(pairs, stage, training, 5, state=state)
    for expected, step in zip(whole[4:], again, strict=True):
        assert all(map(same, expected, step))
    assert [len(step) for step in whole] == [2] * 9


def test_a_run_goes_on_with_another_number_of_processes(pairs):
    training, stage = of(), StageSection(steps=4, batch_size=4)
    (_, _, expected, _), _ = taken(pairs, stage, training, 4)
    _, state = taken(pairs, stage, training, 2)
    parts = [taken(pairs, stage, training, 1, rank, 2, state)[0][0] for rank in range(2)]
    assert sorted(place for (batch,) in parts for place in batch.places) == expected[0].places


def test_no_more_than_a_step_waits_ahead_in_bytes(pairs, monkeypatch):
    loaded = []
    load = Samples.load
    monkeypatch.setattr(Samples, "load", lambda self, *what: loaded.append(what) or load(self, *what))
    iterator = iter(batches(pairs, StageSection(steps=9, batch_size=8, microbatch=2), of(readers=3), "0/transfer"))
    for step in range(1, 4):
        for batch in next(iterator):
            assert {image.dtype for image in (*batch.degraded_pixels, *batch.clean_pixels)} == {np.dtype(np.uint8)}
            assert not {"degraded", "clean"} & {*vars(batch)}, "numbers are made when asked for"
        assert len(loaded) <= 8 * (step + 1)
    iterator.close()


def test_a_stage_ends_after_its_steps(pairs):
    assert len(list(batches(pairs, StageSection(steps=3, batch_size=2), of(), "0/transfer"))) == 3


@pytest.mark.parametrize("world", [2, 4, 8])
@pytest.mark.parametrize("fit", ["crop", "bucket"])
def test_processes_share_the_batch_of_one(pairs, fit, world):
    training = of(32, fit=fit)
    stage = StageSection(steps=4, batch_size=8, microbatch=1)
    alone, _ = taken(pairs, stage, training, 4)
    shared = [taken(pairs, stage, training, 4, rank, world)[0] for rank in range(world)]
    for step in range(4):
        parts = [microbatch for own in shared for microbatch in own[step]]
        assert {len(own[step]) for own in shared} == {8 // world}
        for microbatch in alone[step]:
            (other,) = [part for part in parts if part.places == microbatch.places]
            assert same(microbatch, other)


def test_without_microbatch_a_process_takes_its_share_at_once(pairs):
    steps, _ = taken(pairs, StageSection(steps=2, batch_size=6), of(), 2, rank=1, world=2)
    assert [[len(batch.places) for batch in step] for step in steps] == [[3], [3]]
    assert steps[0][0].degraded.shape == steps[0][0].clean.shape == (3, 3, 16, 16)


def test_conditions_are_dropped_and_languages_drawn_in_their_shares(pairs):
    data = {"languages": {"en": 3, "zh": 1}, "drop_prompt": 0.2, "drop_picture": 0.1, "drop_reference": 0.4}
    steps, _ = taken(pairs, StageSection(steps=20, batch_size=100), of(**data), 20)
    requests = [request for step in steps for request in step[0].requests]
    tasks = [task for step in steps for task in step[0].tasks]
    dropped = [request.prompt == "" for request in requests]
    chinese = [request.prompt == TASKS[task].zh for request, task in zip(requests, tasks, strict=True)]
    english = [request.prompt == TASKS[task].en for request, task in zip(requests, tasks, strict=True)]
    assert sum(dropped) + sum(chinese) + sum(english) == 2000
    assert np.mean(dropped) == pytest.approx(0.2, abs=0.03)
    assert sum(chinese) / (2000 - sum(dropped)) == pytest.approx(0.25, abs=0.03)
    pictures = [request.picture is None for request in requests]
    assert np.mean(pictures) == pytest.approx(0.1, abs=0.03)
    references = torch.cat([step[0].reference for step in steps])
    assert 1 - references.float().mean().item() == pytest.approx(0.4, abs=0.03)
    assert abs(np.corrcoef(dropped, pictures)[0, 1]) < 0.1, "each is drawn by itself"


def test_identities_name_what_comes_again_alike(pairs):
    stage = StageSection(steps=30, batch_size=4)
    square, _ = taken(pairs, stage, of(fit="square"), 30)
    seen: dict[str, torch.Tensor] = {}
    for step in square:
        for identity, degraded in zip(step[0].identities, step[0].degraded, strict=True):
            assert torch.equal(seen.setdefault(identity, degraded), degraded)
    assert len(seen) == 36, "18 pairs, mirrored and not"
    reader = pairs["synthetic"]
    assert f"{reader.keys[0]}-{reader[0].digest}/16x16/m0" in seen
    cropped, _ = taken(pairs, stage, of(), 1)
    styled, _ = taken(pairs, stage, of(fit="square", web_style=1.0), 1)
    assert {*cropped[0][0].identities, *styled[0][0].identities} == {None}


@pytest.mark.parametrize("fit", ["crop", "square"])
def test_web_style_changes_the_degraded_image_alone(pairs, fit):
    stage = StageSection(steps=1, batch_size=8)
    (((plain,),), _), (((styled,),), _) = (
        taken(pairs, stage, of(fit=fit, web_style=chance), 1) for chance in (0.0, 1.0)
    )
    assert torch.equal(plain.clean, styled.clean)
    change = (plain.degraded - styled.degraded).abs().mean(dim=(1, 2, 3))
    assert (change > 0.001).all() and (change < 0.2).all()
    for request, image in zip(styled.requests, styled.degraded, strict=True):
        if fit == "square":
            assert torch.equal(to_tensor([request.picture])[0], image)
        else:
            assert request.picture.shape == (32, 40, 3), "the whole picture, styled as the crop is"


def test_pixels_become_numbers_between_zero_and_one():
    image = generator(0, "pixels").integers(0, 256, (5, 7, 3), dtype=np.uint8)
    expected = torch.from_numpy(np.stack([image, image[::-1]])).permute(0, 3, 1, 2).float() / 255.0
    assert torch.equal(to_tensor([image, np.ascontiguousarray(image[::-1])]), expected)


def test_mistakes_are_told(pairs, tmp_path):
    training = of()
    with pytest.raises(RecipeError, match=r"weights\.web: no such set of shards; given: synthetic, real"):
        batches(pairs, StageSection(weights={"web": 1}), training, "0")
    with pytest.raises(DatasetError, match="has no pair of rain; it has"):
        batches(pairs, StageSection(tasks={"rain": 1}), training, "0")
    with pytest.raises(RecipeError, match="batch_size 4 is no multiple of the 3 processes"):
        batches(pairs, StageSection(batch_size=4), training, "0", 0, 3)
    with pytest.raises(RecipeError, match="batch_size 8 is no multiple of the 4 processes times microbatch 4"):
        batches(pairs, StageSection(batch_size=8, microbatch=4), training, "0", 0, 4)
    with pytest.raises(RecipeError, match="batch_size 2 is no multiple of the 4 processes"):
        batches(pairs, StageSection(batch_size=2), training, "0", 0, 4)
    with pytest.raises(RecipeError, match=r"training\.crop: no size of area 576"):
        batches(pairs, StageSection(batch_size=4, microbatch=1), of(24, fit="bucket"), "0")
    with pytest.raises(DatasetError, match="has no pair of curriculum high_order; it has none"):
        batches(pairs, StageSection(curriculum=("high_order",)), training, "0")
    with pytest.raises(DatasetError, match="no dataset here"):
        PairSet.open("synthetic", [tmp_path], "train", PixelCache(1))
