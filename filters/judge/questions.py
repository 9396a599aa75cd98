"""What the judge is asked, and in which form it must answer.

Source of the degradation score, its scale, the 3×3 grid and the answer's form: RealRestorer (2026), RealIR-Bench. The
wording is ours.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

from filters.judge.answers import READER, Answer, read_checks, read_score

Kind = Literal["degradation", "suitability"]


@dataclass(frozen=True)
class Question:
    """text: put with the picture. reminder: put after an answer that was not in the form asked for.

    read: the scores that an answer gives, None when it is malformed.
    """

    kind: Kind
    text: str
    reminder: str
    read: Callable[[Answer], dict[str, float] | None]


#: Fault → its name in a sentence, and how to tell it from what only looks like it.
_FAULTS = {
    "blur": (
        "blur",
        "Edges and textures are smeared by motion of the camera or the subject, or by missed focus. A background that "
        "is out of focus on purpose behind a sharp subject is no fault.",
    ),
    "compression": (
        "compression artefacts",
        "Lossy coding leaves square blocks, ringing around edges, blotches of colour and steps in smooth gradients.",
    ),
    "moire": (
        "moiré",
        "Wavy or striped interference patterns, often rainbow-coloured, lie over screens, fabrics or fine structures; "
        "patterns that the subject really has are no fault.",
    ),
    "lowlight": (
        "underexposure",
        "The picture is too dark for its content to be seen well: shadows without detail, dull colours. Dark things "
        "in a well exposed picture are no fault.",
    ),
    "noise": (
        "noise",
        "Random grain or specks of brightness or colour lie over the picture, most easily seen in smooth and in dark "
        "areas. The texture of the subject is no fault.",
    ),
    "flare": (
        "lens flare",
        "Strong light scatters in the lens: streaks, rays, glowing halos, coloured ghost spots or a bright veil around "
        "or opposite a light source. The light source itself is no fault.",
    ),
    "haze": (
        "haze",
        "Haze, fog or smoke lies between the camera and the scene: contrast and colours fade to a pale veil, the more "
        "the farther things are.",
    ),
    "rain": (
        "rain",
        "Falling rain shows as streaks or drops in the air, as drops on the lens or the window before it, or as a veil "
        "of rain. Wet ground and clouds alone are no fault.",
    ),
    "reflection": (
        "reflections",
        "A pane of glass between the camera and the scene mirrors something else: a second, see-through picture or "
        "glare lies over the scene. Mirrors and water that belong to the scene are no fault.",
    ),
    "mixed": (
        "technical degradation",
        "Any fault of the picture's technical quality counts: blur, noise, compression artefacts, moiré, "
        "underexposure, lens flare, haze, rain, reflections or several of them at once.",
    ),
}

_SCORE_FORM = "Degradation Score: <1-5>"

_SCORE_TEXT = """Grade one fault of this photograph: {name}.
{signs}
Lay a grid of 3×3 over the picture in your mind and inspect its nine regions one after another for {name}, up close \
and as a whole. Judge {name} alone: {others}the subject and the beauty of the picture must not change the grade.
The grade is one whole number for the whole picture:
5 = {name}: none in any region
4 = slight, noticed only on close inspection of some region
3 = plainly visible, the content is still easy to make out
2 = strong, detail or colour is lost in large parts
1 = severe, it dominates the picture or hides its content
Answer with this line alone, the number in place of <1-5>:
{form}"""

#: Score, label of its line, and what makes it a yes.
_CHECKS = (
    ("judge.collage", "Collage", "several pictures are put together in one, or a picture lies within a picture"),
    ("judge.screenshot", "Screenshot", "it was captured from a screen: an interface, a game or a web page"),
    ("judge.drawing", "Drawing", "it is drawn, painted, illustrated or computer-rendered rather than photographed"),
    ("judge.heavy_text", "Heavy text", "writing or numbers fill much of it, as in a poster, a document or a caption"),
    ("judge.watermark", "Watermark", "a logo, a name, a date or a pattern was laid over it afterwards"),
    ("judge.border", "Border", "a frame, bars or an empty margin run along its edges"),
)

_CHECK_TEXT = """Is this picture a photograph that fills its frame? Check each point by itself:
{points}
Signs, labels and screens that were photographed as part of a scene are no screenshot, no watermark and, unless they \
fill much of the picture, no heavy text.
Answer with these {count} lines alone, each with yes or no:
{form}"""

_REMINDER = "That answer is not in the form asked for. Answer again with nothing but:\n{form}"


def _score_question(name: str, signs: str, others: str) -> Question:
    text = _SCORE_TEXT.format(name=name, signs=signs, others=others, form=_SCORE_FORM)
    return Question("degradation", text, _REMINDER.format(form=_SCORE_FORM), read_score)


def _check_question() -> Question:
    labels = [(score, label) for score, label, _ in _CHECKS]
    form = "\n".join(f"{label}: yes/no" for _, label in labels)
    points = "\n".join(f"{label}: {meaning}." for _, label, meaning in _CHECKS)
    text = _CHECK_TEXT.format(points=points, count=len(_CHECKS), form=form)
    return Question("suitability", text, _REMINDER.format(form=form), partial(read_checks, checks=tuple(labels)))


_SCORES = {
    fault: _score_question(*words, others="" if fault == "mixed" else "other faults, ")
    for fault, words in _FAULTS.items()
}
_SUITABILITY = _check_question()

#: 8 hex: changes with the wording of any question and with the way in which answers are read.
VERSION = hashlib.sha256(
    "\0".join(
        [READER, *(part for one in (*_SCORES.values(), _SUITABILITY) for part in (one.text, one.reminder))]
    ).encode()
).hexdigest()[:8]


def question(kind: Kind, degradation: str = "") -> Question | None:
    """The question of `kind` about a picture with `degradation`, None where there is nothing to ask.

    degradation: one of the nine; any other name (a chain, a transform) asks for degradation of any kind, and the empty
    one of a clean picture for no degradation score.
    """
    if kind == "suitability":
        return _SUITABILITY
    return _SCORES.get(degradation, _SCORES["mixed"]) if degradation else None
