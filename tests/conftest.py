"""Shared fixtures: real photographs from the dependencies, and Ray without telemetry or network."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings
from PIL import Image

os.environ.setdefault("RAY_AUTH_MODE", "disabled")
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

settings.register_profile("house", deadline=None, max_examples=40, derandomize=True)
settings.load_profile("house")

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def photo_paths() -> list[Path]:
    """Encoded photographs that ship inside scikit-image and scikit-learn (300 to 741 pixels a side)."""
    from jobs.demo_photos import demo_photos

    return demo_photos()


@pytest.fixture(scope="session")
def shared_photos() -> list[Path]:
    """Large photographs beside the checkout; the test is skipped without them."""
    found = sorted((SHARED / "photos").glob("*.jpg"))
    if not found:
        pytest.skip("no ../shared/photos beside this checkout")
    return found


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
