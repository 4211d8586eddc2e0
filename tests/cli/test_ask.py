"""``mien ask`` and ``mien memory``: what a user sees, and what stays behind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.contract.chat_server import chat_server

from mien.apps import cli

RULES = "# Pets\n\nDogs on a lead are welcome.\n\n# 宠物\n\n可以带狗,但是要拴绳。\n"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIEN_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("MIEN_CACHE_DIR", str(tmp_path / "cache"))
    for name in ("MIEN_THINK_URL", "MIEN_THINK_KEY", "MIEN_THINK_MODEL", "MIEN_THINK_MEMORY", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "documents").mkdir()
    (tmp_path / "documents" / "rules.md").write_text(RULES, "utf-8")
    monkeypatch.chdir(tmp_path)


def events(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize(("question", "answer"), [("May I bring my dog?", "on a lead"), ("能带狗吗?", "拴绳")])
def test_it_answers_from_documents_and_cites(question: str, answer: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["ask", question, "--documents", "documents"]) == 0
    out = capsys.readouterr().out
    first, second = out.splitlines()
    assert answer in first
    assert second.startswith("  [rules.md, ")
    assert cli.main(["ask", question, "--documents", "documents", "--json"]) == 0
    told = events(capsys.readouterr().out)
    assert [e["event"] for e in told if e["event"] != "clause"] == ["citation", "answered"]
    assert told[-1]["known"] is True
    assert told[-1]["backend"] == "documents"


def test_it_says_when_it_does_not_know(capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        cli.main(["ask", "Who painted the Mona Lisa?", "--documents", "documents", "--persona", "teller", "--json"])
        == 0
    )
    answered = events(capsys.readouterr().out)[-1]
    assert answered["known"] is False
    assert "colleague" in answered["text"]


def test_it_asks_a_language_model_and_its_marks_are_not_shown(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with chat_server() as server:
        monkeypatch.setenv("MIEN_THINK_URL", server.address)
        monkeypatch.setenv("MIEN_THINK_MODEL", "small")
        assert cli.main(["ask", "When?", "--documents", "documents"]) == 0
        assert capsys.readouterr().out.split("\n")[0].strip() == "Sure, we open at nine. Welcome!"
        server.moods = ["404"]
        assert cli.main(["ask", "When?"]) == 4
        assert "no such model" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (["ask", " "], 2, "What is the question?"),
        (["ask", "a", "--documents", "nowhere"], 4, "no documents"),
        (["ask", "a", "--think", "oracle"], 4, "oracle"),
        (["ask", "a", "--think", "openai"], 4, "MIEN_THINK_URL"),
        (["ask", "a", "--persona", "nobody"], 4, "guide, teller, tutor"),
        (["memory", "show", "nobody"], 4, "Nothing is remembered"),
        (["memory", "erase", "nobody"], 4, "Nothing is remembered"),
        (["memory", "erase"], 2, "Who"),
        (["memory", "agree", "anna"], 2, "off"),
    ],
)
def test_what_is_wrong_is_said(
    arguments: list[str], status: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(arguments) == status
    assert told in capsys.readouterr().err


def test_the_memory_is_off_until_somebody_switches_it_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = ["ask", "My name is Anna.", "--visitor", "anna"]
    assert cli.main(ask) == 0
    assert "off" in capsys.readouterr().err
    assert not (tmp_path / "data" / "memory.sqlite3").exists()
    monkeypatch.setenv("MIEN_THINK_MEMORY", "ask")
    assert cli.main(["memory", "agree", "anna"]) == 0
    assert cli.main(ask) == 0
    capsys.readouterr()
    assert cli.main(["ask", "What is my name?", "--visitor", "anna"]) == 0
    assert "Anna" in capsys.readouterr().out
    assert cli.main(["memory", "show", "anna"]) == 0
    assert "name: Anna" in capsys.readouterr().out
    assert cli.main(["memory", "export", "anna", "-o", "anna.json"]) == 0
    assert json.loads(Path("anna.json").read_text("utf-8"))["facts"] == {"name": "Anna"}
    capsys.readouterr()
    assert cli.main(["memory", "list", "--json"]) == 0
    assert events(capsys.readouterr().out)[1]["rows"][0]["visitor"] == "anna"
    assert cli.main(["memory", "erase", "anna"]) == 0
    assert cli.main(["memory", "show", "anna"]) == 4
