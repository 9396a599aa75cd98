"""Sources: folders, globs, WebDataset tars and Parquet give the same bytes back."""

import io
import tarfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.sources.listing import list_uris
from pipeline.sources.uri import read_uri
from schemas.errors import RecipeError
from schemas.recipe.sources import SourceSection


@pytest.fixture(scope="module")
def images(small_photos):
    return {path.name: path.read_bytes() for path in sorted(small_photos.iterdir())}


def read_all(section):
    return [read_uri(uri) for uri in list_uris(section)]


def test_a_folder_in_depth_without_hidden_and_other_files(tmp_path, images):
    (tmp_path / "a" / ".thumbs").mkdir(parents=True)
    for number, (name, data) in enumerate(images.items()):
        (tmp_path / ("a" if number % 2 else ".") / name).write_bytes(data)
    (tmp_path / "notes.txt").write_text("no image")
    (tmp_path / "a" / ".thumbs" / "x.png").write_bytes(b"")
    assert sorted(read_all(SourceSection(path=str(tmp_path)))) == sorted(images.values())


def test_a_glob_takes_what_it_matches(small_photos, images):
    found = read_all(SourceSection(path=f"{small_photos}/*.jpg"))
    assert sorted(found) == sorted(data for name, data in images.items() if name.endswith(".jpg"))


def test_webdataset_tars(tmp_path, images):
    with tarfile.open(tmp_path / "000.tar", "w") as tar:
        for name, data in images.items():
            for member, content in ((name, data), (f"{name}.txt", b"caption")):
                header = tarfile.TarInfo(member)
                header.size = len(content)
                tar.addfile(header, io.BytesIO(content))
    assert read_all(SourceSection(kind="webdataset", path=str(tmp_path))) == list(images.values())


@pytest.mark.parametrize("form", ["bytes", "paths", "structs"])
def test_parquet_columns(tmp_path, small_photos, images, form):
    cells = {
        "bytes": list(images.values()),
        "paths": [str(small_photos / name) for name in images],
        "structs": [{"bytes": data, "path": name} for name, data in images.items()],
    }[form]
    pq.write_table(pa.table({"picture": cells}), tmp_path / "a.parquet", row_group_size=3)
    assert read_all(SourceSection(kind="parquet", path=str(tmp_path), column="picture")) == list(images.values())


def test_parquet_paths_are_relative_to_the_file(tmp_path, images):
    name, data = next(iter(images.items()))
    (tmp_path / name).write_bytes(data)
    pq.write_table(pa.table({"image": [name]}), tmp_path / "a.parquet")
    assert read_all(SourceSection(kind="parquet", path=str(tmp_path / "a.parquet"))) == [data]


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"path": "/nowhere/*.png"}, "nothing of kind 'images' found at '/nowhere/\\*.png'"),
        ({"kind": "webdataset", "path": "{tmp}/not.tar"}, "is no readable uncompressed tar"),
        ({"kind": "parquet", "path": "{tmp}/not.parquet"}, "is no readable Parquet file"),
        ({"kind": "parquet", "path": "{tmp}/is.parquet", "column": "img"}, "has no column 'img'; it has image"),
    ],
)
def test_mistakes_name_the_field_and_the_remedy(tmp_path, section, message):
    (tmp_path / "not.tar").write_bytes(b"x" * 600)
    (tmp_path / "not.parquet").write_bytes(b"x" * 600)
    pq.write_table(pa.table({"image": ["a"]}), tmp_path / "is.parquet")
    section = {**section, "path": section["path"].replace("{tmp}", str(tmp_path))}
    with pytest.raises(RecipeError, match=message):
        list_uris(SourceSection(**section))


def test_a_cut_off_tar_is_a_clear_error(tmp_path):
    (tmp_path / "a.tar").write_bytes(b"x" * 100)
    with pytest.raises(ValueError, match="holds 100 of the 500 bytes at 0"):
        read_uri(f"tar:{tmp_path}/a.tar#0+500/a.png")
