"""What espeak-ng's Mandarin reads wrongly, respelled: numbers as they are said, and syllables its rules lack.

Its numbers lose zeros and units ("105", "¥100", "-5℃"), years are read as amounts; syllables in -iong and the suffix 儿
come out as English letters.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_DIGITS: Final = "零一二三四五六七八九"
_MEASURES: Final = frozenset(
    "个個只隻条條张張本位名件台臺辆輛家种種天年岁歲块塊斤米倍次场場部座间間支句篇章页頁颗顆双雙套层層分秒步口起杯碗瓶盒"
)
_MONEY: Final = {"￥": "元", "¥": "元", "$": "美元", "€": "欧元", "£": "英镑"}
_UNITS: Final = {"℃": "摄氏度", "°C": "摄氏度", "℉": "华氏度", "°F": "华氏度", "°": "度"}
_NUMBER: Final = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_PATTERN: Final = re.compile(
    rf"(?P<digits>\d{{3,4}}-\d{{7,8}}|\d{{3}}-\d{{4}}-\d{{4}}|0\d+(?![\d.:])|1[3-9]\d{{9}}(?!\d))"
    rf"|(?P<year>\d{{4}}(?=\s?年)|\d0(?=后))"
    rf"|(?P<hour>[01]?\d|2[0-4])[:：](?P<minute>[0-5]\d)(?:[:：](?P<second>[0-5]\d))?(?!\d)"
    rf"|(?P<low>{_NUMBER})\s?[-–~～—]\s?(?P<high>{_NUMBER})(?P<range_unit>%|℃|°C)?(?![\d-])"
    rf"|(?P<over>\d{{1,4}})/(?P<under>\d{{1,4}})(?![\d/])"
    rf"|(?P<money>[￥¥$€£])\s?(?P<sum>{_NUMBER})(?P<scale>[万亿萬億]?)"
    rf"|(?<![A-Za-z0-9)])(?P<minus>[-−])?(?P<number>{_NUMBER})\s?(?P<unit>%|‰|℃|°C|℉|°F|°)?"
    rf"|(?P<rest>{_NUMBER})(?P<rest_unit>%|‰|℃|°C|℉|°F|°)?"
)  # fmt: skip
_IONG: Final = {
    "xong1": "兄兇凶匈哅忷恟汹洶胷胸訩詾讻賯", "xong2": "熊赨雄", "xong4": "夐敻詗诇",
    "qong1": "匔焪芎", "qong2": "儝卭宆惸桏棾橩焭煢琼瓊睘瞏穷穹窮竆笻筇茕藑藭蛩赹跫輁邛銎",
    "jong1": "冂冋坰埛扃蘏蘔駫", "jong3": "侰僒冏囧幜泂炯烱煚煛熲皛窘絅綗褧迥逈顈颎駉", "jong4": "澃",
    "er2": "儿兒",
}  # fmt: skip
_SYLLABLES: Final = {hanzi: pinyin for pinyin, row in _IONG.items() for hanzi in row}


@dataclass(frozen=True, slots=True)
class Respelling:
    """Characters start…stop are to be given to the synthesiser as ``text``."""

    start: int
    stop: int
    text: str


def respell(text: str) -> list[Respelling]:
    """What must be respelled in a run of Mandarin, in order, without overlap."""
    found = [Respelling(m.start(), m.end(), _said(m, text)) for m in _PATTERN.finditer(text)]
    found += [Respelling(i, i + 1, _SYLLABLES[c]) for i, c in enumerate(text) if c in _SYLLABLES]
    return sorted(found, key=lambda r: r.start)


def cardinal(number: str) -> str:
    """An amount in Chinese numerals: "105" → 一百零五, "3.5" → 三点五. Beyond 16 digits: digit by digit."""
    whole, _, fraction = number.replace(",", "").partition(".")
    said = digits(whole) if len(whole) > 16 else _whole(int(whole))
    return f"{said}点{digits(fraction)}" if fraction else said


def digits(number: str) -> str:
    """Digit by digit: "2024" → 二零二四."""
    return "".join(_DIGITS[int(c)] for c in number if c.isdecimal())


def _said(m: re.Match[str], text: str) -> str:
    if m["digits"] or m["year"]:
        return digits(m[0])
    if m["hour"]:
        return _clock(m)
    if m["low"]:
        return _with_unit(cardinal(m["low"]), "") + "到" + _with_unit(cardinal(m["high"]), m["range_unit"] or "")
    if m["over"]:
        return f"{cardinal(m['under'])}分之{cardinal(m['over'])}"
    return cardinal(m["sum"]) + m["scale"] + _MONEY[m["money"]] if m["money"] else _amount(m, text)


def _amount(m: re.Match[str], text: str) -> str:
    number, unit = m["number"] or m["rest"], (m["number"] and m["unit"]) or m["rest_unit"] or ""
    if (
        number == "2"
        and not unit
        and text[m.end() : m.end() + 1] in _MEASURES
        and text[m.start() - 1 : m.start()] != "第"
    ):
        return "两"
    cold = "零下" if unit in ("℃", "°C") else "负"
    return (cold if m["minus"] else "") + _with_unit(cardinal(number), unit)


def _with_unit(said: str, unit: str) -> str:
    if unit in ("%", "‰"):
        return ("百分之" if unit == "%" else "千分之") + said
    return said + _UNITS.get(unit, "")


def _clock(m: re.Match[str]) -> str:
    def padded(value: str) -> str:
        return ("零" if value.startswith("0") and value != "00" else "") + cardinal(value)

    hour = "两" if int(m["hour"]) == 2 else cardinal(m["hour"])
    if m["second"]:
        return f"{hour}点{padded(m['minute'])}分{padded(m['second'])}秒"
    if m["minute"] == "00":
        return f"{hour}点"
    return f"{hour}点半" if m["minute"] == "30" else f"{hour}点{padded(m['minute'])}分"


def _whole(value: int) -> str:
    if value == 0:
        return "零"
    said = ""
    groups = [value // 10 ** (4 * k) % 10000 for k in range(4)]
    for k in range(3, -1, -1):
        if not groups[k]:
            continue
        if said and (groups[k] < 1000 or groups[k + 1] == 0):
            said += "零"
        group = "两" if groups[k] == 2 and k and not said else _thousands(groups[k], first=not said)
        said += group + ("", "万", "亿", "兆")[k]
    return said


def _thousands(value: int, *, first: bool) -> str:
    said, gap = "", False
    for k, unit in ((3, "千"), (2, "百"), (1, "十"), (0, "")):
        digit = value // 10**k % 10
        if digit == 0:
            gap = bool(said)
            continue
        said += "零" if gap else ""
        gap = False
        if digit == 1 and k == 1 and first and not said:
            said += unit
        else:
            said += ("两" if digit == 2 and k == 3 else _DIGITS[digit]) + unit
    return said
