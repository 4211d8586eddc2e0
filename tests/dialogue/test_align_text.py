"""Transcripts in, TextGrid, CSV and JSON out."""

from __future__ import annotations

import csv
import io
import json
import re
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.dialogue.align import formats
from mien.dialogue.align.forced import Alignment
from mien.dialogue.align.transcript import parse_transcript, read_transcript, said
from mien.errors import InputError
from mien.timeline import TICKS_PER_SECOND, to_ticks
from mien.types import Phone, Word

SRT = """1
00:00:01,000 --> 00:00:02,500
<i>Hello</i> there,
{\\an8}my friend.

2
00:00:03,000 --> 00:00:04,000
How &amp; why?
"""
VTT = """WEBVTT - a title

NOTE a remark
that goes on

intro
00:01.000 --> 00:02.500 align:start
<v Anna>Hello there,</v>
my friend.

00:00:03.000 --> 00:00:04.000
How &amp; <00:03.500>why?
"""


@pytest.mark.parametrize(("name", "content"), [("a.srt", SRT), ("a.vtt", VTT)])
@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_subtitles_give_words_and_hints(tmp_path: Path, name: str, content: str, ends: str) -> None:
    (tmp_path / name).write_bytes(b"\xef\xbb\xbf" + content.replace("\n", ends).encode())
    transcript = read_transcript(tmp_path / name)
    assert transcript.text == "Hello there, my friend.\nHow & why?"
    assert [transcript.text[h.char_start : h.char_end] for h in transcript.hints] == transcript.text.split("\n")
    times = [(h.start / TICKS_PER_SECOND, h.end / TICKS_PER_SECOND) for h in transcript.hints]
    assert times == [(1.0, 2.5), (3.0, 4.0)]
    lines = [[transcript.text[a:b].strip() for a, b in pairwise(places)] for places in transcript.cut]
    assert lines == [["Hello there,", "my friend."], ["How & why?"]]
    assert [(places[0], places[-1]) for places in transcript.cut] == [
        (h.char_start, h.char_end) for h in transcript.hints
    ]


def test_cues_without_the_empty_line_between_them_are_told_apart() -> None:
    text = "1\n00:00:01,000 --> 00:00:02,000\nOne.\n2\n00:00:02,000 --> 00:00:03,000\nTwo.\n"
    assert parse_transcript(text).text == "One.\nTwo."


def test_what_nobody_says_is_not_shown() -> None:
    text = "One, two. Three! 🎉 Four\n\nfive?"
    heard = [Word(0, 1, 5, 8), Word(2, 3, text.index("Four"), text.index("Four") + 4)]
    assert said(text, heard) == "One, two.        🎉 Four\n\n     "
    assert said(text, []).strip() == "🎉" and said("", []) == ""


@given(st.text(max_size=80), st.lists(st.integers(0, 80), max_size=4))
def test_what_is_said_keeps_its_place(text: str, starts: list[int]) -> None:
    shown = said(text, [Word(0, 1, start, start + 1) for start in starts])
    assert len(shown) == len(text)
    assert all(a in (b, " ") for a, b in zip(shown, text, strict=True))
    assert all(shown[start] == text[start] for start in starts if start < len(text))


def test_plain_text_is_cut_nowhere_and_empty_lines_are_no_lines() -> None:
    assert parse_transcript("One.\nTwo.").cut == ()
    text = "1\n00:00:01,000 --> 00:00:02,000\n<i> </i>\nOne.\n\n00:00:02,000 --> 00:00:03,000\n<b></b>\n"
    assert (parse_transcript(text).text, parse_transcript(text).cut) == ("One.", ((0, 4),))


@pytest.mark.parametrize(
    "data",
    [
        "你好，world".encode(),
        b"\xef\xbb\xbf" + "你好，world".encode(),
        b"\xff\xfe" + "你好，world".encode("utf-16-le"),
        b"\xfe\xff" + "你好，world".encode("utf-16-be"),
    ],
    ids=["plain", "utf-8", "utf-16-le", "utf-16-be"],
)
def test_byte_order_marks_are_understood_and_dropped(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.txt").write_bytes(data)
    assert read_transcript(tmp_path / "a.txt").text == "你好，world"


@pytest.mark.parametrize("data", ["你好".encode("gb18030"), b"\x00\x01\x02", b"PK\x03\x04\xff\xff"])
def test_what_is_no_text_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.txt").write_bytes(data)
    with pytest.raises(InputError, match="UTF-8"):
        read_transcript(tmp_path / "a.txt")


def test_a_missing_file_and_subtitles_without_words_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_transcript(tmp_path / "none.txt")
    (tmp_path / "a.srt").write_text("1\n00:00:01,000 --> 00:00:02,000\n\n")
    with pytest.raises(InputError, match="no cues"):
        read_transcript(tmp_path / "a.srt")


@given(st.text(max_size=200))
def test_any_text_is_a_transcript_or_refused(text: str) -> None:
    for subtitles in (None, True):
        try:
            transcript = parse_transcript(text, subtitles=subtitles)
        except InputError:
            continue
        assert all(0 <= h.char_start < h.char_end <= len(transcript.text) for h in transcript.hints)
        assert all(a < b for places in transcript.cut for a, b in pairwise(places))


TEXT = 'Say "yes", Anna.'
ALIGNMENT = Alignment(
    words=(Word(4800, 9600, 0, 3), Word(9600, 24_000, 5, 8), Word(30_000, 40_001, 11, 15)),
    phones=(
        Phone(0, 4800, ""), Phone(4800, 9600, "s", 0.5), Phone(9600, 24_000, "j", 1.0), Phone(24_000, 30_000, ""),
        Phone(30_000, 40_001, "æ", 0.25), Phone(40_001, 48_000, ""),
    ),
    sentences=(Word(4800, 40_001, 0, 16),),
    confidence=0.75,
)  # fmt: skip


def read_textgrid(content: str) -> dict[str, list[tuple[float, float, str]]]:
    """Tiers of Praat's long format, each line as Praat writes it."""
    lines = content.split("\n")
    assert lines[:3] == ['File type = "ooTextFile"', 'Object class = "TextGrid"', ""]
    assert re.fullmatch(r"xmin = 0", lines[3]) and re.fullmatch(r"xmax = [\d.]+", lines[4])
    assert lines[5:8] == ["tiers? <exists>", "size = 2", "item []:"]
    tiers: dict[str, list[tuple[float, float, str]]] = {}
    for block in re.split(r"    item \[\d+\]:\n", content)[1:]:
        assert '        class = "IntervalTier"\n' in block
        name = re.search(r'        name = "(\w+)"\n', block)
        size = re.search(r"        intervals: size = (\d+)\n", block)
        found = re.findall(
            r"        intervals \[(\d+)\]:\n            xmin = ([\d.]+)\n            xmax = ([\d.]+)\n"
            r'            text = "((?:[^"]|"")*)"\n',
            block,
        )
        assert name and size and [int(k) for k, *_ in found] == list(range(1, int(size[1]) + 1))
        tiers[name[1]] = [(float(a), float(b), label.replace('""', '"')) for _, a, b, label in found]
    return tiers


def test_a_textgrid_has_tiers_of_intervals_without_gaps() -> None:
    tiers = read_textgrid(formats.to_textgrid(ALIGNMENT, TEXT))
    assert list(tiers) == ["words", "phones"]
    assert [label for _, _, label in tiers["words"]] == ["", "Say", "yes", "", "Anna", ""]
    assert [label for _, _, label in tiers["phones"]] == ["", "s", "j", "", "æ", ""]
    for intervals in tiers.values():
        assert intervals[0][0] == 0 and intervals[-1][1] == 1
        assert all(a[1] == b[0] and a[0] < a[1] for a, b in pairwise(intervals))
    assert abs(tiers["words"][4][1] - 40_001 / TICKS_PER_SECOND) < 1e-8


def test_quotes_are_doubled_in_a_textgrid() -> None:
    quoted = Alignment((Word(0, 100, 4, 9),), (Phone(0, 48_000, "a"),), (), 1.0)
    content = formats.to_textgrid(quoted, TEXT)
    assert 'text = """yes"""' in content
    assert read_textgrid(content)["words"][0][2] == '"yes"'


@given(st.lists(st.tuples(st.integers(0, 50_000), st.integers(0, 9_000)), max_size=12))
def test_intervals_tile_whatever_the_words(spans: list[tuple[int, int]]) -> None:
    words = tuple(Word(a, a + n, 0, 3) for a, n in sorted(spans))
    tiers = read_textgrid(formats.to_textgrid(Alignment(words, (Phone(0, 48_000, "a"),), (), 1.0), TEXT))
    for intervals in tiers.values():
        assert intervals[0][0] == 0 and intervals[-1][1] == 1
        assert all(a[1] == b[0] and a[0] < a[1] for a, b in pairwise(intervals))


def test_csv_has_a_line_for_every_word() -> None:
    rows = list(csv.DictReader(io.StringIO(formats.to_csv(ALIGNMENT, TEXT), newline="")))
    assert [row["word"] for row in rows] == ["Say", "yes", "Anna"]
    assert [float(row["confidence"]) for row in rows] == [0.5, 1.0, 0.25]
    assert (float(rows[0]["start"]), float(rows[0]["end"])) == (0.1, 0.2)
    assert [TEXT[int(r["char_start"]) : int(r["char_end"])] for r in rows] == ["Say", "yes", "Anna"]


def test_json_has_everything() -> None:
    content = json.loads(formats.to_json(ALIGNMENT, TEXT, "en"))
    assert (content["text"], content["language"], content["seconds"], content["confidence"]) == (TEXT, "en", 1.0, 0.75)
    assert [w["word"] for w in content["words"]] == ["Say", "yes", "Anna"]
    assert [p["phone"] for p in content["phones"]] == ["s", "j", "æ"]
    assert to_ticks(content["words"][1]["end"]) == 24_000
    assert content["sentences"][0]["char_end"] == 16
