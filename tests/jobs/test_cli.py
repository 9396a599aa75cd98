"""The command: help, plain errors with an exit code, dry run, and the demo end to end."""

import json

import pytest
from typer.testing import CliRunner

from jobs.cli import app
from pipeline.dataset import Dataset
from tests.pipeline.runs import ledger

COMMANDS = ("synthesize", "decide", "replay", "train", "restore", "evaluate", "demo", "encode", "export")


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments], env={"COLUMNS": "200"})


@pytest.fixture
def recipe(tmp_path, small_photos):
    path = tmp_path / "recipe.yaml"
    path.write_text(f"sources: [{{path: '{small_photos}'}}]\nplan: {{variants: 5, heldout: 0.25, validation: 0.2}}\n")
    return path


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command):
    assert command in run("--help").output
    result = run(command, "--help")
    assert (result.exit_code == 0 and "--out" in result.output) or command in ("decide", "encode")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("synthesize", "{recipe}", "plan.varaints=2"), "plan.varaints: unknown field; did you mean variants?"),
        (("synthesize", "nowhere.yaml"), "name an existing file"),
        (("synthesize", "{recipe}", "sources=[{path: /nowhere}]", "--out", "{tmp}/d"), "nothing of kind 'images'"),
        (("decide", "{tmp}", "{recipe}"), "no dataset here"),
        (("replay", "{tmp}", "key"), "no dataset here"),
        (("train", "{recipe}", "--out", "{tmp}/run"), "training.stages: weights name"),
        (("restore", "{tmp}", "{photos}"), "name the folder of an exported editor"),
        (("restore", "{tmp}", "{photos}", "--task", "rust"), "unknown task 'rust'; known: blur"),
        (("evaluate", "{tmp}", "{tmp}"), "no dataset here"),
    ],
)
def test_a_mistake_is_one_plain_message(tmp_path, recipe, small_photos, arguments, message):
    places = {"recipe": recipe, "tmp": tmp_path, "photos": small_photos}
    for name, place in places.items():
        arguments = tuple(part.replace(f"{{{name}}}", str(place)) for part in arguments)
    result = run(*arguments)
    assert result.exit_code == 1
    assert message in result.output.replace("\n", " ")
    assert "Traceback" not in result.output


def test_a_dry_run_prints_the_plan_and_writes_nothing(tmp_path, recipe):
    result = run("synthesize", recipe, "--out", tmp_path / "dataset", "--dry-run")
    assert result.exit_code == 0
    assert "8 new sources" in result.output and "realesrgan" in result.output
    assert not (tmp_path / "dataset").exists()


def test_synthesize_replay_and_decide(tmp_path, recipe):
    out = tmp_path / "dataset"
    result = run("synthesize", recipe, "--out", out, "plan.variants=1")
    assert result.exit_code == 0, result.output
    assert "inputs in the plan" in result.output and "images/s" in result.output
    row = next(row for row in ledger(Dataset.open(out)) if row.trace)
    result = run("replay", out, row.sample_key, "--out", tmp_path / "again.png")
    assert result.exit_code == 0 and (tmp_path / "again.png").stat().st_size > 0
    result = run("decide", out, recipe, "policy.rules=[{score: pair.psnr, max: 1}]", "--dry-run")
    assert result.exit_code == 0 and "pair.psnr.high" in result.output
    assert not (out / "decision.parquet").exists()


@pytest.mark.slow
def test_the_demo_leaves_a_report_and_a_summary(tmp_path, small_photos):
    stage = "{steps: 4, batch_size: 4, warmup_steps: 1, learning_rate: 1.0e-4"
    result = run(
        "demo", "--out", tmp_path / "demo", "--photos", small_photos, "engine.kind=local", "plan.variants=5",
        f"training.stages={{transfer: {stage}}}, finetune: {stage}, weights: {{synthetic: 2, real: 8}}}}}}",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    summary = json.loads((tmp_path / "demo" / "summary.json").read_text())
    assert summary["counts"]["inputs"] == 40
    accepted, rejected, failed = (summary["counts"][verdict] for verdict in ("accepted", "rejected", "failed"))
    assert accepted + rejected + failed == 40
    assert sum(summary["counts"]["rejected_by_reason"].values()) == rejected
    assert set(summary["steps"]) == {"synthesize", "synthesize stand-in", "train, both stages", "evaluate", "report"}
    assert all(step["seconds"] > 0 and step["peak_memory_bytes"] > 0 for step in summary["steps"].values())
    report = (tmp_path / "demo" / "report.html").read_text(encoding="utf-8")
    assert "stand-in" in report


def test_a_dry_run_of_training_tells_what_it_takes_and_leaves_nothing(tmp_path):
    from tests.training.conftest import made_pairs
    from tests.training.shards import write_dataset

    data = write_dataset(tmp_path / "data", made_pairs(0, "train", 2))
    sets = f"training.datasets={{synthetic: [{data}], real: [{data}]}}"
    told = run("train", "recipes/demo.yaml", sets, "--dry-run", "--out", tmp_path / "run")
    assert told.exit_code == 0, told.output
    assert "finetune" in told.output and "real 747" in told.output and "one checkpoint" in told.output
    assert not (tmp_path / "run").exists()
