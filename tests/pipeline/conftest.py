"""Small photographs for pipeline runs, and one Ray for all tests that need it."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from schemas.recipe import Recipe, parse_recipe


@pytest.fixture(scope="session")
def small_photos(tmp_path_factory, photo_paths) -> Path:
    """A folder of eight real photographs, cropped to 288 pixels, PNG and JPEG in turn."""
    folder = tmp_path_factory.mktemp("photos")
    colour = [path for path in photo_paths if path.stem not in ("camera", "motorcycle_right")]
    for number, path in enumerate(colour[:8]):
        with Image.open(path) as image:
            left, top = (image.width - 288) // 2, (image.height - 288) // 2
            crop = image.convert("RGB").crop((left, top, left + 288, top + 288))
        if number % 2:
            crop.save(folder / f"{path.stem}.jpg", quality=92)
        else:
            crop.save(folder / f"{path.stem}.png")
    return folder


@pytest.fixture
def make_recipe(small_photos):
    """A recipe over the small photographs; keyword arguments replace top-level sections."""

    def make(**sections: object) -> Recipe:
        data = {"seed": 5, "sources": [{"path": str(small_photos)}], "plan": {"variants": 3}, **sections}
        return parse_recipe(data)

    return make


@pytest.fixture(scope="session")
def ray_session():
    """A Ray of two CPUs on this machine."""
    import ray

    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield ray
    ray.shutdown()
