"""Every input is exactly one ledger row, whatever is in the file; the run goes on."""

import contextlib
import io
import os
import struct
import tempfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from pipeline.dataset import Dataset
from pipeline.engines.local import LocalEngine
from pipeline.replay import find_row
from pipeline.synthesize import prepare, run_units
from pipeline.work import extend
from schemas.recipe import parse_recipe
from schemas.recipe.policy import PolicySection
from tests.pipeline.runs import QUICK, ledger, members, only, synthesize


def png_header(width, height):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(b"\0"))
        + chunk(b"IEND", b"")
    )


def encoded(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def wide_gamut_profile():
    """A matrix profile with Adobe RGB's primaries: sRGB's own profile with other colourants."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    colourants = {b"rXYZ": (0.60974, 0.31111, 0.01947), b"gXYZ": (0.20528, 0.62567, 0.06087),
                  b"bXYZ": (0.14919, 0.06322, 0.74457)}  # fmt: skip
    for number in range(struct.unpack(">I", profile[128:132])[0]):
        tag, offset, _ = struct.unpack(">4sII", profile[132 + 12 * number : 144 + 12 * number])
        if tag in colourants:
            values = [round(value * 65536) for value in colourants[tag]]
            profile[offset + 8 : offset + 20] = struct.pack(">iii", *values)
    return bytes(profile)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory, small_photos):
    folder = tmp_path_factory.mktemp("bad")
    photos = [Image.open(path).convert("RGB") for path in sorted(small_photos.iterdir())]
    png, jpeg = encoded(photos[0], "PNG"), encoded(photos[1], "JPEG", quality=90)
    exif = Image.Exif()
    exif[0x0112] = 6
    translucent = photos[2].copy()
    translucent.putalpha(Image.linear_gradient("L").resize(translucent.size))
    opaque = photos[3].copy()
    opaque.putalpha(255)
    deep = np.asarray(photos[4].convert("L"), dtype=np.uint16) * 257
    contents = {
        "empty.jpg": b"",
        "truncated.jpg": jpeg[: len(jpeg) // 2],
        "truncated.png": png[: len(png) // 2],
        "text.jpg": b"this is no picture\n" * 20,
        "deep.png": encoded(Image.fromarray(deep), "PNG"),
        "cmyk.jpg": encoded(photos[5].convert("CMYK"), "JPEG", quality=92),
        "palette.png": encoded(photos[6].quantize(256), "PNG"),
        "translucent.png": encoded(translucent, "PNG"),
        "opaque.png": encoded(opaque, "PNG"),
        "animated.gif": encoded(photos[0], "GIF", save_all=True, append_images=[photos[1]]),
        "rotated.jpg": encoded(photos[7].crop((0, 0, 288, 260)), "JPEG", quality=95, exif=exif),
        "wide.jpg": encoded(photos[1].rotate(90), "JPEG", quality=95, icc_profile=wide_gamut_profile()),
        "dot.png": encoded(Image.new("RGB", (1, 1), "red"), "PNG"),
        "huge.png": png_header(30000, 30000),
        "good.png": png,
        "same.png": png,
    }
    for name, data in contents.items():
        (folder / name).write_bytes(data)
    (folder / "gone.png").symlink_to(folder / "nowhere.png")
    recipe = parse_recipe(
        {
            "filters": QUICK,
            "seed": 2,
            "sources": [{"path": str(folder)}],
            "plan": {"unit_size": 3, "embedding": {"provider": "none"}},
            "degradations": only("noise"),
            # A crop of 288 pixels of a rocket's tower repeats as a watermark does.
            "policy": {"rules": [rule for rule in PolicySection().rules if rule.score != "source.watermark"]},
        }
    )
    return contents, synthesize(recipe, tmp_path_factory.mktemp("out") / "dataset")


def row_of(dataset, name):
    rows = [row for row in ledger(dataset) if row.uri.endswith(f"/{name}")]
    assert len(rows) == 1, name
    return rows[0]


def test_every_input_is_one_row(dataset):
    contents, made = dataset
    rows = ledger(made)
    assert sorted(row.uri.rsplit("/", 1)[1] for row in rows) == sorted([*contents, "gone.png"])
    assert len({row.sample_key for row in rows}) == len(rows)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("empty.jpg", "decode.empty"),
        ("truncated.jpg", "decode.truncated"),
        ("truncated.png", "decode.truncated"),
        ("text.jpg", "decode.not_an_image"),
        ("translucent.png", "decode.transparent"),
        ("animated.gif", "decode.animated"),
        ("huge.png", "decode.too_many_pixels"),
        ("dot.png", "source.short_side.low"),
    ],
)
def test_rejected_with_the_exact_reason(dataset, name, reason):
    row = row_of(dataset[1], name)
    assert (row.verdict, row.reason) == ("rejected", reason)


def test_one_of_two_equal_files_is_the_duplicate(dataset):
    rows = [row_of(dataset[1], name) for name in ("good.png", "same.png")]
    assert sorted(row.reason for row in rows) == ["", "duplicate.exact"]


def test_a_dangling_link_fails_with_the_error(dataset):
    row = row_of(dataset[1], "gone.png")
    assert (row.verdict, row.reason) == ("failed", "failed.read")
    assert row.error.startswith("FileNotFoundError")


@contextlib.contextmanager
def as_nobody():
    """Without the rights of root, which may read everything."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_file_that_may_not_be_read_fails_with_the_error(small_photos):
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        photos = Path(folder) / "photos"
        photos.mkdir()
        for path in list(small_photos.iterdir())[:2]:
            (photos / path.name).write_bytes(path.read_bytes())
        secret = photos / "secret.png"
        secret.write_bytes(b"x")
        secret.chmod(0)
        recipe = parse_recipe({"sources": [{"path": str(photos)}], "filters": QUICK})
        made = Dataset.create(Path(folder) / "dataset", recipe)
        with as_nobody():
            work = prepare(made, recipe, LocalEngine())
        extend(made, work)
        list(run_units(made.root, recipe, work, LocalEngine()))
        assert len(ledger(made)) == 3
        row = row_of(made, "secret.png")
        assert (row.verdict, row.reason) == ("failed", "failed.read")
        assert row.error.startswith("PermissionError")


@pytest.mark.parametrize("name", ["deep.png", "cmyk.jpg", "palette.png", "opaque.png", "rotated.jpg", "wide.jpg"])
def test_odd_encodings_become_upright_srgb(dataset, name):
    _, made = dataset
    row = row_of(made, name)
    assert row.verdict == "accepted", row.reasons
    stored = members(made)
    clean = Image.open(io.BytesIO(stored[f"{row.sample_key}.gt.png"]))
    degraded = Image.open(io.BytesIO(stored[f"{row.sample_key}.lq.png"]))
    expected = (260, 288) if name == "rotated.jpg" else (288, 288)
    assert clean.size == degraded.size == expected
    assert clean.mode == degraded.mode == "RGB"


def test_a_clean_target_keeps_its_bytes_when_nothing_had_to_change(dataset):
    contents, made = dataset
    kept = next(row for row in ledger(made) if row.uri.endswith(("good.png", "same.png")) and not row.reason)
    assert members(made)[f"{kept.sample_key}.gt.png"] == contents["good.png"]


def test_wide_gamut_colour_is_converted_not_relabelled(dataset):
    contents, made = dataset
    row = row_of(made, "wide.jpg")
    clean = np.asarray(Image.open(io.BytesIO(members(made)[f"{row.sample_key}.gt.png"])), dtype=float)
    raw = np.asarray(Image.open(io.BytesIO(contents["wide.jpg"])).convert("RGB"), dtype=float)
    assert np.ptp(clean, axis=2).mean() > np.ptp(raw, axis=2).mean() * 1.05


def test_an_unreadable_cell_of_the_sources_is_found_in_the_ledger(dataset):
    row = row_of(dataset[1], "huge.png")
    assert find_row(dataset[1], row.sample_key) == row
    assert "30000" in row.error


def test_a_file_that_changes_after_planning_fails(tmp_path, small_photos):
    photo = tmp_path / "photo.png"
    paths = sorted(small_photos.glob("*.png"))
    photo.write_bytes(paths[0].read_bytes())
    recipe = parse_recipe({"sources": [{"path": str(photo)}], "filters": QUICK})
    made = Dataset.create(tmp_path / "dataset", recipe)
    work = prepare(made, recipe, LocalEngine())
    extend(made, work)
    photo.write_bytes(paths[1].read_bytes())
    list(run_units(made.root, recipe, work, LocalEngine()))
    (row,) = ledger(made)
    assert (row.verdict, row.reason) == ("failed", "failed.read")
    assert "the bytes changed since the plan was made" in row.error
