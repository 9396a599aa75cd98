"""Shards are ordinary WebDataset tars; other libraries and our reader see the same samples."""

import io
import json
import pickle
import shutil

import numpy as np
import pyarrow.parquet as pq
import pytest
import webdataset
from PIL import Image

from pipeline.shards.reader import ShardReader
from pipeline.shards.writer import ShardSample, write_shard
from schemas.errors import DatasetError
from schemas.plan import PlanRow
from schemas.shard import ShardIndexRow
from tests.pipeline.runs import QUICK, ledger, synthesize


@pytest.fixture(scope="module")
def dataset(tmp_path_factory, small_photos):
    from schemas.recipe import parse_recipe

    sources = [{"path": str(small_photos)}]
    recipe = parse_recipe(
        {"sources": sources, "plan": {"variants": 4, "unit_size": 7, "heldout": 0.25}, "filters": QUICK}
    )
    return synthesize(recipe, tmp_path_factory.mktemp("shards") / "dataset")


@pytest.fixture(scope="module")
def ours(dataset):
    reader = ShardReader(dataset.root)
    assert len(reader) == len(reader.keys) > 0
    return {sample.key: sample for sample in (reader[i] for i in range(len(reader)))}


def train_shards(dataset):
    return sorted(str(path) for path in dataset.shards.glob("train-*.tar"))


def member(sample, kind):
    (name,) = [name for name in sample if name.split(".")[0] == kind]
    return sample[name]


def test_the_webdataset_library_reads_the_same_samples(dataset, ours):
    theirs = list(webdataset.WebDataset(train_shards(dataset), shardshuffle=False))
    assert sorted(sample["__key__"] for sample in theirs) == sorted(ours)
    for sample in theirs:
        mine = ours[sample["__key__"]]
        assert member(sample, "lq") == mine.degraded
        assert member(sample, "gt") == mine.clean
        assert json.loads(sample["json"]) == mine.meta


@pytest.mark.slow
def test_ray_reads_the_same_samples_with_its_defaults(dataset, ours, ray_session):
    rows = ray_session.data.read_webdataset(train_shards(dataset)).take_all()
    assert sorted(row["__key__"] for row in rows) == sorted(ours)
    for row in rows:
        mine = ours[row["__key__"]]
        for kind, data in (("lq", mine.degraded), ("gt", mine.clean)):
            assert np.array_equal(member(row, kind), np.asarray(Image.open(io.BytesIO(data))))
        assert row["json"]["trace"]["sample_key"] == mine.key


@pytest.mark.slow
def test_ray_reads_the_same_bytes(dataset, ours, ray_session):
    for row in ray_session.data.read_webdataset(train_shards(dataset), decoder=None).take_all():
        mine = ours[row["__key__"]]
        assert (member(row, "lq"), member(row, "gt"), json.loads(row["json"])) == (
            mine.degraded,
            mine.clean,
            mine.meta,
        )


def test_the_reader_has_the_accepted_rows_of_its_split(dataset, ours):
    accepted = {row.sample_key for row in ledger(dataset) if row.verdict == "accepted" and row.split == "train"}
    assert set(ours) == accepted
    heldout = set(ShardReader(dataset.root, split="heldout").keys)
    assert heldout == {row.sample_key for row in ledger(dataset) if row.verdict == "accepted"} - accepted


def test_the_reader_survives_pickling_after_use(dataset):
    reader = ShardReader(dataset.root)
    first = reader[0]
    assert pickle.loads(pickle.dumps(reader))[0] == first
    assert reader[-1].key == reader.keys[-1]
    with pytest.raises(IndexError):
        reader[len(reader)]


def test_the_index_names_the_hash_of_every_member(dataset):
    import hashlib

    for part in dataset.index.glob("*.parquet"):
        for row in ShardIndexRow.read_parquet(part):
            with (dataset.shards / row.shard).open("rb") as file:
                file.seek(row.offset)
                assert hashlib.sha256(file.read(row.size)).hexdigest() == row.sha256


def test_mistakes_are_told(dataset, tmp_path):
    with pytest.raises(DatasetError, match="no dataset here"):
        ShardReader(tmp_path)
    with pytest.raises(DatasetError, match="named twice"):
        ShardReader([dataset.root, dataset.root])


def test_a_shard_of_no_sample_is_a_valid_tar(tmp_path):
    assert write_shard(tmp_path / "a.tar", "a.tar", []) == []
    assert list(webdataset.WebDataset([str(tmp_path / "a.tar")], shardshuffle=False, empty_check=False)) == []


def test_a_key_with_a_dot_is_refused(tmp_path):
    row = PlanRow(
        unit=0, sample_key="a.b", source_key="a", uri="", sha256="", size=0, role="synthetic", split="train",
        degradation="noise", variant=0, severity=0.5,
    )  # fmt: skip
    with pytest.raises(ValueError, match="holds a dot"):
        write_shard(tmp_path / "a.tar", "a.tar", [ShardSample(row, "noise", {"json": b"{}"})])


def test_columns_tell_the_curriculum_and_the_content_of_the_images(dataset, ours):
    import hashlib

    reader = ShardReader(dataset.root)
    curricula = {row.sample_key: row.curriculum for row in ledger(dataset)}
    assert reader.curricula == [curricula[key] for key in reader.keys]
    assert set(reader.curricula) > {"single"}
    for key, digest in zip(reader.keys, reader.digests, strict=True):
        images = (ours[key].degraded, ours[key].clean)
        both = "".join(hashlib.sha256(data).hexdigest() for data in images)
        assert digest == hashlib.sha256(both.encode()).hexdigest()[:16]


def test_an_index_of_before_the_curriculum_is_read(dataset, tmp_path):
    shutil.copytree(dataset.root, tmp_path / "older")
    for part in (tmp_path / "older" / "index").glob("*.parquet"):
        pq.write_table(pq.read_table(part).drop_columns(["curriculum"]), part)
    assert set(ShardReader(tmp_path / "older").curricula) == {""}


def test_the_index_tells_the_size_of_each_degraded_picture(tmp_path):
    from tests.training.conftest import made_pairs
    from tests.training.shards import write_dataset

    folder = write_dataset(tmp_path / "data", made_pairs(0, "train", 2))
    reader = ShardReader(folder)
    assert reader.sizes == [(32, 40)] * 6
    part = next((folder / "index").glob("*.parquet"))
    pq.write_table(pq.read_table(part).drop_columns(["width", "height"]), part)
    assert ShardReader(folder).sizes == [(0, 0)] * 6
