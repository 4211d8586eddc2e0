"""What tests of the espeak-ng back end say, and what they look at."""

from __future__ import annotations

from mien.dialogue.speak.base import SpeakRequest
from mien.dialogue.speak.espeak import EspeakSpeaker
from mien.types import Phone, SpeechPart, Word

SENTENCES = {
    "en": "Please move the big purple boxes, before Bob comes back. Maybe people will help.",
    "zh": "爸爸妈妈在北京帮朋友搬家，买了八本漂亮的书。苹果公司明天发布新品。",
    "es": "Mi papá y mi mamá compran pan bueno para el bebé, pero no beben agua.",
    "de": "Papa und Mama stapeln Pakete, aber Oma packt Äpfel und Butter in die Kappe.",
    "fr": "Papa et maman boivent un bon bol, puis bébé part à la plage.",
    "ja": "ぱぱとままは、たべものをばんごはんにたべます。",
}


def say(speaker: EspeakSpeaker, text: str, language: str = "auto", **fields: object) -> list[SpeechPart]:
    return list(speaker.speak(SpeakRequest(text, language, **fields)))  # type: ignore[arg-type]


def words(parts: list[SpeechPart]) -> list[Word]:
    return [w for part in parts for w in part.words or ()]


def phones(parts: list[SpeechPart]) -> list[Phone]:
    return [p for part in parts for p in part.phones or ()]


def spellings(text: str, parts: list[SpeechPart]) -> list[str]:
    return [text[w.char_start : w.char_end] for w in words(parts)]


def symbols(parts: list[SpeechPart]) -> str:
    return " ".join(p.symbol for p in phones(parts) if p.symbol)
