"""Voices of Microsoft's read-aloud service that Mien offers by language: a female and a male one each.

Any other of the service's names works too; it has several hundred (``edge-tts --list-voices``).
"""

from __future__ import annotations

import re
from typing import Final

from mien.dialogue.speak.base import Voice
from mien.dialogue.speak.request import no_such_voice, primary, require_language

LICENCE: Final = "Microsoft's terms of service; unofficial access"

_NAME: Final = re.compile(r"[a-z]{2,3}(?:-[A-Za-z]{2,8}){1,3}-[A-Za-z]{2,40}Neural")
_TABLE: Final = {
    "zh": "zh-CN Xiaoxiao Yunxi", "zh-tw": "zh-TW HsiaoChen YunJhe", "yue": "zh-HK HiuMaan WanLung",
    "en": "en-US Aria Guy", "en-gb": "en-GB Sonia Ryan", "en-au": "en-AU Natasha WilliamMultilingual",
    "en-in": "en-IN NeerjaExpressive Prabhat", "ja": "ja-JP Nanami Keita", "ko": "ko-KR SunHi InJoon",
    "de": "de-DE Katja Conrad", "fr": "fr-FR Denise Henri", "es": "es-ES Elvira Alvaro", "es-mx": "es-MX Dalia Jorge",
    "pt": "pt-BR Francisca Antonio", "pt-pt": "pt-PT Raquel Duarte", "it": "it-IT Elsa Diego",
    "ru": "ru-RU Svetlana Dmitry", "uk": "uk-UA Polina Ostap", "pl": "pl-PL Zofia Marek", "nl": "nl-NL Colette Maarten",
    "sv": "sv-SE Sofie Mattias", "da": "da-DK Christel Jeppe", "no": "nb-NO Pernille Finn", "fi": "fi-FI Noora Harri",
    "cs": "cs-CZ Vlasta Antonin", "el": "el-GR Athina Nestoras", "tr": "tr-TR Emel Ahmet", "ar": "ar-SA Zariyah Hamed",
    "he": "he-IL Hila Avri", "hi": "hi-IN Swara Madhur", "th": "th-TH Premwadee Niwat", "vi": "vi-VN HoaiMy NamMinh",
    "id": "id-ID Gadis Ardi", "ms": "ms-MY Yasmin Osman", "hu": "hu-HU Noemi Tamas", "ro": "ro-RO Alina Emil",
    "bg": "bg-BG Kalina Borislav", "hr": "hr-HR Gabrijela Srecko", "fa": "fa-IR Dilara Farid",
}  # fmt: skip
LANGUAGES: Final = tuple(code for code in _TABLE if "-" not in code)


def voices() -> tuple[Voice, ...]:
    """Those of the table."""
    return tuple(
        Voice(_name(code, gender), (_TABLE[code].split()[0],), gender, LICENCE)
        for code in _TABLE
        for gender in ("female", "male")
    )


def voice_for(language: str, voice: str) -> str:
    """The service's name of a voice: one asked for by name, else the language's female or male one.

    Raises MissingError for a name that cannot be one, and for a language without a voice in the table.
    """
    if voice not in ("", "female", "male"):
        if not _NAME.fullmatch(voice):
            raise no_such_voice(voice, "Microsoft's service")
        return voice
    require_language(language, LANGUAGES, "Microsoft's service")
    code = language.lower().replace("_", "-")
    return _name(code if code in _TABLE else primary(language), voice or "female")


def _name(code: str, gender: str) -> str:
    region, female, male = _TABLE[code].split()
    return f"{region}-{female if gender == 'female' else male}Neural"
