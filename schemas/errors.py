"""The errors that a user can mend."""


class TarnishError(Exception):
    """A mistake that the user can mend: the message names the field, the value and the remedy."""


class RecipeError(TarnishError):
    """The recipe cannot be used."""


class DatasetError(TarnishError):
    """The dataset folder cannot be used as asked."""


class DamagedError(DatasetError):
    """A stored sample is damaged for good: every reader, at any time, finds it so."""


class CheckpointError(TarnishError):
    """A checkpoint cannot be loaded or continued."""


class DivergedError(TarnishError):
    """Training left the finite numbers."""
