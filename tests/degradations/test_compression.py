"""Compression: codecs write what was drawn, generations keep the picture in place, the mixture is the specified one."""

from __future__ import annotations

import builtins
import io
from collections import Counter

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow

from degradations import codecs
from degradations.compression import Compression
from degradations.compression.coding import Jpeg, jpeg_quality
from degradations.compression.generation import Generation
from degradations.rng import generator
from degradations.scene import Scene
from degradations.video import intra_frame
from schemas.errors import TarnishError
from schemas.recipe.degradations import CompressionModes, CompressionSection
from tests.degradations.pictures import crops, mean_square_error, shift, smooth_crop

SCENE = Scene(1024, 1365)
MODES = list(CompressionModes.model_fields)
DRAWS = 4000


def only(mode):
    return Compression(CompressionSection(modes=CompressionModes(**{name: float(name == mode) for name in MODES})))


def draws(count=DRAWS):
    compression, rng = Compression(CompressionSection()), generator(2, "draws")
    return [compression.draw(rng, SCENE, (i + 0.5) / count) for i in range(count)]


# Codecs


@pytest.mark.parametrize("quality", [1, 5, 30, 49, 50, 75, 92, 100])
def test_tables_are_those_of_libjpeg(quality):
    encoded = cv2.imencode(".jpg", crops(1)[0], [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
    written = Pillow.open(io.BytesIO(encoded)).quantization
    luma, chroma = codecs.quality_tables(quality)
    assert tuple(written[0]) == luma
    assert tuple(written[1]) == chroma


@pytest.mark.parametrize("seed", range(6))
def test_a_jpeg_holds_the_drawn_tables_and_chroma(seed):
    coding = Jpeg.draw(generator(seed, "tables"), 0.1 + 0.15 * seed)
    encoded = codecs.encode_jpeg(crops(1)[0], coding.luma, coding.chroma, coding.subsampling)
    written = Pillow.open(io.BytesIO(encoded))
    assert tuple(written.quantization[0]) == coding.luma
    assert tuple(written.quantization[1]) == coding.chroma
    components = {component[1:3] for component in written.layer[:1]}
    assert components == {{"4:4:4": (1, 1), "4:2:2": (2, 1), "4:2:0": (2, 2)}[coding.subsampling]}


def test_jpeg_steps_are_the_drawn_ones():
    # With one coefficient table of 40 throughout, every decoded grey block has coefficients that are multiples of 40.
    image = np.ascontiguousarray(np.repeat(crops(1)[0][..., 1:2], 3, axis=2))
    decoded = codecs.decode(codecs.encode_jpeg(image, (40,) * 64, (40,) * 64, "4:4:4"))
    inside = 0
    for y in range(0, 192, 8):
        for x in range(0, 192, 8):
            block = decoded[y : y + 8, x : x + 8, 0]
            if block.min() > 0 and block.max() < 255:
                coefficients = cv2.dct(block.astype(np.float32) - 128.0) / 40.0
                assert np.abs(coefficients - np.rint(coefficients)).max() < 0.1
                inside += 1
    assert inside > 100


def test_palette_has_no_more_than_its_colours():
    for dither in (False, True):
        out = codecs.palette(crops(1)[0], 16, dither)
        assert len(np.unique(out.reshape(-1, 3), axis=0)) <= 16


@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_a_coarser_rate_factor_loses_more(codec):
    image = crops(1)[0]
    errors = [mean_square_error(intra_frame(image, codec, crf, "ultrafast"), image) for crf in (20, 30, 40)]
    assert errors == sorted(errors)
    assert errors[0] < 40.0


@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_video_keeps_mean_colour_and_any_size(codec):
    for size in ((1, 1), (5, 63), (67, 131)):
        image = np.ascontiguousarray(crops(1)[0][: size[0], : size[1]])
        out = intra_frame(image, codec, 24, "ultrafast")
        assert out.shape == image.shape
    image = crops(2)[1]
    out = intra_frame(image, codec, 24, "ultrafast")
    np.testing.assert_allclose(out.mean(axis=(0, 1)), image.mean(axis=(0, 1)), atol=0.6)


def test_video_without_pyav_says_what_to_install(monkeypatch):
    real_import = builtins.__import__

    def without_av(name, *args, **kwargs):
        if name == "av":
            raise ImportError("no module named av")
        return real_import(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_av)
    with pytest.raises(TarnishError, match=r"modes.video.*tarnish\[codecs\].*weight to 0"):
        intra_frame(crops(1)[0], "h264", 30, "ultrafast")


# Alignment


@pytest.mark.parametrize("mode", MODES)
def test_no_codec_shifts_the_picture(mode):
    # At the best quality: what a codec loses on a picture without detail looks like a small motion.
    image = smooth_crop(187, 191)
    compression = only(mode)
    for seed in range(4):
        params = compression.draw(generator(seed, mode), Scene(*image.shape[:2]), 0.0)
        codings = [generation.coding for generation in params.generations]
        out = image
        for coding in codings:
            out = coding.apply(out)
        assert shift(image, out) < 0.1


@pytest.mark.parametrize("interpolation", ["area", "linear", "cubic"])
@pytest.mark.parametrize("offset", [(0, 0), (3, 5), (7, 1)])
@pytest.mark.parametrize("factor", [0.47, 0.81, 1.6])
def test_resizes_and_grid_offsets_keep_the_picture_in_place(interpolation, offset, factor):
    image = smooth_crop(187, 191)
    jpeg = Jpeg.draw(generator(1), 0.1)
    generation = Generation(
        long_edge=round(191 * factor), interpolation=interpolation, unsharp=None, offset=offset, coding=jpeg
    )
    compression = only("jpeg")
    params = compression.draw(generator(0), SCENE, 0.0)
    for count in (1, 3):
        several = params.model_copy(update={"generations": (generation,) * count})
        out = compression.apply(image, several, Scene(187, 191))
        assert out.shape == image.shape
        assert shift(image, out) < 0.1


def test_a_grid_offset_moves_the_blocks():
    image = crops(2)[1]
    coarse = Jpeg(quality=5, luma=(255,) * 64, chroma=(255,) * 64, subsampling="4:4:4")
    for top, left in ((0, 0), (3, 6)):
        generation = Generation(long_edge=None, interpolation="area", unsharp=None, offset=(top, left), coding=coarse)
        luma = generation.apply(image).astype(np.float64).mean(axis=2)
        jumps = np.abs(np.diff(luma, axis=0)).mean(axis=1)
        assert np.argmax([jumps[k::8].mean() for k in range(8)]) == (8 - top - 1) % 8
        jumps = np.abs(np.diff(luma, axis=1)).mean(axis=0)
        assert np.argmax([jumps[k::8].mean() for k in range(8)]) == (8 - left - 1) % 8


# Mixture


def test_generations_and_steps_occur_as_specified():
    params = draws()
    counts = Counter(len(p.generations) for p in params)
    for number, share in {1: 0.35, 2: 0.35, 3: 0.2, 4: 0.1}.items():
        assert counts[number] / DRAWS == pytest.approx(share, abs=0.02)
    generations = [g for p in params for g in p.generations]
    assert np.mean([g.long_edge is not None for g in generations]) == pytest.approx(0.6, abs=0.02)
    assert np.mean([g.unsharp is not None for g in generations]) == pytest.approx(0.3, abs=0.02)
    assert np.mean([g.offset != (0, 0) for g in generations]) == pytest.approx(0.5 * 63 / 64, abs=0.02)
    assert all(0 <= value <= 7 for g in generations for value in g.offset)
    edges = {g.long_edge for g in generations} - {None}
    assert edges == {640, 720, 960, 1080, 1280, 1600, 2048}
    codings = Counter(g.coding.codec for g in generations)
    weights = CompressionModes().model_dump()
    for name, weight in weights.items():
        assert codings[name] / len(generations) == pytest.approx(weight / sum(weights.values()), abs=0.02)


def test_jpeg_qualities_and_chroma_occur_as_specified():
    # One generation a draw, so that severity, and with it quality, is not weighted by the number of generations.
    jpegs = [p.generations[0].coding for p in draws() if p.generations[0].coding.codec == "jpeg"]
    qualities = np.array([j.quality for j in jpegs])
    assert 5 <= qualities.min() <= qualities.max() <= 92
    assert np.mean(qualities < 30) == pytest.approx(0.35, abs=0.03)
    assert np.mean((qualities >= 30) & (qualities < 60)) == pytest.approx(0.4, abs=0.03)
    assert np.mean(qualities >= 60) == pytest.approx(0.25, abs=0.03)
    chroma = Counter(j.subsampling for j in jpegs)
    for name, share in {"4:2:0": 0.75, "4:2:2": 0.1, "4:4:4": 0.15}.items():
        assert chroma[name] / len(jpegs) == pytest.approx(share, abs=0.03)
    plain = [(j.luma, j.chroma) == codecs.quality_tables(j.quality) for j in jpegs]
    assert np.mean(plain) == pytest.approx(0.5, abs=0.03)
    assert all(1 <= v <= 255 for j in jpegs for v in (*j.luma, *j.chroma))


def test_jpeg_quality_falls_along_its_quantile():
    qualities = [jpeg_quality(q) for q in np.linspace(0, 1, 101)]
    assert qualities[0] == 92
    assert qualities[-1] == 5
    assert qualities == sorted(qualities, reverse=True)


def test_edges_scale_with_the_picture():
    params = [Compression(CompressionSection()).draw(generator(k), Scene(512, 700), 0.5) for k in range(100)]
    edges = {g.long_edge for p in params for g in p.generations} - {None}
    assert edges <= {320, 360, 480, 540, 640, 800, 1024}


@pytest.mark.parametrize("mode", ["jpeg", "webp", "video"])
def test_severity_raises_the_error(mode):
    compression, pictures, errors = only(mode), crops(3), []
    for severity in (0.0, 0.25, 0.5, 0.75, 1.0):
        one = []
        for seed in range(16):
            image = pictures[seed % 3]
            scene = Scene(*image.shape[:2])
            params = compression.draw(generator(seed, mode), scene, severity)
            one.append(mean_square_error(compression.apply(image, params, scene), image))
        errors.append(np.mean(one))
    assert np.all(np.diff(errors) > 0)
