"""What a step says of itself, against values computed by hand."""

import math
from dataclasses import dataclass, field

import pytest
import torch

from schemas.recipe.training import TinySection, TrainingSection
from training.editors.base import EditorConfig
from training.editors.tiny import PixelEditor
from training.flops import PEAKS
from training.observing.divergence import divergence
from training.observing.losses import BIN_NAMES
from training.observing.meter import Meter, passes
from training.observing.timings import Memory, Timings

CPU = torch.device("cpu")


@dataclass
class Alone:
    """One process of `size`; the others add `others` to every sum."""

    rank: int = 0
    size: int = 1
    device: torch.device = CPU
    others: torch.Tensor | float = 0.0
    given: list = field(default_factory=list)

    def sum(self, value):
        self.given.append(value.clone())
        return value + self.others


@dataclass
class Made:
    tasks: list
    clean: torch.Tensor
    places: list
    identities: list
    replaced: list = field(default_factory=list)


def made(tasks, first=0, replaced=0):
    places = list(range(first, first + len(tasks)))
    identities = [f"key{place}-abc/16x16/m0" if place % 2 else None for place in places]
    return Made(tasks, torch.zeros(len(tasks), 3, 16, 16), places, identities, [None] * replaced)


def small():
    section = TinySection(heads=1, head_dim=32, double_blocks=1, single_blocks=1, features=8, words=64)
    return PixelEditor(EditorConfig.of(TrainingSection(editor=section, crop=16)))


@pytest.fixture(scope="module")
def editor():
    return small()


def measured(meter, *microbatches):
    with meter.waiting():
        pass
    for batch, times, losses in microbatches:
        meter.samples(batch, torch.tensor(times), torch.tensor(losses))
    return meter.reduce()


def test_loss_by_time_and_by_task_by_hand(editor):
    first = made(["haze", "blur", "haze"]), [0.0, 0.05, 0.95], [1.0, 3.0, 5.0]
    second = made(["rain", "blur", "haze"], first=3, replaced=1), [1.0, 0.1, 0.999], [7.0, 2.0, 6.0]
    found = measured(Meter(Alone(), editor), first, second)
    assert found.loss == pytest.approx(4.0)
    assert found.loss_by_time == {"0.0-0.1": 2.0, "0.1-0.2": 2.0, "0.9-1.0": 6.0}
    assert found.loss_by_task == {"blur": 2.5, "haze": 4.0, "rain": 7.0}
    assert (found.samples, found.replaced) == (6, 1)


def test_two_processes_are_one_batch_and_one_reduction(editor):
    one, two = Alone(0, 2), Alone(1, 2)
    measured(Meter(one, editor), (made(["haze"]), [0.35], [1.0]))
    measured(Meter(two, editor), (made(["blur"]), [0.35], [2.0]))
    assert len(one.given) == 1
    joint = Alone(0, 2, others=two.given[0])
    found = measured(Meter(joint, editor), (made(["haze"]), [0.35], [1.0]))
    assert found.loss == 1.5 and found.loss_by_time == {"0.3-0.4": 1.5}
    assert found.loss_by_task == {"blur": 2.0, "haze": 1.0} and found.samples == 2


def test_steps_do_not_run_into_each_other(editor):
    meter = Meter(Alone(), editor)
    measured(meter, (made(["haze"]), [0.35], [1.0]))
    meter.timings()
    found = measured(meter, (made(["blur"]), [0.5], [2.0]))
    assert found.loss == 2.0 and found.loss_by_task == {"blur": 2.0}
    assert meter.timings().samples == 1


def test_a_loss_that_is_not_finite_stays_in_its_cells(editor):
    found = measured(Meter(Alone(), editor), (made(["haze", "blur"]), [0.15, 0.25], [math.nan, 2.0]))
    assert math.isnan(found.loss) and math.isnan(found.loss_by_task["haze"]) and found.loss_by_task["blur"] == 2.0
    assert found.loss_by_time["0.2-0.3"] == 2.0 and len(BIN_NAMES) == 10


def test_a_training_sample_costs_three_forward_passes_and_less_with_frozen_weights():
    editor = small()
    assert passes(editor) == 3.0
    meter = Meter(Alone(), editor)
    measured(meter, (made(["haze", "blur"]), [0.5, 0.5], [1.0, 1.0]))
    timings = meter.timings()
    assert timings.flops == 2 * 3 * editor.forward_flops(16, 16) and timings.peak is None and timings.mfu is None
    editor.requires_grad_(False)
    assert passes(editor) == 2.0


def test_waiting_parts_and_what_is_aside(editor):
    meter = Meter(Alone(), editor)
    with meter.waiting():
        torch.zeros(10**5)
    with meter.part("forward"):
        torch.zeros(10**5).sum()
    meter.samples(made(["haze"]), torch.tensor([0.5]), torch.tensor([1.0]))
    meter.reduce()
    timings = meter.timings()
    assert 0.0 < timings.waited < timings.seconds and set(timings.parts) == {"forward"}
    assert 0.0 < timings.wait_share + timings.parts["forward"] / timings.seconds <= 1.0
    assert 0.0 < timings.overhead_share < 1.0 and timings.memory.allocated > 0 and timings.memory.reserved is None
    with meter.aside():
        aside = torch.zeros(3 * 10**7).sum()
    measured(meter, (made(["haze"]), [0.5], [1.0]))
    assert aside == 0.0 and meter.timings().parts == {}


def test_rates_of_joined_steps():
    step = {"samples": 8, "flops": 4e12, "devices": 2, "peak": 2 * PEAKS["A100"].flops}
    one = Timings(1, 1.0, 0.1, memory=Memory(2**30, None), parts={"forward": 0.5}, **step)
    two = Timings(1, 3.0, 0.1, memory=Memory(2**31, 2**32), parts={"forward": 1.5, "optimizer": 1.0}, **step)
    row = Timings.joined([one, two]).row()
    assert row["step_seconds"] == 2.0 and row["samples_per_second"] == 4.0
    assert row["data_wait_share"] == pytest.approx(0.05) and row["overhead_share"] == pytest.approx(0.25)
    assert row["tflops_per_device"] == pytest.approx(1.0) and row["mfu"] == pytest.approx(1e12 / PEAKS["A100"].flops)
    assert row["part_seconds"] == {"forward": 1.0, "optimizer": 0.5}
    assert row["memory_gib"] == {"allocated": 2.0, "reserved": 4.0}


def test_divergence_names_what_when_and_whose(editor):
    batches = made(["haze", "blur"]), made(["haze"], first=2)
    rows = zip(batches, ([0.15, 0.25], [0.5]), ([1.0, math.nan], [2.0]), strict=True)
    found = measured(Meter(Alone(), editor), *rows)
    text = divergence("transfer", 12, found, 0.5, 1e-5, batches)
    assert "stage 'transfer', step 12: the loss is nan; tasks: blur; no weight was changed" in text
    assert "blur key1-abc/16x16/m0, loss nan at time 0.250" in text and "haze" not in text
    finite = measured(Meter(Alone(), editor), (batches[0], [0.15, 0.25], [1.0, 2.0]))
    text = divergence("transfer", 12, finite, math.inf, 1e-5, batches[:1])
    assert "the gradient's norm is inf, the loss 1.5; tasks: blur, haze" in text
    assert "haze draw 0, loss 1 at time 0.150" in text and "stages.transfer.learning_rate (here 1e-05)" in text
