"""The editors: built from a recipe, loaded from a folder, exported to one."""

from training.editors.build import build_editor
from training.editors.folder import export_editor, load_editor

__all__ = ["build_editor", "export_editor", "load_editor"]
