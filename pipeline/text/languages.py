"""The languages by name."""

from pipeline.text.phrases import Phrases
from pipeline.text.phrases_en import ENGLISH
from pipeline.text.phrases_zh import CHINESE
from schemas.text import TextLanguage

LANGUAGES: dict[TextLanguage, Phrases] = {"en": ENGLISH, "zh": CHINESE}
