"""Words of watermarks: agencies, rights, addresses, previews."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher

#: Agencies, sellers and platforms whose names are laid over pictures. Short names that are ordinary words stay out.
NAMES = (
    "123rf", "500px", "adobestock", "agefotostock", "alamy", "apimages", "artlist", "artstation", "baidu", "bigstock",
    "canstockphoto", "colourbox", "crello", "depositphotos", "deviantart", "douyin", "dreamstime", "envato", "eyeem",
    "fotolia", "fotosearch", "freepik", "gettyimages", "gograph", "graphicriver", "imagebroker", "instagram",
    "istock", "istockphoto", "kuaishou", "mauritiusimages", "mostphotos", "motionarray", "nipic", "photobucket",
    "photocase", "photodune", "photoshelter", "picfair", "pikbest", "pinterest", "pixieset", "pixta", "pngtree",
    "pond5", "rawpixel", "robertharding", "shutterstock", "smugmug", "stockadobe", "stockfood", "stockphoto",
    "stocksy", "storyblocks", "superstock", "thinkstock", "tiktok", "twenty20", "vectorstock", "vecteezy",
    "videoblocks", "visualchina", "wallhaven", "wirestock", "zcool", "zenfolio", "zoonar",
    "视觉中国", "昵图网", "千图网", "摄图网", "包图网", "全景网", "图虫", "汇图网", "小红书", "抖音", "快手", "微博",
)  # fmt: skip
#: What says whose a picture is, or that it is not to be used.
RIGHTS = (
    "copyright", "allrightsreserved", "rightsreserved", "donotcopy", "donotuse", "notforpublication", "notforsale",
    "previewonly", "imageid", "stockphotos", "watermark", "watermarked", "unlicensed", "unauthorized", "版权所有",
    "禁止转载", "水印",
)  # fmt: skip
#: What is laid over previews, and may also stand in a scene.
PREVIEWS = ("sample", "preview", "proof", "specimen", "samplecopy", "样张", "样图", "预览")
#: What stands beside a photographer's name.
TRADES = ("photography", "photographer", "photographie", "fotografie", "fotografia", "photoby", "picturesby", "摄影")
#: How sure each kind makes of a watermark, in [0, 1].
RIGHTS_SIGN, WHOLE, PREVIEW, ADDRESS, TRADE, FRAGMENT = 1.0, 1.0, 0.9, 0.65, 0.65, 0.85

_SIGN = re.compile(r"[©®]|\(c\)\s*\w", re.IGNORECASE)
_ADDRESS = re.compile(
    r"www[.,]\S{3,}|https?:|(?<![\w.])[\w-]{3,}\.(com|net|org|co\.\w\w|de|fr|it|es|nl|no|se|dk|ch|at|pl|ru|cn|jp|uk|eu|io|photo|"
    r"photos|pics|gallery|studio)\b|(?<!\w)@[\w.]{3,}|\w@\w+\.\w",
    re.IGNORECASE,
)
#: Letters of a word that a fragment must show: a share of it, and at least.
_SHARE, _LEAST = 0.5, 4
#: Share of letters in common from which on a misread word counts.
_ALIKE = 0.84


def normalised(text: str) -> str:
    """Letters and digits of `text` alone, in lower case."""
    return "".join(letter for letter in text.casefold() if letter.isalnum())


def lexical(text: str, words: Sequence[str] = ()) -> float:
    """How much the words of `text` are those of a watermark, in [0, 1]; `words`: more words that are."""
    plain = normalised(text)
    if not plain:
        return 0.0
    sure = 0.0
    if _SIGN.search(text):
        sure = RIGHTS_SIGN
    own = tuple(normalised(word) for word in words)
    sure = max(sure, _known(plain, NAMES + RIGHTS + own, WHOLE))
    sure = max(sure, _known(plain, PREVIEWS, PREVIEW))
    if any(word in plain for word in TRADES):
        sure = max(sure, TRADE)
    return max(sure, ADDRESS if _ADDRESS.search(text) else 0.0)


def _known(plain: str, words: Sequence[str], whole: float) -> float:
    """`whole` where a word is `plain` or, if it is long, within it; less for fragments and misreadings."""
    best = 0.0
    for word in words:
        if not word:
            continue
        if plain == word or (len(word) >= 5 and word in plain) or (not word.isascii() and word in plain):
            return whole
        if len(word) >= 5:
            best = max(best, whole * FRAGMENT * _resembles(plain, word))
    return best


def _resembles(plain: str, word: str) -> float:
    """1 where `plain` is a large enough piece of `word` or a misreading of it, else 0."""
    shortest = max(_LEAST, _SHARE * len(word))
    if len(plain) < shortest:
        return 0.0
    if len(plain) < len(word) and plain in word:
        return 1.0
    if len(word) < 6 or abs(len(plain) - len(word)) > 3:
        return 0.0
    return 1.0 if SequenceMatcher(None, plain, word, autojunk=False).ratio() >= _ALIKE else 0.0
