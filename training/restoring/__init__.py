"""Restoring photographs: how they pass an editor, and how they are read and written."""
