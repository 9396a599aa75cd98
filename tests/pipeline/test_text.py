"""Texts from traces: what they say is what was done, in good English and Chinese."""

from __future__ import annotations

import re
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from degradations.chain import draw_chain, task_of
from degradations.registry import CLASSES
from degradations.rng import generator
from pipeline.text.fact import Fact, families_of, kinds_of
from pipeline.text.facts import GENERIC, facts_of, recognised_facts
from pipeline.text.identification import LETTERS, wrong_options
from pipeline.text.languages import LANGUAGES
from pipeline.text.mentions import mentions
from pipeline.text.rewrite import accept_rewrite, rewriting_prompt, rewritten
from pipeline.text.texts import comparisons_of, texts_of, texts_of_recognised
from pipeline.text.transforms import TRANSFORMS
from pipeline.text.writer import Writer
from schemas.recipe import parse_recipe
from schemas.recipe.compositions import composition_names
from schemas.recipe.degradations import DegradationsSection
from schemas.recipe.text import TextSection
from schemas.text import KINDS, TextRow
from schemas.trace import Step, Trace
from tests.degradations.test_contract import scene_of

ALL = TextSection()
#: Modes whose drawing needs files or clips; their parameters are written down in `BY_HAND`.
UNDRAWN = {("lowlight", "learned"), ("reflection", "learned"), ("blur", "video")}
MODES = [
    (name, mode)
    for name in CLASSES
    for mode in (type(getattr(DegradationsSection(), name).modes).model_fields
                 if hasattr(getattr(DegradationsSection(), name), "modes") else [""])
    if (name, mode) not in UNDRAWN
]  # fmt: skip
COMPOSED = parse_recipe({"degradations": {"compositions": list(composition_names())}}).degradations
CHAINS = list(COMPOSED.all_chains())
LATIN = re.compile(r"JPEG 2000|JPEG|WebP|AVIF|GIF|H\.26[45]|MPEG-[24]")
HAN = re.compile(r"[\u2e80-\u9fff\uff00-\uffef\u3000-\u303f]")


def trace_of(steps: list[Step], key: str, source: str = "s") -> Trace:
    return Trace(sample_key=key, source_sha256=source, recipe_fingerprint="r", code_version="v", steps=steps)


@cache
def drawn(name: str, mode: str, severity: float, seed: int) -> Trace:
    section = DegradationsSection().only(name, mode) if mode else COMPOSED
    key = f"{name}{mode}{seed}"
    return trace_of(draw_chain([name], section, scene_of(48, 64), severity, seed, key), key)


def sampled(count: int) -> list[tuple[Trace, str, str]]:
    """Traces of everything there is, with their tasks and levels."""
    out = []
    named = [(name, mode) for name, mode in MODES] + [(chain, "") for chain in CHAINS]
    for number in range(count):
        name, mode = named[number % len(named)]
        severity = float(generator(number, "severity").random())
        out.append((drawn(name, mode, severity, number), task_of(name, COMPOSED), COMPOSED.curriculum(name)))
    return out


@cache
def each_text(count: int = 500) -> list[tuple[list[Fact], TextRow]]:
    return [
        (facts_of(trace), row)
        for trace, task, curriculum in sampled(count)
        for row in texts_of(trace, task, curriculum, ALL)
    ]


def parts(row: TextRow) -> dict[str, str]:
    """The four paragraphs of an interleaved text by heading."""
    return dict(re.split(r": |：", line, maxsplit=1) for line in row.answer.split("\n"))


@pytest.mark.parametrize(("name", "mode"), MODES + [(chain, "") for chain in CHAINS])
def test_every_degradation_mode_and_chain_has_all_texts(name, mode):
    for seed in range(3):
        trace = drawn(name, mode, 0.2 + 0.3 * seed, seed)
        rows = texts_of(trace, task_of(name, COMPOSED), COMPOSED.curriculum(name), ALL)
        assert [(row.language, row.kind) for row in rows] == [(lang, kind) for lang in ("en", "zh") for kind in KINDS]
        for row in rows:
            assert row.sample_key == trace.sample_key
            assert row.prompt and row.answer
            if row.kind == "interleaved":
                assert list(parts(row)) == list(LANGUAGES[row.language].headings)
                assert all(len(part) >= 6 for part in parts(row).values())


def test_what_a_text_names_is_what_the_trace_did():
    for facts, row in each_text():
        there = set(families_of(facts))
        if row.kind == "interleaved":
            named = {heading: set(mentions(text, row.language).families) for heading, text in parts(row).items()}
            intent, analysis, plan, result = named.values()
            assert analysis == plan == there, row.answer
            assert intent <= there and result <= there, row.answer
        else:
            assert set(mentions(row.answer, row.language).families) == there, row.answer


def test_severity_words_are_those_of_the_trace():
    for facts, row in each_text():
        known = {fact.level for fact in facts if fact.level}
        told = {level for _, level in mentions(row.answer, row.language).levels}
        assert told <= known, row.answer
        if row.kind == "description":
            assert told == known, row.answer


@pytest.mark.parametrize("name", [name for name in CLASSES if name != "albumentations"])
def test_levels_grow_with_severity(name):
    mode = next(mode for own, mode in MODES if own == name and mode != "lr")
    levels = [facts_of(drawn(name, mode, severity, 1))[0].level for severity in (0.0, 0.15, 0.35, 0.55, 0.75, 1.0)]
    assert levels == sorted(levels)
    assert len(set(levels)) > 2
    if name not in ("agenticir", "depictqa"):
        assert levels[0] == 1


@pytest.mark.parametrize("language", ["en", "zh"])
def test_each_severity_word_tells_one_level(language):
    phrases = LANGUAGES[language]
    for words in (phrases.levels, phrases.degrees, phrases.predicates):
        for level, group in enumerate(words, start=1):
            for word in group:
                assert mentions(word, language).levels == {("", level)}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_each_noun_tells_its_family(language):
    phrases = LANGUAGES[language]
    assert phrases.kinds.keys() == LANGUAGES["en"].kinds.keys()
    assert phrases.families.keys() == LANGUAGES["en"].families.keys()
    for kind, named in phrases.kinds.items():
        for noun in named.nouns:
            assert set(mentions(noun, language).families) == {kind.split(".")[0]}, noun
        for sentence in named.symptoms:
            assert set(mentions(sentence, language).families) <= {kind.split(".")[0]}, sentence
    for name, family in phrases.families.items():
        assert set(mentions(family.name, language).families) == {name}
        for sentence in (*family.wants, *family.slight, *family.severe, *family.cures, *family.outcomes):
            assert set(mentions(sentence, language).families) <= {name}, sentence
            assert not mentions(sentence, language).levels, sentence
    assert phrases.patterns.keys() == LANGUAGES["en"].patterns.keys()
    assert phrases.wheres.keys() == LANGUAGES["en"].wheres.keys()


def test_english_is_english_and_chinese_is_chinese():
    for _, row in each_text():
        for text in (row.prompt, row.answer):
            if row.language == "en":
                assert not HAN.search(text), text
                assert not re.search(r"[ \t]{2}|[ \t]$| [,.;:]|[,;:][^\s]|\ba [aeiou]|\b(\w+) \1\b", text), text
                for line in row.answer.split("\n"):
                    assert line[0].isupper(), text
            else:
                bare = LATIN.sub("", text)
                bare = re.sub(r"(?m)(^|(?<=；))[A-G]、", "", bare) if row.kind == "identification" else bare
                assert not re.search(r"[A-Za-z,.;:?!() ]", bare), text
                assert not re.search(r"[，。、；：？]{2}|的的|，。", text), text
            assert not re.search(r"[{}]|None|^\s|\s$", text), text


def test_sentences_end():
    for _, row in each_text():
        for line in row.answer.split("\n"):
            assert line[-1] in ("." if row.language == "en" else "。"), row.answer


def test_lengths_are_bounded():
    for _, row in each_text():
        if row.language == "en":
            most = {"interleaved": 2200, "description": 1600, "identification": 260, "comparison": 420}
        else:
            most = {"interleaved": 700, "description": 520, "identification": 120, "comparison": 140}
        assert len(row.answer) <= most[row.kind], row.answer


def test_the_plan_undoes_the_last_step_first():
    for facts, row in each_text():
        if row.kind != "interleaved":
            continue
        plan = mentions(list(parts(row).values())[2], row.language).families
        expected = [kind.split(".")[0] for kind in reversed(kinds_of(facts))]
        runs = [family for n, family in enumerate(plan) if n == 0 or plan[n - 1] != family]
        assert runs == [family for n, family in enumerate(expected) if n == 0 or expected[n - 1] != family], row.answer


def test_texts_depend_on_the_sample_alone():
    trace, task, curriculum = sampled(60)[57]
    rows = texts_of(trace, task, curriculum, ALL)
    assert texts_of(trace, task, curriculum, ALL) == rows
    for row in rows:
        section = TextSection(languages=(row.language,), kinds=(row.kind,))
        assert texts_of(trace, task, curriculum, section) == [row]
    other = trace.model_copy(update={"sample_key": "another"})
    assert [row.answer for row in texts_of(other, task, curriculum, ALL)] != [row.answer for row in rows]


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(("kind", "least"), [("interleaved", 195), ("description", 120), ("comparison", 50)])
def test_wordings_vary(language, kind, least):
    """200 samples of one degradation, mode and severity."""
    steps = drawn("noise", "raw_isp", 0.7, 0).steps
    section = TextSection(languages=(language,), kinds=(kind,))
    answers = {texts_of(trace_of(steps, str(key)), "noise", "single", section)[0].answer for key in range(200)}
    assert len(answers) >= least


def test_choices_are_sound():
    """Every letter of an answer stands before a distortion that is there, and no other option names one."""
    kinds = set()
    for facts, row in each_text():
        if row.kind != "identification" or "\n" not in row.prompt:
            continue
        question, *options = row.prompt.split("\n")
        there = set(families_of(facts))
        assert [option[0] for option in options] == list(LETTERS[: len(options)])
        right = {option for option in options if set(mentions(option, row.language).families) & there}
        given = set(re.split(r"[;；]\s?", row.answer[:-1]))
        assert given == right and len(right) == len(there)
        assert len(options) - len(right) >= 2
        single = "one" in question.split() or "option." in question or "一项" in question
        assert not single or len(right) == 1
        kinds.add((row.language, single, len(right) > 1))
    assert {(language, single, many) for language, single, many in kinds} >= {
        ("en", True, False), ("en", False, False), ("en", False, True),
        ("zh", True, False), ("zh", False, False), ("zh", False, True),
    }  # fmt: skip


def test_no_wrong_option_is_offered_beside_what_may_bring_it_along():
    assert "noise" not in wrong_options(("lowlight",))
    assert "low_resolution" not in wrong_options(("blur",))
    assert "haze" not in wrong_options(("rain", "noise"))
    assert wrong_options(("noise", "alteration")) == []


def test_a_comparison_says_which_picture_is_first():
    seen = set()
    for _, row in each_text():
        if row.kind == "comparison":
            better = min(
                (row.answer.find(word), n)
                for n, word in enumerate(("first", "second") if row.language == "en" else ("第一张", "第二张"))
                if word in row.answer
            )[1]
            assert sorted(row.images) == ["gt", "lq"]
            assert row.images[better] == "gt", row.answer
            seen.add(better)
    assert seen == {0, 1}


def test_two_variants_are_compared_where_their_traces_tell():
    mild, severe = drawn("haze", "fog", 0.3, 1), drawn("haze", "haze", 0.8, 2)
    for row in (*comparisons_of(mild, severe, ALL), *comparisons_of(severe, mild, ALL)):
        better = "lq" if row.sample_key == mild.sample_key else f"{mild.sample_key}.lq"
        words = ("first", "second") if row.language == "en" else ("第一张", "第二张")
        assert row.images[0 if row.answer.find(words[0]) in range(12) else 1] == better, row.answer
        assert {level for _, level in mentions(row.answer, row.language).levels} <= {2, 5}
        assert set(mentions(row.answer, row.language).families) == {"haze"}
    assert len(comparisons_of(mild, severe, ALL)) == 2


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("haze", "fog", 0.3), ("haze", "fog", 0.42)),
        (("haze", "fog", 0.3), ("noise", "impulse", 0.9)),
        (("depictqa", "pixelate", 0.1), ("depictqa", "oversharpen", 0.9)),
        (("agenticir", "lr", 0.1), ("agenticir", "lr", 0.9)),
        (("albumentations", "", 0.1), ("albumentations", "", 0.9)),
    ],
)
def test_two_variants_are_not_compared_where_they_do_not(first, second):
    assert comparisons_of(drawn(*first, 1), drawn(*second, 2), ALL) == []


def test_variants_of_different_sources_are_not_compared():
    mild, severe = drawn("haze", "fog", 0.3, 1), drawn("haze", "fog", 0.8, 2)
    assert comparisons_of(mild, severe.model_copy(update={"source_sha256": "other"}), ALL) == []
    crossed = [trace_of([*a.steps, *b.steps], key) for a, b, key in (
        (drawn("haze", "fog", 0.2, 1), drawn("blur", "defocus", 0.9, 1), "a"),
        (drawn("haze", "fog", 0.9, 1), drawn("blur", "defocus", 0.2, 1), "b"),
    )]  # fmt: skip
    assert comparisons_of(*crossed, ALL) == []


BY_HAND = {
    "blur": {"highlight_gain": 1.0, "how": {"mode": "video", "frames": 9}, "grain": None},
    "lowlight": {"model": {"mode": "learned", "stops": 3.0, "network": "n", "sha256": "0"}},
}


@pytest.mark.parametrize("name", list(BY_HAND))
def test_modes_that_need_files(name):
    trace = trace_of([Step(degradation=name, severity=0.5, params=BY_HAND[name])], name)
    for row in texts_of(trace, name, "single", ALL):
        assert set(mentions(row.answer, row.language).families) == {name}


def test_a_reflection_by_a_network():
    params = drawn("reflection", "ghosting", 0.5, 1).steps[0].params
    learned = {"mode": "learned", "pane": params["how"], "weights": "w", "sha256": "0", "strength": 0.5}
    trace = trace_of([Step(degradation="reflection", severity=0.5, params=params | {"how": learned})], "k")
    assert facts_of(trace) == [Fact("reflection", ("reflection.ghosting",), 0.5)]


def places_of(trace: Trace) -> list[tuple[str, str]]:
    return [tuple(place) for fact in facts_of(trace) for place in fact.places]


def test_places_are_those_of_the_parameters():
    flare = drawn("flare", "off_frame", 0.5, 1).steps[0]
    at = {
        (-0.2, 0.5): ("beyond", "left"), (1.3, -0.1): ("beyond", "upper_right"), (0.4, 1.2): ("beyond", "bottom"),
    }  # fmt: skip
    for place, expected in at.items():
        step = flare.model_copy(update={"params": flare.params | {"place": place}})
        assert places_of(trace_of([step], "k")) == [expected]
    inside = flare.model_copy(update={"params": flare.params | {"mode": "anywhere", "place": (0.1, 0.9)}})
    assert places_of(trace_of([inside], "k")) == [("from", "lower_left")]

    streaks = drawn("rain", "streaks", 0.5, 1).steps[0]
    for wind, expected in ((3.0, "right"), (-3.0, "left"), (0.1, "upright")):
        shower = streaks.params["shower"] | {"wind_m_s": (wind, 0.0)}
        step = streaks.model_copy(update={"params": streaks.params | {"shower": shower}})
        assert places_of(trace_of([step], "k")) == [("slant", expected)]

    dark = drawn("lowlight", "raw", 0.5, 1).steps[0]
    lamp = {"place": (0.15, 0.85), "radius": 0.12, "power": 2.0, "kelvin": 4000.0}
    field = {"kind": "lamps", "ambient": 0.05, "lamps": [lamp], "adaptation": 0.5}
    step = dark.model_copy(update={"params": {"model": dark.params["model"] | {"field": field, "contrast": 1.0}}})
    assert places_of(trace_of([step], "k")) == [("lit", "upper_right")]
    field = {"kind": "vignette", "centre": (0.5, 0.5), "corner": 0.1}
    step = dark.model_copy(update={"params": {"model": dark.params["model"] | {"field": field, "contrast": 1.0}}})
    assert places_of(trace_of([step], "k")) == [("corners", "")]

    moved = drawn("blur", "object_motion", 0.5, 1).steps[0]
    for angle, expected in ((0.05, "horizontal"), (1.6, "vertical"), (3.1, "horizontal"), (0.8, "diagonal")):
        step = moved.model_copy(update={"params": moved.params | {"how": moved.params["how"] | {"angle": angle}}})
        assert places_of(trace_of([step], "k"))[1] == ("axis", expected)

    glass = drawn("reflection", "focused", 0.5, 1).steps[0]
    how = glass.params["how"] | {"incidence_deg": 60.0, "turn_deg": (0.0, 25.0), "patchiness": 0.0}
    step = glass.model_copy(update={"params": glass.params | {"how": how}})
    assert places_of(trace_of([step], "k")) == [("mirrors", "right")]


def test_what_is_made_twice_is_told_once():
    steps = [*drawn("noise", "film_grain", 0.9, 1).steps, *drawn("haze", "fog", 0.5, 1).steps]
    facts = facts_of(trace_of([*steps, *drawn("noise", "film_grain", 0.3, 2).steps], "k"))
    assert [(fact.kinds, fact.severity) for fact in facts] == [(("haze.fog",), 0.5), (("noise.film_grain",), 0.9)]


def test_what_nobody_knows_is_an_unclassified_degradation():
    trace = trace_of([Step(degradation="tomorrow", severity=0.5, params={})], "k")
    assert facts_of(trace) == [Fact("tomorrow", ("alteration.alteration",), None)]
    for row in texts_of(trace, "mixed", "single", ALL):
        assert set(mentions(row.answer, row.language).families) == {"alteration"}


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(list(GENERIC)), st.none() | st.floats(0.0, 1.0)), min_size=1, max_size=4),
    st.integers(0, 10**6),
)
def test_texts_of_real_photographs_say_what_was_recognised(recognised, key):
    facts = recognised_facts(recognised)
    for row in texts_of_recognised(str(key), recognised, "mixed", ALL):
        told = mentions(row.answer, row.language)
        assert set(told.families) == {name for name, _ in recognised}
        assert {level for _, level in told.levels} <= {fact.level for fact in facts}


def test_a_recognised_degradation_without_a_name_is_refused():
    with pytest.raises(ValueError, match="realesrgan"):
        recognised_facts([("realesrgan", 0.5)])


def test_no_steps_no_text():
    assert texts_of(trace_of([], "k"), "noise", "", ALL) == []
    assert texts_of(drawn("noise", "impulse", 0.5, 1), "noise", "single", TextSection(enabled=False)) == []


def test_an_empty_choice_is_refused():
    with pytest.raises(ValidationError, match=r"text\.languages is empty"):
        TextSection(languages=())
    with pytest.raises(ValidationError):
        TextSection(languages=("fr",))


def test_transforms_are_transforms_of_known_kinds():
    package = pytest.importorskip("albumentations")
    assert all(hasattr(package, name) for name in TRANSFORMS)
    assert set(TRANSFORMS.values()) <= LANGUAGES["en"].kinds.keys()


# Rewriting

EN = "The image shows severe sensor noise. The corners are darkest. There is no haze."
ZH = "图像中存在严重的噪声。亮度向四角逐渐降低。没有雾霾。"


@pytest.mark.parametrize(
    ("original", "accepted"),
    [
        (EN, "In this image there is severe sensor noise, the corners are darkest, and there is no haze."),
        (ZH, "这张图像的噪声属于严重的一类，亮度朝四角逐渐下降，没有雾霾。"),
    ],
)
def test_a_faithful_rewriting_is_taken(original, accepted):
    assert accept_rewrite(original, f" {accepted}\n") == accepted


@pytest.mark.parametrize(
    ("original", "refused"),
    [
        (EN, ""),
        (EN, EN.replace("severe", "slight")),
        (EN, EN.replace("severe ", "")),
        (EN, EN.replace("sensor noise", "sensor noise and blur")),
        (EN, EN.replace("corners", "center")),
        (EN, EN.replace("no haze", "haze")),
        (EN, EN + " It was saved as a JPEG of 30 KB."),
        (EN, EN + " " + EN),
        (EN, ZH),
        (ZH, EN),
        (ZH, ZH.replace("严重", "轻微")),
        (ZH, ZH.replace("噪声", "噪声和模糊")),
        (ZH, ZH.replace("没有雾霾。", "画面通透。")),
        (ZH, ZH.replace("图像中", "image中")),
        ("The image shows severe noise and slight haze.", "The image shows slight noise and severe haze."),
        ("图像中存在严重的噪声和轻微的雾霾。", "图像中存在轻微的噪声和严重的雾霾。"),
        ("User intent: clean.\nCurrent quality: bad.", "User intent: clean. And current quality: bad."),
    ],
)
def test_a_rewriting_that_invents_drops_or_swaps_is_not(original, refused):
    assert accept_rewrite(original, refused) == original


def test_every_text_accepts_itself_and_no_other_severity():
    for _, row in each_text()[:1000]:
        assert accept_rewrite(row.answer, row.answer) == row.answer
        for level, words in enumerate(LANGUAGES[row.language].levels, start=1):
            other = LANGUAGES[row.language].levels[level % 5][0]
            for word in words:
                if word in row.answer and "较" + word not in row.answer and "极" + word not in row.answer:
                    changed = row.answer.replace(word, other)
                    assert accept_rewrite(row.answer, changed) == row.answer


def test_the_model_is_asked_in_the_language_of_the_text():
    asked = []

    def ask(prompt: str) -> str:
        asked.append(prompt)
        return prompt.split("\n\n", 1)[1]

    for _, row in each_text(8):
        assert rewritten(row, ask) == row
        assert asked[-1] == rewriting_prompt(row.answer)
        assert bool(HAN.search(asked[-1])) == (row.language == "zh")


def test_a_failing_model_is_the_callers_matter():
    def ask(prompt: str) -> str:
        raise TimeoutError("30 s")

    with pytest.raises(TimeoutError):
        rewritten(each_text(1)[0][1], ask)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_pattern_can_be_filled(language):
    """Each kind at each level, often enough to meet every pattern."""
    for kind in LANGUAGES[language].kinds:
        for severity in (None, 0.1, 0.3, 0.5, 0.7, 0.9):
            fact = Fact("noise", (kind,), severity)
            writer = Writer(generator(1, kind, severity), LANGUAGES[language], [fact])
            for first in (True, False) * 4:
                assert "{" not in writer.statement(fact, first)
