"""What transforms of albumentations do, as far as their names tell."""

_KINDS = {
    "blur.blur": ("AdvancedBlur", "Blur", "MedianBlur", "MotionBlur"),
    "blur.gaussian": ("GaussianBlur",),
    "blur.defocus": ("Defocus",),
    "blur.glass": ("GlassBlur",),
    "blur.zoom": ("ZoomBlur",),
    "noise.noise": ("AdditiveNoise",),
    "noise.gaussian": ("GaussNoise",),
    "noise.sensor": ("ISONoise",),
    "noise.poisson": ("ShotNoise",),
    "noise.speckle": ("MultiplicativeNoise",),
    "noise.salt_and_pepper": ("SaltAndPepper",),
    "compression.compression": ("ImageCompression",),
    "low_resolution.low_resolution": ("Downscale",),
    "posterize.posterize": ("Posterize",),
    "haze.fog": ("RandomFog",),
    "rain.streaks": ("RandomRain",),
    "flare.flare": ("RandomSunFlare",),
    "snow.snow": ("RandomSnow",),
    "shadow.shadow": ("PlasmaShadow", "RandomShadow"),
    "spatter.spatter": ("Spatter",),
    "missing.missing": ("CoarseDropout", "GridDropout", "PixelDropout"),
    "oversharpen.oversharpen": ("RingingOvershoot", "Sharpen", "UnsharpMask"),
    "fringing.fringing": ("ChromaticAberration",),
    "saturation_low.saturation_low": ("ToGray",),
    "color_shift.color_shift": (
        "ChannelDropout", "ChannelShuffle", "FancyPCA", "HueSaturationValue", "PlanckianJitter", "RGBShift", "ToSepia",
    ),
    "tone_change.tone_change": (
        "AutoContrast", "CLAHE", "Equalize", "Illumination", "PlasmaBrightnessContrast", "RandomBrightnessContrast",
        "RandomGamma", "RandomToneCurve",
    ),
}  # fmt: skip
#: Kind of distortion by class name; those not here leave traces that words cannot sort.
TRANSFORMS = {name: kind for kind, names in _KINDS.items() for name in names}
