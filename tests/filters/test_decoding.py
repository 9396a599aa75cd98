"""What decodes, to which pixels, and the exact reason of what does not."""

from __future__ import annotations

import io
import pickle
import tracemalloc
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageFile

from filters.decode_errors import DecodeError
from filters.decoding import decode
from tests.filters.files import (
    ADOBE_RGB,
    DISPLAY_P3,
    PNG_SIGNATURE,
    encode,
    matrix_profile,
    png,
    png_chunk,
    png_header,
    scene,
)

MAX_PIXELS = 10_000_000
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def reason(data, max_pixels=MAX_PIXELS):
    with pytest.raises(DecodeError) as caught:
        decode(data, max_pixels)
    return caught.value.reason


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_plain_pictures_keep_their_bytes(kind):
    data = encode(scene(), kind)
    decoded = decode(data, MAX_PIXELS)
    assert decoded.unchanged
    assert decoded.format == kind.lower()
    assert decoded.pixels.dtype == np.uint8 and decoded.pixels.shape == (60, 80, 3)
    assert np.array_equal(decoded.pixels, np.asarray(Image.open(io.BytesIO(data)).convert("RGB")))
    decoded.pixels[0, 0] = 0  # callers own the array


@pytest.mark.parametrize("kind", ["BMP", "TIFF", "PPM", "AVIF", "GIF", "JPEG2000"])
def test_other_formats_are_accepted_but_not_kept(kind):
    decoded = decode(encode(scene(), kind), MAX_PIXELS)
    assert not decoded.unchanged
    assert decoded.format == kind.lower()
    assert np.abs(decoded.pixels.astype(int) - scene()).mean() < 6


def test_one_pixel_is_a_picture():
    decoded = decode(encode(np.full((1, 1, 3), 77, np.uint8), "PNG"), MAX_PIXELS)
    assert decoded.pixels.tolist() == [[[77, 77, 77]]]


def test_empty_file():
    assert reason(b"") == "decode.empty"


def test_text_named_jpg():
    assert reason(b"this is a shopping list, whatever its name says\n" * 20) == "decode.not_an_image"


@pytest.mark.parametrize("options", [{}, {"progressive": True}])
@pytest.mark.parametrize("share", [0.02, 0.1, 0.5, 0.9, 0.999])
def test_truncated_jpeg(options, share):
    data = encode(scene(300, 400), "JPEG", **options)
    assert reason(data[: int(len(data) * share)]) == "decode.truncated"


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
@pytest.mark.parametrize("share", [0.02, 0.1, 0.5, 0.9, 0.999])
def test_truncated_png_and_webp(kind, share):
    noise = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    data = encode(noise, kind)
    assert reason(data[: max(20, int(len(data) * share))]) == "decode.truncated"


def test_damaged_png_is_not_taken_for_truncated():
    data = bytearray(encode(scene(), "PNG"))
    start = data.index(b"IDAT") + 10
    data[start : start + 200] = bytes(200)
    assert reason(bytes(data)) == "decode.unsupported"


@pytest.mark.parametrize(
    "data",
    [
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n",  # would start another program
        b"8BPS\0\1" + bytes(40),
        encode(Image.new("F", (8, 8)), "TIFF"),
    ],
)
def test_unsupported(data):
    assert reason(data) == "decode.unsupported"


@pytest.mark.parametrize("side", [4000, 12_000, 30_000, 2**31 - 1])
def test_a_header_of_too_many_pixels_decodes_and_allocates_nothing(side):
    data = png_header(side, side) + png_chunk(b"IDAT", b"x" * 64) + png_chunk(b"IEND", b"")
    decode(encode(scene(), "PNG"), MAX_PIXELS)
    tracemalloc.start()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert reason(data) == "decode.too_many_pixels"
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()


def test_the_recipe_decides_on_pixels_not_pillow():
    """Pillow warns from 89 million pixels on; a recipe may allow more, and no warning comes."""
    data = encode(Image.new("L", (30_000, 3_001)), "PNG")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert decode(data, 100_000_000).pixels.shape == (3_001, 30_000, 3)
    assert reason(data, 90_029_999) == "decode.too_many_pixels"


def test_the_limit_is_the_last_number_allowed():
    data = encode(scene(), "PNG")
    assert decode(data, 4800).pixels.shape == (60, 80, 3)
    assert reason(data, 4799) == "decode.too_many_pixels"


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_animated(kind):
    frames = [Image.fromarray(scene()), Image.fromarray(255 - scene())]
    data = encode(frames[0], kind, save_all=True, append_images=frames[1:], duration=100)
    assert reason(data) == "decode.animated"


def test_a_jpeg_with_a_second_picture_behind_it_is_its_first():
    data = encode(Image.fromarray(scene()), "MPO", save_all=True, append_images=[Image.fromarray(255 - scene())])
    decoded = decode(data, MAX_PIXELS)
    assert decoded.format == "jpeg" and not decoded.unchanged
    assert np.abs(decoded.pixels.astype(int) - scene()).mean() < 6


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_opaque_alpha_is_dropped_and_transparency_refused(kind):
    rgba = np.dstack([scene(), np.full((60, 80), 255, np.uint8)])
    decoded = decode(encode(rgba, kind, lossless=True), MAX_PIXELS)
    assert np.array_equal(decoded.pixels, scene())
    assert decoded.unchanged == (kind == "WEBP")  # WebP itself stores no channel that is opaque throughout
    rgba[10, 10, 3] = 254
    assert reason(encode(rgba, kind, lossless=True)) == "decode.transparent"


def test_grey_with_alpha():
    grey = scene()[..., 0]
    decoded = decode(png(np.dstack([grey, np.full_like(grey, 255)]), 8, 4), MAX_PIXELS)
    assert np.array_equal(decoded.pixels, np.repeat(grey[..., None], 3, axis=2))
    assert reason(png(np.dstack([grey, grey]), 8, 4)) == "decode.transparent"


def test_palette():
    palette = Image.fromarray(scene()).quantize(64)
    decoded = decode(encode(palette, "PNG"), MAX_PIXELS)
    assert not decoded.unchanged
    assert np.array_equal(decoded.pixels, np.asarray(palette.convert("RGB")))
    assert reason(encode(palette, "PNG", transparency=int(np.asarray(palette)[0, 0]))) == "decode.transparent"


def test_grey_and_bilevel():
    grey = scene()[..., 0]
    for data in (encode(grey, "PNG"), encode(grey, "JPEG", quality=100)):
        decoded = decode(data, MAX_PIXELS)
        assert not decoded.unchanged
        assert np.abs(decoded.pixels.astype(int) - grey[..., None]).max() <= 2
    bilevel = decode(encode(Image.fromarray(grey).convert("1"), "PNG"), MAX_PIXELS)
    assert set(np.unique(bilevel.pixels)) == {0, 255}


def test_sixteen_bits_are_rounded_not_cut():
    samples = np.random.default_rng(0).integers(0, 65536, (20, 30, 3), dtype=np.uint16)
    expected = np.round(samples / 65535 * 255).astype(np.uint8)
    decoded = decode(png(samples, 16, 2), MAX_PIXELS)
    assert not decoded.unchanged
    assert np.array_equal(decoded.pixels, expected)
    grey = decode(png(samples[..., 0], 16, 0), MAX_PIXELS)
    assert np.array_equal(grey.pixels, np.repeat(expected[..., :1], 3, axis=2))


def test_sixteen_bits_with_alpha():
    samples = np.random.default_rng(0).integers(0, 65536, (20, 30, 4), dtype=np.uint16)
    assert reason(png(samples, 16, 6)) == "decode.transparent"
    samples[..., 3] = 65535
    expected = np.round(samples[..., :3] / 65535 * 255).astype(np.uint8)
    assert np.array_equal(decode(png(samples, 16, 6), MAX_PIXELS).pixels, expected)


def test_cmyk_jpeg():
    solid = Image.new("CMYK", (32, 32), (0, 255, 255, 0))
    decoded = decode(encode(solid, "JPEG", quality=95), MAX_PIXELS)
    assert not decoded.unchanged
    assert np.abs(decoded.pixels.astype(int) - [255, 0, 0]).max() <= 3


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "WEBP", "JPEG"])
def test_every_exif_orientation_ends_upright(orientation, kind):
    stored = {
        1: scene(),
        2: scene()[:, ::-1],
        3: scene()[::-1, ::-1],
        4: scene()[::-1],
        5: scene().transpose(1, 0, 2),
        6: np.rot90(scene(), 1),
        7: np.rot90(scene(), 2).transpose(1, 0, 2),
        8: np.rot90(scene(), -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"quality": 95} if kind == "JPEG" else {"lossless": True}
    decoded = decode(encode(np.ascontiguousarray(stored), kind, exif=exif, **options), MAX_PIXELS)
    assert decoded.unchanged == (orientation == 1)
    assert decoded.pixels.shape == (60, 80, 3)
    assert np.abs(decoded.pixels.astype(int) - scene()).mean() < (3 if kind == "JPEG" else 1e-9)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
@pytest.mark.parametrize("block", [b"garbage that is no TIFF", b"II*\0\x08\0\0\0\x05\0", b"MM\0*" + b"\xff" * 30])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_unreadable_exif_counts_as_none(kind, block):
    plain = decode(encode(scene(), kind), MAX_PIXELS)
    decoded = decode(encode(scene(), kind, exif=b"Exif\0\0" + block), MAX_PIXELS)
    assert decoded.unchanged
    assert np.array_equal(decoded.pixels, plain.pixels)


def test_an_srgb_profile_changes_nothing():
    decoded = decode(encode(scene(), "PNG", icc_profile=SRGB), MAX_PIXELS)
    assert decoded.unchanged
    assert np.array_equal(decoded.pixels, scene())


@pytest.mark.parametrize(("primaries", "gamma"), [(DISPLAY_P3, 2.2), (ADOBE_RGB, 563 / 256)])
@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_wide_gamut_colours_are_converted(primaries, gamma, kind):
    """A colour inside sRGB: the converted code is what the two colour spaces' definitions give, to rounding."""
    stored = np.full((16, 16, 3), (180, 120, 90), np.uint8)
    data = encode(stored, kind, icc_profile=matrix_profile(primaries, gamma), lossless=True)
    decoded = decode(data, MAX_PIXELS)
    assert not decoded.unchanged
    assert np.abs(decoded.pixels[8, 8].astype(int) - srgb_of(stored[8, 8], primaries, gamma)).max() <= 1
    assert np.abs(decoded.pixels[8, 8].astype(int) - stored[8, 8]).max() >= 5


def srgb_of(codes, primaries, gamma):
    from tests.filters.files import SRGB_PRIMARIES

    white = np.array([0.9504559, 1.0, 1.0890578])

    def to_xyz(points):
        columns = np.array([[x / y, 1.0, (1 - x - y) / y] for x, y in points]).T
        return columns * np.linalg.solve(columns, white)

    linear = np.linalg.solve(to_xyz(SRGB_PRIMARIES), to_xyz(primaries) @ (codes / 255.0) ** gamma)
    return np.round(255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_profile_that_cannot_be_read(kind):
    assert reason(encode(scene(), kind, icc_profile=b"no profile at all" * 20)) == "decode.bad_profile"
    assert reason(encode(scene(), kind, icc_profile=SRGB[:200])) == "decode.bad_profile"


def test_a_profile_block_that_cannot_be_unpacked():
    broken = png_chunk(b"iCCP", b"name\0\0this is not deflated")
    assert reason(png(scene(), 8, 2, broken)) == "decode.bad_profile"


def test_a_profile_for_other_channels():
    assert reason(encode(Image.new("CMYK", (8, 8)), "JPEG", icc_profile=SRGB)) == "decode.bad_profile"
    assert np.array_equal(  # an RGB profile on grey is common and means r = g = b
        decode(encode(scene()[..., 0], "PNG", icc_profile=SRGB), MAX_PIXELS).pixels[..., 1], scene()[..., 0]
    )


def test_shipped_photographs(photo_paths):
    kept = {path.name: decode(path.read_bytes(), MAX_PIXELS).unchanged for path in photo_paths}
    assert not kept.pop("camera.png")  # grey
    assert not kept.pop("rocket.jpg")  # Adobe RGB
    assert all(kept.values())


def test_threads_do_not_disturb_each_other_and_pillow_keeps_its_settings(photo_paths):
    before = (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, list(warnings.filters))
    blobs = [path.read_bytes() for path in photo_paths] + [b"no picture", PNG_SIGNATURE]

    def attempt(data):
        try:
            return decode(data, MAX_PIXELS).pixels.tobytes()
        except DecodeError as error:
            return error.reason

    alone = [attempt(data) for data in blobs]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(attempt, blobs * 3)) == alone * 3
    assert (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, list(warnings.filters)) == before


def test_an_error_crosses_process_walls():
    error = pickle.loads(pickle.dumps(DecodeError("decode.empty", "no bytes")))
    assert (error.reason, error.message, str(error)) == ("decode.empty", "no bytes", "decode.empty: no bytes")
