"""Pictures of any size through an editor, and photographs that keep what their owner gave them."""

import io
import struct
from itertools import pairwise

import numpy as np
import pytest
import torch
from diffusers import AutoencoderTiny
from PIL import ExifTags, Image, ImageCms, ImageOps
from typer.testing import CliRunner

from filters.decode_errors import DecodeError
from jobs.cli import app
from schemas.errors import RecipeError
from schemas.recipe.training import DataSection, ObjectiveSection, TinySection, TrainingSection
from tests.filters.files import ADOBE_RGB, DISPLAY_P3, matrix_profile, png
from training.editors.base import EditorConfig
from training.editors.folder import export_editor
from training.editors.tiny import LatentEditor, PixelEditor
from training.restore import restore_image
from training.restoring.photograph import Photograph
from training.restoring.sizes import Passage
from training.restoring.targets import targets

PROMPT = "Please dehaze the image."


def small(crop=32, form="noise_free", fit="crop"):
    """An editor whose last layer is zero: with `noise_free` it changes nothing."""
    section = TinySection(heads=1, head_dim=32, double_blocks=1, single_blocks=1, features=8, words=64)
    training = TrainingSection(
        editor=section,
        objective=ObjectiveSection(form=form),
        crop=crop,
        data=DataSection(fit=fit),
        stages={"only": {"microbatch": 1, "batch_size": 1}},
        validation={"steps": 2},
    )
    torch.manual_seed(0)
    return PixelEditor(EditorConfig.of(training)).requires_grad_(False).eval()


def noise_image(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def scene(height=60, width=80):
    """Smooth colours, each part different, so that no turn of it is itself."""
    down, across = np.mgrid[0:height, 0:width]
    return np.stack([down * 3, across * 3, (down + across) * 2 % 256], axis=-1).clip(0, 255).astype(np.uint8)


def encoded(image, kind, **options):
    file = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(file, kind, **options)
    return file.getvalue()


# Sizes


@pytest.mark.parametrize("fit", ["crop", "square"])
@pytest.mark.parametrize("rule", [None, "fit", "tile", "keep"])
def test_a_constant_picture_stays_constant_at_any_size(fit, rule):
    editor = small(fit=fit)
    for height, width in ((1, 1), (7, 50), (33, 31), (90, 101)):
        image = np.full((height, width, 3), (30, 120, 200), np.uint8)
        assert np.array_equal(restore_image(editor, image, PROMPT, size=rule), image)


@pytest.mark.parametrize("rule", ["tile", "keep"])
def test_an_editor_that_changes_nothing_gives_the_picture_back_without_seams(rule):
    image = noise_image(77, 101)
    assert np.array_equal(restore_image(small(), image, PROMPT, size=rule), image)


def test_tiles_overlap_cover_the_picture_and_begin_at_multiples():
    editor = small(crop=96)
    for length in (1, 95, 96, 97, 150, 500, 1001):
        passage = Passage.of(editor, length, 200)
        tops = sorted({place.top for place in passage.places})
        assert tops[0] == 0 and tops[-1] + 96 == passage.padded.height >= length
        assert all(top % editor.multiple == 0 for top in tops)
        assert all(there - here <= 72 + editor.multiple for here, there in pairwise(tops))


def test_an_editor_of_whole_pictures_gets_them_at_its_own_area_and_says_what_is_lost():
    editor = small(crop=64, fit="bucket")
    passage = Passage.of(editor, 600, 1200)
    assert passage.rule == "fit" and passage.piece == (48, 88) and len(passage.places) == 1
    assert "at 88×48 and back" in passage.told(600, 1200) and "detail is lost: it is 13.1 times" in passage.told(
        600, 1200
    )
    assert Passage.of(editor, 64, 64).told(64, 64) == "at its own size"
    assert "lost" not in Passage.of(editor, 30, 30).told(30, 30)
    assert "tiles of 64×64" in Passage.of(editor, 600, 1200, "tile").told(600, 1200)
    assert Passage.of(editor, 50, 70, "keep").padded == (56, 72)


def test_seed_steps_and_guidance_reach_the_sampler_and_steps_are_reported():
    editor = small(form="noise")
    torch.nn.init.normal_(editor.out[0].weight, std=0.1)
    image, told = noise_image(40, 70), []
    one = restore_image(editor, image, PROMPT, steps=3, report=lambda *step: told.append(step))
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert np.array_equal(one, restore_image(editor, image, PROMPT, steps=3))
    assert not np.array_equal(one, restore_image(editor, image, PROMPT, steps=3, seed=1))
    assert not np.array_equal(one, restore_image(editor, image, PROMPT, steps=3, guidance=3.0))
    assert not np.array_equal(one, restore_image(editor, image, PROMPT))


def test_tiles_start_from_one_field_of_noise():
    editor = small(crop=32, form="noise")  # velocity 0: what comes out is the noise, blended where tiles overlap
    image = noise_image(32, 80)
    tiled = restore_image(editor, image, PROMPT, size="tile")
    assert np.array_equal(tiled, restore_image(editor, image, PROMPT, size="keep"))


@pytest.mark.parametrize("rule", ["fit", "tile", "keep"])
def test_an_editor_on_latents_takes_any_size_and_its_tiles_begin_at_latent_cells(tmp_path, rule):
    sizes = {"encoder_block_out_channels": (8,) * 4, "decoder_block_out_channels": (8,) * 4}
    blocks = {"num_encoder_blocks": (1,) * 4, "num_decoder_blocks": (1,) * 4}
    AutoencoderTiny(latent_channels=16, **sizes, **blocks).save_pretrained(tmp_path)
    section = TinySection(latents=str(tmp_path), heads=1, double_blocks=1, single_blocks=1, words=16)
    config = EditorConfig(editor=section, objective=ObjectiveSection(form="noise"), crop=40, steps=1)
    editor = LatentEditor(config).requires_grad_(False).eval()
    for height, width in ((1, 1), (50, 90)):
        image = noise_image(height, width)
        passage = Passage.of(editor, height, width, rule)
        assert all(side % 16 == 0 for side in (*passage.piece, *passage.padded, *(sum(passage.places, ()))))
        assert restore_image(editor, image, PROMPT, size=rule).shape == image.shape


# Files


def wide(image, primaries, gamma=2.2):
    return encoded(image, "PNG", icc_profile=matrix_profile(primaries, gamma))


@pytest.mark.parametrize("primaries", [DISPLAY_P3, ADOBE_RGB])
def test_a_wide_gamut_photograph_that_is_not_changed_keeps_its_samples_and_profile(primaries):
    own = noise_image(40, 50)
    photograph = Photograph.read(wide(own, primaries), 10**6)
    again = Image.open(io.BytesIO(photograph.written(photograph.pixels, "png", 95)))
    assert np.array_equal(np.asarray(again), own)
    assert again.info["icc_profile"] == matrix_profile(primaries, 2.2)


@pytest.mark.parametrize("primaries", [DISPLAY_P3, ADOBE_RGB])
def test_restored_colours_are_written_in_the_photographs_own_space(primaries):
    own = np.full((8, 8, 3), (120, 110, 100), np.uint8)
    photograph = Photograph.read(wide(own, primaries), 10**6)
    restored = np.full_like(own, (180, 90, 60))
    again = Photograph.read(photograph.written(restored, "png", 95), 10**6)
    assert np.abs(again.pixels.astype(int) - restored).max() <= 2


def test_an_srgb_profile_is_kept_and_converts_nothing():
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    photograph = Photograph.read(encoded(scene(), "PNG", icc_profile=srgb), 10**6)
    again = Image.open(io.BytesIO(photograph.written(photograph.pixels, "png", 95)))
    assert np.array_equal(np.asarray(again), scene()) and again.info["icc_profile"] == srgb


def tagged(orientation, kind):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    exif[ExifTags.Base.Make] = "Maker"
    return encoded(scene(), kind, exif=exif.tobytes(), **({"lossless": True} if kind == "WEBP" else {"quality": 98}))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(("kind", "written"), [("JPEG", "jpeg"), ("PNG", "png"), ("JPEG", "png"), ("WEBP", "webp")])
def test_every_orientation_shows_the_same_before_and_after(orientation, kind, written):
    data = tagged(orientation, kind)
    photograph = Photograph.read(data, 10**6)
    before, after = (
        Image.open(io.BytesIO(each)) for each in (data, photograph.written(photograph.pixels, written, 98))
    )
    same = kind.lower() == written
    assert after.getexif()[ExifTags.Base.Orientation] == (orientation if same else 1)
    assert after.getexif()[ExifTags.Base.Make] == "Maker"
    assert not same or after.size == before.size
    shown = [np.asarray(ImageOps.exif_transpose(each).convert("RGB")).astype(int) for each in (before, after)]
    assert shown[0].shape == shown[1].shape and np.abs(shown[0] - shown[1]).mean() < 2.0


def exif_with_thumbnail(thumbnail):
    """An EXIF block of two directories: the maker's name, and a thumbnail."""
    first = struct.pack("<H HHII I", 1, ExifTags.Base.Make, 2, 6, 26, 32) + b"Maker\0"
    second = struct.pack("<H HHII HHII HHII I", 3, 259, 3, 1, 6, 513, 4, 1, 74, 514, 4, 1, len(thumbnail), 0)
    return b"Exif\0\0II*\0" + struct.pack("<I", 8) + first + second + thumbnail


def test_the_thumbnail_of_the_damaged_picture_is_left_out():
    thumbnail = encoded(np.zeros((16, 16, 3), np.uint8), "JPEG")
    data = encoded(scene(), "JPEG", exif=exif_with_thumbnail(thumbnail))
    assert Image.open(io.BytesIO(data)).getexif().get_ifd(ExifTags.IFD.IFD1)
    photograph = Photograph.read(data, 10**6)
    written = photograph.written(photograph.pixels, "jpeg", 95)
    again = Image.open(io.BytesIO(written)).getexif()
    assert thumbnail not in written and not again.get_ifd(ExifTags.IFD.IFD1)
    assert again[ExifTags.Base.Make] == "Maker"


def test_deep_grey_cmyk_and_transparent_files():
    deep = png(scene().astype(np.uint16) * 257, 16, 2)
    photograph = Photograph.read(deep, 10**6)
    assert photograph.changed == ("16 bits a sample written as 8",) and np.array_equal(photograph.pixels, scene())
    grey = Photograph.read(encoded(scene()[..., 0], "PNG"), 10**6)
    assert np.array_equal(grey.pixels[..., 1], scene()[..., 0])
    assert Photograph.read(encoded(Image.fromarray(scene()).convert("CMYK"), "JPEG"), 10**6).profile is None
    clear = np.dstack([scene(), np.full(scene().shape[:2], 9, np.uint8)])
    with pytest.raises(DecodeError, match=r"decode\.transparent"):
        Photograph.read(encoded(clear, "PNG"), 10**6)


def test_names_of_restored_files(tmp_path):
    sources = [tmp_path / "a" / "x.jpg", tmp_path / "b" / "x.JPG", tmp_path / "out" / "a" / "x.jpg", tmp_path / "y.tif"]

    def names(wanted):
        return [
            (str(each.path.relative_to(tmp_path / "out")), each.kind)
            for each in targets(sources, tmp_path / "out", wanted)
        ]

    assert names("png") == [("a/x.jpg.png", "png"), ("b/x.JPG.png", "png"), ("y.tif.png", "png")]
    assert names("source") == [("a/x.jpg", "jpeg"), ("b/x.JPG", "jpeg"), ("y.tif.png", "png")]
    with pytest.raises(RecipeError, match="both go to"):
        targets([tmp_path / "x.tif", tmp_path / "x.tif.png"], tmp_path / "out", "png")
    with pytest.raises(RecipeError, match="name another folder"):
        targets([tmp_path / "x.jpg"], tmp_path, "source")


# The command


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run") / "editor"
    editor = small()
    export_editor(folder, editor, editor.config, dict(editor.named_parameters()))
    return folder


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    (folder / "inner").mkdir(parents=True)
    (folder / "one.jpg").write_bytes(tagged(6, "JPEG"))
    (folder / "inner" / "one.jpg").write_bytes(tagged(1, "JPEG"))
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    return folder


def run(*arguments):
    return CliRunner().invoke(app, ["restore", *map(str, arguments)], terminal_width=200)


def test_a_folder_is_restored_and_a_second_run_makes_only_what_is_missing(exported, photos, tmp_path):
    out = tmp_path / "out"
    first = run(exported, photos, "--out", out, "--format", "source")
    assert first.exit_code == 0 and "passed over" in first.output and "broken.png" in first.output
    assert sorted(str(path.relative_to(out)) for path in out.rglob("*.*")) == ["inner/one.jpg", "one.jpg"]
    assert "80×60" in first.output and "60×80" in first.output and "tiles of 32×32, 2 steps" in first.output
    (out / "one.jpg").write_bytes(b"mine")
    (out / "inner" / "one.jpg").unlink()
    second = run(exported, photos, "--out", out, "--format", "source")
    assert "1 there already" in second.output and (out / "one.jpg").read_bytes() == b"mine"
    assert (out / "inner" / "one.jpg").exists()
    run(exported, photos, "--out", out, "--format", "source", "--overwrite")
    assert (out / "one.jpg").read_bytes() != b"mine"


def test_what_the_command_refuses(exported, photos, tmp_path):
    out = ("--out", tmp_path / "out")
    assert "name another folder" in run(exported, photos, "--out", photos).output
    assert "--device: 'tpux' is unknown" in run(exported, photos, *out, "--device", "tpux").output
    assert "no pretrained weights" in run("recipes/demo.yaml", photos, *out).output
    nothing = run(exported, photos / "broken.png", *out)
    assert nothing.exit_code == 1 and "passed over" in nothing.output
