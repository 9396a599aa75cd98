"""One photograph file restored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from schemas.recipe.decode import DecodeSection
from training.editors.base import Editor
from training.restore import restore_image
from training.restoring.photograph import Photograph
from training.restoring.sizes import Passage, SizeRule
from training.restoring.targets import Target, write_whole


@dataclass(frozen=True)
class Manner:
    """How photographs are restored; see `training.restore.restore_image`. quality: of JPEG and WebP, 1 to 100."""

    prompt: str
    steps: int | None = None
    guidance: float | None = None
    seed: int = 0
    size: SizeRule | None = None
    quality: int = 95


def restore_file(editor: Editor, target: Target, manner: Manner, report: Callable[[int, int], None]) -> str:
    """Writes the restored photograph; in words, how it was done and what the file does not keep.

    report: called with the sampler steps taken and of all pieces. Raises DecodeError or OSError for a file that cannot
    be read, torch.OutOfMemoryError for a picture too large for the GPU.
    """
    photograph = Photograph.read(target.source.read_bytes(), DecodeSection().max_pixels)
    height, width = photograph.pixels.shape[:2]
    restored = restore_image(
        editor, photograph.pixels, manner.prompt, manner.steps, manner.guidance, manner.seed, manner.size, report
    )
    write_whole(target.path, photograph.written(restored, target.kind, manner.quality))
    passage = Passage.of(editor, height, width, manner.size)
    return ", ".join([f"{width}×{height}", passage.told(height, width), *photograph.changed])
