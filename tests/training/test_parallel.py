"""Processes, precision, recomputation and compilation change how a step is computed, not what it computes."""

import gc
from contextlib import contextmanager
from functools import partial

import numpy as np
import pytest
import torch
import torch.distributed as dist
from safetensors.torch import save_file

from schemas.errors import CheckpointError, RecipeError
from schemas.recipe.training import ParallelSection
from tests.training.parallel_cases import Case, inputs, loaded, small_editor, sums, trained
from tests.training.processes import together
from training.editors.loading import load_weights
from training.parallel import World, joined, parallelize

CPU = torch.device("cpu")


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def alone():
    """One process, all samples at once; the first single-stream block is frozen."""
    return trained(Case(frozen=1))


@pytest.fixture(scope="module")
def weights_file(tmp_path_factory):
    file = tmp_path_factory.mktemp("weights") / "editor.safetensors"
    save_file({name: each.detach().to(torch.bfloat16) for name, each in small_editor().named_parameters()}, file)
    return file


@pytest.fixture(scope="module")
def pair(weights_file):
    """What two processes make of the cases below, by case and rank."""
    return together(
        2,
        (trained, (Case(frozen=1),)),
        (trained, (Case(frozen=1, accumulate=2),)),
        (trained, (Case({"shard": "hybrid", "shard_size": 1}, frozen=1, accumulate=2),)),
        (loaded, (weights_file, {})),
        (sums, ()),
    )


@pytest.fixture(scope="module")
def four(weights_file):
    """What four processes make of two copies of two shards."""
    section = {"shard": "hybrid", "shard_size": 2}
    return together(4, (trained, (Case(section, frozen=1, accumulate=2),)), (loaded, (weights_file, section)))


def same_training(result, expected):
    np.testing.assert_allclose(result[0], expected[0], rtol=1e-5)
    for name, weight in expected[1].items():
        np.testing.assert_allclose(result[1][name], weight, atol=1e-4, err_msg=name)


def whole_file(editor):
    return {name: each.detach().to(torch.bfloat16).float().numpy() for name, each in editor.named_parameters()}


def test_losses_gradient_norms_and_weights_do_not_depend_on_accumulation(alone):
    same_training(trained(Case(frozen=1, accumulate=4)), alone)


@pytest.mark.slow
@pytest.mark.parametrize("case", [0, 1, 2], ids=["full", "full, accumulated", "copies, accumulated"])
def test_two_processes_train_as_one(pair, alone, case):
    for result in pair[case]:
        assert result[2] == (2, 2 if case == 2 else 1)
        same_training(result, alone)


@pytest.mark.slow
def test_two_copies_of_two_shards_train_as_one(four, alone):
    for result in four[0]:
        assert result[2] == (4, 2)
        same_training(result, alone)


@pytest.mark.slow
def test_frozen_blocks_keep_their_bits_on_every_process(pair, four):
    begun = {name: each.detach().numpy() for name, each in small_editor().named_parameters()}
    for _, weights, _ in [*pair[0], *pair[1], *four[0]]:
        frozen = [name for name in weights if ".single_transformer_blocks.0." in name]
        moving = [name for name in weights if ".single_transformer_blocks.1." in name]
        assert frozen and all(np.array_equal(weights[name], begun[name]) for name in frozen)
        assert moving and not any(np.array_equal(weights[name], begun[name]) for name in moving)


@pytest.mark.slow
def test_each_process_reads_its_rows_alone_and_together_they_are_the_file(pair, four):
    expected = whole_file(small_editor())
    total = sum(each.size for each in expected.values())
    for results, shards in ((pair[3], 2), (four[1], 2)):
        for weights, asked, held in results:
            assert asked == held
            assert all(np.array_equal(weights[name], each) for name, each in expected.items())
        assert sum(held for _, _, held in results[:shards]) == total
        assert max(held for _, _, held in results) < 0.6 * total


@pytest.mark.slow
def test_sums_are_over_all_processes(pair):
    assert pair[4] == [([2.0, 1.0], 0.5)] * 2


def test_master_weights_keep_what_bf16_would_lose():
    """bf16 has steps of 2⁻⁸ of a weight's size; updates of less than half of one are kept."""
    case = Case({"precision": "bf16"}, rate=1e-3, steps=1)
    curve, weights, world = trained(case)
    assert world == (1, 1) and not dist.is_initialized()
    inside = {name: each.detach().numpy() for name, each in small_editor().named_parameters() if "_blocks." in name}
    begun = np.concatenate([each.ravel() for each in inside.values()])
    moved = np.concatenate([weights[name].ravel() for name in inside]) - begun
    assert np.mean((moved != 0) & (np.abs(moved) < 2.0**-9 * np.abs(begun))) > 0.5
    exact = trained(Case(rate=1e-3, steps=1))
    np.testing.assert_allclose(curve[0], exact[0][0], rtol=1e-2)
    assert curve[0] != exact[0][0]


def test_blocks_compute_in_bf16_the_rest_and_positions_in_fp32():
    seen = []
    with joined(ParallelSection(precision="bf16")) as world:
        editor = small_editor()
        parallelize(editor, ParallelSection(precision="bf16"), world)
        for block in editor.blocks():
            inner = block.forward

            def looked(*args, _inner=inner, **kwargs):
                seen.append((kwargs["hidden_states"].dtype, kwargs["temb"].dtype, kwargs["image_rotary_emb"][0].dtype))
                return _inner(*args, **kwargs)

            block.forward = looked
        given, wanted = inputs(torch.arange(2))
        out = editor(*given)
        (out - wanted).square().mean().backward()
    assert seen == [(torch.bfloat16, torch.bfloat16, torch.float32)] * len(editor.blocks())
    assert out.dtype == torch.float32
    assert {each.grad.dtype for each in editor.parameters() if each.grad is not None} == {torch.float32}


@contextmanager
def kept_bytes():
    """Bytes that autograd keeps for the backward pass, counted once a storage."""
    storages = {}

    def note(tensor):
        storages[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        yield storages


def test_recomputation_keeps_less_and_changes_no_bit_of_the_gradients():
    gradients, kept = {}, {}
    for mode in ("none", "selective", "full"):
        editor = small_editor()
        names = list(dict(editor.named_parameters()))
        parallelize(editor, ParallelSection(recompute=mode), World(0, 1, CPU, None))
        assert list(dict(editor.named_parameters())) == names
        given, wanted = inputs(torch.arange(4))
        gc.collect()
        with kept_bytes() as storages:
            loss = (editor(*given) - wanted).square().mean()
        kept[mode] = sum(storages.values())
        loss.backward()
        gradients[mode] = [each.grad for each in editor.parameters() if each.grad is not None]
    assert kept["full"] < kept["none"]
    for mode in ("selective", "full"):
        assert all(map(torch.equal, gradients[mode], gradients["none"])), mode


@pytest.mark.slow
def test_compiled_blocks_share_their_code_and_give_the_same_loss(monkeypatch):
    """Traced and differentiated as for a GPU; the last part, C++ or Triton, is left out for its time."""
    from torch._dynamo.utils import counters

    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="aot_eager"))
    eager = trained(Case({"precision": "bf16"}, frozen=1, steps=1))
    kinds = ("double", "single, frozen", "single, moving")
    for mode in ("selective", "full"):
        counters.clear()
        compiled = trained(Case({"precision": "bf16", "recompute": mode, "compile": True}, frozen=1, steps=1))
        np.testing.assert_allclose(compiled[0], eager[0], rtol=1e-2)
        assert counters["stats"]["unique_graphs"] <= len(kinds) and not counters["graph_break"]


@pytest.mark.slow
def test_one_compiled_version_serves_all_buckets(monkeypatch):
    from torch._dynamo.utils import counters

    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="aot_eager"))
    editor = small_editor()
    editor.config = editor.config.model_copy(update={"fit": "bucket"})
    editor.blocks = lambda: editor.single_blocks()[:1]  # one is enough, and quicker
    parallelize(editor, ParallelSection(compile=True), World(0, 1, CPU, None))
    (state, time, reference, condition), _ = inputs(torch.arange(2))
    graphs = []
    torch._dynamo.reset()
    counters.clear()
    for times in (1, 2, 3):
        wide = [picture.repeat(1, 1, 1, times) for picture in (state, reference)]
        with torch.no_grad():
            editor(wide[0], time, wide[1], condition)
        graphs.append(counters["stats"]["unique_graphs"])
    assert graphs[0] == graphs[1] == graphs[2]


def test_rows_and_parameters_must_agree(weights_file):
    from accelerate import init_empty_weights

    def rows(start, stop):
        return torch.zeros(stop - start, 1)

    with init_empty_weights(include_buffers=False):
        editor = small_editor()
    with pytest.raises(CheckpointError, match=r"no weights for\n(  .*\n)+  … and \d+ more"):
        load_weights(editor, CPU, {})
    names = list(dict(editor.named_parameters()))
    with pytest.raises(CheckpointError, match="no parameter for\n  another"):
        load_weights(editor, CPU, dict.fromkeys([*names, "another"], rows))
    with pytest.raises(CheckpointError, match=r"unused: \(1, 1\) for rows 0 to 0 in the file, \(1,\) in the model"):
        load_weights(editor, CPU, dict.fromkeys(names, rows))


def test_a_real_editor_keeps_the_values_that_no_rows_replace():
    editor = small_editor()
    before = [each.detach().clone() for each in editor.parameters()]
    load_weights(editor, CPU, {"context.words.weight": lambda start, stop: torch.full((stop - start, 32), 3.0)})
    after = dict(editor.named_parameters())
    assert torch.equal(after.pop("context.words.weight"), torch.full((51, 32), 3.0))
    assert sum(map(torch.equal, before, editor.parameters())) == len(before) - 1


def test_a_shard_size_that_does_not_divide_the_processes_is_refused():
    section = ParallelSection(precision="bf16", shard="hybrid", shard_size=3)
    with pytest.raises(RecipeError, match="shard_size: 3 does not divide the 1 processes"), joined(section):
        pass
    assert not dist.is_initialized()
