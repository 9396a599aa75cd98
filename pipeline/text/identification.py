"""Questions on which distortions a picture has: open, with one right option, with several."""

from __future__ import annotations

from pipeline.text.fact import families_of, kinds_of
from pipeline.text.questions import QUESTIONS
from pipeline.text.writer import Writer, filled
from schemas.text import TextLanguage

#: How many options a question has, and their letters.
_OPTIONS = 4
LETTERS = "ABCDEFG"
#: What may well come along with a family, unsaid by the trace: never offered as a wrong option beside it.
_AKIN = {
    "noise": ("compression", "blur", "color_shift", "saturation_low"),
    "blur": ("low_resolution", "noise", "overexposure", "pixelate"),
    "compression": ("low_resolution", "blur", "posterize", "pixelate", "oversharpen", "noise", "color_shift"),
    "haze": ("contrast_low", "saturation_low", "overexposure", "lowlight", "blur", "color_shift", "tone_change",
             "flare"),
    "lowlight": ("noise", "contrast_low", "contrast_high", "saturation_low", "color_shift", "tone_change", "blur",
                 "compression"),
    "rain": ("haze", "blur", "contrast_low", "saturation_low", "lowlight", "reflection", "tone_change"),
    "flare": ("haze", "overexposure", "contrast_low", "reflection", "color_shift"),
    "moire": ("noise", "compression", "blur", "color_shift", "low_resolution", "tone_change", "fringing"),
    "reflection": ("haze", "contrast_low", "flare", "blur", "overexposure", "tone_change"),
    "low_resolution": ("blur", "pixelate", "compression"),
    "overexposure": ("contrast_low", "contrast_high", "saturation_low", "haze", "tone_change", "flare"),
    "contrast_high": ("oversharpen", "saturation_high", "posterize", "overexposure", "lowlight", "tone_change", "noise",
                      "color_shift"),
    "contrast_low": ("haze", "saturation_low", "lowlight", "overexposure", "tone_change"),
    "saturation_high": ("color_shift", "posterize", "contrast_high", "noise", "tone_change", "compression"),
    "saturation_low": ("contrast_low", "haze", "color_shift", "tone_change"),
    "oversharpen": ("contrast_high", "noise", "tone_change", "compression"),
    "pixelate": ("low_resolution", "blur", "compression"),
    "posterize": ("compression", "contrast_high", "color_shift", "noise", "pixelate"),
}  # fmt: skip
#: What stands as a wrong option.
_COMMON = (
    "noise", "blur", "compression", "haze", "lowlight", "rain", "flare", "moire", "reflection", "low_resolution",
    "overexposure", "oversharpen", "pixelate", "posterize",
)  # fmt: skip
#: So little is known of these that no option is surely wrong.
_VAGUE = frozenset({"alteration", "color_shift", "tone_change"})


def identification(writer: Writer, language: TextLanguage) -> tuple[str, str]:
    """A question and its answer, which names all distortions of the facts and no other."""
    questions = QUESTIONS[language]
    families = families_of(writer.facts)
    wrong = wrong_options(families)
    if writer.chance(0.4) or len(wrong) < 2:
        question = writer.pick(questions["which"])
        return question, filled(writer.pick(questions["these"]), nouns=writer.nouns(kinds_of(writer.facts)))
    single = len(families) == 1
    count = max(_OPTIONS, len(families) + 2)
    options = writer.shuffled([*families, *writer.shuffled(wrong)[: count - len(families)]])
    named = {family: writer.phrases.families[family].name for family in options}
    listed = questions["option_break"][0].join(
        filled(questions["option"][0], letter=letter, name=_titled(named[family]))
        for letter, family in zip(LETTERS, options, strict=False)
    )
    right = questions["answer_break"][0].join(
        filled(questions["option"][0], letter=letter, name=_titled(named[family]))
        for letter, family in zip(LETTERS, options, strict=False)
        if family in families
    )
    question = writer.pick(questions["which_one" if single and writer.chance(0.6) else "which_of_these"])
    return f"{question}\n{listed}", right + questions["stop"][0]


def wrong_options(families: tuple[str, ...]) -> list[str]:
    """Families that a picture with these distortions surely lacks."""
    if _VAGUE & set(families):
        return []
    akin = {other for family in families for other in _AKIN.get(family, ())}
    akin |= {family for family, others in _AKIN.items() if set(others) & set(families)}
    return [family for family in _COMMON if family not in akin and family not in families]


def _titled(name: str) -> str:
    return name[:1].upper() + name[1:]
