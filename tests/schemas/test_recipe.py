"""Recipes: YAML with dotted overrides; a mistake is told with the field, the value and the remedy."""

import pytest

from schemas.errors import RecipeError
from schemas.recipe import Recipe, load_recipe


def write(tmp_path, text):
    path = tmp_path / "recipe.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_yaml_then_overrides(tmp_path):
    path = write(tmp_path, "seed: 3\nplan: {variants: 2}\nsources:\n  - {path: a}\n  - {path: b}\n")
    recipe = load_recipe(path, ["plan.variants=5", "degradations.noise.modes.impulse=0", "sources.1.path=c"])
    assert (recipe.seed, recipe.plan.variants, recipe.degradations.noise.modes.impulse) == (3, 5, 0.0)
    assert [source.path for source in recipe.sources] == ["a", "c"]


def test_an_empty_file_is_the_default_recipe(tmp_path):
    assert load_recipe(write(tmp_path, "")) == Recipe()


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("plan.varaints=3", "plan.varaints: unknown field; did you mean variants?"),
        ("degradations.noise.modes.raw_ips=1", "degradations.noise.modes.raw_ips: unknown field; did you mean raw_isp?"),  # noqa: E501
        ("degradatoins={}", "degradatoins: unknown field; did you mean degradations?"),
        ("sources=[{path: a, knd: images}]", "sources.0.knd: unknown field; did you mean kind?"),
        ("plan.heldout=2", "plan.heldout: Input should be less than or equal to 1 (got 2)"),
        ("plan.unit_size=many", "plan.unit_size: Input should be a valid integer"),
        ("seed", "override 'seed': write it as section.field=value"),
        ("seed.x=1", "override 'seed.x=1': seed holds 1, which has no fields"),
        ("sources.7.path=1", "override 'sources.7.path=1': '7' is no position in a list of 1"),
        ("plan={severity_low: 0.9, severity_high: 0.1}", "severity_low 0.9 is above severity_high 0.1"),
        ("cues.depth.provider=dpt", "cues.depth: provider 'dpt' needs a model; give its folder or hub id"),
        ("cues.depth.model=a/b", "cues.depth: model 'a/b' is used by provider 'dpt' alone; set provider: dpt"),
        ("cues.masks.provider=sam2", "cues.masks: provider 'sam2' needs a checkpoint"),
        ("cues.masks.config=sam2.1_hiera_t", "used by provider 'sam2' alone; set provider: sam2"),
        ("cues.depth.provider=midas", "cues.depth.provider: Input should be 'prior' or 'dpt' (got 'midas')"),
        ("policy.rules=[{score: pair.psnr}]", "the rule on 'pair.psnr' has neither min nor max"),
        (
            "degradations.blur.modes={camera_shake: 0, trajectory: 0, object_motion: 0, defocus: 0, web: 0, video: 0}",
            "degradations.blur.modes: all modes are switched off; give one of camera_shake",
        ),
    ],
)  # fmt: skip
def test_a_mistake_names_field_value_and_remedy(tmp_path, override, message):
    path = write(tmp_path, "seed: 1\nsources: [{path: a}]\n")
    with pytest.raises(RecipeError) as error:
        load_recipe(path, [override])
    assert message in str(error.value)
    assert "Value error" not in str(error.value)


@pytest.mark.parametrize(("text", "message"), [("- 1\n- 2\n", "holds a list, not a mapping"), ("a: [", "not YAML")])
def test_files_that_are_no_recipe(tmp_path, text, message):
    with pytest.raises(RecipeError, match=message):
        load_recipe(write(tmp_path, text))


def test_a_missing_file(tmp_path):
    with pytest.raises(RecipeError, match="name an existing file"):
        load_recipe(tmp_path / "nowhere.yaml")


def test_yaml_tags_run_nothing(tmp_path):
    with pytest.raises(RecipeError, match="not YAML"):
        load_recipe(write(tmp_path, "seed: !!python/object/apply:os.getpid []\n"))


@pytest.mark.parametrize(
    "override",
    ["seed=1", "plan.variants=9", "degradations.haze.weight=0.5", "policy.rules=[]", "decode.max_pixels=9",
     "shards.degraded_format=webp", "plan.heldout=0.5", "cues.depth={provider: dpt, model: a/b}",
     "cues.masks={provider: sam2, checkpoint: a.pt}"],
)  # fmt: skip
def test_what_changes_content_changes_the_fingerprint(override):
    assert load_recipe(None, [override]).fingerprint() != Recipe().fingerprint()


@pytest.mark.parametrize(
    "override",
    [
        "name=x",
        "plan.unit_size=4",
        "engine.kind=ray",
        "sources=[{path: a}]",
        "evaluation={}",
        "cues.device=cpu",
        "cues.cache=/tmp/cues",
        "engine.worker_gpus=1",
    ],
)
def test_what_changes_no_content_leaves_the_fingerprint(override):
    assert load_recipe(None, [override]).fingerprint() == Recipe().fingerprint()


def test_the_fingerprint_is_stable_across_ways_of_writing(tmp_path):
    a = load_recipe(write(tmp_path, "plan: {variants: 2}\nseed: 4\n"))
    b = load_recipe(None, ["seed=4", "plan.variants=2"])
    assert a.fingerprint() == b.fingerprint()
