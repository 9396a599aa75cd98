"""The editors: built from a recipe, loaded from a folder, exported to one."""

from training.editors.build import build_editor
from training.editors.folder import base_editor, export_editor, load_editor

__all__ = ["base_editor", "build_editor", "export_editor", "load_editor"]
