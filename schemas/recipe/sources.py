"""Where the clean photographs are."""

from typing import Literal

from schemas.recipe.section import Section
from schemas.source import Role, Subject


class SourceSection(Section):
    """One set of source images.

    kind: `images` (a folder, searched in depth, or a glob), `webdataset` (tar files: one, a folder or a glob),
    `parquet` (files with a column of encoded bytes, of paths, or of Hugging Face image structs) or `clips` (a folder or
    glob of what `tarnish clips build` cut; each is blurred by its own frames).
    column: for parquet, the column that holds the image.
    degradation: for `tarnish harvest`, what all of these photographs show, where that is known; else semantics tells.
    subject: `portrait` or `scene` where all are of one kind, for reflections; empty if unknown.
    """

    kind: Literal["images", "webdataset", "parquet", "clips"] = "images"
    path: str
    column: str = "image"
    role: Role = "synthetic"
    subject: Subject = ""
    degradation: str = ""
