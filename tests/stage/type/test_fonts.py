"""Which font draws what, and what is promised of Mien's own."""

from __future__ import annotations

import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.stage.type import kit

from mien.errors import MissingError
from mien.stage.type.faces import read_faces
from mien.stage.type.fonts import OWN, Fonts


def rows(codec: str, first: int, last: int) -> str:
    """All characters of a two-byte set between two lead bytes."""
    pairs = (bytes((lead, trail)) for lead in range(first, last + 1) for trail in range(0x40, 0xFF))
    return "".join(char for pair in pairs if len(char := pair.decode(codec, "ignore")) == 1 and char > "\u2fff")


@pytest.mark.parametrize("weight", [400, 700])
@pytest.mark.parametrize(
    "characters, least",
    [
        (rows("gb2312", 0xB0, 0xF7), 6763),
        (rows("big5", 0xA4, 0xC6), 5401),
        (rows("euc_jp", 0xB0, 0xCF), 2965),
        ("あいうえおがぱゃっんアイウエオガパャッンヴー、。「」『』・〜％！？（）【】《》ㄅㄆㄇ", 30),
        ("ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜÝßŁŐŠŽąćęłńœřşțźőűğİıđħŉŋẞẢẠỆỮāáǎàēéěèīíǐìōóǒòūúǔùǖǘǚǜ", 60),
        ("ΑΒΓΔάέήίϊΰαβγδАБВГДабвгдёЁЇїЎўѝђќњџҐґӘәҚқ€£¥₹₽₫₺©®™°±×÷→←↑↓①⑩★☆♪♥■●◆“”‘’–—•·…℃‰", 60),
    ],
)
def test_own_fonts_cover_what_the_docs_say(weight: int, characters: str, least: int) -> None:
    library = Fonts(OWN, [])
    assert len(set(characters)) >= least
    assert [char for char in characters if (face := library.pick(char, weight)) is None or face.weight != weight] == []


def test_own_fonts_are_small_named_and_licensed() -> None:
    files = sorted(OWN.glob("*.?tf"))
    assert sum(file.stat().st_size for file in files) < 5_000_000
    assert {(face.family, face.weight) for file in files for face in read_faces(file)} == {
        ("Mien Sans", 700), ("Mien Sans", 400), ("Mien Sans Latin", 700), ("Mien Sans Latin", 400),
    }  # fmt: skip
    assert "SIL OPEN FONT LICENSE Version 1.1" in (OWN / "OFL.txt").read_text("utf-8")


def test_words_with_accents_are_of_one_font() -> None:
    library = Fonts(OWN, [])
    for word in ("Łódź", "Čeština", "İstanbul", "Ελλάδα", "Київ", "Việt"):
        assert len({library.pick(char, 700) for char in word}) == 1


def test_the_weight_that_is_asked_for() -> None:
    library = Fonts(OWN, [])
    weights = [face.weight for w in (300, 500, 600, 900) if (face := library.pick("茶", w))]
    assert weights == [400, 400, 700, 700]


def test_others_step_in_where_own_fonts_lack_a_character(tmp_path: Path) -> None:
    kit.make_font(tmp_path / "a.ttf", "Plain Sans", "ሀለ")
    kit.make_font(tmp_path / "b.ttf", "Bold Sans", "ሀ", weight=700)
    library = Fonts(OWN, [tmp_path])
    assert (bold := library.pick("ሀ", 700)) and bold.family == "Bold Sans"
    assert (only := library.pick("ለ", 700)) and only.family == "Plain Sans"
    assert library.pick("ሐ", 700) is None


def test_a_folder_of_the_user_goes_before_the_system(tmp_path: Path) -> None:
    mine, system = tmp_path / "mine", tmp_path / "system"
    for place, family in ((mine, "Mine"), (system, "Noto Sans Ethiopic")):
        place.mkdir()
        kit.make_font(place / "a.ttf", family, "ሀ")
    assert (face := Fonts(OWN, [mine, system]).pick("ሀ", 400)) and face.family == "Mine"


def test_fonts_of_boxes_are_never_taken(tmp_path: Path) -> None:
    kit.make_font(tmp_path / "a.ttf", ".LastResort", "ሀ")
    assert Fonts(OWN, [tmp_path]).pick("ሀ", 400) is None


def test_emoji_are_coloured_where_there_is_a_font(tmp_path: Path) -> None:
    kit.make_font(tmp_path / "a.ttf", "Flat Emoji", "🍵🎂")
    kit.make_font(tmp_path / "z.ttf", "Colour Emoji", "🍵", colour=True)
    library = Fonts(OWN, [tmp_path])
    assert (cup := library.pick("🍵", 700)) and cup.colour
    assert (cake := library.pick("🎂", 700)) and not cake.colour
    assert (letter := library.pick("茶", 700)) and not letter.colour


def test_fonts_whose_colours_pillow_cannot_draw_are_passed_over(tmp_path: Path) -> None:
    kit.make_font(tmp_path / "a.ttf", "Gradient Emoji", "🍵", colour=True, version=1)
    assert Fonts(OWN, [tmp_path]).pick("🍵", 700) is None


def test_a_font_by_name_or_file_is_used_for_what_it_has(tmp_path: Path) -> None:
    file = kit.make_font(tmp_path / "hand.ttf", "My Hand", "abc")
    library = Fonts(OWN, [tmp_path])
    for named in ("my hand", str(file)):
        assert (face := library.pick("b", 700, family=named)) and face.family == "My Hand"
        assert (other := library.pick("茶", 700, family=named)) and other.family == "Mien Sans"
    with pytest.raises(MissingError, match="no font 'Garamond'"):
        library.pick("b", 700, family="Garamond")


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 3000), st.binary(min_size=1, max_size=40))
def test_a_damaged_font_is_no_font_and_no_crash(tmp_path: Path, at: int, damage: bytes) -> None:
    data = bytearray((kit.folder() / "hebrew.ttf").read_bytes())
    at %= len(data)
    data[at : at + len(damage)] = damage
    file = tmp_path / "damaged.ttf"
    file.write_bytes(data)
    for face in read_faces(file):
        face.has("א")


def test_what_claims_to_be_a_large_collection_is_no_trouble(tmp_path: Path) -> None:
    file = tmp_path / "bomb.ttc"
    file.write_bytes(b"ttcf" + struct.pack(">II", 0x10000, 0xFFFFFFFF) + bytes(400))
    assert read_faces(file) == []


@pytest.mark.parametrize("number, characters", [(4, "aAzZé茶"), (12, "a茶🍵𠮷")])
def test_coverage_is_what_the_font_has(tmp_path: Path, number: int, characters: str) -> None:
    (face,) = read_faces(kit.make_font(tmp_path / f"{number}.ttf", "Some", characters))
    assert all(map(face.has, characters))
    assert not any(face.has(chr(ord(char) + 1)) for char in characters if chr(ord(char) + 1) not in characters)


def test_a_small_file_cannot_name_billions_of_characters(tmp_path: Path) -> None:
    count = 4000  # segments that all say "every character", in a file of a few hundred kilobytes
    places = [2 * (count - i) + 2 for i in range(count)]
    sub = struct.pack(">4H6x", 4, 0, 0, 2 * count) + struct.pack(f">{count}H", *[0xFFFF] * count) + b"\0\0"
    sub += bytes(4 * count) + struct.pack(f">{count}H", *places) + b"\0\1" * 66_000
    cmap = struct.pack(">HHHHI", 0, 1, 3, 1, 12) + sub
    head = b"\0\1\0\0" + struct.pack(">4H", 2, 0, 0, 0)
    head += b"name" + struct.pack(">III", 0, 44, 6) + b"cmap" + struct.pack(">III", 0, 50, len(cmap))
    file = tmp_path / "bomb.ttf"
    file.write_bytes(head + struct.pack(">3H", 0, 0, 6) + cmap)
    (face,) = read_faces(file)
    assert face.has("a")


def test_a_font_file_that_is_written_anew_meanwhile_ends_nothing(tmp_path: Path) -> None:
    file = tmp_path / "own.ttf"
    shutil.copyfile(OWN / "MienSansLatin-Bold.ttf", file)
    code = (
        "import sys\nfrom pathlib import Path\nfrom mien.stage.type.style import TextStyle\n"
        "from mien.stage.type.text import set_text\n"
        "style = TextStyle(40, font=sys.argv[1])\nset_text('ab', style, 400)\n"
        "Path(sys.argv[1]).write_bytes(b'')\nprint(set_text('Hello, you there', style, 400).pixels.any())\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(file)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "True"), done.stderr
