"""Kinds of distortions in English."""

from pipeline.text.phrases import Kind

KINDS: dict[str, Kind] = {
    "noise.noise": Kind(
        ("noise", "random noise"),
        ("Random specks cover tones that should be even.", "Flat areas look rough instead of smooth."),
    ),
    "noise.sensor": Kind(
        ("sensor noise", "camera noise"),
        (
            "Irregular brightness and color specks sit on the tones, as a sensor leaves them at high gain.",
            "Flat areas are dotted with irregular color specks.",
        ),
    ),
    "noise.gaussian": Kind(
        ("Gaussian noise",),
        (
            "Every pixel is off by a small random amount, so even tones look rough.",
            "A uniform roughness covers the frame.",
        ),
    ),
    "noise.poisson": Kind(
        ("shot noise", "Poisson noise"),
        ("The random specks follow the light: bright tones fluctuate more than dark ones.",),
    ),
    "noise.speckle": Kind(
        ("speckle noise", "multiplicative noise"),
        ("The fluctuation scales with brightness, so light tones look rougher than dark ones.",),
    ),
    "noise.film_grain": Kind(
        ("film grain",),
        (
            "Soft clumps, like those of photographic film, lie over the picture.",
            "Smooth tones take on the texture of film.",
        ),
    ),
    "noise.uneven": Kind(
        ("uneven noise", "noise that varies from region to region"),
        ("Some regions are clean while others look rough.", "Its strength changes from one region to the next."),
    ),
    "noise.salt_and_pepper": Kind(
        ("salt-and-pepper noise", "impulse noise"),
        (
            "Single pixels are knocked to their darkest or brightest value.",
            "Isolated dots stand out from their surroundings.",
        ),
    ),
    "noise.faulty_pixels": Kind(
        ("hot-pixel noise", "defective-pixel noise"),
        ("Isolated dots that ignore their surroundings are scattered over the frame.",),
    ),
    "noise.banding": Kind(
        ("banding noise", "line noise"),
        ("Entire lines are lighter or darker than their neighbors.",),
    ),
    "noise.correlated": Kind(
        ("blotchy noise", "spatially correlated noise"),
        ("The random specks run together into small blotches.",),
    ),
    "blur.blur": Kind(
        ("blur",),
        ("Edges are soft and fine detail is hard to tell apart.", "Contours spread out instead of ending sharply."),
    ),
    "blur.shake": Kind(
        ("camera shake", "camera-shake blur"),
        (
            "Every contour is dragged along the path of an unsteady camera.",
            "Points turn into short curved trails, the mark of a camera that moved during the exposure.",
        ),
    ),
    "blur.object": Kind(
        ("object motion blur", "motion blur on a moving object"),
        ("Something moved during the exposure and was dragged along its path.",),
    ),
    "blur.defocus": Kind(
        ("defocus blur", "out-of-focus blur"),
        (
            "Points open up into small discs and contours turn soft.",
            "Contours have the rounded softness of a missed focus.",
        ),
    ),
    "blur.gaussian": Kind(
        ("Gaussian blur",),
        ("Contours are softened evenly in all directions.",),
    ),
    "blur.sinc": Kind(
        ("low-pass blur", "band-limiting blur"),
        ("The finest detail is cut off, and thin ripples run alongside the edges.",),
    ),
    "blur.zoom": Kind(
        ("zoom blur", "radial blur"),
        ("Detail is drawn out into short radial lines.",),
    ),
    "blur.frames": Kind(
        ("motion blur", "exposure motion blur"),
        ("Everything that moved during the exposure has been smeared into its surroundings.",),
    ),
    "blur.motion": Kind(
        ("linear motion blur", "directional blur"),
        ("Detail is stretched along one direction, while edges parallel to it stay fairly crisp.",),
    ),
    "blur.glass": Kind(
        ("frosted-glass blur",),
        ("Neighboring pixels have traded places, so contours look frayed.",),
    ),
    "blur.jitter": Kind(
        ("jitter blur", "pixel jitter"),
        ("Pixels are scattered around their true positions and contours look crumbly.",),
    ),
    "compression.compression": Kind(
        ("compression artifacts", "lossy-compression artifacts"),
        ("Block borders and ripples around edges give the coding away.", "Fine texture has been coded away in places."),
    ),
    "compression.jpeg": Kind(
        ("JPEG compression artifacts", "JPEG artifacts"),
        (
            "The block grid of the codec shows through in smooth areas.",
            "Gradients break into square blocks, and ripples surround the edges.",
        ),
    ),
    "compression.webp": Kind(
        ("WebP compression artifacts",),
        ("Fine texture is smoothed away in places, and block borders remain in the gradients.",),
    ),
    "compression.avif": Kind(
        ("AVIF compression artifacts",),
        ("Texture is wiped into flat patches in places, and the edges carry ripples.",),
    ),
    "compression.h264": Kind(
        ("H.264 compression artifacts", "H.264 video-coding artifacts"),
        ("As in a tightly packed video frame, texture gives way to flat blocks in places.",),
    ),
    "compression.h265": Kind(
        ("H.265 compression artifacts", "H.265 video-coding artifacts"),
        ("In places, texture gives way to large flat blocks, as in a tightly packed video frame.",),
    ),
    "compression.mpeg2": Kind(
        ("MPEG-2 compression artifacts", "MPEG-2 video-coding artifacts"),
        ("Square blocks and ripples show, as in an old digital video.",),
    ),
    "compression.mpeg4": Kind(
        ("MPEG-4 compression artifacts", "MPEG-4 video-coding artifacts"),
        ("Square blocks and ripples show, as in a video of low bit rate.",),
    ),
    "compression.palette": Kind(
        ("GIF compression artifacts", "limited-palette artifacts"),
        ("With so few colors to choose from, gradients fall into steps or dots.",),
    ),
    "compression.jpeg2000": Kind(
        ("JPEG 2000 compression artifacts",),
        ("Detail dissolves into soft patches, with ripples along the edges.",),
    ),
    "haze.haze": Kind(
        ("haze",),
        ("A pale veil lifts the dark tones and flattens contrast.", "Scattered light washes out colors and contrast."),
    ),
    "haze.fog": Kind(
        ("fog",),
        ("A whitish veil washes out contrast and color.", "The air is white with moisture, and contours fade into it."),
    ),
    "haze.smoke": Kind(
        ("smoke",),
        ("A warm gray veil drifts over the picture and lowers contrast.",),
    ),
    "haze.dusk": Kind(
        ("evening haze", "warm-toned haze"),
        ("A veil with a warm tint lies over the picture and flattens contrast.",),
    ),
    "lowlight.lowlight": Kind(
        ("underexposure",),
        (
            "Too little light was recorded, so the tones crowd at the dark end.",
            "The tones crowd at the dark end of the range.",
        ),
    ),
    "lowlight.darkened": Kind(
        ("darkening", "underexposure"),
        ("The whole tonal range has been pushed toward black.", "Tones are darker than they should be throughout."),
    ),
    "rain.rain": Kind(
        ("rain",),
        ("Falling water interferes with the view.",),
    ),
    "rain.streaks": Kind(
        ("rain streaks", "streaks of rain"),
        ("Bright thin lines cut across the picture.", "Falling drops are drawn out into bright lines."),
    ),
    "rain.veil": Kind(
        ("drizzle", "misty rain"),
        ("Fine falling water lies over the picture like a veil and dulls it.",),
    ),
    "rain.lens": Kind(
        ("raindrop distortion", "distortion by raindrops on the glass"),
        ("Each drop acts as a small lens and bends what lies behind it.",),
    ),
    "flare.flare": Kind(
        ("lens flare", "flare"),
        (
            "Stray light inside the lens leaves glow, streaks or ghosts.",
            "Scattered light glows over the picture and lowers contrast around it.",
        ),
    ),
    "moire.moire": Kind(
        ("moiré fringes", "moiré patterns"),
        ("Wavy colored bands overlay the picture.", "Rainbow-like ripples run through the tones."),
    ),
    "moire.screen": Kind(
        ("screen moiré", "moiré from a photographed screen"),
        ("The pixel grid of a display interferes with the sensor and leaves wavy colored bands.",),
    ),
    "reflection.reflection": Kind(
        ("reflections", "glass reflections"),
        ("A second scene, mirrored in glass, lies over the first.",),
    ),
    "reflection.focused": Kind(
        ("glass reflections", "reflections"),
        ("A second scene is mirrored in the glass, and its outlines are as crisp as the picture's own.",),
    ),
    "reflection.defocused": Kind(
        ("glass reflections", "reflections"),
        ("Soft shapes of a second scene, mirrored in the glass, lie over the picture.",),
    ),
    "reflection.ghosting": Kind(
        ("ghosted reflections", "reflections with ghost images"),
        ("The mirrored scene appears twice, with a small offset, from the two faces of thick glass.",),
    ),
    "reflection.double_glazing": Kind(
        ("double-glazing reflections", "reflections in double glazing"),
        ("Two panes mirror the same scene, so its shapes are repeated side by side.",),
    ),
    "low_resolution.low_resolution": Kind(
        ("resolution loss", "loss of resolution"),
        ("The picture looks enlarged from a smaller one.", "The pixels are there, but the fine detail is not."),
    ),
    "overexposure.overexposure": Kind(
        ("overexposure", "overbrightening"),
        ("Tones crowd at the bright end.",),
    ),
    "contrast_high.contrast_high": Kind(
        ("contrast exaggeration",),
        ("Dark tones are pushed toward black and bright ones toward white.",),
    ),
    "contrast_low.contrast_low": Kind(
        ("contrast loss", "loss of contrast"),
        ("Dark and bright tones lie too close together, and the picture looks flat.",),
    ),
    "saturation_high.saturation_high": Kind(
        ("oversaturation",),
        ("Colors are unnaturally intense.",),
    ),
    "saturation_low.saturation_low": Kind(
        ("desaturation", "color fading"),
        ("Colors are pale and drift toward gray.",),
    ),
    "oversharpen.oversharpen": Kind(
        ("oversharpening",),
        ("Edges carry bright and dark halos, and texture looks harsh.",),
    ),
    "pixelate.pixelate": Kind(
        ("pixelation",),
        ("The picture falls into visible square cells.", "Curves and diagonals turn into staircases."),
    ),
    "posterize.posterize": Kind(
        ("posterization", "color quantization"),
        ("Smooth gradients break into flat steps of color.",),
    ),
    "color_shift.color_shift": Kind(
        ("color distortion",),
        ("The colors have moved away from their natural values.",),
    ),
    "tone_change.tone_change": Kind(
        ("tonal distortion",),
        ("Brightness and tonal balance have moved away from their natural values.",),
    ),
    "snow.snow": Kind(
        ("snow cover", "snow"),
        ("Bright white patches and flakes lie over the picture.",),
    ),
    "shadow.shadow": Kind(
        ("artificial shadows",),
        ("Dark patches with borders of their own lie over the picture.",),
    ),
    "spatter.spatter": Kind(
        ("lens spatter",),
        ("Splashes on the lens cover parts of the view.",),
    ),
    "missing.missing": Kind(
        ("missing areas", "blanked-out areas"),
        ("Parts of the picture have been blanked out.",),
    ),
    "fringing.fringing": Kind(
        ("color fringing", "chromatic aberration"),
        ("Edges carry thin colored outlines.",),
    ),
    "alteration.alteration": Kind(
        ("unclassified degradation",),
        ("The picture departs from its natural look in a way that fits no common category.",),
    ),
}
