"""Text, marks and languages that cannot be spoken."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mien.apps import cli

Refused = Callable[[list[str], int, str], str]


def make(portrait: Path, out: Path, *more: str) -> list[str]:
    return ["make", "-p", str(portrait), "-o", str(out / "film.mp4"), "--size", "64", *more]


@pytest.mark.parametrize(
    ("text", "status", "words"),
    [
        pytest.param("", 3, "empty", id="empty"),
        pytest.param(" \n\t\u3000 ", 3, "empty", id="only spaces"),
        pytest.param("?! … — «»", 3, "", id="only punctuation"),
        pytest.param("😀🎉👩‍🚀", 3, "", id="only emoji"),
        pytest.param("\x00\x01\x02\x1b", 3, "", id="only control characters"),
        pytest.param("caf\udce9 noir", 3, "UTF-8", id="bytes that are not UTF-8"),
        pytest.param("word " * 50_000, 3, "characters", id="too long"),
        pytest.param("[happy] Hello.", 3, "happy", id="mark left open"),
        pytest.param("Hello.[/happy]", 3, "happy", id="mark closed that was not opened"),
        pytest.param("[happy]One [sad]two[/happy] three.[/sad]", 3, "happy", id="crossed marks"),
        pytest.param("Hello [pause banana] you.", 3, "pause", id="pause without a length"),
        pytest.param("Hello [pause 900s] you.", 3, "pause", id="pause too long"),
        pytest.param("Hello [wiggle] you.", 3, "wiggle", id="unknown mark"),
        pytest.param("[pause 500ms]", 3, "", id="nothing but a pause"),
    ],
)
def test_text_that_cannot_be_spoken(
    text: str, status: int, words: str, portrait: Path, out: Path, refused: Refused
) -> None:
    refused(make(portrait, out, "--text", text), status, words)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(b"", "empty", id="empty file"),
        pytest.param(b"caf\xe9 noir", "UTF-8", id="Latin-1 file"),
        pytest.param(b"\xed\xa0\x80 lone surrogate", "UTF-8", id="surrogate in UTF-8"),
        pytest.param(b"\xff\xfeH", "UTF-8", id="half a UTF-16 character"),
        pytest.param(b"\x00" * 1000, "", id="NUL bytes"),
        pytest.param(b"a" * 4_000_001, "4 MB", id="over 4 MB"),
    ],
)
def test_text_files(content: bytes, words: str, portrait: Path, out: Path, tmp_path: Path, refused: Refused) -> None:
    file = tmp_path / "text.txt"
    file.write_bytes(content)
    refused(make(portrait, out, "--text-file", str(file)), 3, words)


def test_text_file_that_is_not_there_or_a_folder(portrait: Path, out: Path, tmp_path: Path, refused: Refused) -> None:
    refused(make(portrait, out, "--text-file", str(tmp_path / "none.txt")), 3, "none.txt")
    refused(make(portrait, out, "--text-file", str(tmp_path)), 3, "folder")


def test_words_from_two_places_or_none(portrait: Path, out: Path, tmp_path: Path, refused: Refused) -> None:
    refused(make(portrait, out, "--text", "Hi.", "--text-file", str(tmp_path / "x")), 2, "--text-file")
    refused(make(portrait, out), 2, "--text")


@pytest.mark.parametrize(
    ("more", "status", "words"),
    [
        pytest.param(("-l", "xx"), 4, "xx", id="unknown language"),
        pytest.param(("-l", "klingon!"), 4, "klingon", id="language that is no code"),
        pytest.param(("--voice", "nobody"), 4, "nobody", id="unknown voice"),
        pytest.param(("--emotion", "furious"), 2, "furious", id="unknown emotion"),
        pytest.param(("--rate", "9"), 2, "rate", id="rate out of range"),
        pytest.param(("--rate", "fast"), 2, "rate", id="rate that is no number"),
        pytest.param(("--pitch", "nan"), 2, "pitch", id="pitch that is not a number"),
        pytest.param(("--lexicon", "/nowhere/words.toml"), 3, "words.toml", id="lexicon that is not there"),
    ],
)
def test_voices(more: tuple[str, ...], status: int, words: str, portrait: Path, out: Path, refused: Refused) -> None:
    refused(make(portrait, out, "--text", "Hello.", *more), status, words)


@pytest.mark.parametrize("content", ["words = 3", "not toml at all [", "[en]\nhello = 3"])
def test_broken_lexicon(content: str, portrait: Path, out: Path, tmp_path: Path, refused: Refused) -> None:
    file = tmp_path / "lexicon.toml"
    file.write_text(content, encoding="utf-8")
    refused(make(portrait, out, "--text", "Hello.", "--lexicon", str(file)), 3, "lexicon")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("Hello 😀 world 🎉!", id="emoji inside"),
        pytest.param("مرحبا بالعالم", id="right to left"),
        pytest.param("a\u202eb\u200f c\u0007 d\x00 e", id="control and direction characters inside"),
        pytest.param("ha\u0301" * 20, id="combining marks"),
        pytest.param("你好 hello 123, ½ €5.", id="mixed"),
    ],
)
def test_odd_text_that_is_spoken_all_the_same(
    text: str, portrait: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = cli.main([*make(portrait, out, "--text", text), "--captions", "none", "--fps", "10"])
    assert status == 0, capsys.readouterr().err
    assert [p.name for p in out.iterdir()] == ["film.mp4"]
