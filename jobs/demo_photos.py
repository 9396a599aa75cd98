"""The photographs that ship inside the dependencies."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

_SHIPPED = {
    "skimage.data": (
        "astronaut.png",
        "camera.png",
        "chelsea.png",
        "coffee.png",
        "motorcycle_left.png",
        "motorcycle_right.png",
        "rocket.jpg",
    ),
    "sklearn.datasets.images": ("china.jpg", "flower.jpg"),
    "matplotlib": ("mpl-data/sample_data/grace_hopper.jpg",),
}


def demo_photos() -> list[Path]:
    """Paths of the photographs that scikit-image, scikit-learn and Matplotlib ship, in a fixed order.

    Raises FileNotFoundError if an installed version has lost one.
    """
    found = []
    for package, names in _SHIPPED.items():
        root = Path(str(files(package)))
        for name in names:
            path = root / name
            if not path.is_file():
                raise FileNotFoundError(f"{package} no longer ships {name}; install the versions of constraints.txt")
            found.append(path)
    return found
