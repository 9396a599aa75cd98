import io
import itertools
import json

import numpy as np
import PIL.Image
import pytest
from rich.console import Console

from evaluation.compare import Triple, compare, to_rich_table
from evaluation.exhibit import most_detailed
from evaluation.fidelity import psnr, ssim
from schemas.errors import DatasetError


def picture(seed, height=40, width=50):
    return np.random.default_rng(seed).integers(60, 190, (height, width, 3), dtype=np.uint8)


def off_by(image, amount):
    return (image.astype(np.int64) + amount).astype(np.uint8)


def triple(key, degradation="noise", before=20, after=10, clean=None):
    clean = picture(0) if clean is None else clean
    return Triple(key, f"s{key}", degradation, degradation, 0.5, off_by(clean, before), off_by(clean, after), clean)


def test_a_row_holds_the_fidelity_of_both_against_clean():
    one = triple("a")
    (row,) = compare([one]).rows
    assert row.psnr_degraded == psnr(one.degraded, one.clean)
    assert row.psnr_restored == psnr(one.restored, one.clean)
    assert row.ssim_degraded == ssim(one.degraded, one.clean)
    assert row.psnr_gain == pytest.approx(20 * np.log10(2))
    assert row.ssim_gain == row.ssim_restored - row.ssim_degraded


def test_both_means_are_stated_and_differ_when_degradations_are_uneven():
    result = compare([triple("a"), triple("b"), triple("c"), triple("d", "blur", before=10, after=20)])
    step = 20 * np.log10(2)
    assert {name: mean.n for name, mean in result.degradations.items()} == {"blur": 1, "noise": 3}
    assert result.degradations["blur"].psnr_gain == pytest.approx(-step)
    assert result.mean_over_images.n == 4
    assert result.mean_over_images.psnr_gain == pytest.approx(step / 2)
    assert result.mean_over_degradations.n == 2
    assert result.mean_over_degradations.psnr_gain == pytest.approx(0.0, abs=1e-9)


def test_examples_are_the_median_and_the_worst_gain_whatever_the_order():
    triples = [triple(key, after=after) for key, after in zip("abcde", (4, 8, 12, 16, 40), strict=True)]
    for order in itertools.islice(itertools.permutations(triples), 0, 120, 29):
        chosen = {example.choice: example.measured.sample_key for example in compare(order).examples}
        assert chosen == {"median gain": "c", "worst gain": "e"}
    three = {example.choice: example.measured.sample_key for example in compare(triples, examples=3).examples}
    assert three == {"median gain": "c", "worst gain": "e", "best gain": "a"}
    assert compare(triples, examples=0).examples == ()


def test_one_sample_is_shown_once_and_named_for_both_choices():
    (example,) = compare([triple("a")]).examples
    assert example.choice == "median gain, worst gain"


def test_equal_gains_go_by_sample_key():
    same = [triple(key) for key in "cab"]
    assert [example.measured.sample_key for example in compare(same).examples] == ["b", "a"]


def test_an_example_shows_one_region_of_all_three_at_its_true_size():
    clean = np.full((600, 800, 3), 128, np.uint8)
    clean[300:400, 500:640] = picture(3, 100, 140)
    (example,) = compare([triple("a", clean=clean)]).examples
    region = example.pictures.region
    assert (region.height, region.width) == (240, 240)
    assert region.top <= 300 and region.top + 240 >= 400 and region.left <= 500 and region.left + 240 >= 640
    for view in (example.pictures.degraded, example.pictures.restored, example.pictures.clean):
        assert PIL.Image.open(io.BytesIO(view.whole)).size == (480, 360)
        assert PIL.Image.open(io.BytesIO(view.detail)).size == (240, 240)


def test_the_region_shrinks_with_the_picture():
    assert (most_detailed(picture(0, 1, 1), 240).height, most_detailed(picture(0, 30, 400), 240).height) == (1, 30)


def test_the_summary_is_json_with_gains():
    summary = json.loads(json.dumps(compare([triple("a")]).summary()))
    assert set(summary) == {"per_degradation", "mean_over_images", "mean_over_degradations"}
    assert set(summary["per_degradation"]["noise"]) == {
        *("n", "psnr_degraded", "psnr_restored", "psnr_gain", "ssim_degraded", "ssim_restored", "ssim_gain")
    }


def test_the_terminal_table_names_both_means_and_signs_gains():
    console = Console(width=100, file=io.StringIO())
    console.print(to_rich_table(compare([triple("a"), triple("b", "blur", before=10, after=20)])))
    text = console.file.getvalue()
    assert "+6.02" in text and "-6.02" in text and "mean over images" in text and "mean over degradations" in text


def test_nothing_to_compare_is_an_error_with_a_remedy():
    with pytest.raises(DatasetError, match=r"plan\.heldout"):
        compare([])
