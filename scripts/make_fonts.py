"""Makes the fonts that pictures are lettered with: src/mien/stage/type/data/MienSans-{Regular,Bold}.otf.

    apt-get install fonts-noto-cjk && pip install fonttools
    python scripts/make_fonts.py [FOLDER]

They are a subset of Noto Sans CJK SC (Adobe and Google; SIL Open Font License 1.1, no reserved name; Debian's package
fonts-noto-cjk, FOLDER is where it puts them) under a name of their own, since "Noto" is a trademark. In them:

- all of GB 2312 (6,763 hanzi), the frequent level of Big5 and level 1 of JIS X 0208: 9,331 characters. Forms are those
  of mainland China; text marked as Japanese gets Japanese forms of the kanji of JIS level 1 in the bold font (the
  regular one is for small lines, and both with them are over 5 MB);
- kana, bopomofo, CJK punctuation, full-width and half-width forms;
- Latin with all accents of European languages, pinyin and Vietnamese, Greek, Cyrillic, punctuation, currencies,
  arrows, circled numbers, common symbols.

Quotation marks and the middle dot are narrow, as Latin text wants them; their full-width forms lie in the private
use area (FULL_WIDTH). Hints are left out: film lettering is large. The same package gives the same bytes.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from fontTools import subset
from fontTools.ttLib import TTFont

ROOT = Path(__file__).parents[1] / "src/mien/stage/type/data"
FOLDER = Path("/usr/share/fonts/opentype/noto")
SIMPLIFIED, JAPANESE = 2, 0  # faces in the collection
FULL_WIDTH = {0x2018: 0xE000, 0x2019: 0xE001, 0x201C: 0xE002, 0x201D: 0xE003, 0x00B7: 0xE004}
NARROW = (0x2018, 0x2019, 0x201C, 0x201D, 0x00B7, 0x2022)
RANGES = (
    (0x20, 0x7E), (0xA0, 0x24F), (0x2B0, 0x2DF), (0x300, 0x331), (0x370, 0x3FF), (0x400, 0x45F), (0x1E00, 0x1EFF),
    (0x2000, 0x206F), (0x2070, 0x2094), (0x20A0, 0x20BF), (0x2100, 0x214F), (0x2150, 0x217F), (0x2190, 0x2199),
    (0x21D2, 0x21D4), (0x2200, 0x22A5), (0x2460, 0x2473), (0x24B6, 0x24E9), (0x2500, 0x2503), (0x25A0, 0x25EF),
    (0x2600, 0x2606), (0x2640, 0x2642), (0x2660, 0x266F), (0x2713, 0x2717), (0x2756, 0x2757), (0x2764, 0x2764),
    (0x2776, 0x277F), (0x3000, 0x3030), (0x3041, 0x30FF), (0x3105, 0x312F), (0x3231, 0x3232), (0x338E, 0x338F),
    (0x339C, 0x339E), (0x33A1, 0x33A1), (0xFF01, 0xFFA0), (0xFFE0, 0xFFE6),
)  # fmt: skip


def main(folder: Path) -> None:
    for weight in ("Regular", "Bold"):
        source = folder / f"NotoSansCJK-{weight}.ttc"
        font = TTFont(source, fontNumber=SIMPLIFIED, recalcTimestamp=False)
        japanese = TTFont(source, fontNumber=JAPANESE, lazy=True)
        narrow_punctuation(font, japanese)
        keep_japanese_forms(font, han("euc_jp", range(0xB0, 0xD0)) if weight == "Bold" else set())
        cut(font)
        rename(font, weight)
        font.save(ROOT / f"MienSans-{weight}.otf")
        print(weight, len(font.getBestCmap()), "characters", len(font.getGlyphOrder()), "glyphs")  # noqa: T201


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


def characters() -> set[int]:
    everyday = {code for first, last in RANGES for code in range(first, last + 1)} | set(FULL_WIDTH.values())
    simplified = han("gb2312", range(0xB0, 0xF8))
    traditional = han("big5", range(0xA4, 0xC7), (range(0x40, 0x7F), range(0xA1, 0xFF)))
    return everyday | simplified | traditional | han("euc_jp", range(0xB0, 0xD0))


def narrow_punctuation(font: Any, japanese: Any) -> None:
    """The Japanese face of the collection has the same glyphs by number, and narrow quotation marks by default."""
    narrow = japanese.getBestCmap()
    for table in font["cmap"].tables:
        if not table.isUnicode() or table.format == 14:
            continue
        for code, private in FULL_WIDTH.items():
            if table.format == 12 or private < 0x10000:
                table.cmap[private] = table.cmap[code]
        for code in NARROW:
            table.cmap[code] = narrow[code]


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


def cut(font: Any) -> None:
    options = subset.Options()
    options.hinting = False
    options.notdef_outline = True
    options.layout_features = ["kern", "ccmp", "mark", "locl"]
    options.layout_scripts = [
        "DFLT.dflt", "latn.dflt", "grek.dflt", "cyrl.dflt", "hani.dflt", "kana.dflt", "hani.JAN", "kana.JAN",
    ]  # fmt: skip
    options.name_IDs = [0, 3, 5, 13, 14]
    options.drop_tables += ["VORG", "vhea", "vmtx", "BASE", "DSIG"]
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=characters())
    cutter.subset(font)


def rename(font: Any, weight: str) -> None:
    names = font["name"]
    names.names = [record for record in names.names if record.nameID in (0, 5, 13, 14)]
    for number, text in (
        (1, "Mien Sans"),
        (2, weight),
        (3, f"MienSans-{weight}: subset of Noto Sans CJK SC 2.004"),
        (4, f"Mien Sans {weight}"),
        (6, f"MienSans-{weight}"),
    ):
        names.setName(text, number, 3, 1, 0x409)
    top = font["CFF "].cff
    top.fontNames = [f"MienSans-{weight}"]
    top[0].FullName, top[0].FamilyName = f"Mien Sans {weight}", "Mien Sans"


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
