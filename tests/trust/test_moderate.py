"""Scripts are judged before they are spoken."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from mien.apps.trust.moderate.base import Outcome, ScriptHeld, ScriptRefused
from mien.apps.trust.moderate.choose import judge, require_pass
from mien.config import TrustConfig
from mien.errors import BackendError, InputError, MienError, MissingError

WORDS = TrustConfig(moderation="words")


@pytest.fixture(autouse=True)
def homes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MIEN_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    return tmp_path


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("Guaranteed profit for all of you!", "fraud"),
        ("GUARANTEED\n  profits - today", "fraud"),
        ("Ｄｏｕｂｌｅ ｙｏｕｒ ｍｏｎｅｙ", "fraud"),
        ("这个项目稳赚不赔。", "fraud"),
        ("这个项目稳 赚，不-赔。", "fraud"),
        ("稳赚\u200b不赔", "fraud"),
        ("Gu\u200baranteed pro\u00adfit", "fraud"),
        ("稳[pause 1s]赚不赔", "fraud"),
        ("double [happy]your[/happy] money", "fraud"),
        ("稳[wrong mark]赚[happy]不赔", "fraud"),
        ("这里是公安局，你涉嫌洗钱。", "impersonation"),
        ("This drink cures cancer.", "health_claims"),
    ],
)
def test_what_is_rarely_said_in_good_faith_waits_for_a_person(text: str, category: str) -> None:
    verdict = judge(text, WORDS)
    assert verdict.outcome == Outcome.HOLD and verdict.categories == (category,)
    with pytest.raises(ScriptHeld, match=category.replace("_", " ")):
        require_pass(text, WORDS)


@pytest.mark.parametrize("text", ["How to make a bomb at home", "自制炸弹其实很简单"])
def test_what_is_never_spoken_is_refused(text: str) -> None:
    with pytest.raises(ScriptRefused):
        require_pass(text, WORDS)


@pytest.mark.parametrize(
    "text",
    [
        "Hello! Today I show you how to make tea in three steps.",
        "你好！今天教你三步泡好一杯茶。",
        "The police officer helped us find the bank; the bomb squad came later.",
        "我们的客服不会向您索要密码，请保护好自己的账户。",
        "Cancer research needs your help.",
        "An online casinoless town; profit is not guaranteed.",
        "老师说，不要玩火。",
        "",
    ],
)
def test_everyday_words_pass(text: str) -> None:
    assert judge(text, WORDS).outcome == Outcome.PASS
    require_pass(text, WORDS)


def test_reasons_say_where() -> None:
    text = "Well, double  your-money now."
    reason = judge(text, WORDS).reasons[0]
    assert text[reason.start : reason.end] == "double  your-money"


def test_the_gravest_counts() -> None:
    verdict = judge("Double your money: how to make a bomb.", WORDS)
    assert verdict.outcome == Outcome.REFUSE and verdict.categories == ("weapons", "fraud")


def test_off_passes_everything_and_an_unknown_check_is_refused() -> None:
    assert judge("double your money", TrustConfig()).outcome == Outcome.PASS
    with pytest.raises(MissingError, match="no 'nobody' back end"):
        judge("Hello", TrustConfig(moderation="nobody"))


def test_lists_of_ones_own_add_and_replace(homes: Path) -> None:
    own = '[fraud]\noutcome = "refuse"\nen = ["free lunch"]\n[house]\noutcome = "hold"\nzh = ["竞争对手"]\n'
    (homes / "moderation.toml").write_text(own, "utf-8")
    assert judge("a free lunch", WORDS).outcome == Outcome.REFUSE
    assert judge("double your money", WORDS).outcome == Outcome.PASS
    assert judge("竞争 对手", WORDS).categories == ("house",)


@pytest.mark.parametrize(
    "wrong", ["[a]\n", '[a]\noutcome = "maybe"\n', '[a]\noutcome = "hold"\nen = "x"\n', "[a\n", "a = 1\n"]
)
def test_wrong_lists_are_refused_with_their_place(homes: Path, wrong: str) -> None:
    (homes / "moderation.toml").write_text(wrong, "utf-8")
    with pytest.raises(InputError, match=r"moderation\.toml"):
        judge("Hello", WORDS)


class Server(HTTPServer):
    answer: Any = None
    status = 200

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        super().__init__(("127.0.0.1", 0), Handler)


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append({"path": self.path, "key": self.headers.get("Authorization"), **body})
        data = json.dumps(self.server.answer).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as made:
        thread = threading.Thread(target=made.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def asked(server: Server, moderation_model: str = "") -> TrustConfig:
    url = f"http://127.0.0.1:{server.server_port}/v1"
    return TrustConfig(moderation="openai", moderation_url=url, moderation_model=moderation_model)


def result(**categories: bool) -> dict[str, Any]:
    return {"flagged": any(categories.values()), "categories": {k.replace("_", "/"): v for k, v in categories.items()}}


def test_a_server_that_flags_nothing_passes(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    server.answer = {"results": [result(hate=False)]}
    assert judge("[happy]Hello[/happy] there", asked(server, moderation_model="m")).outcome == Outcome.PASS
    assert server.asked[0]["path"] == "/v1/moderations" and server.asked[0]["model"] == "m"
    assert server.asked[0]["input"] == ["Hello there"]
    assert server.asked[0]["key"] == "Bearer secret"


def test_a_server_that_flags_holds_and_of_minors_refuses(server: Server) -> None:
    server.answer = {"results": [result(hate=True, violence=False)]}
    assert judge("…", asked(server)).categories == ("hate",)
    server.answer = {"results": [result(hate=True, sexual_minors=True)]}
    verdict = judge("…", asked(server))
    assert verdict.outcome == Outcome.REFUSE and verdict.categories[0] == "sexual/minors"


def test_long_scripts_are_asked_about_in_pieces(server: Server) -> None:
    server.answer = {"results": [result(hate=False), result(hate=True), result(hate=False)]}
    assert judge("word " * 4000, asked(server)).outcome == Outcome.HOLD
    assert [len(piece) for piece in server.asked[0]["input"]] == [8000, 8000, 4000]


@pytest.mark.parametrize(
    "answer", [{}, {"results": []}, {"results": [{}]}, [], "no", {"results": [{"flagged": "yes"}]}]
)
def test_what_is_no_verdict_is_no_pass(server: Server, answer: Any) -> None:
    server.answer = answer
    with pytest.raises(BackendError, match="no verdict"):
        judge("Hello", asked(server))


def test_a_server_that_is_not_there_is_no_pass() -> None:
    with pytest.raises(MienError):
        judge("Hello", TrustConfig(moderation="openai", moderation_url="http://127.0.0.1:9/v1"))


def test_openai_needs_a_key_before_anything_is_sent() -> None:
    with pytest.raises(MissingError, match="key"):
        judge("Hello", TrustConfig(moderation="openai"))
