"""From a step's recorded parameters to facts."""

from __future__ import annotations

from collections.abc import Callable

from pipeline.text.composites import NOISES, agenticir, albumentations, apisr, depictqa, realesrgan, web_style
from pipeline.text.fact import Fact, Params, Place
from pipeline.text.places import axis, beyond, cell, lit_part, mirroring_side, slant
from schemas.trace import Step

#: Severity from which the noise of a dark exposure is named, and σ in codes from which the grain of a blurred one is.
_DARK_NOISE, _BLUR_GRAIN = 0.2, 2.5

_BLURS = {
    "camera_shake": "blur.shake",
    "trajectory": "blur.shake",
    "object_motion": "blur.object",
    "defocus": "blur.defocus",
    "video": "blur.frames",
    "gaussian": "blur.gaussian",
    "sinc": "blur.sinc",
    "zoom": "blur.zoom",
}


def facts_of_step(step: Step) -> list[Fact]:
    """What a step did, from its name, severity and parameters; a degradation without a reader is an alteration."""
    reader = _READERS.get(step.degradation)
    if reader is None:
        return [Fact(step.degradation, ("alteration.alteration",), None)]
    return reader(step.params, min(1.0, max(0.0, step.severity)))


def _noise(params: Params, severity: float) -> list[Fact]:
    model = params["model"]
    mode = model["noise"]["kind"] if model["mode"] == "real_esrgan" else model.get("kind", model["mode"])
    kind = NOISES.get(mode, "noise.noise")
    places: tuple[Place, ...] = ()
    if kind == "noise.banding":
        places = (Place("lines", "columns" if model["vertical"] else "rows"),)
    elif kind == "noise.film_grain":
        places = (Place("midtones"),)
    return [Fact("noise", (kind,), severity, places)]


def _blur(params: Params, severity: float) -> list[Fact]:
    how = params["how"]
    mode = how["filter"]["kind"] if how["mode"] == "web" else how["mode"]
    places: tuple[Place, ...] = ()
    if mode == "object_motion":
        places = (Place("one_part"), Place("axis", axis(how["angle"])))
    elif mode == "defocus":
        places = (Place("focus", _focus(how["focus"])),)
    elif mode == "zoom":
        places = (Place("from_center"),)
    facts = [Fact("blur", (_BLURS.get(mode, "blur.blur"),), severity, places)]
    grain = params.get("grain")
    if grain and grain["sigma"] >= _BLUR_GRAIN:
        facts.append(Fact("blur", ("noise.sensor",), None, minor=True))
    return facts


def _focus(disparity: float) -> str:
    if disparity > 1.0:
        return "missed"
    return "near" if disparity >= 0.75 else "far" if disparity <= 0.2 else "middle"


def _compression(params: Params, severity: float) -> list[Fact]:
    codings = [generation["coding"] for generation in params["generations"]]
    codecs = {coding.get("format", coding["codec"]) for coding in codings}
    kind = f"compression.{codecs.pop()}" if len(codecs) == 1 else "compression.compression"
    return [Fact("compression", (kind,), severity, (Place("repeated"),) if len(codings) > 1 else ())]


def _haze(params: Params, severity: float) -> list[Fact]:
    places = [Place("with_distance")] if params["far_m"] >= 4 * params["near_m"] else []
    if params["variation"] >= 0.4:
        places.append(Place("patchy"))
    return [Fact("haze", (f"haze.{params['family']}",), severity, tuple(places))]


def _lowlight(params: Params, severity: float) -> list[Fact]:
    model = params["model"]
    if model["mode"] != "raw":
        return [Fact("lowlight", ("lowlight.lowlight",), severity)]
    facts = [Fact("lowlight", ("lowlight.lowlight",), severity, lit_part(model["field"], model["contrast"]))]
    if severity >= _DARK_NOISE:
        facts.append(Fact("lowlight", ("noise.sensor",), None, minor=True))
    return facts


def _rain(params: Params, severity: float) -> list[Fact]:
    mode = params["mode"]
    if mode == "lens":
        return [Fact("rain", ("rain.lens",), severity, (Place("drops"),))]
    if mode == "veil":
        return [Fact("rain", ("rain.veil",), severity)]
    across = params["shower"]["wind_m_s"][0]
    return [Fact("rain", ("rain.streaks",), severity, slant(across, 0.7, 1.5) if mode == "streaks" else ())]


def _flare(params: Params, severity: float) -> list[Fact]:
    if params["mode"] == "bright_source":
        places: tuple[Place, ...] = (Place("brightest"),)
    elif params["mode"] == "off_frame":
        places = (Place("beyond", beyond(*params["place"])),)
    else:
        places = (Place("from", cell(*params["place"])),)
    return [Fact("flare", ("flare.flare",), severity, places)]


def _moire(params: Params, severity: float) -> list[Fact]:
    kind = "moire.screen" if params["mode"] == "screen" else "moire.moire"
    return [Fact("moire", (kind,), severity, (Place("fringes"),))]


def _reflection(params: Params, severity: float) -> list[Fact]:
    how = params["how"]
    pane = how.get("pane", how)
    places = mirroring_side(pane) if how is pane else ()
    return [Fact("reflection", (f"reflection.{pane['mode']}",), severity, places)]


_READERS: dict[str, Callable[[Params, float], list[Fact]]] = {
    "noise": _noise,
    "blur": _blur,
    "compression": _compression,
    "haze": _haze,
    "lowlight": _lowlight,
    "rain": _rain,
    "flare": _flare,
    "moire": _moire,
    "reflection": _reflection,
    "web_style": web_style,
    "realesrgan": realesrgan,
    "apisr": apisr,
    "agenticir": agenticir,
    "depictqa": depictqa,
    "albumentations": albumentations,
}
