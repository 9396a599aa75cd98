"""What is asked about pictures, and how answers begin and end."""

from schemas.text import TextLanguage

QUESTIONS: dict[TextLanguage, dict[str, tuple[str, ...]]] = {
    "en": {
        "describe": (
            "Describe the quality of this image and its degradations.",
            "What is wrong with the quality of this picture?",
            "Assess the visual quality of this image and explain your assessment.",
            "How is this image degraded, how severely, and with what effect?",
        ),
        "which": (
            "Which distortions does this image contain?",
            "What kinds of degradation can be found in this picture?",
            "Name the distortions in this image.",
        ),
        "which_one": (
            "Which of the following distortions is present in this image? Choose one.",
            "What degrades this picture? Choose one option.",
        ),
        "which_of_these": (
            "Which of the following distortions are present in this image? Choose all that apply.",
            "Choose every degradation from which this picture suffers.",
        ),
        "these": (
            "The image contains {nouns}.",
            "I can identify {nouns}.",
            "This picture is degraded by {nouns}.",
            "{Nouns}.",
        ),
        "option": ("{letter}. {name}",),
        "option_break": ("\n",),
        "answer_break": ("; ",),
        "stop": (".",),
        "better": (
            "Which of these two images has the better quality, and why?",
            "Compare the visual quality of the two pictures.",
            "Of these two images, which one would you prefer in terms of quality? Explain.",
        ),
        "ordinals": ("first", "second"),
        "pair": (
            "The {better} image is better. The {worse} one suffers from {what}, unlike the {better}.",
            "I prefer the {better} image: the {worse} one shows {what}, and the {better} one has none of this.",
            "The {better} image has the higher quality, as the {worse} one is degraded by {what}.",
        ),
        "pair_effect": (
            "The {better} image is better, because the {worse} one suffers from {what}.",
            "The {better} image is clean, whereas the {worse} one shows {what}.",
            "I prefer the {better} image, since the {worse} one shows {what}.",
        ),
        "variants_levels": (
            "The {better} image is better. Both show {noun}, {low} in the {better} one and {high} in the {worse}.",
            "The {better} image has the higher quality: its {noun} {is} {low}, while that of the {worse} is {high}.",
        ),
        "variants": (
            "The {better} image is better. Both suffer from {noun}, but the {worse} one suffers more.",
            "I prefer the {better} image: it shares its {noun} with the {worse} one, but to a lesser extent.",
        ),
        "rewrite": (
            "Rewrite the following text about the quality of an image in fluent, natural English. Keep every statement "
            "and add none: name exactly the same distortions, with the same words for how severe they are and where "
            "they lie. Do not mention what the image shows. Keep headings and line breaks. Answer with the text alone.",
        ),
    },
    "zh": {
        "describe": (
            "请描述这张图像的画质及其退化情况。",
            "这张图片的画质存在哪些问题？",
            "请评价这张图像的视觉质量，并说明理由。",
            "这张图像有哪些退化？程度如何，造成了什么影响？",
        ),
        "which": ("这张图像包含哪些失真？", "这张图片中能发现哪几类退化？", "请指出这张图像中的失真类型。"),
        "which_one": ("下列哪种失真出现在这张图像中？请选择一项。", "这张图片的画质受到什么影响？请选择一项。"),
        "which_of_these": ("下列哪些失真出现在这张图像中？请选出所有符合的选项。", "请选出这张图片存在的所有退化。"),
        "these": (
            "图像中包含{nouns}。",
            "可以判断出的失真有{nouns}。",
            "这张图片的退化类型为{nouns}。",
            "{nouns}。",
        ),
        "option": ("{letter}、{name}",),
        "option_break": ("\n",),
        "answer_break": ("；",),
        "stop": ("。",),
        "better": (
            "这两张图像哪一张画质更好？为什么？",
            "请比较这两张图片的视觉质量。",
            "单从画质来看，你更倾向于哪一张？请说明理由。",
        ),
        "ordinals": ("第一张", "第二张"),
        "pair": (
            "{better}图像更好。{worse}存在{what}，而{better}没有这类问题。",
            "我更倾向于{better}图像：{worse}出现了{what}，{better}则很干净。",
            "{better}图像的画质更高。{worse}受{what}影响，{better}没有出现这类情况。",
        ),
        "pair_effect": (
            "{better}图像更好，因为{worse}存在{what}。",
            "{better}图像画面干净，{worse}则出现了{what}。",
            "我更倾向于{better}图像，因为{worse}受{what}影响。",
        ),
        "variants_levels": (
            "{better}图像更好。两张都有{noun}，{better}的{noun}{low}，{worse}的则{high}。",
            "{better}图像的画质更高：它的{noun}{low}，而{worse}的{noun}{high}。",
        ),
        "variants": (
            "{better}图像更好。两张都有{noun}，但{worse}受到的影响更大。",
            "我更倾向于{better}图像：虽然与{worse}同样存在{noun}，程度却要低一些。",
        ),
        "rewrite": (
            "请用流畅自然的中文改写下面这段关于图像画质的文字。保留每一条陈述，不得增添：所提到的失真类型、程度用词和位置"
            "必须与原文完全一致。不要描述图像的内容。保留小标题和换行。只输出改写后的文字。",
        ),
    },
}
