"""Caption files as players read them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mien.captions import Caption, CaptionWord
from mien.errors import OutputError, UsageError
from mien.timeline import to_ticks
from mien.transmit.captions import caption_paths, to_ass, to_srt, to_vtt, write_captions

TEA = Caption(
    48_000,
    144_000,
    ("泡一杯", "好茶。"),
    tuple(
        CaptionWord(48_000 + 12_000 * i, 57_600 + 12_000 * i, c, i // 3)
        for i, c in enumerate(("泡", "一", "杯", "好", "茶。"))
    ),
)


def test_formats() -> None:
    captions = [Caption(to_ticks(3661.5), to_ticks(3663), ("a < b & c", "d --> e"))]
    assert to_srt(captions) == "1\n01:01:01,500 --> 01:01:03,000\na < b & c\nd - -> e\n\n"
    assert to_vtt(captions) == "WEBVTT\n\n01:01:01.500 --> 01:01:03.000\na &lt; b &amp; c\nd --&gt; e\n\n"


def test_files_beside_the_film(tmp_path: Path) -> None:
    assert [p.name for p in caption_paths(tmp_path / "a.mp4", "both")] == ["a.srt", "a.vtt"]
    assert [p.name for p in caption_paths(tmp_path / "shot_%05d.png", "srt")] == ["shot.srt"]
    assert [p.name for p in caption_paths(tmp_path / "a.mp4", "ass,srt,ass")] == ["a.ass", "a.srt"]
    assert caption_paths(tmp_path / "a.mp4", "none") == ()
    with pytest.raises(UsageError, match="not a caption format"):
        caption_paths(tmp_path / "a.mp4", "srt,sub")
    write_captions([Caption(0, 48_000, ("你好",))], tmp_path / "a.srt")
    assert (tmp_path / "a.srt").read_bytes() == "1\n00:00:00,000 --> 00:00:01,000\n你好\n\n".encode()
    with pytest.raises(OutputError, match="no folder"):
        write_captions([], tmp_path / "missing" / "a.srt")


def test_nothing_said_nothing_shown() -> None:
    assert to_srt([]) == "" and to_vtt([]) == "WEBVTT\n\n"
    assert "Dialogue" not in to_ass([])


def test_ass_holds_the_time_of_every_word() -> None:
    (line,) = re.findall(r"Dialogue: 0,(.*)", to_ass([TEA]))
    assert line.startswith("0:00:01.00,0:00:03.00,Default,")
    assert line.endswith(r"{\k20}泡{\k5}{\k20}一{\k5}{\k20}杯\N{\k5}{\k20}好{\k5}{\k20}茶。")


def test_ass_times_do_not_drift() -> None:
    """Each is rounded by itself, not their sum."""
    words = tuple(CaptionWord(start := 48_000 + 481 * i, start + 481, f"w{i} ") for i in range(200))
    text = to_ass([Caption(48_000, 48_000 + 481 * 200, ("…",), words)])
    assert sum(map(int, re.findall(r"\\k(\d+)", text))) == 481 * 200 // 480


def test_ass_text_is_no_command() -> None:
    text = to_ass([Caption(0, 48_000, (r"{\b1}a\Nb", "c"))])
    assert text.rstrip().endswith("\\{\\\u2060b1\\}a\\\u2060Nb\\Nc")


def test_ass_fits_the_film() -> None:
    assert "PlayResX: 1080\nPlayResY: 1920" in to_ass([TEA], (1080, 1920))
    (letters,) = re.findall(r"Style: Default,[^,]*,(\d+)", to_ass([TEA], (1080, 1920)))
    assert 40 <= int(letters) <= 50


def test_a_player_reads_ass(tmp_path: Path) -> None:
    import av

    write_captions([TEA], tmp_path / "a.ass", (1080, 1920))
    with av.open(str(tmp_path / "a.ass")) as film:
        (packet,) = (p for p in film.demux(film.streams.subtitles[0]) if p.size)
        assert packet.pts is not None and packet.duration is not None
        assert float(packet.pts * packet.time_base) == 1.0 and float(packet.duration * packet.time_base) == 2.0
