"""The `tarnish` command."""

from __future__ import annotations

import typer

from jobs.replay import replay_sample
from jobs.synthesize import synthesize

app = typer.Typer(
    name="tarnish",
    help="Turn clean photographs into realistic damaged ones, curate the pairs, train editors to undo the damage.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)
app.command("synthesize")(synthesize)
app.command("replay")(replay_sample)


def main() -> None:
    """Entry point of the console command."""
    app()
