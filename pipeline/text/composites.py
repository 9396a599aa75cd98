"""Facts of the degradations that other work composes: chains inside one step, AgenticIR, DepictQA, albumentations."""

from __future__ import annotations

from pipeline.text.fact import Fact, Params, Place
from pipeline.text.places import axis, slant
from pipeline.text.transforms import TRANSFORMS

#: Where a degradation's own severities 0 and 1 lie among those of all: DepictQA's first level is slight and AgenticIR's
#: ranges begin in the middle; a trip through the web is at most moderate.
SPANS = {"depictqa": (0.2, 1.0), "agenticir": (0.5, 1.0), "web_style": (0.0, 0.6)}
#: What is weaker goes unnamed: standard deviation in codes, scale of Poisson noise, size, quality of JPEG and its like.
_SIGMA, _POISSON, _SCALE, _QUALITY = 3.0, 0.3, 0.8, 85

NOISES = {
    "raw_isp": "noise.sensor",
    "film_grain": "noise.film_grain",
    "segment_aware": "noise.uneven",
    "salt_and_pepper": "noise.salt_and_pepper",
    "photosites": "noise.faulty_pixels",
    "banding": "noise.banding",
    "gaussian": "noise.gaussian",
    "poisson": "noise.poisson",
    "speckle": "noise.speckle",
}
_DEPICTQA = {
    "blur_motion": "blur.motion",
    "blur_lens": "blur.defocus",
    "noise_gaussian_rgb": "noise.gaussian",
    "noise_gaussian_ycrcb": "noise.gaussian",
    "noise_spatially_correlated": "noise.correlated",
    "noise_impulse": "noise.salt_and_pepper",
    "brighten": "overexposure.overexposure",
    "darken": "lowlight.darkened",
    "contrast_strengthen": "contrast_high.contrast_high",
    "contrast_weaken": "contrast_low.contrast_low",
    "saturate_strengthen": "saturation_high.saturation_high",
    "saturate_weaken": "saturation_low.saturation_low",
    "oversharpen": "oversharpen.oversharpen",
    "pixelate": "pixelate.pixelate",
    "quantize": "posterize.posterize",
}


def _spanned(degradation: str, severity: float) -> float:
    low, high = SPANS[degradation]
    return low + (high - low) * severity


def web_style(params: Params, severity: float) -> list[Fact]:
    made = {
        "low_resolution.low_resolution": params["scale"] < _SCALE,
        "blur.blur": params["blur"] is not None and params["blur"]["sigma"] >= 0.6,
        "noise.noise": params["noise"] is not None and params["noise"]["sigma"] >= _SIGMA,
        "compression.jpeg": True,
    }
    return _joint("web_style", made, _spanned("web_style", severity))


def realesrgan(params: Params, severity: float) -> list[Fact]:
    stages = params["first"], params["second"]
    sizes = stages[0]["scale"], stages[0]["scale"] * stages[1]["scale"]
    made = {
        "blur.blur": True,
        "low_resolution.low_resolution": min(sizes) < _SCALE,
        "noise.noise": any(_noisy(stage["noise"]) for stage in stages),
        "compression.jpeg": min(stage["quality"] for stage in stages) <= _QUALITY,
    }
    return _joint("realesrgan", made, severity)


def apisr(params: Params, severity: float) -> list[Fact]:
    stages = params["first"], params["second"]
    scales = [stage["resizing"]["scale"] for stage in stages]
    codecs = params["first_codec"], params["last_codec"]
    coarse = [
        codec for codec in codecs if codec["codec"] not in ("jpeg", "webp", "avif") or codec["setting"] <= _QUALITY
    ]
    kind = f"compression.{coarse[-1]['codec']}" if len(coarse) == 1 else "compression.compression"
    made = {
        "blur.blur": True,
        "low_resolution.low_resolution": min(scales[0], scales[0] * scales[1]) < _SCALE,
        "noise.noise": any(_noisy(stage["noise"]) for stage in stages),
        kind: bool(coarse),
    }
    return _joint("apisr", made, severity)


def _noisy(noise: Params) -> bool:
    return bool(noise["strength"] >= (_SIGMA if noise["kind"] == "gaussian" else _POISSON))


def _joint(degradation: str, made: dict[str, bool], severity: float) -> list[Fact]:
    return [Fact(degradation, tuple(kind for kind, yes in made.items() if yes), severity)]


def agenticir(params: Params, severity: float) -> list[Fact]:
    severity = _spanned("agenticir", severity)
    what = params["what"]
    mode = what["mode"]
    known: float | None = severity
    places: tuple[Place, ...] = ()
    match mode:
        case "rain":
            kind, places = "rain.streaks", slant(what["angle"], 5.0, 10.0)
        case "haze":
            kind, places = "haze.haze", (Place("with_distance"),)
        case "motion":
            kind, places = "blur.motion", (Place("axis", axis(what["angle"], degrees=True)),)
        case "noise":
            kind = NOISES[what["noise"]["kind"]]
        case "lr":
            kind, known = "low_resolution.low_resolution", None
        case _:
            kind = {"defocus": "blur.defocus", "dark": "lowlight.darkened", "jpeg": "compression.jpeg"}[mode]
    return [Fact("agenticir", (kind,), known, places)]


def depictqa(params: Params, severity: float) -> list[Fact]:
    facts = []
    for one in params["distortions"]:
        function = one["function"]
        named = [kind for name, kind in _DEPICTQA.items() if function.startswith(name)]
        kind = named[0] if named else function.replace("_", ".", 1)
        places = (Place("axis", axis(one["angle"], degrees=True)),) if kind == "blur.motion" else ()
        facts.append(Fact("depictqa", (kind,), _spanned("depictqa", (one["level"] - 0.5) / 5), places))
    return facts


def albumentations(params: Params, severity: float) -> list[Fact]:
    """How strong its own draws made a transform is not recorded."""
    return [Fact("albumentations", (TRANSFORMS.get(params["transform"], "alteration.alteration"),), None)]
