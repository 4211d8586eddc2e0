"""What every thinking back end must keep; and a language model's server in every kind of trouble.

The server is on this machine and speaks the real protocol. The documents are real files.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

import pytest
from tests.contract.chat_server import SECRET, ChatServer, chat_server

from mien import plugins
from mien.config import ThinkConfig
from mien.dialogue.think.base import Persona, Piece, Question, Said, Thinker
from mien.dialogue.think.choose import open_thinker
from mien.dialogue.think.library import Library
from mien.dialogue.think.openai import LONGEST_ANSWER, OpenaiThinker
from mien.dialogue.think.segments import segment
from mien.dialogue.think.tools import tool
from mien.errors import BackendError, InputError, MienError, MissingError, NetworkError, UsageError
from mien.turn import Cut, Turn

HOURS = "# Opening hours\n\nThe shop opens at nine and closes at six.\n\n# 地址\n\n商店在人民路 8 号,门口有公交站。\n"


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with chat_server() as running:
        yield running


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIEN_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("MIEN_CACHE_DIR", str(tmp_path / "cache"))
    for name in ("MIEN_THINK_URL", "MIEN_THINK_KEY", "MIEN_THINK_MODEL", "OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def settings(server: ChatServer, tmp_path: Path) -> ThinkConfig:
    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / "shop.md").write_text(HOURS, "utf-8")
    return ThinkConfig(url=server.address, model="small", documents=str(folder), first_timeout=5, timeout=5)


@pytest.fixture(params=plugins.available("think"))
def thinker(request: pytest.FixtureRequest, settings: ThinkConfig) -> Iterator[Thinker]:
    with ExitStack() as stack:
        yield stack.enter_context(closing(plugins.load("think", request.param)(settings)))


@pytest.fixture
def model(settings: ThinkConfig) -> Iterator[OpenaiThinker]:
    with closing(OpenaiThinker(settings)) as made:
        yield made


def ask(thinker: Thinker, text: str = "When do you open?", turn: Turn | None = None, **more: object) -> str:
    question = Question(text, **more)  # type: ignore[arg-type]
    return "".join(piece.text for piece in thinker.answer(question, turn or Turn()))


@pytest.mark.parametrize("text", ["When does the shop open?", "商店在哪里?", "hello", "你好"])
def test_an_answer_has_words_that_can_be_spoken(thinker: Thinker, text: str) -> None:
    pieces = list(thinker.answer(Question(text), Turn()))
    assert pieces
    assert all(isinstance(piece, Piece) for piece in pieces)
    assert [clause.text for clause in segment(pieces)]


@pytest.mark.parametrize("text", ["", "   ", "\n", "x" * 5_000])
def test_a_question_without_words_or_without_end_is_refused(thinker: Thinker, text: str) -> None:
    with pytest.raises(InputError):
        ask(thinker, text)


def test_a_turn_that_is_over_gets_nothing(thinker: Thinker) -> None:
    turn = Turn()
    turn.cut()
    with pytest.raises(Cut):
        ask(thinker, turn=turn)


def test_many_at_once_do_not_disturb_each_other(thinker: Thinker) -> None:
    alone = ask(thinker)
    answers: list[str] = []
    workers = [threading.Thread(target=lambda: answers.append(ask(thinker))) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(20)
    assert answers == [alone] * 8


def test_leaving_early_does_no_harm(thinker: Thinker) -> None:
    stream = thinker.answer(Question("When do you open?"), Turn())
    next(iter(stream))
    stream.close()  # type: ignore[attr-defined]
    assert ask(thinker)


def test_says_what_it_is_and_closes_twice(thinker: Thinker) -> None:
    assert thinker.info.name in plugins.available("think")
    assert not thinker.info.lacks
    assert not thinker.info.leaves  # the server is on this machine
    thinker.close()
    thinker.close()


def _cut_after(thinker: Thinker, wait: Callable[[], object]) -> float:
    """Seconds from the cut to the answer's end, in the thread that listens."""
    turn = Turn(1)
    ended: list[float] = []
    kinds: list[type[BaseException]] = []

    def listen() -> None:
        try:
            ask(thinker, turn=turn)
        except BaseException as error:
            kinds.append(type(error))
        ended.append(time.monotonic())

    worker = threading.Thread(target=listen)
    worker.start()
    wait()
    started = time.monotonic()
    turn.cut()
    worker.join(10)
    assert kinds == [Cut]
    return ended[0] - started


@pytest.mark.parametrize("mood", ["silent", "drip", "stall"])
def test_cutting_in_ends_an_answer_at_once_and_the_connection_too(
    server: ChatServer, model: OpenaiThinker, mood: str
) -> None:
    server.moods = [mood]

    def wait() -> None:
        while not server.asked:
            time.sleep(0.01)
        time.sleep(0.1)

    assert min(_cut_after(model, wait) for _ in range(2)) < 0.05
    if mood == "stall":
        assert server.gone.wait(2)


def test_cutting_in_ends_what_waits_for_documents(settings: ThinkConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    let_go = threading.Event()
    library = Library(settings.documents)
    monkeypatch.setattr(library, "documents", lambda: let_go.wait(10) and [])
    thinker = plugins.load("think", "documents")(settings, library)
    try:
        assert _cut_after(thinker, lambda: time.sleep(0.05)) < 0.05
    finally:
        let_go.set()
        thinker.close()


def test_the_request_is_the_protocol_s(
    server: ChatServer, settings: ThinkConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIEN_THINK_KEY", SECRET)
    persona = Persona("Mira", "You are kind.", by_language={"zh": {"name": "小雅", "manner": "你很热情。"}})
    history = (Said("user", "Hi"), Said("assistant", "Hello."))
    with closing(OpenaiThinker(settings)) as model:
        ask(model, "Where?", persona=persona, history=history, known=("name: Anna",))
        ask(model, "在哪里?", persona=persona)
    sent = server.asked[0]
    assert sent["model"] == "small"
    assert sent["stream"] is True
    assert [m["role"] for m in sent["messages"]] == ["system", "user", "assistant", "user"]
    assert all(part in sent["messages"][0]["content"] for part in ("Mira", "You are kind.", "name: Anna", "English"))
    assert all(part in server.asked[1]["messages"][0]["content"] for part in ("小雅", "你很热情。", "Chinese"))
    assert server.headers[0]["authorization"] == f"Bearer {SECRET}"
    assert server.headers[0]["accept"] == "text/event-stream"


def test_pieces_come_as_they_are_said(server: ChatServer, model: OpenaiThinker) -> None:
    server.moods = ["stall"]
    stream = iter(model.answer(Question("When?"), Turn()))
    assert next(stream).text.strip() == "Sure,"  # while the server has not said the rest


@pytest.mark.parametrize(
    ("mood", "kind", "code"),
    [
        ("401", MissingError, "missing.key"),
        ("404", MissingError, "missing.model"),
        ("400", BackendError, "backend.refused"),
        ("429", NetworkError, "network.busy"),
        ("500", NetworkError, "network.server"),
        ("html", BackendError, "backend.garbage"),
        ("away", BackendError, "backend.redirect"),
        ("garbage", BackendError, "backend.garbage"),
        ("binary", BackendError, "backend.garbage"),
        ("not json", BackendError, "backend.garbage"),
        ("deep", BackendError, "backend.garbage"),
        ("endless", BackendError, "backend.garbage"),
        ("error", NetworkError, "network.server"),
        ("cut", NetworkError, "network.cut"),
        ("broken", NetworkError, "network.cut"),
        ("gone", NetworkError, "network.cut"),
    ],
)
def test_trouble_is_said_in_a_sentence(
    server: ChatServer,
    model: OpenaiThinker,
    mood: str,
    kind: type[MienError],
    code: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MIEN_THINK_KEY", SECRET)
    server.moods = [mood]
    with pytest.raises(kind) as caught:
        ask(model)
    assert caught.value.code == code
    assert caught.value.message.endswith(".")
    assert caught.value.hint
    assert SECRET not in str(caught.value)
    assert f"127.0.0.1:{server.server_port}" in str(caught.value)


@pytest.mark.parametrize(
    ("mood", "code"), [("silent", "backend.slow"), ("drip", "backend.slow"), ("stall", "backend.stalled")]
)
def test_nobody_waits_for_ever(server: ChatServer, settings: ThinkConfig, mood: str, code: str) -> None:
    server.moods = [mood]
    with closing(OpenaiThinker(replace(settings, first_timeout=0.4, timeout=0.3))) as model:
        started = time.monotonic()
        with pytest.raises(BackendError) as caught:
            ask(model)
    assert caught.value.code == code
    assert time.monotonic() - started < 2


def test_no_server_is_said(settings: ThinkConfig) -> None:
    model = OpenaiThinker(replace(settings, url="http://127.0.0.1:9/v1"))
    with pytest.raises(NetworkError, match=r"No answer .* at 127\.0\.0\.1:9"):
        ask(model)


@pytest.mark.parametrize("mood", ["429", "500", "gone"])
def test_it_tries_again_while_nothing_was_said(server: ChatServer, model: OpenaiThinker, mood: str) -> None:
    server.moods = [mood, ""]
    assert ask(model) == "".join(server.says)
    assert len(server.asked) == 2


def test_it_never_tries_again_once_something_was_said(server: ChatServer, model: OpenaiThinker) -> None:
    server.moods = ["broken", ""]
    heard = []
    with pytest.raises(NetworkError):
        heard += [piece.text for piece in model.answer(Question("When?"), Turn())]
    assert len(server.asked) == 1


def test_a_server_that_does_not_stream_is_understood(server: ChatServer, model: OpenaiThinker) -> None:
    server.moods = ["json"]
    assert ask(model) == "".join(server.says)


def test_tools_are_called_and_their_results_told(server: ChatServer, settings: ThinkConfig) -> None:
    def seats_free(day: str, count: int = 1) -> str:
        """How many seats are free on a day."""
        return f"{day}: {count + 3} seats"

    server.calls = [[("seats_free", '{"day": "Monday", "count": 2}'), ("time_now", "{}")]]
    with closing(OpenaiThinker(settings, [tool(seats_free)])) as model:
        assert ask(model) == "".join(server.says)
    offered = {t["function"]["name"]: t["function"]["parameters"] for t in server.asked[0]["tools"]}
    assert offered["seats_free"]["required"] == ["day"]
    results = [m for m in server.asked[1]["messages"] if m["role"] == "tool"]
    assert results[0]["content"] == "Monday: 5 seats"
    assert "UTC" in results[1]["content"]


@pytest.mark.parametrize(
    ("call", "told"),
    [(("nonsense", "{}"), "no tool"), (("time_now", "{oops"), "JSON"), (("time_now", '{"where": 1}'), "unknown"),
     (("boom", "{}"), "RuntimeError")],
)  # fmt: skip
def test_a_model_that_calls_wrongly_is_told_so(
    server: ChatServer, settings: ThinkConfig, call: tuple[str, str], told: str
) -> None:
    def boom() -> str:
        """Fails."""
        raise RuntimeError("no")

    server.calls = [[call]]
    with closing(OpenaiThinker(settings, [tool(boom)])) as model:
        assert ask(model)
    assert told in server.asked[1]["messages"][-1]["content"]


def test_a_model_that_only_calls_tools_is_stopped(server: ChatServer, model: OpenaiThinker) -> None:
    server.calls = [[("time_now", "{}")]] * 50
    with pytest.raises(BackendError, match="nothing"):
        ask(model)
    assert len(server.asked) == 5
    assert "tools" not in server.asked[-1]


def test_a_server_without_tools_answers_without(server: ChatServer, model: OpenaiThinker) -> None:
    server.moods = ["no tools"]
    assert ask(model) == ask(model) == "".join(server.says)
    assert ["tools" in sent for sent in server.asked] == [True, False, False]


def test_what_it_thinks_aloud_is_not_said(server: ChatServer, model: OpenaiThinker) -> None:
    server.says = ["<th", "ink>\nHm, 9 or", " 10?</thi", "nk>\n\nAt ", "nine."]
    assert ask(model) == "At nine."


def test_excerpts_are_sent_and_cited_where_the_model_says_so(server: ChatServer, settings: ThinkConfig) -> None:
    library = Library(settings.documents)
    library.refresh()
    server.says = ["At nine [", "1]", ". See you [9]."]
    with closing(library), closing(OpenaiThinker(settings, library=library)) as model:
        pieces = list(model.answer(Question("When does the shop open?"), Turn()))
    assert "closes at six" in server.asked[0]["messages"][0]["content"]
    assert "".join(p.text for p in pieces) == "At nine. See you."
    cited = [c for p in pieces for c in p.citations]
    assert [(c.source, c.quote) for c in cited] == [("shop.md", "The shop opens at nine and closes at six.")]
    assert "Opening hours" in cited[0].place


def test_an_answer_without_end_is_not_listened_to(server: ChatServer, model: OpenaiThinker) -> None:
    server.says = ["words " * 100] * 1_000
    assert LONGEST_ANSWER <= len(ask(model)) < LONGEST_ANSWER + 1_000


def test_without_an_address_nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    with closing(OpenaiThinker(ThinkConfig())) as model:
        assert model.info.lacks
        with pytest.raises(MissingError, match="address"):
            ask(model)


def test_the_only_model_of_a_server_needs_no_name(server: ChatServer, settings: ThinkConfig) -> None:
    with closing(OpenaiThinker(replace(settings, model=""))) as model:
        assert ask(model)
    assert server.asked[0]["model"] == "small"


def test_keys_and_words_go_only_where_they_are_meant_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)

    def of(url: str) -> OpenaiThinker:
        return OpenaiThinker(ThinkConfig(url=url, model="m"))

    assert of("https://api.openai.com/v1")._key == SECRET
    assert of("https://api.other.example/v1")._key == ""
    assert "api.other.example" in of("https://api.other.example/v1").info.leaves
    assert "unencrypted" in of("http://10.0.0.5/v1").info.leaves
    monkeypatch.setenv("MIEN_THINK_KEY", "own")
    assert of("https://api.other.example/v1")._key == "own"
    with pytest.raises(UsageError, match="unencrypted"):
        ask(of("http://10.0.0.5/v1"))
    monkeypatch.setenv("MIEN_OFFLINE", "1")
    with pytest.raises(MissingError, match="offline"):
        ask(of("https://api.other.example/v1"))


@pytest.mark.parametrize(
    ("url", "backend", "name", "leaves"),
    [
        ("", "auto", "documents", 0),
        ("http://127.0.0.1:1/v1", "auto", "openai", 0),
        ("http://127.0.0.1:1/v1", "documents", "documents", 0),
        ("https://models.example/v1", "auto", "openai", 1),
    ],
)
def test_auto_takes_a_language_model_only_where_one_is_configured(
    settings: ThinkConfig, url: str, backend: str, name: str, leaves: int
) -> None:
    told: list[str] = []
    with closing(open_thinker(replace(settings, url=url, backend=backend), told.append)) as thinker:
        assert thinker.info.name == name
    assert len([sentence for sentence in told if "models.example" in sentence]) == len(told) == leaves
