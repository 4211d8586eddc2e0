"""A chat server on this machine that speaks OpenAI's streaming protocol, and misbehaves where a test asks it to."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SECRET = "sk-think-0123456789"
MODELS = ("small",)


class ChatServer(ThreadingHTTPServer):
    """``/v1/chat/completions`` and ``/v1/models``.

    moods: what the next requests meet, one each, the last one for ever. says: the words of an answer, piece by piece.
    queue: words of the next answers, before those.
    calls: tools that the next answers call first, one list each. asked: bodies that came. headers: theirs.
    gone: set when a client left in the middle. release: lets those that hang go.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.moods: list[str] = [""]
        self.says: list[str] = ["Sure, ", "we open ", "at nine. ", "[happy]Welcome![/happy]"]
        self.queue: list[list[str]] = []
        self.calls: list[list[tuple[str, str]]] = []
        self.asked: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.gone = threading.Event()
        self.release = threading.Event()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that leave are part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: ChatServer

    def do_GET(self) -> None:
        self._whole(200, json.dumps({"object": "list", "data": [{"id": name} for name in MODELS]}), "application/json")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.asked.append(json.loads(body))
        self.server.headers.append({k.lower(): v for k, v in self.headers.items()})
        mood = self.server.moods.pop(0) if len(self.server.moods) > 1 else self.server.moods[0]
        try:
            if not self._refuse(mood):
                self._stream(mood)
        except OSError:
            self.server.gone.set()

    def log_message(self, format: str, *args: object) -> None:
        pass

    def _refuse(self, mood: str) -> bool:
        if mood.isdigit():
            said = {"error": {"message": f"no luck with key {SECRET} and model 'tiny'"}}
            headers = {"Retry-After": "0"} if mood == "429" else {}
            self._whole(int(mood), json.dumps(said), "application/json", headers)
        elif mood == "html":
            self._whole(200, "<html><body>It works!</body></html>", "text/html")
        elif mood == "away":
            self._whole(307, "", "text/plain", {"Location": "http://192.0.2.1/v1/chat/completions"})
        elif mood == "no tools" and "tools" in self.server.asked[-1]:
            self._whole(400, '{"error": "small does not support tools"}', "application/json")
        elif mood == "json":
            message = {"role": "assistant", "content": "".join(self.server.says)}
            reply = {"id": "1", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
            self._whole(200, json.dumps(reply), "application/json")
        elif mood == "silent":
            self.server.release.wait(20)
        elif mood == "gone":
            self.close_connection = True
        else:
            return False
        return True

    def _stream(self, mood: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self._delta({"role": "assistant", "content": ""})
        if mood == "drip":
            while not self.server.release.wait(0.05):
                self._chunk(": still here\n\n")
            return
        if mood in ("garbage", "not json", "deep", "endless", "error", "binary", "half", "status"):
            self._spoil(mood)
            return
        if self.server.calls:
            self._call(self.server.calls.pop(0))
            return
        for i, words in enumerate(self.server.queue.pop(0) if self.server.queue else self.server.says):
            self._delta({"content": words})
            if mood == "stall" and i == 0:
                self._hang()
            if mood == "cut" and i == 1:
                self._end()
                return
            if mood == "broken" and i == 1:
                self.close_connection = True
                return
        self._event({"id": "1", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        self._event({"id": "1", "choices": [], "usage": {"total_tokens": 9}})
        self._chunk("data: [DONE]\n\n")
        self._end()

    def _spoil(self, mood: str) -> None:
        spoilt = {
            "garbage": "\x00\x01 nonsense without a colon\n\n",
            "not json": "data: {oops\n\n",
            "deep": f"data: {'[' * 200_000}\n\n",
            "endless": "data: " + "x" * (3 << 20),
            "error": 'data: {"error": {"message": "out of memory"}}\n\n',
            "binary": "data: \udcff\udcfe\n\n",
            "half": 'data: {"id": "1", "choices": [{"index": 0, "delta": {"content": "caf\udcc3"}}]}\n\n',
            "status": "",
        }[mood]
        if mood == "status":  # in the place of the next chunk
            self.wfile.write(b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n")
            self.close_connection = True
            return
        self._chunk(spoilt)
        self._end()

    def _call(self, calls: list[tuple[str, str]]) -> None:
        for index, (name, arguments) in enumerate(calls):
            start = {"index": index, "id": f"c{index}", "type": "function", "function": {"name": name, "arguments": ""}}
            self._delta({"tool_calls": [start]})
            for at in range(0, len(arguments), 3):
                self._delta({"tool_calls": [{"index": index, "function": {"arguments": arguments[at : at + 3]}}]})
        self._event({"id": "1", "choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]})
        self._chunk("data: [DONE]\n\n")
        self._end()

    def _hang(self) -> None:
        """Keep quiet until let go, or until the client leaves."""
        self.connection.settimeout(0.05)
        while not self.server.release.is_set():
            try:
                if self.connection.recv(1) == b"":
                    self.server.gone.set()
                    return
            except TimeoutError:
                continue

    def _delta(self, delta: dict[str, Any]) -> None:
        self._event({"id": "1", "choices": [{"index": 0, "delta": delta, "finish_reason": None}]})

    def _event(self, content: dict[str, Any]) -> None:
        self._chunk(f"data: {json.dumps(content)}\n\n")

    def _chunk(self, text: str) -> None:
        raw = text.encode("utf-8", "surrogateescape")
        self.wfile.write(f"{len(raw):x}\r\n".encode() + raw + b"\r\n")

    def _end(self) -> None:
        self.wfile.write(b"0\r\n\r\n")

    def _whole(self, status: int, body: str, kind: str, headers: dict[str, str] | None = None) -> None:
        raw = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(raw)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(raw)


@contextmanager
def chat_server() -> Iterator[ChatServer]:
    """A running server."""
    server = ChatServer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.release.set()
        server.shutdown()
        server.server_close()
        thread.join(5)
