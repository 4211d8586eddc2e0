"""Any server with OpenAI's ``POST /v1/chat/completions``: OpenAI, Qwen, DeepSeek, Ollama, vLLM, llama.cpp and others.

The address is ``[think] url`` (``MIEN_THINK_URL``), the key ``MIEN_THINK_KEY`` or ``OPENAI_API_KEY`` from the
environment. Without an address nothing is asked and nothing leaves this machine.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Protocol

from mien import config
from mien.channel import Abandoned, Channel
from mien.dialogue.errands import Errands
from mien.dialogue.speak import web
from mien.dialogue.speak.web_answer import Call
from mien.dialogue.think import chat
from mien.dialogue.think.base import Piece, Question, ThinkerInfo
from mien.dialogue.think.link import Link, Patience, broken
from mien.dialogue.think.passages import Passage
from mien.dialogue.think.plain import AnswerFilter
from mien.dialogue.think.tools import Tool, Toolbox, time_now, tool
from mien.errors import BackendError, InputError, MienError, MissingError, UsageError
from mien.turn import Cut, Turn

KEY: Final = "MIEN_THINK_KEY"
FALLBACK_KEY: Final = "OPENAI_API_KEY"
MOST_ROUNDS: Final = 4
"""Times that a model may call tools before it must answer."""
LONGEST_QUESTION: Final = 4_000
LONGEST_ANSWER: Final = 20_000
"""Characters; what a model says beyond is not listened to."""

_WHAT: Final = "The language model"
_OFFICIAL: Final = "api.openai.com"
_TOOL_SECONDS: Final = 8.0
_EXCERPTS: Final = 4
_MOST_LEFT: Final = 16  # answers nobody waits for whose connection is still being made; of all sessions


class Searchable(Protocol):
    """What finds passages: :class:`mien.dialogue.think.library.Library`."""

    def search(self, text: str, limit: int = ...) -> list[Passage]:
        """The best passages, the best first."""
        ...


class OpenaiThinker:
    """Answers over HTTP, streamed; each answer has a connection and a thread of its own, so any number run at once.

    tools: functions that the model may call, beside the embedded ones. library: documents to answer from.
    """

    def __init__(
        self, settings: config.ThinkConfig | None = None, tools: Iterable[Tool] = (), library: Searchable | None = None
    ) -> None:
        self._settings = settings or config.load().think
        self._library = library
        self._more = tuple(tools)
        self._lock = threading.Lock()
        self._running: set[_Answer] = set()
        self._errands = Errands("mien-think", _MOST_LEFT)
        self._model = self._settings.model
        self._plain_servers: set[str] = set()  # those that know no tools

    @property
    def address(self) -> str:
        """The base address, without a slash at its end, "" when none is set."""
        return self._settings.url.strip().rstrip("/").removesuffix("/chat/completions")

    @property
    def info(self) -> ThinkerInfo:
        """What this back end can do."""
        local, host = web.is_loopback(self.address), web.host_of(self.address)
        lacks, mend = "", ""
        if not self.address:
            lacks, mend = "No address of a language model is set.", "export MIEN_THINK_URL=http://127.0.0.1:11434/v1"
        elif host == _OFFICIAL and not self._key:
            lacks, mend = f"The environment has no {FALLBACK_KEY}.", f"export {FALLBACK_KEY}=…"
        open_way = ", unencrypted" if self.address.startswith("http:") else ""
        leaves = f"What is said, what is remembered, and excerpts of the documents go to {host}{open_way}."
        return ThinkerInfo(
            name="openai", streaming=True, needs=("server",) if local else ("network", f"key:{KEY}"), lacks=lacks,
            mend=mend, leaves="" if local or not self.address else leaves, writes=True, tools=True,
        )  # fmt: skip

    def answer(self, question: Question, turn: Turn) -> Iterator[Piece]:
        """See :class:`~mien.dialogue.think.base.Thinker`."""
        turn.check()
        text = question.text.strip()
        if not text or len(text) > LONGEST_QUESTION:
            raise InputError(f"A question has 1 to {LONGEST_QUESTION:,} characters.", code="input.question")
        yield from self._streamed(lambda running: self._converse(question, running), turn)

    def write(self, messages: Sequence[Mapping[str, str]], turn: Turn) -> Iterator[str]:
        """What the model writes to messages (role, content) as they are, piece by piece: for tools that draft texts.

        Nothing is added, no persona, no tools, no documents. Raises as :meth:`answer` does.
        """
        sent = [dict(message) for message in messages]
        for piece in self._streamed(lambda running: self._written(sent, running), turn):
            yield piece.text

    def _streamed(self, job: Callable[[_Answer], None], turn: Turn) -> Iterator[Piece]:
        """What a job puts into an answer, as it comes; it runs in a thread and ends with the turn."""
        turn.check()
        self._check()
        running = _Answer(Link(Patience(self._settings.first_timeout, self._settings.timeout)))
        with self._lock:
            self._running.add(running)
        off = turn.when_cut(running.end)
        try:
            with self._errands.running(lambda: self._work(job, running), turn):
                for item in running.come:
                    turn.check()
                    if isinstance(item, BaseException):
                        raise item
                    yield item
            if turn.over or running.link.closed:
                raise Cut
        finally:
            off()
            running.end()
            with self._lock:
                self._running.discard(running)

    def models(self, turn: Turn | None = None) -> tuple[str, ...]:
        """What the server calls its models, () when it does not say. Raises Cut."""
        answer = web.Web(self._settings.first_timeout).get_json(f"{self.address}/models", _WHAT, self._key, turn)
        listed = answer.get("data") if isinstance(answer, dict) else None
        names = [m.get("id") for m in listed[:1000] if isinstance(m, dict)] if isinstance(listed, list) else []
        return tuple(n for n in names if isinstance(n, str) and n.isprintable() and 0 < len(n) < 200)

    def close(self) -> None:
        """End the answers that are under way. Idempotent."""
        with self._lock:
            running = list(self._running)
        for one in running:
            one.end()

    @property
    def _key(self) -> str:
        """The key for this address. OpenAI's own goes only to OpenAI, this machine, or where OPENAI_BASE_URL says."""
        own = os.environ.get(KEY, "").strip()
        meant = (_OFFICIAL, web.host_of(os.environ.get("OPENAI_BASE_URL", "")))
        if own or not (web.is_loopback(self.address) or web.host_of(self.address) in meant):
            return own
        return os.environ.get(FALLBACK_KEY, "").strip()

    def _check(self) -> None:
        info = self.info
        if info.lacks:
            code = "missing.key" if self.address else "missing.url"
            raise MissingError(info.lacks, hint=f"{info.mend}; or answer from documents.", code=code)
        web.require_address(self.address, "[think] url")
        web.parts_of(self.address, self._key)

    def _work(self, job: Callable[[_Answer], None], running: _Answer) -> None:
        """Runs in a thread: what comes, and behind it what went wrong."""
        try:
            try:
                job(running)
            except Abandoned:
                raise
            except BaseException as error:  # whatever it is, the listener must hear of it
                running.come.put(error)
            running.come.finish()
        except Abandoned:
            pass

    def _written(self, messages: list[dict[str, Any]], running: _Answer) -> None:
        """One request with nothing added."""
        sieve = AnswerFilter()
        reply = self._round(self._chosen_model(running.fence), messages, Toolbox(), running, sieve)
        running.put(sieve.close())
        if not reply.text.strip():
            raise self._nothing()

    def _nothing(self) -> BackendError:
        return BackendError(f"{self._place} answered with nothing.", hint="Ask again.", code="backend.empty")

    def _converse(self, question: Question, running: _Answer) -> None:
        found = self._library.search(question.text, _EXCERPTS) if self._library is not None else []
        sent = chat.messages(question, found)
        model = self._chosen_model(running.fence)
        sieve = AnswerFilter(found)
        heard = False
        asked = {t.name for t in question.tools}
        own = [t for t in (*self._embedded(sieve), *self._more) if t.name not in asked]
        box = Toolbox((*own, *question.tools))
        for round_number in range(MOST_ROUNDS + 1):
            offered = box if round_number < MOST_ROUNDS and self.address not in self._plain_servers else Toolbox()
            reply = self._round(model, sent, offered, running, sieve)
            heard = heard or bool(reply.text.strip())
            if not reply.calls or round_number == MOST_ROUNDS:
                break
            sent.append(reply.as_sent())
            for call in reply.listed():
                result = box.call(call.name, call.arguments, _TOOL_SECONDS)
                running.check()
                sent.append({"role": "tool", "tool_call_id": call.id, "content": result})
        running.put(sieve.close())
        if not heard:
            raise self._nothing()

    def _round(
        self, model: str, sent: list[dict[str, Any]], box: Toolbox, running: _Answer, sieve: AnswerFilter
    ) -> chat.Reply:
        """One request: its words are handed on as they come; its calls are in what is returned."""
        body: dict[str, Any] = {"model": model, "messages": sent, "stream": True}
        if len(box):
            body["tools"] = box.schemas()
        try:
            return self._read(self._call(body), running, sieve)
        except BackendError as error:
            if not len(box) or error.code != "backend.refused" or "tool" not in error.message.lower():
                raise
        self._plain_servers.add(self.address)
        return self._read(self._call({"model": model, "messages": sent, "stream": True}), running, sieve)

    def _read(self, call: Call, running: _Answer, sieve: AnswerFilter) -> chat.Reply:
        reply, attempt = chat.Reply(self._place), running.link.attempt + 1
        for data in running.link.events(call):
            if running.link.attempt != attempt:  # a second try starts from nothing
                reply, attempt = chat.Reply(self._place), running.link.attempt
            for words in reply.read(data):
                running.put(sieve.push(words))
                running.link.progress()
            if reply.worked or reply.calls:
                running.link.progress(begun=False)
            running.check()
            if reply.done or len(reply.text) > LONGEST_ANSWER:
                return reply
        if not (reply.finish or reply.done):
            running.check()
            raise broken(call, "it ended before the answer did")
        return reply

    def _call(self, body: dict[str, Any]) -> Call:
        key_variable = KEY if web.host_of(self.address) != _OFFICIAL else FALLBACK_KEY
        return Call(
            f"{self.address}/chat/completions", json.dumps(body, ensure_ascii=False).encode("utf-8", "replace"),
            "application/json", _WHAT, secret=self._key, key_variable=key_variable,
        )  # fmt: skip

    @property
    def _place(self) -> str:
        return f"{_WHAT} at {web.place_of(self.address)}"

    def _chosen_model(self, turn: Turn) -> str:
        """The model that is set, else the only one that the server has. Raises MissingError."""
        if self._model:
            return self._model
        names = self.models(turn)
        if len(names) == 1:
            self._model = names[0]
            return names[0]
        some = f" It has {', '.join(names[:6])}{' …' if len(names) > 6 else ''}." if names else ""
        raise MissingError(
            f"Which model of the server at {web.place_of(self.address)} is to answer?{some}",
            hint="export MIEN_THINK_MODEL=…",
            code="missing.model",
        )

    def _embedded(self, sieve: AnswerFilter) -> Iterator[Tool]:
        yield tool(time_now)
        if self._library is None:
            return
        library = self._library

        def search_documents(query: str) -> str:
            """Search the documents for a few key words. Cite what you use by its number like [1]."""
            found = library.search(query[:500], _EXCERPTS)
            return "\n\n".join(p.numbered(sieve.add(p)) for p in found) or "Nothing was found."

        yield tool(search_documents)


class _Answer:
    """One answer under way: its connection, and what came and was not taken yet."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self.come: Channel[Piece | BaseException] = Channel(256)
        self.fence = Turn()

    def put(self, piece: Piece) -> None:
        if piece.text or piece.citations:
            self.come.put(piece)

    def check(self) -> None:
        if self.link.closed:
            raise Abandoned

    def end(self) -> None:
        self.come.abandon()
        self.link.close()
        self.fence.cut()


def problem(thinker: OpenaiThinker) -> MienError | None:
    """What keeps the server from answering, as far as it can be told without asking it."""
    try:
        thinker._check()
    except (MissingError, UsageError) as error:
        return error
    return None
