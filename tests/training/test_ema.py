"""The moving average of the weights: its decay, what it averages, and how it changes places with the model."""

import pytest
import torch
from torch import nn

from training.ema import MovingAverage


def test_the_average_follows_its_decay_after_a_warm_up():
    model = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(model.weight)
    average = MovingAverage(model, 0.5, ["weight"])
    with torch.no_grad():
        model.weight.fill_(1.0)
    average.update(0)
    assert average.weights["weight"].item() == pytest.approx(0.9)  # decay (1 + 0) / (10 + 0) = 0.1
    average.update(8)
    assert average.weights["weight"].item() == pytest.approx(0.95)  # (1 + 8) / (10 + 8) = 0.5, the decay itself
    average.update(1000)
    assert average.weights["weight"].item() == pytest.approx(0.975)  # never above the decay


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def layers():
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    model[0].requires_grad_(False)
    return model, [name for name, _ in model.named_parameters()]


def test_what_is_frozen_is_its_own_average_without_a_second_copy():
    model, names = layers()
    weights = MovingAverage(model, 0.9, names).weights
    assert weights["0.weight"].data_ptr() == model[0].weight.data_ptr()
    assert weights["1.weight"].data_ptr() != model[1].weight.data_ptr()
    assert MovingAverage(model, 0.9, ["1.weight"]).weights.keys() == {"1.weight"}


def test_model_and_average_change_places_and_back_to_the_bit():
    model, names = layers()
    average = MovingAverage(model, 0.9, names)
    mean = {name: tensor.clone() for name, tensor in average.weights.items()}
    with torch.no_grad():
        model[1].weight.add_(1.0)
    own = {name: tensor.clone() for name, tensor in model.named_parameters()}
    with pytest.raises(RuntimeError, match="validation failed"), average.in_place():
        assert same(dict(model.named_parameters()), mean)
        raise RuntimeError("validation failed")
    assert same(dict(model.named_parameters()), own)
    assert same(average.weights, mean)
    average.into_model()
    assert same(dict(model.named_parameters()), mean)


def test_an_average_of_half_precision_is_refused():
    model, names = layers()
    with pytest.raises(ValueError, match=r"must be fp32: 1\.weight, 1\.bias are not"):
        MovingAverage(model.bfloat16(), 0.9, names)
