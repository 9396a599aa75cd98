"""How English sentences about distortions are built."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pipeline.text.families_en import FAMILIES
from pipeline.text.kinds_en import KINDS
from pipeline.text.phrases import Phrases

_SIDES = {"left": "left", "right": "right", "top": "top", "bottom": "bottom"}
_CELLS = _SIDES | {
    "upper_left": "upper left",
    "upper_right": "upper right",
    "lower_left": "lower left",
    "lower_right": "lower right",
    "center": "center",
}

PLACES = {
    "one_part": ("Only one part of the picture is affected, while the rest stays sharp.",),
    "axis": ("The smear runs {where}.",),
    "focus": ("{where}",),
    "from_center": ("The effect grows away from the center.",),
    "lines": ("The stripes follow the {where} of the picture.",),
    "midtones": ("The effect peaks in the midtones.", "Midtones show the most of it."),
    "repeated": ("The damage has built up over several rounds of saving.", "The file has been coded more than once."),
    "with_distance": ("The veil thickens with distance.", "The farther away something is, the more it fades."),
    "patchy": ("The veil is patchy rather than uniform.", "Thick and thin patches alternate."),
    "corners": ("Brightness falls off toward the corners.", "The corners are darkest."),
    "lit": ("What little light there is falls mainly on the {where} of the frame.",),
    "slant": ("{where}",),
    "drops": ("The drops are scattered over the whole frame.",),
    "brightest": ("The effect starts from the brightest light in the picture.",),
    "from": ("The glow is centered on the {where} of the frame.",),
    "beyond": ("The light source itself lies outside the frame, beyond the {where}.",),
    "fringes": ("The pattern extends across the whole frame.", "No region is free of the pattern."),
    "mirrors": ("The glass mirrors most on the {where} side.",),
}
WHERES = {
    "axis": {
        "horizontal": "horizontally",
        "vertical": "vertically",
        "diagonal": "diagonally",
    },
    "focus": {
        "near": "The focus lies on the foreground, so the background is soft.",
        "middle": "The focus lies at middle distance, so what is nearer or farther is soft.",
        "far": "The focus lies on the background, so the foreground is soft.",
        "missed": "The focus lies in front of everything, so no part of the picture is truly sharp.",
    },
    "lines": {"rows": "rows", "columns": "columns"},
    "lit": _CELLS,
    "from": _CELLS,
    "beyond": {key: f"{name} {'corner' if '_' in key else 'edge'}" for key, name in _CELLS.items() if key != "center"},
    "slant": {
        "left": "The streaks slant down to the left.",
        "right": "The streaks slant down to the right.",
        "upright": "The streaks fall almost straight down.",
    },
    "mirrors": _SIDES | {"top": "upper", "bottom": "lower"},
}

PATTERNS = {
    # User intent: {want}; several degradations; second order; anything.
    "intent": (
        "The user wants to {want}.",
        "The user would like to {want}.",
        "The user asks for help to {want}.",
        "The request is to {want}.",
    ),
    "intent_mixed": (
        "The user wants to enhance a picture in which several degradations are mixed.",
        "The user asks to restore an image that suffers from more than one kind of damage.",
        "The request is to clean up a picture with several overlapping defects.",
    ),
    "intent_high_order": (
        "The user wants to restore a picture that has been degraded over and over.",
        "The user asks to recover an image worn down by repeated processing.",
        "The request is to bring back the quality of a picture that has been through several rounds of damage.",
    ),
    "intent_plain": (
        "The user wants to improve the quality of this picture.",
        "The user asks to restore this degraded image.",
        "The request is to bring this picture back to good quality.",
    ),
    # What there is: {what} with or without its level; {degree} and {noun}.
    "main": (
        "The image shows {what}.",
        "{What} {is} present in the picture.",
        "There {is} {what} in the image.",
        "The picture has {what}.",
    ),
    "faint": (
        "The image shows {what}.",
        "There {is} {what} in the image.",
        "The picture has only {what}.",
    ),
    "main_degree": (
        "The image is {degree} affected by {noun}.",
        "The picture is {degree} degraded by {noun}.",
        "The quality of the image is {degree} reduced by {noun}.",
    ),
    "also": (
        "The picture also shows {what}.",
        "{What} {is} present as well.",
        "In addition, there {is} {what}.",
        "On top of that come{s} {what}.",
    ),
    "also_degree": (
        "The image is also {degree} affected by {noun}.",
        "In addition, the picture is {degree} degraded by {noun}.",
    ),
    "minor": ("Along with it comes {noun}.", "This is accompanied by {noun}.", "Some {noun} comes with it."),
    "joint": (
        "{Nouns} are mixed together, and their combined effect is {predicate}.",
        "The picture carries {nouns} all at once; taken together, the damage is {predicate}.",
        "{Nouns} overlap, and the overall degradation is {predicate}.",
    ),
    "joint_also": ("The image also carries a mix of {nouns}, whose combined effect is {predicate}.",),
    "overview": (
        "Several degradations overlap here: {nouns}.",
        "More than one defect is at work: {nouns}.",
        "The picture combines {nouns}.",
        "This image suffers from {nouns}.",
    ),
    "quality": (
        "Overall, the visual quality is {quality}.",
        "Taken as a whole, the picture is of {quality} quality.",
        "The overall impression is one of {quality} quality.",
    ),
    "concession": ("Even so, ", "Still, "),
    "qualities": ("near-perfect", "good", "fair", "poor", "bad"),
    # The plan: its steps in order.
    "plan_one": (
        "{Cure}.",
        "The restoration should {cure}.",
        "One step is needed: {cure}.",
    ),
    "plan_intro": (
        "The damage is undone in reverse order, starting with what was added last.",
        "The degradations are handled one by one, the most recent first.",
    ),
    "first": ("First, {cure}.", "To begin with, {cure}."),
    "next": ("Then {cure}.", "Next, {cure}.", "After that, {cure}."),
    "last": ("Finally, {cure}.", "Lastly, {cure}."),
    "care": (
        "Content and composition are left as they are.",
        "Nothing in the scene is added, moved or taken away.",
        "Throughout, the geometry and content of the picture remain unchanged.",
    ),
    "result": (
        "The restored picture should have {outcomes}, with its content unchanged.",
        "The output should show {outcomes} while staying true to the original content.",
        "What should remain is the same scene with {outcomes}.",
        "After restoration the picture should offer {outcomes}, and nothing in the scene should have changed.",
    ),
}


def joined(items: Sequence[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def finished(sentences: Sequence[str]) -> str:
    """Sentences one after the other, each beginning with a capital."""
    return " ".join(sentence[0].upper() + sentence[1:] for sentence in sentences)


def plural(noun: str) -> bool:
    """Whether a noun, with whatever follows it, is a plural."""
    head = re.split(r" (?:of|in|with|by|from|that|on) ", noun)[0]
    return head.endswith("s") and not head.endswith("ss")


_LEVELS = (
    ("barely visible", "hardly noticeable", "barely perceptible"),
    ("slight", "mild"),
    ("moderate",),
    ("strong", "heavy", "pronounced"),
    ("severe", "extreme"),
)

ENGLISH = Phrases(
    kinds=KINDS,
    families=FAMILIES,
    levels=_LEVELS,
    degrees=(
        ("almost imperceptibly", "barely perceptibly"),
        ("slightly", "mildly"),
        ("moderately",),
        ("strongly", "heavily"),
        ("severely",),
    ),
    predicates=_LEVELS,
    stems={
        "imperceptible": 1, "negligible": 1, "subtle": 2, "minor": 2, "medium": 3, "noticeable": 3, "considerable": 4,
        "significant": 4, "substantial": 4, "serious": 5, "drastic": 5,
    },
    places=PLACES,
    wheres=WHERES,
    located=(
        "left", "right", "upper", "lower", "top", "bottom", "center", "middle", "corner", "corners", "foreground",
        "background", "horizontally", "vertically", "diagonally",
    ),
    negations=("no", "not", "without", "free of", "never", "none", "no longer"),
    patterns=PATTERNS,
    headings=("User intent", "Current quality", "Enhancement plan", "Expected result"),
    joined=joined,
    attributed=lambda level, noun: f"{level} {noun}",
    headed=lambda heading, text: f"{heading}: {text}",
    finished=finished,
    boundaries=(r"(?<![\w-])", r"(?![\w-])"),
    plural=plural,
)  # fmt: skip
