"""Makes the fonts that pictures are lettered with: src/mien/stage/type/data/MienSans*.

    apt-get install fonts-noto-cjk fonts-noto-core && pip install fonttools
    python scripts/make_fonts.py [CJK-FOLDER CORE-FOLDER]

They are subsets of Noto Sans CJK SC (Adobe and Google) and Noto Sans (Google), both under the SIL Open Font License 1.1
and without a reserved name, under a name of their own, since "Noto" is a trademark. The folders are where Debian's
packages put them. In regular and bold:

- MienSans: all of GB 2312 (6,763 hanzi), the frequent level of Big5 and level 1 of JIS X 0208, 9,237 characters in all.
  Forms are those of mainland China; text marked as Japanese gets Japanese forms of the kanji of JIS level 1 in the bold
  font (the regular one is for small lines, and both with them are over 5 MB). Kana, bopomofo, CJK punctuation,
  full-width and half-width forms, circled numbers, arrows, common symbols.
- MienSansLatin: Latin with the accents of European languages, pinyin and Vietnamese, Greek, Cyrillic, punctuation,
  currencies, with kerning.

Quotation marks, dots and dashes are in both; the full-width ones lie in the private use area (FULL_WIDTH), to be taken
beside full-width characters. Hints are left out: film lettering is large. The same packages give the same bytes.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from fontTools import subset
from fontTools.ttLib import TTFont

ROOT = Path(__file__).parents[1] / "src/mien/stage/type/data"
FOLDERS = "/usr/share/fonts/opentype/noto", "/usr/share/fonts/truetype/noto"
SIMPLIFIED = 2  # the face in the collection
FULL_WIDTH = {
    0x2018: 0xE000, 0x2019: 0xE001, 0x201C: 0xE002, 0x201D: 0xE003, 0x00B7: 0xE004, 0x2026: 0xE005, 0x2014: 0xE006,
}  # fmt: skip
LATIN = (
    (0x20, 0x7E), (0xA0, 0x17F), (0x18F, 0x18F), (0x192, 0x192), (0x1A0, 0x1A1), (0x1AF, 0x1B0), (0x1CD, 0x1DC),
    (0x1E6, 0x1E7), (0x1F4, 0x1F9), (0x1FA, 0x1FF), (0x218, 0x21B), (0x232, 0x233), (0x259, 0x259), (0x2B9, 0x2BC),
    (0x2C6, 0x2C7), (0x2D8, 0x2DD), (0x300, 0x30C), (0x30F, 0x311), (0x31B, 0x31B), (0x323, 0x328), (0x331, 0x331),
    (0x370, 0x3CF), (0x400, 0x45F), (0x490, 0x4FF), (0x1E80, 0x1E85), (0x1E9E, 0x1E9E), (0x1EA0, 0x1EF9),
    (0x2000, 0x2044), (0x2070, 0x2094), (0x20A0, 0x20BF),
)  # fmt: skip
EAST_ASIAN = (
    (0x20, 0x20), (0x2022, 0x2022), (0x203B, 0x203B), (0x2100, 0x2103), (0x2109, 0x2109), (0x2116, 0x2116),
    (0x2121, 0x2122), (0x2126, 0x2126), (0x2150, 0x217F), (0x2190, 0x2199), (0x21D2, 0x21D4), (0x2202, 0x2207),
    (0x2211, 0x2211), (0x221A, 0x221E), (0x2227, 0x222B), (0x2234, 0x2235), (0x2248, 0x2248), (0x2260, 0x2267),
    (0x2460, 0x2473), (0x25A0, 0x25A1), (0x25B2, 0x25BD), (0x25C6, 0x25CF), (0x25EF, 0x25EF), (0x2600, 0x2606),
    (0x2640, 0x2642), (0x2660, 0x266F), (0x2713, 0x2717), (0x2756, 0x2757), (0x2764, 0x2764), (0x3000, 0x3030),
    (0x3041, 0x30FF), (0x3105, 0x312F), (0x3231, 0x3232), (0x338E, 0x338F), (0x339C, 0x339E), (0x33A1, 0x33A1),
    (0xFF01, 0xFF5E), (0xFFE0, 0xFFE6),
)  # fmt: skip


def main(cjk: Path, core: Path) -> None:
    for weight in ("Regular", "Bold"):
        font = TTFont(cjk / f"NotoSansCJK-{weight}.ttc", fontNumber=SIMPLIFIED, recalcTimestamp=False)
        full_width(font)
        keep_japanese_forms(font, han("euc_jp", range(0xB0, 0xD0)) if weight == "Bold" else set())
        cut(font, characters(), ["kern", "ccmp", "locl"])
        save(font, "Mien Sans", weight, "Noto Sans CJK SC 2.004", "otf")
        font = TTFont(core / f"NotoSans-{weight}.ttf", recalcTimestamp=False)
        cut(font, codes(LATIN), ["kern", "ccmp", "locl", "mark", "mkmk"])
        save(font, "Mien Sans Latin", weight, "Noto Sans", "ttf")


def han(codec: str, rows: range, columns: tuple[range, ...] = (range(0xA1, 0xFF),)) -> set[int]:
    """The characters in rows of a two-byte character set."""
    found = set()
    for row in rows:
        for column in (c for part in columns for c in part):
            try:
                found.add(ord(bytes((row, column)).decode(codec)))
            except UnicodeDecodeError:
                continue
    return found


def codes(ranges: tuple[tuple[int, int], ...]) -> set[int]:
    return {code for first, last in ranges for code in range(first, last + 1)}


def characters() -> set[int]:
    simplified = han("gb2312", range(0xB0, 0xF8))
    traditional = han("big5", range(0xA4, 0xC7), (range(0x40, 0x7F), range(0xA1, 0xFF)))
    japanese = han("euc_jp", range(0xB0, 0xD0))
    return codes(EAST_ASIAN) | set(FULL_WIDTH.values()) | simplified | traditional | japanese


def full_width(font: Any) -> None:
    for table in font["cmap"].tables:
        if table.isUnicode() and table.format != 14:
            table.cmap.update({private: table.cmap[code] for code, private in FULL_WIDTH.items()})


def keep_japanese_forms(font: Any, kanji: set[int]) -> None:
    """Of the forms for Japanese, only those of ``kanji``."""
    wanted = {glyph for code, glyph in font.getBestCmap().items() if code in kanji}
    gsub = font["GSUB"].table
    numbers = {
        number
        for record in gsub.ScriptList.ScriptRecord
        for system in record.Script.LangSysRecord
        if system.LangSysTag == "JAN "
        for index in system.LangSys.FeatureIndex
        if gsub.FeatureList.FeatureRecord[index].FeatureTag == "locl"
        for number in gsub.FeatureList.FeatureRecord[index].Feature.LookupListIndex
    }
    for number in numbers:
        for subtable in gsub.LookupList.Lookup[number].SubTable:
            single = getattr(subtable, "ExtSubTable", subtable)
            single.mapping = {old: new for old, new in single.mapping.items() if old in wanted}


def cut(font: Any, wanted: set[int], features: list[str]) -> None:
    options = subset.Options()
    options.hinting = False
    options.notdef_outline = True
    options.layout_features = features
    if "CFF " in font:
        options.layout_scripts = ["DFLT.dflt", "hani.dflt", "kana.dflt", "hani.JAN", "kana.JAN"]
    options.name_IDs = [0, 5, 13, 14]
    options.drop_tables += ["VORG", "vhea", "vmtx", "BASE", "DSIG"]
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=wanted)
    cutter.subset(font)


def save(font: Any, family: str, weight: str, source: str, ending: str) -> None:
    file = f"{family.replace(' ', '')}-{weight}"
    names = font["name"]
    names.names = [record for record in names.names if record.nameID in (0, 5, 13, 14)]
    for number, text in (
        (1, family),
        (2, weight),
        (3, f"{file}: subset of {source}"),
        (4, f"{family} {weight}"),
        (6, file),
    ):
        names.setName(text, number, 3, 1, 0x409)
    if "CFF " in font:
        top = font["CFF "].cff
        top.fontNames = [file]
        top[0].FullName, top[0].FamilyName = f"{family} {weight}", family
    part = ROOT / f".{file}.{ending}"
    font.save(part)
    part.replace(ROOT / f"{file}.{ending}")  # whoever draws with the old one keeps it
    print(file, len(font.getBestCmap()), "characters", len(font.getGlyphOrder()), "glyphs")  # noqa: T201


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:] or FOLDERS))
