"""Watermarks: marks that somebody laid over a photograph, as against text that was photographed."""
