"""Trains the small recipe in a process of its own: python -m tests.training.run_small OUT SET=FOLDER…"""

import sys
from pathlib import Path

from rich.console import Console

from tests.training.conftest import small_training
from training.run import train

if __name__ == "__main__":
    out, *pairs = sys.argv[1:]
    folders = {name: [Path(folder)] for name, folder in (pair.split("=", 1) for pair in pairs)}
    train(small_training(), 3, folders, Path(out), resume=True, console=Console(quiet=True))
