"""Where references come from: services, pipelines of diffusers, editors of our own."""

from __future__ import annotations

import base64
import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import cv2
import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from jobs.harvest import run_harvest
from pipeline.dataset import Dataset
from pipeline.engines.local import LocalEngine
from pipeline.harvest.generators.contract import Request
from pipeline.harvest.generators.http import ServiceReferences
from schemas.errors import RecipeError
from schemas.recipe import parse_recipe
from schemas.recipe.harvest import GeneratorSection
from tests.pipeline.runs import ledger, members


def request(key="a-real", side=64):
    photo = np.random.default_rng(len(key)).integers(0, 256, (side, side, 3), dtype=np.uint8)
    return Request(photo, key, f"/photos/{key}.jpg", "haze", "Please dehaze the image.")


@contextmanager
def edit_service(behave):
    """A server on loopback that answers POST /v1/images/edits by `behave(number, form)` → (status, body)."""
    seen = []

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def do_POST(self):
            form = self.rfile.read(int(self.headers["Content-Length"]))
            seen.append((self.path, self.headers.get("Authorization"), form))
            status, body = behave(len(seen), form)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1", seen
    finally:
        server.shutdown()
        server.server_close()


def answer(pixels):
    png = cv2.imencode(".png", pixels[..., ::-1])[1].tobytes()
    return 200, json.dumps({"created": 1, "data": [{"b64_json": base64.b64encode(png).decode()}]}).encode()


def section(url, **changes):
    return GeneratorSection(kind="http", url=url, model="cleaner", retries=1, timeout=10, **changes)


def test_a_service_gets_picture_and_prompt_and_gives_the_reference(monkeypatch):
    wanted = np.full((48, 64, 3), (10, 200, 30), np.uint8)
    monkeypatch.setenv("EDIT_KEY", "secret")
    with edit_service(lambda *_: answer(wanted)) as (url, seen):
        service = ServiceReferences(section(url, api_key_variable="EDIT_KEY"), 10**7)
        [made] = service.generate([request()])
    assert (made == wanted).all()
    path, key, form = seen[0]
    assert (path, key) == ("/v1/images/edits", "Bearer secret")
    assert b"Please dehaze the image." in form and b"\x89PNG" in form and b"cleaner" in form


@pytest.mark.parametrize(
    "broken",
    [
        (500, b"{}"),
        (200, b'{"created": 1, "data": []}'),
        (200, b'{"created": 1, "data": [{"b64_json": "no base64!"}]}'),
        (200, json.dumps({"created": 1, "data": [{"b64_json": base64.b64encode(b"no picture").decode()}]}).encode()),
        (200, b"not JSON"),
    ],
)
def test_a_service_that_fails_costs_only_the_photographs_it_fails_on(broken):
    wanted = np.full((64, 64, 3), 9, np.uint8)
    with edit_service(lambda number, form: answer(wanted) if b"2-real" in form else broken) as (url, _):
        service = ServiceReferences(section(url), 10**7)
        prompts = [Request(request().photograph, key, "u", "haze", f"for {key}") for key in ("1-real", "2-real")]
        made = service.generate(prompts)
    assert isinstance(made[0], Exception) and (made[1] == wanted).all()


def test_what_a_service_needs_is_told():
    with pytest.raises(RecipeError, match=r"harvest.generator.url: 'ftp://x' is no http address"):
        ServiceReferences(section("ftp://x"), 1)
    with pytest.raises(RecipeError, match="NOT_SET is not set; export the key"):
        ServiceReferences(section("http://x", api_key_variable="NOT_SET"), 1)


@pytest.fixture
def hazy(tmp_path, small_photos):
    folder = tmp_path / "photos"
    folder.mkdir()
    for number, path in enumerate(sorted(small_photos.iterdir())[:3]):
        pixels = np.array(Image.open(path).convert("RGB"))
        Image.fromarray((pixels * 0.4 + 150).astype(np.uint8)).save(folder / f"{number}.png")
    return folder


def harvest(folder, out, **generator):
    recipe = parse_recipe(
        {
            "sources": [{"path": str(folder), "degradation": "haze"}],
            "harvest": {"generator": generator},
            "filters": {"watermark": {"provider": "overlay"}},
            "policy": {"rules": []},
        }
    )
    run_harvest(recipe, out, LocalEngine(), Console(quiet=True))
    return Dataset.open(out)


def test_a_service_that_is_down_costs_the_references_until_it_is_up(hazy, tmp_path):
    up = False

    def behave(number, form):
        return answer(np.full((64, 64, 3), 99, np.uint8)) if up else (503, b"{}")

    with edit_service(behave) as (url, seen):
        dataset = harvest(hazy, tmp_path / "dataset", kind="http", url=url, model="m", retries=0)
        for row in ledger(dataset):
            assert row.reasons == ["reference.missing"]
            assert row.unscored[0].startswith("reference: InternalServerError")
        up = True
        dataset = harvest(hazy, tmp_path / "dataset", kind="http", url=url, model="m", retries=0)
        assert [row.verdict for row in ledger(dataset)] == ["accepted"] * 3
        asked = len(seen)
        next(iter(dataset.ledger.glob("*.parquet"))).unlink()
        harvest(hazy, tmp_path / "dataset", kind="http", url=url, model="m", retries=0)
        assert len(seen) == asked  # kept references are not made again
    assert len(members(dataset)) == 3 * 4


@pytest.fixture(scope="module")
def tiny_pipeline(tmp_path_factory):
    """InstructPix2Pix with random weights, as diffusers saves it."""
    import torch
    from diffusers import (
        AutoencoderKL,
        EulerAncestralDiscreteScheduler,
        StableDiffusionInstructPix2PixPipeline,
        UNet2DConditionModel,
    )
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

    from tests.filters.owlv2_models import write_clip_tokenizer

    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("pipeline")
    unet = UNet2DConditionModel(
        block_out_channels=(16, 32),
        layers_per_block=1,
        sample_size=8,
        in_channels=8,
        out_channels=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=16,
        norm_num_groups=8,
        attention_head_dim=8,
    )
    vae = AutoencoderKL(
        block_out_channels=(8, 16),
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        latent_channels=4,
        norm_num_groups=8,
    )
    vocabulary, merges = write_clip_tokenizer(folder)
    tokenizer = CLIPTokenizer(str(vocabulary), str(merges), model_max_length=77)
    text = CLIPTextModel(
        CLIPTextConfig(
            hidden_size=16,
            intermediate_size=16,
            num_attention_heads=2,
            num_hidden_layers=1,
            vocab_size=len(tokenizer),
            max_position_embeddings=77,
        )
    )
    StableDiffusionInstructPix2PixPipeline(
        vae=vae,
        text_encoder=text,
        tokenizer=tokenizer,
        unet=unet,
        scheduler=EulerAncestralDiscreteScheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    ).save_pretrained(folder / "model")
    return folder / "model"


@pytest.mark.slow
def test_any_editing_pipeline_of_diffusers_makes_references(tiny_pipeline, hazy, tmp_path):
    given = {"kind": "diffusers", "model": str(tiny_pipeline), "steps": 2, "guidance": 2.0, "device": "cpu"}
    first, again = (harvest(hazy, tmp_path / name, **given) for name in ("first", "again"))
    rows = ledger(first)
    assert [row.verdict for row in rows] == ["accepted"] * 3
    assert {(cue.provider, cue.version) for row in rows for cue in row.trace.cues} == {("diffusers", "model")}
    assert members(first) == members(again)


def test_a_pipeline_that_is_none_ends_the_run_at_once(hazy, tmp_path):
    with pytest.raises(RecipeError, match=r"harvest.generator.model: .* cannot be loaded"):
        harvest(hazy, tmp_path / "dataset", kind="diffusers", model=str(hazy))


@pytest.mark.slow
def test_an_editor_of_our_own_makes_references(hazy, tmp_path):
    from tests.training.conftest import small_training
    from training.editors import build_editor, export_editor
    from training.editors.base import EditorConfig

    editor = build_editor(EditorConfig.of(small_training()), seed=0)
    export_editor(tmp_path / "editor", editor, editor.config, dict(editor.named_parameters()))
    dataset = harvest(hazy, tmp_path / "dataset", kind="editor", model=str(tmp_path / "editor"))
    rows = ledger(dataset)
    assert [row.verdict for row in rows] == ["accepted"] * 3
    [(provider, version)] = {(cue.provider, cue.version) for row in rows for cue in row.trace.cues}
    assert provider == "editor" and version.startswith("editor@")
