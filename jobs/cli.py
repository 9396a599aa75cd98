"""The `tarnish` command."""

from __future__ import annotations

import logging

import typer

from jobs.clips import app as clips
from jobs.decide import decide
from jobs.demo import demo
from jobs.encode import encode
from jobs.evaluate import evaluate
from jobs.export import export
from jobs.harvest import harvest
from jobs.judge import judge
from jobs.lowlight import app as lowlight
from jobs.pack import pack
from jobs.patterns import app as patterns
from jobs.preview import preview
from jobs.recogniser import app as recogniser
from jobs.replay import replay_sample
from jobs.restore import restore
from jobs.review import review
from jobs.shadowed import refuse_another_training
from jobs.synthesize import synthesize
from jobs.train import train

app = typer.Typer(
    name="tarnish",
    help="Turn clean photographs into realistic damaged ones, curate the pairs, train editors to undo the damage.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)
app.command("synthesize")(synthesize)
app.command("harvest")(harvest)
app.command("judge")(judge)
app.command("decide")(decide)
app.command("review")(review)
app.command("pack")(pack)
app.command("replay")(replay_sample)
app.command("encode")(encode)
app.command("train")(train)
app.command("restore")(restore)
app.command("export")(export)
app.command("evaluate")(evaluate)
app.add_typer(clips, name="clips")
app.add_typer(patterns, name="patterns")
app.add_typer(lowlight, name="lowlight")
app.add_typer(recogniser, name="recogniser")
app.command("preview")(preview)
app.command("demo")(demo)


def main() -> None:
    """Entry point of the console command."""
    refuse_another_training()
    logging.getLogger("absl").setLevel(logging.ERROR)  # grain warns that JAX, which nothing here uses, is missing
    app()


if __name__ == "__main__":
    main()
