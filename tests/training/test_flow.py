"""The objective, against values computed by hand."""

import math

import pytest
import torch

from schemas.recipe.training import ObjectiveSection, StageSection
from training import flow
from training.families.timesteps import TIMESTEPS, sampling_sigmas
from training.stages import learning_rate


def test_shift_and_sigma_of_step1x():
    assert flow.shift(torch.tensor(0.5), 3.1582).item() == pytest.approx(1.5791 / 2.0791)
    sigma = flow.noise_times(torch.tensor([-1e9, 0.0, 1e9]), 3.1582)
    assert sigma.tolist() == pytest.approx([0.0, 3.1582 * 0.5 / (1 + 2.1582 * 0.5), 1.0])


def test_noise_form_mixes_and_points_to_noise():
    clean, degraded, noise = (torch.full((1, 3, 2, 2), value) for value in (0.2, 0.5, -1.0))
    point = flow.noise_point(clean, degraded, noise, torch.tensor([0.25]))
    assert torch.allclose(point.state, torch.full_like(clean, 0.75 * 0.2 - 0.25))
    assert torch.allclose(point.velocity, torch.full_like(clean, -1.2))
    assert torch.equal(point.reference, degraded)


def test_noise_free_form_goes_from_degraded_to_clean():
    clean, degraded = torch.full((1, 3, 2, 2), 0.2), torch.full((1, 3, 2, 2), 0.6)
    point = flow.noise_free_point(clean, degraded, torch.tensor([0.25]))
    assert torch.allclose(point.state, torch.full_like(clean, 0.5))
    assert torch.allclose(point.velocity, torch.full_like(clean, -0.4))
    assert point.reference is None


def test_the_logarithmic_loss_by_hand():
    predicted, velocity = torch.zeros(2, 3, 4, 4), torch.stack([torch.full((3, 4, 4), v) for v in (0.1, 0.5)])
    plain = flow.sample_losses(predicted, velocity, logarithmic=False)
    assert plain.tolist() == pytest.approx([0.01, 0.25])
    logarithmic = flow.sample_losses(predicted, velocity, logarithmic=True)
    least = (10 / 255) ** 2
    assert logarithmic.tolist() == pytest.approx([math.log1p(0.01 / least), math.log1p(0.25 / least)])


@pytest.mark.parametrize("steps", [1, 4])
def test_the_true_velocity_is_walked_to_the_clean_image(steps):
    clean, degraded, noise = (torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(i)) for i in range(3))
    falling = sampling_sigmas(TIMESTEPS["step1x"], 4096, steps).tolist()
    seen: list[int] = []
    assert torch.allclose(flow.walk(lambda *_: noise - clean, noise, falling, seen.append), clean, atol=1e-5)
    assert seen == list(range(1, steps + 1))
    rising = torch.linspace(0.0, 1.0, steps + 1).tolist()
    assert torch.allclose(flow.walk(lambda *_: clean - degraded, degraded, rising, None), clean, atol=1e-5)


def test_times_of_a_sample_depend_on_its_place_alone():
    objective = ObjectiveSection(form="noise_free", start_share=0.5)

    def times(places, size=8):
        images = [torch.zeros(len(places), 3, size, size)] * 2
        return flow.draw_point(*images, objective, 1.0, "0/transfer", places).time

    assert times([8])[0] == times([7, 8, 9])[1]
    many = times(range(4000), size=1)
    assert (many == 0).float().mean().item() == pytest.approx(0.5, abs=0.03)
    assert many[many > 0].mean().item() == pytest.approx(0.5, abs=0.03)


def test_constant_and_cosine_rates():
    constant = StageSection(steps=500, learning_rate=1e-5, warmup_steps=100)
    assert [learning_rate(constant, step) for step in (0, 49, 99, 100, 499)] == pytest.approx(
        [1e-7, 5e-6, 1e-5, 1e-5, 1e-5]
    )
    cosine = StageSection(steps=1500, learning_rate=1e-5, warmup_steps=100, schedule="cosine")
    assert learning_rate(cosine, 799) == pytest.approx(5e-6)
    assert learning_rate(cosine, 1499) == pytest.approx(0.0, abs=1e-12)
