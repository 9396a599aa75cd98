"""A package that stands before ours."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path


def refuse_another_training() -> None:
    """Ends the process where `import training` would find another package: sam2's wheel carries one of that name."""
    spec = find_spec("training")
    ours = Path(__file__).resolve().parents[1] / "training" / "__init__.py"
    if spec is None or spec.origin is None or Path(spec.origin).resolve() == ours:
        return
    folder = Path(spec.origin).parent
    sys.exit(
        f"error: {folder} stands before Tarnish's own package `training`; it came with sam2, which works without it: "
        f"rm -r {folder}"
    )
