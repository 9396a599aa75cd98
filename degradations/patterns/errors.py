"""Errors of pattern banks."""

from schemas.errors import TarnishError


class PatternError(TarnishError):
    """A bank that cannot be opened, or a pattern that is not in it."""
