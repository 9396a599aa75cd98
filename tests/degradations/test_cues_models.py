"""Depth and segments by models: small ones with random weights, loaded as the real ones are."""

import json
import pickle
import shutil
from importlib import util

import cv2
import numpy as np
import pytest

from degradations.cues.cache import DepthCache, MaskCache
from degradations.cues.cues import Cues, Wanted, check_cues, for_trace
from degradations.cues.dpt import DptDepth
from degradations.cues.inference import full_batches
from degradations.cues.sam2_masks import Sam2Masks, model_files, paint
from degradations.scene import DepthCue, MaskCue
from schemas.errors import RecipeError
from schemas.recipe.cues import CuesSection, MasksSection
from schemas.trace import Cue
from tests.degradations.pictures import crops
from tests.degradations.test_cues import landscape
from tests.tiny_models import write_depth_anything, write_dpt, write_sam2

BOTH = frozenset({"depth", "masks"})


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A folder with dpt/, depth_anything/, metric/ and sam2/tiny.yaml, .pt."""
    root = tmp_path_factory.mktemp("models")
    write_dpt(root / "dpt")
    write_depth_anything(root / "depth_anything")
    write_depth_anything(root / "metric", "metric")
    write_sam2(root / "sam2")
    return root


def sam2_section(models, **fields) -> MasksSection:
    settings = {"points_per_side": 2, "predicted_iou": 0.0, "stability": 0.0, **fields}
    paths = {"checkpoint": str(models / "sam2/tiny.pt"), "config": str(models / "sam2/tiny.yaml")}
    return MasksSection.model_validate({"provider": "sam2", **paths, **settings})


def section_of(models, cache="", **parts) -> CuesSection:
    depth = {"provider": "dpt", "model": str(models / "dpt")}
    return CuesSection.model_validate({"depth": depth, "device": "cpu", "cache": str(cache), **parts})


PICTURES = [(90, 60), (1, 1), (4, 700), (60, 90), (3, 2), (90, 60)]


def pictures() -> list[np.ndarray]:
    whole = cv2.resize(crops(1)[0], (700, 192))
    return [crops(1)[0], *(np.ascontiguousarray(whole[:h, :w]) for h, w in PICTURES)]


@pytest.mark.parametrize("name", ["dpt", "depth_anything", "metric"])
@pytest.mark.parametrize("batch", [1, 4])
def test_depth_in_batches_equals_depth_one_by_one(models, name, batch):
    provider = DptDepth(str(models / name), "cpu", batch)
    images = pictures()
    for image, cue in zip(images, provider.estimate(images), strict=True):
        [alone] = provider.estimate([image])
        assert np.array_equal(cue.disparity, alone.disparity) and np.array_equal(cue.sky, alone.sky)
        assert cue.disparity.shape == cue.sky.shape == image.shape[:2]
        for plane in (cue.disparity, cue.sky):
            assert plane.dtype == np.float32 and 0.0 <= plane.min() <= plane.max() <= 1.0


@pytest.mark.parametrize(("name", "sign"), [("dpt", 1), ("depth_anything", 1), ("metric", -1)])
def test_disparity_rises_with_the_inverse_depth_of_the_network_and_falls_with_its_metres(models, name, sign):
    import torch
    from transformers import AutoImageProcessor, AutoModelForDepthEstimation

    image = crops(2)[1]
    network = AutoModelForDepthEstimation.from_pretrained(models / name)
    pixels = AutoImageProcessor.from_pretrained(models / name)(images=image, return_tensors="pt")
    with torch.no_grad():
        output = network(**pixels).predicted_depth[0].numpy()
    cue = DptDepth(str(models / name), "cpu").estimate([image])[0]
    assert cue.disparity.max() == 1.0 and cue.disparity.min() == 0.0
    assert cue.sky.max() == 0.0
    seen = cv2.resize(output, cue.disparity.shape[::-1])
    order = np.corrcoef(seen.ravel().argsort().argsort(), cue.disparity.ravel().argsort().argsort())[0, 1]
    assert sign * order > 0.95


def test_sky_is_what_looks_like_sky_and_is_far(models):
    """The network's word decides between a sky and a wall painted like one."""
    provider = DptDepth(str(models / "dpt"), "cpu")
    rows = np.linspace(0.0, 1.0, 64, dtype=np.float32)[:, None] * np.ones((1, 64), np.float32)
    far_above = provider._cue(landscape(), rows)
    assert far_above.sky[:50].mean() > 0.95 and far_above.disparity[:50].max() < 0.05
    assert provider._cue(landscape(), rows[::-1].copy()).sky.max() < 0.05


@pytest.mark.parametrize("batch", [1, 3])
def test_segments_in_batches_equal_segments_one_by_one(models, batch):
    provider = Sam2Masks(sam2_section(models), "cpu", batch)
    images = pictures()[:4]
    cues = provider.segment(images, [None] * 4)
    assert cues[0].labels.max() >= 1
    for image, cue in list(zip(images, cues, strict=True))[:2]:
        assert np.array_equal(provider.segment([image], [None])[0].labels, cue.labels)
    for image, cue in zip(images, cues, strict=True):
        assert cue.labels.dtype == np.int32 and cue.labels.shape == image.shape[:2]
        assert np.array_equal(np.unique(cue.labels), np.arange(cue.labels.max() + 1))


def test_segments_are_those_of_the_librarys_own_mask_generator(models):
    import torch
    from hydra.utils import instantiate
    from omegaconf import OmegaConf
    from sam2.automatic_mask_generator import SAM2AutomaticMaskGenerator

    network = instantiate(OmegaConf.load(models / "sam2/tiny.yaml").model, _recursive_=True)
    network.load_state_dict(torch.load(models / "sam2/tiny.pt", weights_only=True)["model"])
    generator = SAM2AutomaticMaskGenerator(
        network.eval(), points_per_side=2, pred_iou_thresh=0.0, stability_score_thresh=0.0
    )
    image = crops(1)[0]
    masks = [found["segmentation"] for found in generator.generate(image)]
    ours = Sam2Masks(sam2_section(models), "cpu", 3).segment([crops(2)[1], image], [None, None])[1].labels
    assert (ours == paint(masks, (192, 192))).mean() > 0.999


def test_every_architecture_that_sam2_ships_is_taken_by_its_name(models):
    names = [f"{release}_hiera_{size}" for release in ("sam2", "sam2.1") for size in ("t", "s", "b+", "l")]
    for name in names:
        path, _ = model_files(sam2_section(models).model_copy(update={"config": name}))
        assert path.stem == name


def test_without_a_mask_that_is_sure_enough_the_picture_is_one_segment(models):
    provider = Sam2Masks(sam2_section(models, predicted_iou=1.0, stability=1.0), "cpu")
    assert provider.segment(crops(1), [None])[0].labels.max() == 0


def test_small_masks_lie_over_large_ones_and_hidden_ones_vanish():
    large, small, hidden = np.zeros((3, 8, 8), bool)
    large[:, :6], small[2:4, 2:4], hidden[3, 3] = True, True, True
    hidden_twice = [large, small, hidden, hidden.copy()]
    labels = paint(hidden_twice, (8, 8))
    assert [labels[0, 7], labels[0, 0], labels[2, 2], labels[3, 3]] == [0, 1, 2, 3]
    assert labels.max() == 3
    assert paint([], (2, 3)).tolist() == [[0, 0, 0], [0, 0, 0]]


def test_sam2_from_safetensors_is_the_same_network(models, tmp_path):
    import torch
    from safetensors.torch import save_file

    weights = torch.load(models / "sam2/tiny.pt", weights_only=True)["model"]
    save_file({name: tensor.contiguous().clone() for name, tensor in weights.items()}, tmp_path / "tiny.safetensors")
    section = sam2_section(models)
    other = Sam2Masks(section.model_copy(update={"checkpoint": str(tmp_path / "tiny.safetensors")}), "cpu")
    image = crops(1)
    assert np.array_equal(
        other.segment(image, [None])[0].labels, Sam2Masks(section, "cpu").segment(image, [None])[0].labels
    )


def test_batches_hold_equal_shapes_and_are_always_full():
    shapes = [(1, 2), (3, 4), (1, 2), (1, 2), (3, 4)]
    batches = list(full_batches(shapes, 2))
    assert sorted(n for positions, _ in batches for n in positions) == [0, 1, 2, 3, 4]
    for positions, batch in batches:
        assert len(batch) == 2 and batch[: len(positions)] == positions
        assert len({shapes[n] for n in batch}) == 1


def test_the_version_names_weights_configuration_and_settings_and_not_the_place(models, tmp_path):
    version = DptDepth(str(models / "dpt"), "cpu").version
    moved = shutil.copytree(models / "dpt", tmp_path / "moved")
    assert len(version) == 16 and DptDepth(str(moved), "cpu").version == version
    assert DptDepth(str(write_dpt(tmp_path / "other", seed=1)), "cpu").version != version
    config = json.loads((moved / "preprocessor_config.json").read_text())
    (moved / "preprocessor_config.json").write_text(json.dumps({**config, "image_mean": [0.4, 0.4, 0.4]}))
    assert DptDepth(str(moved), "cpu").version != version
    masks = Sam2Masks(sam2_section(models), "cpu").version
    assert Sam2Masks(sam2_section(models, stability=0.5), "cpu").version != masks


class Counting:
    """A provider that counts the pictures of each call."""

    def __init__(self, provider):
        self._provider, self.calls = provider, []

    def __getattr__(self, name):
        return getattr(self._provider, name)

    def estimate(self, images):
        self.calls.append(len(images))
        return self._provider.estimate(images)

    def segment(self, images, depths):
        self.calls.append(len(images))
        return self._provider.segment(images, depths)


def counted(section: CuesSection) -> Cues:
    cues = Cues(section)
    cues.depth, cues.masks = Counting(cues.depth), Counting(cues.masks)
    return cues


def source(n: int) -> str:
    return f"{n:064x}"


def test_a_source_is_computed_once_and_kept_for_other_processes(models, tmp_path):
    section = section_of(models, tmp_path / "cache", masks=sam2_section(models).model_dump())
    images = crops(2)
    wanted = [Wanted(images[n], BOTH, source(n)) for n in (0, 1, 0, 1)]
    first = counted(section)
    fresh = first.of(wanted)
    assert first.depth.calls == [2] and first.masks.calls == [2]
    again = counted(section)
    kept = again.of(wanted)
    assert again.depth.calls == [] and again.masks.calls == []
    for (depth, masks), (old_depth, old_masks) in zip(kept, fresh, strict=True):
        assert np.array_equal(depth.disparity, old_depth.disparity) and np.array_equal(depth.sky, old_depth.sky)
        assert np.array_equal(masks.labels, old_masks.labels) and masks.labels.dtype == old_masks.labels.dtype
        assert (depth.provider, depth.version) == (old_depth.provider, old_depth.version)
    again.depth.load()
    assert not list((tmp_path / "cache").rglob(".making-*"))


@pytest.mark.parametrize("provider", ["prior", "dpt"])
def test_neighbouring_variants_share_what_is_in_memory(models, tmp_path, provider):
    model = str(models / "dpt") if provider == "dpt" else ""
    cues = counted(section_of(models, tmp_path / "cache", depth={"provider": provider, "model": model}))
    for _ in range(3):
        cues.of([Wanted(crops(1)[0], BOTH, source(1))])
    assert cues.depth.calls == [1] and cues.masks.calls == [1]
    assert (tmp_path / "cache").exists() == (provider == "dpt")
    cues.of([Wanted(crops(1)[0], BOTH)])
    cues.of([Wanted(crops(1)[0], BOTH)])
    assert cues.depth.calls == [1, 1, 1]


def test_other_weights_find_nothing_of_the_first(models, tmp_path):
    cues = Cues(section_of(models, tmp_path / "cache"))
    cues.of([Wanted(crops(1)[0], BOTH, source(1))])
    other = write_dpt(tmp_path / "other", seed=1)
    cues = counted(section_of(models, tmp_path / "cache", depth={"provider": "dpt", "model": str(other)}))
    cues.of([Wanted(crops(1)[0], BOTH, source(1))])
    assert cues.depth.calls == [1]


DAMAGE = {
    "empty": lambda data: b"",
    "cut": lambda data: data[: len(data) // 2],
    "one bit": lambda data: data[:60] + bytes([data[60] ^ 1]) + data[61:],
    "another picture": lambda data: cv2.imencode(".png", np.zeros((4, 4), np.uint8))[1].tobytes() + data[-32:],
    "other bytes": lambda data: pickle.dumps([1] * 99),
}


@pytest.mark.parametrize("damage", list(DAMAGE))
def test_a_damaged_file_is_computed_again_and_mended(models, tmp_path, damage):
    section = section_of(models, tmp_path / "cache")
    wanted = [Wanted(crops(1)[0], frozenset({"depth"}), source(7))]
    [(fresh, _)] = Cues(section).of(wanted)
    [path] = (tmp_path / "cache").rglob("*.png")
    whole = path.read_bytes()
    path.write_bytes(DAMAGE[damage](whole))
    cues = counted(section)
    [(again, _)] = cues.of(wanted)
    assert cues.depth.calls == [1] and np.array_equal(again.disparity, fresh.disparity)
    assert path.read_bytes() == whole


def test_a_kept_file_is_a_picture_that_can_be_looked_at(tmp_path):
    rng = np.random.default_rng(0)
    codes = (rng.integers(0, 65536, (2, 5, 7)) / 65535.0).astype(np.float32)
    cache = DepthCache(str(tmp_path), "dpt", "v")
    cache.put(source(1), DepthCue(codes[0], codes[1], "dpt", "v"))
    kept = cache.get(source(1))
    assert np.array_equal(kept.disparity, codes[0]) and np.array_equal(kept.sky, codes[1])
    [path] = tmp_path.rglob("*.png")
    assert cv2.imread(str(path), cv2.IMREAD_UNCHANGED).shape == (10, 7)
    labels = rng.integers(0, 65536, (3, 4)).astype(np.int32)
    masks = MaskCache(str(tmp_path), "sam2", "v")
    masks.put(source(1), MaskCue(labels, "sam2", "v"))
    assert np.array_equal(masks.get(source(1)).labels, labels)
    assert masks.get(source(2)) is None


def test_a_cache_that_cannot_be_written_costs_time_alone(models, tmp_path):
    (tmp_path / "cache").write_text("a file, no folder")
    cues = counted(section_of(models, tmp_path / "cache"))
    for n in (1, 2, 1):
        [(depth, _)] = cues.of([Wanted(crops(1)[0], frozenset({"depth"}), source(n))])
        assert depth is not None
    assert cues.depth.calls == [1, 1, 1]
    assert "cues.cache: 'ftp://x/y' is no usable folder" in refused(section_of(models, "ftp://x/y"))


def test_the_default_cache_is_the_users(models, tmp_path, monkeypatch):
    monkeypatch.setenv("TARNISH_CACHE", str(tmp_path / "own"))
    Cues(section_of(models)).of([Wanted(crops(1)[0], BOTH, source(1))])
    assert len(list((tmp_path / "own/cues/depth/dpt").rglob("*.png"))) == 1
    Cues().of([Wanted(crops(1)[0], BOTH, source(2))])
    assert len(list((tmp_path / "own").rglob("*.png"))) == 1


def refused(section: CuesSection) -> str:
    with pytest.raises(RecipeError) as error:
        check_cues(section)
    return str(error.value)


def test_a_model_that_is_not_there(models, tmp_path):
    depth = {"provider": "dpt", "model": "/nowhere/dpt"}
    assert "cues.depth.model: '/nowhere/dpt' is no folder here and no hub id" in refused(
        section_of(models, depth=depth)
    )
    hub = refused(section_of(models, depth={"provider": "dpt", "model": "nobody/nothing"}))
    assert "cues.depth.model: 'nobody/nothing' is neither a path here nor a model that the hub gives" in hub
    lost = sam2_section(models).model_copy(update={"checkpoint": "/nowhere/sam2.pt"})
    assert "cues.masks.checkpoint: '/nowhere/sam2.pt'" in refused(section_of(models, masks=lost.model_dump()))
    for config in ("", "sam3", "/nowhere/x.yaml"):
        masks = sam2_section(models).model_copy(update={"config": config})
        told = refused(section_of(models, masks=masks.model_dump()))
        assert f"cues.masks.config: {config!r} is no YAML file" in told and "sam2.1_hiera_t" in told


@pytest.mark.parametrize("package", ["transformers", "sam2"])
def test_a_package_that_is_not_installed(models, monkeypatch, package):
    found = util.find_spec
    monkeypatch.setattr("degradations.cues.weights.find_spec", lambda name: None if name == package else found(name))
    told = refused(section_of(models, masks=sam2_section(models).model_dump()))
    assert f"needs the package {package}; install tarnish[cues]" in told


@pytest.mark.parametrize("name", ["config.json", "preprocessor_config.json", "model.safetensors"])
def test_a_folder_that_lacks_a_file(models, tmp_path, name):
    folder = shutil.copytree(models / "dpt", tmp_path / "dpt")
    (folder / name).unlink()
    told = refused(section_of(models, depth={"provider": "dpt", "model": str(folder)}))
    assert name.removeprefix("model") in told and "save_pretrained" in told


def test_pickled_weights_are_never_opened(models, tmp_path):
    folder = shutil.copytree(models / "dpt", tmp_path / "dpt")
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x04}.")
    assert "pytorch_model.bin is a pickle" in refused(
        section_of(models, depth={"provider": "dpt", "model": str(folder)})
    )


class Trap:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (type(self.path).touch, (self.path,))


def test_a_checkpoint_runs_no_code(models, tmp_path):
    import torch

    torch.save({"model": Trap(tmp_path / "sprung")}, tmp_path / "trap.pt")
    section = sam2_section(models).model_copy(update={"checkpoint": str(tmp_path / "trap.pt")})
    with pytest.raises(RecipeError, match=r"trap\.pt does not hold the weights"):
        Sam2Masks(section, "cpu").load()
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize(
    "target",
    ["os.system", "sam2.build_sam.os.system", "sam2.modeling.sam2_base.torch.load", "sam2.modeling.sam2_utils.F"],
)
def test_a_config_builds_networks_of_sam2_alone(models, tmp_path, target):
    text = (models / "sam2/tiny.yaml").read_text()
    evil = tmp_path / "evil.yaml"
    evil.write_text(text.replace("sam2.modeling.memory_encoder.Fuser", target))
    masks = sam2_section(models).model_copy(update={"config": str(evil)})
    told = refused(section_of(models, masks=masks.model_dump()))
    assert f"builds {target!r}, which is no network of sam2" in told


@pytest.mark.parametrize(
    "text", ["- 1\n", "model: 3\n", "a: [", "model: {_target_: x\n", "model: {a: '${oc.env:HOMELESS}'}\n"]
)
def test_a_config_that_is_none(models, tmp_path, text):
    (tmp_path / "bad.yaml").write_text(text)
    masks = sam2_section(models).model_copy(update={"config": str(tmp_path / "bad.yaml")})
    assert "is not in the form of sam2's configs" in refused(section_of(models, masks=masks.model_dump()))


def test_weights_of_another_architecture(models, tmp_path):
    config = json.loads((models / "dpt/config.json").read_text())
    folder = shutil.copytree(models / "dpt", tmp_path / "dpt")
    (folder / "config.json").write_text(json.dumps({**config, "num_hidden_layers": 5}))
    with pytest.raises(RecipeError, match=r"cues\.depth\.model: the weights in .* lack"):
        DptDepth(str(folder), "cpu").load()
    (folder / "config.json").write_text(json.dumps({**config, "model_type": "zoedepth"}))
    assert "type 'zoedepth'" in refused(section_of(models, depth={"provider": "dpt", "model": str(folder)}))
    section = sam2_section(models).model_copy(update={"config": "sam2.1_hiera_t"})
    check_cues(section_of(models, masks=section.model_dump()))
    with pytest.raises(RecipeError, match=r"cues\.masks\.checkpoint: .* does not hold the weights of sam2\.1_hiera_t"):
        Sam2Masks(section, "cpu").load()


def test_a_trace_chooses_among_the_embedded_and_the_recipes_and_refuses_another_version(models):
    section = section_of(models)
    own = Cues(section).depth
    assert for_trace([], section).depth.provider == "prior"
    assert for_trace([Cue(name="depth", provider="prior", version="1")], section).depth.provider == "prior"
    assert for_trace([Cue(name="depth", provider="dpt", version=own.version)], section).depth.version == own.version
    with pytest.raises(RecipeError, match=r"cues\.depth\.provider: 'prior', but the trace was made with 'dpt'"):
        for_trace([Cue(name="depth", provider="dpt", version=own.version)], CuesSection())
    with pytest.raises(RecipeError, match=f"version {own.version} here, the trace was made with 0123"):
        for_trace([Cue(name="depth", provider="dpt", version="0123")], section)
    with pytest.raises(RecipeError, match=r"cues\.masks: provider 'superpixels' is version 1 here"):
        for_trace([Cue(name="masks", provider="superpixels", version="0")], section)


def test_cuda_where_there_is_none(models, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(RecipeError, match=r"cues\.device: 'cuda'"):
        DptDepth(str(models / "dpt"), "cuda")
    assert DptDepth(str(models / "dpt"), "auto").batch == 1
