"""Drafts and translations by a language model: a server on this machine plays it, well and badly."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from tests.contract.chat_server import ChatServer, chat_server
from tests.studio import folder as make

from mien.apps import cli
from mien.apps.studio.load import load_project
from mien.apps.studio.new import template_text
from mien.apps.studio.source import Node, parse
from mien.apps.studio.texts import texts_of

GOOD: dict[str, Any] = {
    "title": 'Tea: "three" steps',
    "scenes": [
        {"id": "Hook!", "title": "Good tea", "script": "[happy]Good tea is easy.[/happy] [pause 300ms] Listen."},
        {"id": "Hook!", "title": "", "script": "Boil water, wait a minute, then pour it over the leaves. #1: patience"},
    ],
}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[ChatServer]:
    for name in ("MIEN_THINK_KEY", "MIEN_THINK_MODEL", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    make.fill(tmp_path)
    monkeypatch.chdir(tmp_path)
    with chat_server() as running:
        monkeypatch.setenv("MIEN_THINK_URL", running.address)
        yield running


def say(server: ChatServer, *answers: Any) -> None:
    """The next answers: JSON in pieces, or text."""
    for answer in answers:
        text = answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)
        server.queue.append([text[i : i + 40] for i in range(0, len(text), 40)])


def write(*more: str) -> int:
    return cli.main(["studio", "write", "--topic", "tea", "-l", "en", "-p", "anna.png", "--minutes", "0.15", *more])


def asked(server: ChatServer, number: int = -1) -> str:
    return str(server.asked[number]["messages"][-1]["content"])


def test_a_draft_is_a_project_that_is_right_and_editable(
    server: ChatServer, capsys: pytest.CaptureFixture[str]
) -> None:
    say(server, f"<think>hm</think>Here it is:\n```json\n{json.dumps(GOOD)}\n```")
    assert write("-o", "tea") == 0
    assert "2 scenes" in capsys.readouterr().out
    made = load_project("tea/tea.yaml")
    assert made.title == GOOD["title"]
    assert [scene.id for scene in made.scenes] == ["hook", "scene-2"]
    assert [scene.script for scene in made.scenes] == [scene["script"] for scene in GOOD["scenes"]]
    assert made.scenes[0].layers[0].title == "Good tea"
    assert made.captions is not None
    text = Path("tea/tea.yaml").read_text(encoding="utf-8")
    assert "music: {file: music.opus" in text and "tea-" not in text and "logo" not in text
    assert sorted(path.name for path in Path("tea").iterdir()) == ["music.opus", "portrait.png", "tea.yaml"]
    assert cli.main(["studio", "check", "tea/tea.yaml"]) == 0
    assert "tea" in asked(server)
    assert "9 seconds" in asked(server)
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        ("I would rather not.", "no JSON"),
        ({"scenes": []}, "'scenes' must be a list"),
        ({"scenes": [{"script": "[wiggle]Tea[/wiggle]"}]}, "no mark '[wiggle]'"),
        ({"scenes": [{"script": "好茶只要三步，很简单。"}]}, "not written in en"),
        ({"scenes": [{"script": "Tea."}]}, "Together the scripts take about"),
        ({"scenes": [{"text": "Tea."}]}, "Scene 1 has no text"),
    ],
)
def test_a_bad_draft_is_mended_once(server: ChatServer, bad: Any, told: str) -> None:
    say(server, bad, GOOD)
    assert write("-o", "tea") == 0
    assert len(server.asked) == 2
    assert told in asked(server)
    assert load_project("tea/tea.yaml").title == GOOD["title"]


@pytest.mark.parametrize("bad", ["no", {"scenes": [{"script": "[wiggle]Tea[/wiggle]"}]}])
def test_a_model_that_cannot_is_refused_and_leaves_nothing(
    server: ChatServer, bad: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(Path().iterdir())
    say(server, bad, bad)
    assert write("-o", "tea") == 6
    assert "larger model" in capsys.readouterr().err
    assert sorted(Path().iterdir()) == before


def test_a_draft_that_stays_too_short_is_kept_and_said(server: ChatServer, capsys: pytest.CaptureFixture[str]) -> None:
    say(server, GOOD, GOOD)
    assert write("-o", "tea", "--minutes", "1") == 0
    assert "instead of 60" in capsys.readouterr().err


def test_chinese(server: ChatServer) -> None:
    say(
        server,
        {
            "title": "好茶",
            "scenes": [
                {"title": "三步", "script": "[happy]好茶只要三步。[/happy]水温，茶量，等待，这样就可以喝了。${x}"}
            ],
        },
    )
    assert write("-l", "zh", "-o", "cha", "--minutes", "0.1") == 0
    made = load_project("cha/cha.yaml")
    assert made.language == "zh"
    assert made.scenes[0].script.endswith("${x}")
    assert "中文" in asked(server)


def test_without_a_model_one_sentence_says_what_to_set(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("MIEN_THINK_URL", raising=False)
    monkeypatch.setenv("MIEN_DATA_DIR", str(tmp_path))
    (tmp_path / "a.yaml").write_text("avatar: none\nscenes: [{script: Hi}]\n", encoding="utf-8")
    for command in (
        ["write", "--topic", "tea", "-o", str(tmp_path / "t")],
        ["translate", str(tmp_path / "a.yaml"), "--to", "zh"],
    ):
        assert cli.main(["studio", *command]) == 4
        err = capsys.readouterr().err
        assert "export MIEN_THINK_URL=" in err
        assert len(err.splitlines()) == 2


@pytest.mark.parametrize(
    ("more", "status"),
    [(["--topic", " "], 2), (["--minutes", "0"], 2), (["--minutes", "nan"], 2), (["-t", "dialogue"], 2),
     (["-l", "no language"], 2), (["-o", "anna.png"], 5), (["-p", "none.png"], 3)],
)  # fmt: skip
def test_what_cannot_be_asked_is_refused_before_the_model_is(server: ChatServer, more: list[str], status: int) -> None:
    assert cli.main(["studio", "write", "--topic", "tea", "-l", "en", "-o", "t", "-p", "anna.png", *more]) == status
    assert not server.asked


PROJECT = """# Our tea
title: 好茶
language: zh # of the words
avatar: {portrait: anna.png, voice: auto}
variables: {name: 小李, picture: leaf.png}
scenes:
  - id: one
    script: "[happy]${name}，你好！[/happy]今天泡绿茶，绿茶很香。" # hello
    layers:
      - {picture: "${picture}", at: {word: 绿茶, number: 2}, for: 2s}
      - title: |
          绿茶
          很香
        at: 1s
      - {lower_third: {name: 安娜, role: 茶艺师}, for: 1s}
  - script: |
      水要八十度。
      [pause 400ms]等两分钟。
    effects: [{sound: ding.wav, at: {word: 两分钟}}]
"""
ENGLISH = {
    "1": "Good tea", "2": "Lee", "3": "[happy]${name}, hi![/happy] Green tea today: green tea smells good.",
    "4": "green tea", "5": "Green tea\nsmells good", "6": "Anna", "7": "Tea master",
    "8": "Water at eighty degrees.\n[pause 400ms]Wait two minutes.", "9": "two minutes",
}  # fmt: skip


def translated(server: ChatServer, *answers: dict[str, str]) -> str:
    Path("tea.yaml").write_text(PROJECT, encoding="utf-8")
    say(server, *answers)
    assert cli.main(["studio", "translate", "tea.yaml", "--to", "en"]) == 0
    return Path("tea.en.yaml").read_text(encoding="utf-8")


def shape(node: Node) -> Any:
    if node.fields is not None:
        return {key: shape(value) for key, value in node.fields.items()}
    return [shape(item) for item in node.items] if node.items is not None else node.mark.line


def test_a_translation_keeps_structure_remarks_and_timing(server: ChatServer) -> None:
    text = translated(server, ENGLISH)
    assert len(server.asked) == 1
    assert shape(parse(text, "a.yaml")) == shape(parse(PROJECT, "a.yaml"))
    assert "# of the words" in text
    assert "# hello" in text
    made = load_project("tea.en.yaml")
    assert made.language == "en"
    assert made.scenes[0].script == ENGLISH["3"].replace("${name}", "Lee")
    assert made.scenes[0].layers[0].at.word == "green tea"
    assert made.scenes[0].layers[0].at.number == 2
    assert made.scenes[0].layers[1].title.strip() == ENGLISH["5"]
    assert made.scenes[1].script.strip() == ENGLISH["8"]
    assert made.variables == {"name": "Lee", "picture": "leaf.png"}
    assert "好" not in text
    assert cli.main(["studio", "check", "tea.en.yaml"]) == 0
    assert '"seconds"' in asked(server)


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("3", "Hi! Green tea today: green tea smells good.", "must stay as it is"),
        ("3", "${name}, hi! Green tea today: green tea smells good.", "marks must be those"),
        ("8", "水要八十度。[pause 400ms]", "not written in en"),
        ("4", "coffee", "does not stand in your translation"),
        ("6", "", "no translation"),
        ("8", "Water " * 60 + "[pause 400ms] two minutes", "instead of"),
    ],
)
def test_what_is_wrong_is_told_to_the_model_once(server: ChatServer, key: str, value: str, told: str) -> None:
    text = translated(server, {**ENGLISH, key: value}, ENGLISH)
    assert len(server.asked) == 2
    assert told in asked(server)
    assert "Green tea today" in text


def test_what_could_not_be_kept_is_said(server: ChatServer, capsys: pytest.CaptureFixture[str]) -> None:
    long = {**ENGLISH, "8": "Water " * 60 + "\n[pause 400ms]two minutes", "4": "coffee"}
    translated(server, long, long)
    err = capsys.readouterr().err
    assert "Line 16: it takes about" in err
    assert "Line 10: nothing means '绿茶' there" in err
    assert cli.main(["studio", "check", "tea.en.yaml"]) == 0


def test_a_translation_that_cannot_be_is_refused(server: ChatServer, capsys: pytest.CaptureFixture[str]) -> None:
    Path("tea.yaml").write_text(PROJECT, encoding="utf-8")
    broken = {**ENGLISH, "3": "no marks"}
    say(server, broken, broken)
    assert cli.main(["studio", "translate", "tea.yaml", "--to", "en"]) == 6
    assert not Path("tea.en.yaml").exists()
    for more, status in (
        (["--to", "x y"], 2),
        (["--to", "en", "-o", "a.toml"], 2),
        (["--to", "en", "-o", "/tmp/a.yaml"], 2),
    ):
        assert cli.main(["studio", "translate", "tea.yaml", *more]) == status
    Path("there.yaml").write_text("x", encoding="utf-8")
    assert cli.main(["studio", "translate", "tea.yaml", "--to", "en", "-o", "there.yaml"]) == 5
    capsys.readouterr()


def test_toml_is_translated_too(server: ChatServer) -> None:
    Path("tea.toml").write_text(
        "avatar = 'anna.png'\nlanguage = 'zh'\n[[scenes]] # one\nscript = '''你好。'''\n", encoding="utf-8"
    )
    say(server, {"1": 'He said "hi".\nBye'})
    assert cli.main(["studio", "translate", "tea.toml", "--to", "en"]) == 0
    made = load_project("tea.en.toml")
    assert (made.language, made.scenes[0].script) == ("en", 'He said "hi".\nBye')
    assert "# one" in Path("tea.en.toml").read_text(encoding="utf-8")


def test_a_template_goes_there(server: ChatServer) -> None:
    """Every text of a real template is found, and only those."""
    text = template_text("dialogue", "zh").replace("second.png", "portrait.png")
    Path("tea.yaml").write_text(text, encoding="utf-8")
    Path("anna.png").rename("portrait.png")
    for name in set(re.findall(r"[\w-]+\.(?:webp|opus)", text)):
        Path(name).write_bytes((files("mien.apps.studio") / "templates" / name).read_bytes())
    scenes, _ = texts_of(parse(text, "tea.yaml"))
    words = {one.key: re.sub(r"[^\[\]]*[\u4e00-\u9fff][^\[\]]*", "Fine.", one.words) for s in scenes for one in s.texts}
    words |= {one.key: "Fine" for s in scenes for one in s.texts if one.kind == "word"}
    say(server, words, words)
    assert cli.main(["studio", "translate", "tea.yaml", "--to", "en"]) == 0
    assert not any("\u4e00" <= c <= "\u9fff" for c in "".join(
        line.partition("#")[0] for line in Path("tea.en.yaml").read_text(encoding="utf-8").splitlines()
    ))  # fmt: skip
