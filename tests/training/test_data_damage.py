"""Samples that cannot be used: replaced alike on every process, told, and refused where they are too many."""

import pytest
import torch

from pipeline.dataset import Dataset
from schemas.errors import DatasetError
from schemas.recipe.training import DataSection, StageSection, TrainingSection
from tests.training.conftest import made_pairs
from tests.training.shards import spoil, write_dataset
from training.data.batches import batches
from training.data.pairs import PairSet, PixelCache

STAGE = StageSection(steps=12, batch_size=8, microbatch=1)


def recipe(fit="square"):
    return TrainingSection(crop=16, data=DataSection(fit=fit), stages={"transfer": STAGE})


def damaged(folder, members, sizes=()):
    """A dataset whose named members (key → kind) are overwritten with noise; pairs of `sizes` differ in size."""
    made = made_pairs(3, "train", 6)
    made = [pair._replace(clean=pair.clean[:-4]) if pair.key in sizes else pair for pair in made]
    write_dataset(folder, made)
    for key, member in members.items():
        spoil(folder, key, member)
    return folder


def opened(folder):
    return {"synthetic": PairSet.open("synthetic", [folder], "train", PixelCache(16))}


BAD = {"train3blur001": "lq", "train3haze002": "gt", "train3noise003": "json"}


@pytest.fixture
def sets(tmp_path):
    return opened(damaged(tmp_path / "damaged", BAD, sizes={"train3blur004"}))


@pytest.mark.parametrize("fit", ["crop", "square", "bucket"])
def test_each_is_replaced_by_a_pair_of_its_task_and_told(sets, fit):
    epochs = [batch for step in batches(sets, STAGE, recipe(fit), "0/transfer") for batch in step]
    replaced = [each for batch in epochs for each in batch.replaced]
    assert {each.key for each in replaced} == {*BAD, "train3blur004"}
    reasons = {each.key: each.reason for each in replaced}
    assert "the degraded image of sample train3blur001 cannot be decoded" in reasons["train3blur001"]
    assert "the clean image of sample train3haze002 cannot be decoded" in reasons["train3haze002"]
    assert "the JSON member of sample train3noise003 cannot be read" in reasons["train3noise003"]
    assert "has a degraded image (32, 40) and a clean one (28, 40)" in reasons["train3blur004"]
    for batch in epochs:
        for each in batch.replaced:
            assert batch.places == [each.place]
            assert batch.tasks[0] in each.key, "of the same task"
    assert {task for batch in epochs for task in batch.tasks} == {"noise", "blur", "haze"}


@pytest.mark.parametrize("world", [2, 4])
def test_the_replacement_is_the_same_on_every_process(sets, world):
    alone = {batch.places[0]: batch for step in batches(sets, STAGE, recipe(), "0/transfer") for batch in step}
    assert sum(bool(batch.replaced) for batch in alone.values()) > 10
    for rank in range(world):
        for step in batches(sets, STAGE, recipe(), "0/transfer", rank, world):
            for batch in step:
                expected = alone[batch.places[0]]
                assert batch.replaced == expected.replaced
                assert batch.identities == expected.identities
                assert torch.equal(batch.degraded, expected.degraded)


def test_a_shard_that_is_cut_off_costs_the_samples_behind_the_cut(tmp_path):
    dataset = Dataset.open(damaged(tmp_path / "cut", {}))
    (shard,) = dataset.shards.glob("train-*.tar")
    with shard.open("r+b") as file:
        file.truncate(int(shard.stat().st_size * 0.8))
    replaced = [
        each.reason
        for step in batches(opened(tmp_path / "cut"), STAGE, recipe(), "0/transfer")
        for batch in step
        for each in batch.replaced
    ]
    assert replaced and all("cut off inside sample" in reason for reason in replaced)


def test_where_all_pairs_of_a_task_are_damaged_the_reasons_are_listed(tmp_path):
    folder = damaged(tmp_path / "rotten", {f"train3haze{number:03d}": "lq" for number in range(6)})
    with pytest.raises(DatasetError, match="none of 6 pairs of haze drawn for place 1 can be used") as caught:
        list(batches(opened(folder), STAGE, recipe(), "0/transfer"))
    assert str(caught.value).count("cannot be decoded") == 6, "each reason once"


def test_a_stage_that_starts_with_mostly_damaged_samples_is_refused(tmp_path):
    keys = [pair.key for pair in made_pairs(3, "train", 6)]
    folder = damaged(tmp_path / "most", {key: "lq" for number, key in enumerate(keys) if number % 6 < 5})
    with pytest.raises(DatasetError, match="more than half of the first 100 samples cannot be used") as caught:
        list(batches(opened(folder), STAGE, recipe(), "0/transfer"))
    assert "train3blur001 cannot be decoded" in str(caught.value)


def failing(*asked):
    raise DatasetError("the store does not answer")


@pytest.mark.parametrize("fit", ["crop", "bucket"])
def test_what_only_cannot_be_read_for_now_ends_the_run(tmp_path, monkeypatch, fit):
    sets = opened(damaged(tmp_path / "whole", {}))
    reader = sets["synthetic"]._reader
    monkeypatch.setattr(reader._places[0], "extent", failing)
    monkeypatch.setattr(reader, "sizes", [(0, 0)] * len(reader))
    with pytest.raises(DatasetError, match=r"^the store does not answer"):
        list(batches(sets, STAGE, recipe(fit), "0/transfer"))
    with pytest.raises(DatasetError, match=r"^the store does not answer"):
        sets["synthetic"].size(0)


def test_sets_with_other_pictures_have_another_fingerprint(tmp_path):
    made = made_pairs(3, "train", 6)
    other = [made[0]._replace(clean=255 - made[0].clean), *made[1:]]
    one, same, altered = (
        opened(write_dataset(tmp_path / name, pairs))["synthetic"].fingerprint()
        for name, pairs in {"one": made, "same": made, "altered": other}.items()
    )
    assert one == same != altered
