"""Recipes over the small photographs, and one Ray for all tests that need it."""

from __future__ import annotations

import pytest

from schemas.recipe import Recipe, parse_recipe
from tests.pipeline.runs import QUICK


@pytest.fixture
def make_recipe(small_photos):
    """A recipe over the small photographs; keyword arguments replace top-level sections."""

    def make(**sections: object) -> Recipe:
        data = {
            "seed": 5,
            "sources": [{"path": str(small_photos)}],
            "plan": {"variants": 3},
            "filters": QUICK,
            **sections,
        }
        return parse_recipe(data)

    return make


@pytest.fixture(scope="session")
def ray_session():
    """A Ray of two CPUs on this machine."""
    import ray

    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield ray
    ray.shutdown()
