"""Moiré: a photographed screen."""

from degradations.moire.moire import Moire as Moire
from degradations.moire.moire import MoireParams as MoireParams
