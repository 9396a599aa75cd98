"""The restoration tasks and their fixed prompts.

Source: RealRestorer (2026), one prompt a degradation, the same in both training stages and in RealIR-Bench. `mixed`
follows UARE's "enhance this mix-degraded image".
"""

from typing import NamedTuple


class Prompts(NamedTuple):
    """The instruction in English and in Chinese."""

    en: str
    zh: str


TASKS: dict[str, Prompts] = {
    "blur": Prompts("Please deblur the image and make it sharper.", "请将图像去模糊，变得更清晰。"),
    "compression": Prompts("Please restore the image clarity and artifacts.", "请修复图像清晰度和伪影。"),
    "moire": Prompts("Please remove the moiré patterns from the image.", "请将图像中的摩尔条纹去除。"),
    "lowlight": Prompts(
        "Please restore this low-quality image, recovering its normal brightness and clarity.",
        "请修复这张低质量图像，恢复其正常的亮度和清晰度。",
    ),
    "noise": Prompts("Please remove noise from the image.", "请去除图像中的噪声。"),
    "flare": Prompts("Please remove the lens flare and glare from the image.", "请去除图像中的光晕和炫光。"),
    "haze": Prompts("Please dehaze the image.", "请将图像去雾。"),
    "rain": Prompts(
        "Please remove the rain from the image and restore its clarity.",
        "请去除图像中的雨水并恢复图像清晰度。",
    ),
    "reflection": Prompts("Please remove the reflection from the image.", "请移除图像中的反光。"),
    "mixed": Prompts("Please enhance this mix-degraded image.", "请增强这张混合退化的图像。"),
}
