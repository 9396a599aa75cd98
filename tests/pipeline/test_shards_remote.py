"""Datasets in an object store read as the same datasets in a folder do."""

import pickle
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.dataset import Dataset
from pipeline.shards import place
from pipeline.shards.reader import ShardReader
from schemas.errors import DatasetError
from tests.object_store import object_store
from tests.training.shards import MadePair, write_dataset


def pair(number: int, split: str = "train") -> MadePair:
    image = np.random.default_rng(number).integers(0, 256, (24, 32, 3), dtype=np.uint8)
    return MadePair(f"{split}-{number:03d}", "noise", "noise", split, image, image[::-1])


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    pairs = [*(pair(number) for number in range(12)), pair(12, "heldout")]
    return write_dataset(tmp_path_factory.mktemp("remote") / "dataset", pairs)


@pytest.fixture
def store(local, monkeypatch):
    """The dataset behind an s3 uri, what the bucket holds, the requests so far, answers to come by key, and
    where requests wait for each other."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setattr(place, "WAITS", (0.0, 0.0))
    requests: list[tuple[str, str]] = []
    answers: dict[str, int] = {}
    meeting: list[threading.Barrier] = []

    def before_get(key: str, extent: str) -> int:
        requests.append((key, extent))
        for barrier in meeting:
            barrier.wait()
        return next((status for end, status in answers.items() if key.endswith(end)), 0)

    with object_store(before_get=before_get) as (uri, objects):
        for file in local.rglob("*"):
            if file.is_file():
                objects[f"bucket/banks/{file.relative_to(local)}"] = file.read_bytes()
        yield uri, objects, requests, answers, meeting


def everything(reader):
    return [reader[position] for position in range(len(reader))]


def test_samples_of_a_store_are_those_of_the_folder(local, store):
    uri = store[0]
    here, there = ShardReader(local), ShardReader(uri)
    assert everything(there) == everything(here)
    assert there.digests == here.digests
    assert pickle.loads(pickle.dumps(there))[3] == here[3]
    assert [sample.key for sample in everything(ShardReader([uri], split="heldout"))] == ["heldout-012"]


def test_a_folder_may_be_named_by_text(local):
    assert everything(ShardReader(str(local))) == everything(ShardReader([local]))


def test_a_sample_is_one_request_for_its_part_of_the_shard(store):
    uri, _, requests, _, _ = store
    reader = ShardReader(uri)
    begun = Counter(key for key, _ in requests if key)
    assert all(count == 1 for count in begun.values()), "index and description are read once"
    before = len(requests)
    sample = reader[5]
    ((key, extent),) = requests[before:]
    assert key.endswith(".tar")
    first, _, last = extent.removeprefix("bytes=").partition("-")
    members = len(sample.degraded) + len(sample.clean)
    assert members < int(last) - int(first) + 1 < members + 5000


def test_members_far_apart_are_read_alone(local, tmp_path):
    dataset = Dataset(local)
    moved = write_dataset(tmp_path / "moved", [pair(0)])
    (index,) = Dataset(moved).index.glob("*.parquet")
    (shard,) = Dataset(moved).shards.glob("*.tar")
    rows = pq.read_table(index).to_pylist()
    data = shard.read_bytes()
    (clean,) = [row for row in rows if row["member"] == "gt.png"]
    clean["offset"] = 10_000_000
    with shard.open("r+b") as file:
        file.seek(clean["offset"])
        file.write(data[512 : 512 + clean["size"]])
    pq.write_table(pa.Table.from_pylist(rows), index)
    assert ShardReader(moved)[0] == ShardReader(dataset.root)[0]


def test_threads_share_the_reader_and_their_requests_overlap(store):
    uri, _, _, _, meeting = store
    reader = ShardReader(uri)
    order = np.random.default_rng(0).permutation(np.repeat(np.arange(12), 4))
    everything(reader)
    meeting.append(threading.Barrier(4, timeout=30))  # nobody is answered before four have asked
    with ThreadPoolExecutor(4) as pool:
        samples = list(pool.map(lambda position: reader[int(position)], order))
    assert [sample.key for sample in samples] == [reader.keys[position] for position in order]


def test_few_of_many_shards_are_open_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr(place, "_OPEN", 2)
    shards = tmp_path / "all"
    shards.mkdir()
    whole = [np.random.default_rng(number).bytes(2000) for number in range(6)]
    for number, data in enumerate(whole):
        (shards / f"{number}.tar").write_bytes(data)
    here = place.Place(tmp_path)

    def part(number):
        return here.extent("all", f"{number}.tar", 512, 1000, "a part")

    with ThreadPoolExecutor(4) as pool:
        parts = list(pool.map(part, [*range(6)] * 10))
    assert parts == [data[512:1512] for data in whole] * 10
    descriptors = Path("/proc/self/fd")
    if descriptors.is_dir():
        targets = [link.readlink() for link in descriptors.iterdir() if link.is_symlink()]
        assert sum(target.is_relative_to(shards) for target in targets) == 2
    assert pickle.loads(pickle.dumps(here)).extent("all", "3.tar", 512, 1000, "a part") == parts[3]


def test_a_failure_that_passes_is_survived(store, monkeypatch):
    uri, _, requests, answers, _ = store
    reader = ShardReader(uri)
    whole = reader[0]
    answers[".tar"] = 409  # a status that the client does not repeat by itself
    monkeypatch.setattr(place.time, "sleep", lambda seconds: answers.clear())
    assert reader[0] == whole
    answers[".parquet"] = 409  # a status that the client does not repeat by itself
    assert ShardReader(uri)[0] == whole
    assert sum(key.endswith(".tar") for key, _ in requests) > 3


def test_a_failure_that_stays_names_place_sample_and_remedy(store):
    uri, _, _, answers, _ = store
    reader = ShardReader(uri)
    answers[".tar"] = 409  # a status that the client does not repeat by itself
    with pytest.raises(DatasetError, match=r"s3://bucket/banks.*train-003.*after 3 attempts.*credentials"):
        reader[3]


def test_what_no_repetition_mends_is_told_at_once(store, monkeypatch):
    uri, objects, _, answers, _ = store
    monkeypatch.setattr(place.time, "sleep", lambda seconds: pytest.fail("waited"))
    reader = ShardReader(uri)
    (tar,) = [name for name in objects if name.endswith(".tar") and "train" in name]
    del objects[tar]
    with pytest.raises(DatasetError, match=r"train-000.*no such file"):
        reader[0]
    with pytest.raises(DatasetError, match="which is not in shards/"):
        ShardReader(uri)
    answers["dataset.json"] = 403
    with pytest.raises(DatasetError, match="credentials in the environment"):
        ShardReader(uri)
    with pytest.raises(DatasetError, match="no dataset here"):
        ShardReader(uri.replace("banks", "elsewhere"))
    with pytest.raises(DatasetError, match="usable folder or object-store uri"):
        ShardReader("nowhere://bucket/data")


def test_credentials_in_a_place_are_refused_and_not_shown():
    with pytest.raises(DatasetError, match="holds no credentials") as told:
        ShardReader("s3://someone:secret@bucket/data")
    assert "secret" not in str(told.value).replace("AWS_SECRET_ACCESS_KEY", "")


def test_a_cut_off_shard_is_told(store):
    uri, objects, _, _, _ = store
    reader = ShardReader(uri)
    (tar,) = [name for name in objects if name.endswith(".tar") and "train" in name]
    objects[tar] = objects[tar][: int(reader._offsets[7].min()) + 10]
    assert reader[0].key == "train-000"
    for position in (7, 11):
        with pytest.raises(DatasetError, match=f"cut off inside sample {reader.keys[position]}"):
            reader[position]


@pytest.mark.parametrize("shard", ["../index/a.parquet", "/etc/passwd", "shards/a.tar", ".."])
def test_an_index_cannot_name_a_file_outside_of_the_shards(tmp_path, shard):
    folder = write_dataset(tmp_path / "dataset", [pair(0)])
    (index,) = Dataset(folder).index.glob("*.parquet")
    rows = pq.read_table(index)
    number = rows.column_names.index("shard")
    pq.write_table(rows.set_column(number, "shard", pa.array([shard] * rows.num_rows)), index)
    with pytest.raises(DatasetError, match="which is not in shards/"):
        ShardReader(folder)


def test_an_index_with_a_negative_offset_or_of_another_format_is_refused(tmp_path):
    folder = write_dataset(tmp_path / "dataset", [pair(0)])
    (index,) = Dataset(folder).index.glob("*.parquet")
    rows = pq.read_table(index)
    number = rows.column_names.index("offset")
    pq.write_table(rows.set_column(number, "offset", pa.array([-1] * rows.num_rows)), index)
    with pytest.raises(DatasetError, match="index damaged"):
        ShardReader(folder)
    index.write_bytes(b"PAR1")
    with pytest.raises(DatasetError, match="damaged"):
        ShardReader(folder)
