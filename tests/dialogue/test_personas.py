"""Personas: the shipped ones are whole in both languages, one's own are checked."""

from __future__ import annotations

from pathlib import Path

import pytest

from mien.dialogue.script import parse
from mien.dialogue.think.base import Persona, Question
from mien.dialogue.think.personas import folder, load_persona, names
from mien.dialogue.think.tokens import is_cjk
from mien.errors import InputError, MienError, MissingError


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIEN_DATA_DIR", str(tmp_path / "data"))


@pytest.mark.parametrize("name", ["guide", "teller", "tutor"])
def test_the_shipped_ones_speak_english_and_chinese(name: str) -> None:
    assert name in names()
    persona = load_persona(name)
    english, chinese = persona.speaking("en-GB"), persona.speaking("zh-CN")
    for field in ("name", "manner", "greeting", "about", "unknown"):
        assert not is_cjk(getattr(english, field))
        assert is_cjk(getattr(chinese, field))
    for spoken in (english.greeting, english.unknown, chinese.greeting, chinese.unknown):
        assert parse(spoken).plain.text


def test_one_s_own_is_found_by_name_and_by_path(tmp_path: Path) -> None:
    folder().mkdir(parents=True)
    text = 'name = "Bo"\nvoice = "edge:en-GB-RyanNeural"\navatar = "anna"\nlanguage = "en"\n[zh]\nname = "阿宝"\n'
    (folder() / "bo.toml").write_text(text, "utf-8")
    (folder() / "guide.toml").write_text('name = "Mine"', "utf-8")
    (tmp_path / "bo.toml").write_text(text, "utf-8")
    assert load_persona("bo") == load_persona(tmp_path / "bo.toml")
    assert load_persona("bo").speaking("zh").name == "阿宝"
    assert load_persona("guide").name == "Mine"
    assert "bo" in names()
    assert load_persona("") == Persona()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name = ", "TOML"), ("manner = 'x'", "no name"), ("name = 3", "must be text"),
        ("name = 'a'\nmood = 'b'", "'mood'"),
        ("name = 'a'\ngreeting = '[happy]Hi'", "never closed"), ("name = 'a'\n[Chinese]\nname = 'b'", "language code"),
        ("name = 'a'\nlanguage = 'klingon language'", "language must be"), ("name = '" + "a" * 100 + "'", "characters"),
        ("name = 'a'\n[zh]\nmood = 'b'", "[zh]"), ("x" * 100_000, "64 KB"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(InputError) as caught:
        load_persona(path)
    assert told in caught.value.message
    assert "bad.toml" in caught.value.message


@pytest.mark.parametrize("name", ["nobody", "../../etc/passwd", "./no.toml", "/dev/null.toml", "a" * 300])
def test_who_is_not_there_is_said(name: str) -> None:
    with pytest.raises(MienError):
        load_persona(name)


def test_names_that_are_there_are_told() -> None:
    with pytest.raises(MissingError, match="guide, teller, tutor"):
        load_persona("nobody")


@pytest.mark.parametrize(
    ("text", "language", "persona", "expected"),
    [
        ("Hello", "auto", "auto", "en"),
        ("你好", "auto", "auto", "zh"),
        ("Hello", "auto", "zh", "zh"),
        ("OK", "zh-CN", "auto", "en"),
    ],
)
def test_the_language_of_an_answer(text: str, language: str, persona: str, expected: str) -> None:
    assert Question(text, language, persona=Persona(language=persona)).answer_language == expected
