"""How a command ends when it cannot go on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.markup import escape

from schemas.errors import TarnishError

#: Exit codes: 1 for a mistake that the user can mend, 130 after Ctrl-C as shells have it.
MENDABLE, INTERRUPTED = 1, 130

_EXTRAS = {
    "ray": "ray",
    "av": "codecs",
    "torch": "train",
    "diffusers": "train",
    "transformers": "train",
    "accelerate": "train",
    "peft": "lora",
    "grain": "train",
    "safetensors": "train",
    "tensorboard": "train",
    "torchmetrics": "evaluate",
    "matplotlib": "evaluate",
    "jinja2": "evaluate",
    "timm": "recogniser",
    "open_clip": "semantics",
    "openai": "judge",
}


@contextmanager
def told_plainly(console: Console, resume: str = "") -> Iterator[None]:
    """Prints TarnishError without a traceback, names the extra of a missing package, says how to go on after Ctrl-C."""
    try:
        yield
    except TarnishError as error:
        console.print(f"[bold red]error[/] {escape(str(error))}", highlight=False, soft_wrap=True)
        raise typer.Exit(MENDABLE) from None
    except ModuleNotFoundError as error:
        extra = _EXTRAS.get((error.name or "").partition(".")[0])
        if extra is None:
            raise
        console.print(f"[bold red]error[/] this command needs {error.name}; install tarnish{escape(f'[{extra}]')}")
        raise typer.Exit(MENDABLE) from None
    except KeyboardInterrupt:
        console.print(f"[yellow]stopped[/] {resume}".rstrip(), highlight=False)
        raise typer.Exit(INTERRUPTED) from None
