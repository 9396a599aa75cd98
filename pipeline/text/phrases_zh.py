"""How Chinese sentences about distortions are built."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.text.families_zh import FAMILIES
from pipeline.text.kinds_zh import KINDS
from pipeline.text.phrases import Phrases

_CELLS = {
    "upper_left": "左上角",
    "top": "上部",
    "upper_right": "右上角",
    "left": "左侧",
    "center": "中央",
    "right": "右侧",
    "lower_left": "左下角",
    "bottom": "下部",
    "lower_right": "右下角",
}

PLACES = {
    "one_part": ("受影响的只有画面的一部分，其余部分仍然清楚。",),
    "axis": ("拖影沿{where}延伸。", "拖影大致为{where}。"),
    "focus": ("{where}",),
    "from_center": ("越远离画面中心，影响越大。",),
    "lines": ("条纹沿{where}延伸。",),
    "midtones": ("中间调受影响最大。", "在中间调处最容易看到。"),
    "repeated": ("损伤是在多次保存中累积起来的。", "文件经过了不止一次编码。"),
    "with_distance": ("距离越远，遮蔽越厚。", "越远的内容越淡。"),
    "patchy": ("厚薄并不均匀，呈团块状。", "有的地方厚，有的地方薄。"),
    "corners": ("亮度向四角逐渐降低。", "四角最暗。"),
    "lit": ("仅有的一点光线主要落在画面{where}。",),
    "slant": ("{where}",),
    "drops": ("水滴散布在整个画面上。",),
    "brightest": ("它从画面中最亮的光源向外扩散。",),
    "from": ("光斑的中心位于画面{where}。",),
    "beyond": ("光源本身在画面之外，位于{where}方向。",),
    "fringes": ("纹样遍布整个画面。", "没有一处能避开这些纹样。"),
    "mirrors": ("玻璃在{where}映出的光最多。",),
}
WHERES = {
    "axis": {"horizontal": "水平方向", "vertical": "竖直方向", "diagonal": "斜向"},
    "focus": {
        "near": "焦点落在前景上，背景因此发软。",
        "middle": "焦点落在中间距离，更近和更远的内容都发软。",
        "far": "焦点落在背景上，前景因此发软。",
        "missed": "焦点落在所有内容之前，没有一处真正锐利。",
    },
    "lines": {"rows": "行的方向", "columns": "列的方向"},
    "lit": _CELLS,
    "from": _CELLS,
    "beyond": {
        "upper_left": "左上",
        "top": "上方",
        "upper_right": "右上",
        "left": "左侧",
        "right": "右侧",
        "lower_left": "左下",
        "bottom": "下方",
        "lower_right": "右下",
    },
    "slant": {
        "left": "线条向左下方倾斜。",
        "right": "线条向右下方倾斜。",
        "upright": "线条几乎垂直落下。",
    },
    "mirrors": {"left": "左侧", "right": "右侧", "top": "上部", "bottom": "下部"},
}

PATTERNS = {
    "intent": ("用户希望{want}。", "用户想要{want}。", "用户请求{want}。", "这次的需求是{want}。"),
    "intent_mixed": (
        "用户希望增强一张混有多种退化的图像。",
        "用户请求修复一张存在多种问题的图像。",
        "这次的需求是处理一张多种缺陷叠加的图像。",
    ),
    "intent_high_order": (
        "用户希望修复一张经过反复退化的图像。",
        "用户请求恢复一张在反复处理中受损的图像。",
        "这次的需求是恢复一张经历多轮损伤的图像的画质。",
    ),
    "intent_plain": (
        "用户希望改善这张图像的画质。",
        "用户请求修复这张退化的图像。",
        "这次的需求是让这张图像恢复良好的画质。",
    ),
    "main": ("图像中存在{what}。", "画面出现了{what}。", "{what}影响了这张图像的画质。", "这张图像存在{what}问题。"),
    "faint": ("图像中存在{what}。", "画面中仅有{what}。", "这张图像只带有{what}。"),
    "main_degree": ("画面的{noun}{degree}。", "从画面看，{noun}{degree}。"),
    "also": (
        "此外还存在{what}。",
        "同时，画面还出现了{what}。",
        "除此之外，还有{what}。",
        "另外，{what}也影响了画质。",
    ),
    "also_degree": ("此外，{noun}{degree}。", "与此同时，{noun}{degree}。"),
    "minor": ("与之相伴的还有{noun}。", "随之而来的还有{noun}。", "同时伴有{noun}。"),
    "joint": (
        "{nouns}混杂在一起，整体{predicate}。",
        "画面同时存在{nouns}，整体来看，损伤{predicate}。",
        "{nouns}相互叠加，总体上{predicate}。",
    ),
    "joint_also": ("此外还混有{nouns}，整体来看，这部分损伤{predicate}。",),
    "overview": (
        "画面中叠加了多种退化：{nouns}。",
        "问题不止一种，包括{nouns}。",
        "这张图像同时存在{nouns}。",
        "图像受到{nouns}的共同影响。",
    ),
    "quality": ("总体来看，画质{quality}。", "整体而言，图像的视觉质量{quality}。", "综合判断，画质{quality}。"),
    "concession": ("不过，", "尽管如此，"),
    "qualities": ("接近完好", "良好", "一般", "较差", "很差"),
    "plan_one": ("{cure}。", "修复时应{cure}。", "只需一步：{cure}。"),
    "plan_intro": ("按照与退化相反的顺序处理，先解决最后加入的问题。", "逐一处理各种退化，最后出现的最先处理。"),
    "first": ("首先，{cure}。", "第一步，{cure}。"),
    "next": ("然后，{cure}。", "接着，{cure}。", "随后，{cure}。"),
    "last": ("最后，{cure}。",),
    "care": (
        "内容和构图保持原样。",
        "整个过程不增添、不移动、也不删去任何场景内容。",
        "画面的几何关系和内容始终不变。",
    ),
    "result": (
        "修复后的图像应呈现{outcomes}，内容保持不变。",
        "处理完成后应得到{outcomes}，并忠于原有内容。",
        "场景本身不变，画面呈现出{outcomes}。",
        "经过修复，画面应具有{outcomes}，场景内容不发生改变。",
    ),
}


def joined(items: Sequence[str]) -> str:
    """ "甲", "甲和乙", "甲、乙和丙"."""
    return items[0] if len(items) == 1 else f"{'、'.join(items[:-1])}和{items[-1]}"


def finished(sentences: Sequence[str]) -> str:
    """Sentences one after the other."""
    return "".join(sentences)


_DEGREES = (
    ("几乎察觉不到", "极为轻微"),
    ("较为轻微", "比较轻微"),
    ("程度中等", "处于中等程度"),
    ("较严重", "比较严重"),
    ("十分严重", "非常严重"),
)

CHINESE = Phrases(
    kinds=KINDS,
    families=FAMILIES,
    levels=(
        ("几乎察觉不到的", "极轻微的"),
        ("轻微的", "轻度的"),
        ("中等程度的", "中度的"),
        ("较严重的", "比较严重的"),
        ("严重的", "极为严重的"),
    ),
    degrees=_DEGREES,
    predicates=_DEGREES,
    stems={"几乎看不出": 1, "中等": 3, "细微": 2, "些许": 2, "明显": 4, "显著": 4, "强烈": 4, "极其严重": 5},
    places=PLACES,
    wheres=WHERES,
    located=(
        "左上", "右上", "左下", "右下", "左侧", "右侧", "上方", "下方", "上部", "下部", "中央", "中心", "四角", "前景",
        "背景", "水平", "竖直", "斜向",
    ),
    negations=("没有", "不再", "无"),
    patterns=PATTERNS,
    headings=("用户意图", "当前画质分析", "增强方案", "预期结果"),
    joined=joined,
    attributed=lambda level, noun: level + noun,
    headed=lambda heading, text: f"{heading}：{text}",
    finished=finished,
    boundaries=("", ""),
    plural=lambda noun: False,
)  # fmt: skip
