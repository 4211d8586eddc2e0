"""What espeak-ng's Mandarin reads wrongly, respelled: numbers as they are said, and syllables its rules lack.

Its numbers lose zeros and units ("105", "¥100", "-5℃"), years are read as amounts; syllables in -iong and the suffix 儿
come out as English letters.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from mien.dialogue.languages import script_of

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
_UNREAD: Final = frozenset(
    "丆丷乄乊乛乤乥乧乬乮乯乲乺乻乼乽亪亽仒仩伬佦佨侤俧俬倿傦僲儏兙兡兯兺冃冧凖凧凩凪匁匂匇厁厑厼叾呚呣咜哖哘哛唜"
    "唟唥啹喸嗧嗭嗴嘥噺嚑嚒嚡囎囕囖圕圦圷圸垈垊垪垯垰垳埖堏堒堔塀塆塰墛墸墹壗壥壪壭夈夑夞夻奍妛娐娳婔婮婲媈媘媫嫲"
    "嬄嬜嬫嬳嬶孧尛尡屗屲屶屷岃岼岾峅崊崰嵜嵵嵶嵻嶶嶿巕巪巬巭巼幉幤幥庒廤廭彁彅徔徚忄怺怽怾恖恷愥慐懳扌扖抣拤挘挧"
    "捤掵掶掹揻揼摗撶擜擝攚敾斏旀旕暃曢曻朑朥朰杁杢杣杤杦枠枤枦枩柨栆栍栶桛桝桞梺梻椙椚椛椡椢椣椦椧椨椩椬楾楿榁榊"
    "榋榌槗槝槞槡樭樮樰橲橳橴橵橸橺橻檪檲櫊櫤櫦櫵櫷欌欍欕欟歄歚殝殱毜毝毟毮毶氞氵氺汢汣汼泹洜浌涥渏湪湭溂溄溊溋滧"
    "潈潉潱澚澛澝濏濵濸濹瀭瀮灐灜灳炚炞炿烥烪烮焁焑焒焹焽焾焿煀煯煶煷熍熕熖熴燝燞燵燶爎爘爠爦爫爳牗牜犞犭猠獇獤珯"
    "珱琑琒琻瑃瑡璍璓璤璴瓧瓩瓰瓱瓲瓸瓼甅畓畠畩疂癦癷睵瞣砛砽砿硓硘硛硳硴碵碷磗磮礀礂礢禙禣稥穃穒穝穦穯窤窧窽竍竏"
    "竓竔竕竡笂笹笽筺筽箮篐篒簓簗簯簱籂籎籏籖籡粀粂粌粏粐粩粫粬粭糀糘糬紦絋綛緕縅縇縨繌繧纐缼罀罉罖羪翶耂聁聓聢聣"
    "聨聺胿脋脌膒膤舤舮舿艈艔艝艠苆茐茒茾荢莵莻萙萞萟萡萢萣蒅蒊蒏蓙蓜蓞蓤蔶蕱薭藔藲藵蘒蘕蘰虄虅虲蛯蝊螁螦螧螩蟐蟵"
    "蠴衐衤袥袰裃裄裇褄褜褝襅襨襷襽覄訁誮謃謉謢贌贘趰踎躮躵躻躼躾軅軈轌辪辷辻込迌迚迲逧遖遤邜邤郒郮酛酜釒釻鈨鈩鈪"
    "鈫銯鋲鋴錺錻錿鍂鍅鎆鎺鎼鎽鎾鏯鏱鏲鐢鐣鑓鑦鑧閊閖閚閪闎闏闧陦陹隡霗霻靍鞆鞐鞰鞺韕韟颪飊駇駯駲髸魞魸魹鮖鮗鮘鮱"
    "鮲鮴鯂鯎鯏鯐鯑鯱鯲鯳鰘鰚鰰鱛鱜鱩鱪鱫鱰鳰鴫鵆鵇鵈鵤鵥鶍鶎鶑鶫麶龦龧龨龩龪龫龬龭龮龯龰龱龲龳龴龵龶龷龸龹龺龻龼"
    "龽龾龿鿀鿁鿂鿃鿄鿅鿆鿇鿈鿉鿊鿋鿌鿍鿎鿏鿐鿑鿒鿓鿔鿕鿖鿗鿘鿙鿚鿛鿜鿝鿞鿟鿠鿡鿢鿣鿤鿥鿦鿧鿨鿩鿪鿫鿬鿭鿮鿯鿰鿱鿲"
    "鿳鿴鿵鿶鿷鿸鿹鿺鿻鿼鿽鿾鿿"
)
"""Characters of the main block (U+4E00…9FFF) that its dictionary lacks: it would read their code numbers."""
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
    found += [Respelling(i, i + 1, text[i - 1]) for i, c in enumerate(text) if c == "々" and i]
    return sorted(found, key=lambda r: r.start)


def unread(text: str) -> list[int]:
    """Where the characters stand that its Mandarin cannot read."""
    return [i for i, c in enumerate(text) if script_of(c) == "Hani" and not _is_read(text, i)]


def _is_read(text: str, i: int) -> bool:
    if text[i] == "々":
        return i > 0 and script_of(text[i - 1]) == "Hani"
    return "\u4e00" <= text[i] <= "\u9fff" and text[i] not in _UNREAD


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
