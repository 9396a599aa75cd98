"""A finished dataset is decided again from its scores alone."""

import io
import shutil

import pyarrow.parquet as pq
import pytest
from PIL import Image
from typer.testing import CliRunner

from evaluation.what_if import what_if
from jobs.cli import app
from pipeline.dataset import Dataset
from pipeline.decide import decide_dataset
from pipeline.review import read_review
from pipeline.review_queue import queued, write_queue
from pipeline.shards.reader import ShardReader
from schemas.errors import DatasetError
from schemas.ledger import LedgerRow
from schemas.recipe.policy import PolicySection, Rule
from schemas.review import ReviewRow
from schemas.thumbnail import Thumbnail
from tests.pipeline.runs import QUICK, files, ledger, synthesize


@pytest.fixture(scope="module")
def finished(tmp_path_factory, small_photos):
    from schemas.recipe import parse_recipe

    policy = {"rules": [{"score": "source.sharpness", "min": 0.5}, {"score": "pair.psnr", "max": 28.0}]}
    recipe = parse_recipe(
        {"sources": [{"path": str(small_photos)}], "plan": {"variants": 5}, "policy": policy, "filters": QUICK}
    )
    return recipe, synthesize(recipe, tmp_path_factory.mktemp("decide") / "dataset")


@pytest.fixture
def dataset(finished, tmp_path):
    copy = tmp_path / "dataset"
    shutil.copytree(finished[1].root, copy)
    return Dataset.open(copy)


def verdicts(decision):
    rows = decision.rows.to_pylist()
    return {row["sample_key"]: (row["verdict"], row["reasons"]) for row in rows}


def test_the_recipes_own_policy_gives_the_runs_verdicts(finished, dataset):
    recipe, _ = finished
    decision = decide_dataset(dataset, recipe.policy)
    assert verdicts(decision) == {row.sample_key: (row.verdict, row.reasons) for row in ledger(dataset)}
    kept = {row["sample_key"]: row for row in pq.read_table(dataset.decision).to_pylist()}
    for row in ledger(dataset):
        assert (row.verdict, row.reasons) == (kept[row.sample_key]["verdict"], kept[row.sample_key]["reasons"])


@pytest.mark.slow
def test_deciding_gives_what_a_fresh_run_gives_row_for_row(finished, dataset, tmp_path):
    recipe, _ = finished
    another = recipe.model_copy(
        update={"policy": PolicySection(rules=(Rule(score="pair.psnr", max=26.0), Rule(score="pair.ssim", min=0.6)))}
    )
    fresh = synthesize(another, tmp_path / "fresh")
    decided = decide_dataset(dataset, another.policy)
    assert verdicts(decided) == {row.sample_key: (row.verdict, row.reasons) for row in ledger(fresh)}
    assert 0 < sum(verdict == "accepted" for verdict, _ in verdicts(decided).values()) < decided.rows.num_rows


def test_a_stricter_policy_drops_samples_for_the_reader_and_touches_no_pixel(dataset):
    reader = ShardReader(dataset.root)
    before = files(dataset)
    values = sorted(row.scores["pair.psnr"] for row in ledger(dataset) if row.verdict == "accepted")
    middle = values[len(values) // 2]
    decision = decide_dataset(dataset, PolicySection(rules=(Rule(score="pair.psnr", min=middle),)))
    assert 0 < len(ShardReader(dataset.root)) < len(reader)
    assert ["pair.psnr.low"] in [reasons for _, reasons in verdicts(decision).values()]
    after = files(dataset)
    assert after.pop("decision.parquet") and after.pop("review.parquet")
    assert after == before


def test_samples_accepted_later_are_counted_when_no_shard_holds_them(tmp_path, small_photos):
    from schemas.recipe import parse_recipe

    strict = {"rules": [{"score": "pair.psnr", "min": 90.0}]}
    recipe = parse_recipe({"sources": [{"path": str(small_photos)}], "policy": strict, "filters": QUICK})
    dataset = synthesize(recipe, tmp_path / "dataset")
    decision = decide_dataset(dataset, PolicySection(rules=()))
    assert decision.without_pixels == 8
    assert all(verdict == "accepted" for verdict, _ in verdicts(decision).values())
    assert len(ShardReader(dataset.root)) == 0


def test_the_change_is_told_against_the_decision_that_stood(finished, dataset):
    recipe, _ = finished
    nothing = PolicySection(rules=(Rule(score="pair.psnr", min=1000.0),))
    first = what_if(*parts(decide_dataset(dataset, nothing)))
    assert first.total.after == 0 and first.total.lost == first.total.before > 0
    assert ("pair.psnr.low", 0, first.total.rows) in first.reasons
    second = what_if(*parts(decide_dataset(dataset, recipe.policy)))
    assert second.total.before == 0 and second.total.gained == second.total.after == first.total.before
    assert sum(change.rows for change in second.degradations) == second.total.rows
    shown = next(one for one in second.histograms if one.score == "pair.psnr")
    assert shown.accepted.sum() == second.total.after
    assert shown.accepted.sum() + shown.dropped.sum() + shown.missing == second.total.rows


def parts(decision):
    return decision.rows, decision.scores


def test_a_dry_run_keeps_nothing(dataset):
    before = files(dataset)
    decide_dataset(dataset, PolicySection(rules=()), write=False)
    assert files(dataset) == before


def test_people_outrank_every_later_policy(finished, dataset):
    recipe, _ = finished
    rows = {verdict: [row for row in ledger(dataset) if row.verdict == verdict] for verdict in ("accepted", "rejected")}
    down, up = rows["accepted"][0].sample_key, rows["rejected"][0].sample_key
    review = [
        ReviewRow(sample_key=down, decision="reject", reviewer="ada", note="a cat was removed"),
        ReviewRow(sample_key=up, decision="accept", reviewer="ada"),
    ]
    decided = verdicts(decide_dataset(dataset, recipe.policy, review))
    assert decided[down] == ("rejected", ["review.rejected"])
    assert decided[up] == ("accepted", [])
    nothing = PolicySection(rules=(Rule(score="pair.psnr", min=1000.0),))
    later = decide_dataset(dataset, nothing)
    assert verdicts(later)[up] == ("accepted", [])
    assert verdicts(later)[down] == ("rejected", ["review.rejected", "pair.psnr.low"])
    reviewers = dict(zip(later.rows["sample_key"].to_pylist(), later.rows["reviewer"].to_pylist(), strict=True))
    assert {key for key, name in reviewers.items() if name} == {up, down}
    changed = decide_dataset(dataset, nothing, [ReviewRow(sample_key=up, decision="reject")])
    assert verdicts(changed)[up][0] == "rejected"
    withdrawn = decide_dataset(dataset, recipe.policy, [ReviewRow(sample_key=down, decision="withdraw")])
    assert verdicts(withdrawn)[down] == ("accepted", [])


def test_a_kept_decision_waits_for_a_row_that_is_being_made_again(finished, dataset):
    recipe, _ = finished
    row = next(row for row in ledger(dataset) if row.verdict == "rejected")
    decide_dataset(dataset, recipe.policy, [ReviewRow(sample_key=row.sample_key, decision="accept")])
    part = next(part for part in dataset.ledger.glob("*.parquet") if row in LedgerRow.read_parquet(part))
    data = part.read_bytes()
    part.unlink()
    assert row.sample_key not in verdicts(decide_dataset(dataset, recipe.policy))
    part.write_bytes(data)
    assert verdicts(decide_dataset(dataset, recipe.policy))[row.sample_key] == ("accepted", [])


def test_rows_newer_than_the_decision_have_the_runs_verdict(finished, dataset):
    recipe, _ = finished
    whole = len(ShardReader(dataset.root))
    part = next(part for part in dataset.ledger.glob("*.parquet") if "accepted" in part.read_bytes().decode("latin1"))
    data = part.read_bytes()
    part.unlink()
    decide_dataset(dataset, recipe.policy)
    part.write_bytes(data)
    assert len(ShardReader(dataset.root)) == whole


def test_people_cannot_accept_what_is_no_pair_nor_what_nobody_knows(dataset):
    with pytest.raises(DatasetError, match="which is not in the ledger"):
        decide_dataset(dataset, PolicySection(), [ReviewRow(sample_key="nobody", decision="accept")])
    part = sorted(dataset.ledger.glob("*.parquet"))[0]
    rows = LedgerRow.read_parquet(part)
    lost = rows[0].model_copy(update={"verdict": "failed", "reason": "failed.degrade", "reasons": ["failed.degrade"]})
    pq.write_table(LedgerRow.to_table([lost, *rows[1:]]), part)
    with pytest.raises(DatasetError, match="which is no pair"):
        decide_dataset(dataset, PolicySection(), [ReviewRow(sample_key=lost.sample_key, decision="accept")])


def test_what_waits_is_written_to_be_filled_in(tmp_path, dataset):
    waiting = PolicySection(rules=(Rule(score="pair.psnr", max=30),), review=("synthetic",))
    decide_dataset(dataset, waiting)
    rows = list(queued(dataset))
    assert (
        0
        < len(rows)
        == sum(reasons == ["review.pending"] for _, reasons in verdicts(decide_dataset(dataset, waiting)).values())
    )
    page = write_queue(rows, tmp_path / "queue.csv")
    assert page.read_text().count("<section>") == len(rows)
    assert page.read_text().count("<img") == 2 * len(rows)  # of those that the run accepted, too
    assert {tuple(row.reasons) for row, _ in rows} == {("review.pending",)}
    assert read_review(tmp_path / "queue.csv") == []
    lines = (tmp_path / "queue.csv").read_text().splitlines()
    filled = [lines[0], *(line.replace(",,,,", ",accept,ada,fine,", 1) for line in lines[1:3]), *lines[3:]]
    (tmp_path / "queue.csv").write_text("\n".join(filled))
    review = read_review(tmp_path / "queue.csv")
    assert [(row.decision, row.reviewer, row.note) for row in review] == [("accept", "ada", "fine")] * 2
    decide_dataset(dataset, waiting, review)
    assert len(ShardReader(dataset.root)) <= 2
    assert len(list(queued(dataset))) == len(rows) - 2


def test_rejected_samples_keep_a_thumbnail(finished):
    _, dataset = finished
    rejected = {row.sample_key for row in ledger(dataset) if row.verdict == "rejected" and row.scores}
    kept = [one for part in sorted(dataset.thumbnails.glob("*.parquet")) for one in Thumbnail.read_parquet(part)]
    assert {one.sample_key for one in kept} == rejected != set()
    for one in kept:
        for data in (one.degraded, one.clean):
            assert max(Image.open(io.BytesIO(data)).size) == 288


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sample_key,verdict\nk,accept\n", "no column 'decision'"),
        ("sample_key,decision\nk,maybe\n", "line 2: decision 'maybe'; write accept, reject, withdraw or nothing"),
        ("sample_key,decision\nk,accept\nk,reject\n", "k is decided twice"),
        ('sample_key,decision\nk,"acc', "cannot be read as CSV"),
    ],
)
def test_a_review_that_cannot_be_used(tmp_path, text, message):
    (tmp_path / "review.csv").write_text(text)
    with pytest.raises(DatasetError, match=message):
        read_review(tmp_path / "review.csv")


def test_the_command_tells_what_would_change_and_writes_the_page(finished, dataset, tmp_path):
    (tmp_path / "recipe.yaml").write_text("policy: {rules: [{score: pair.psnr, max: 24}]}")
    page = tmp_path / "what-if.html"
    given = ["decide", str(dataset.root), str(tmp_path / "recipe.yaml"), "--dry-run", "--report", str(page)]
    done = CliRunner().invoke(app, given)
    assert done.exit_code == 0, done.output
    assert "pair.psnr.high" in done.output and "no decision was kept" in done.output
    assert page.read_text().count("<rect") == 48 and "pair.psnr" in page.read_text()
