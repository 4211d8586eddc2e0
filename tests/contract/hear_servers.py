"""A server on this machine that speaks the protocol of OpenAI's transcriptions, and misbehaves where it is asked to."""

from __future__ import annotations

import io
import json
import threading
import time
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SECRET = "sk-test-0123456789"


class TranscriptionServer(ThreadingHTTPServer):
    """``POST /v1/audio/transcriptions``: it says how long it listened.

    moods: what the next requests meet, one each, the last one for ever: "" or see :meth:`_Handler.misbehave`. asked:
    headers and fields of each request.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.moods = [""]
        self.asked: list[tuple[dict[str, str], dict[str, bytes]]] = []
        self.release = threading.Event()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that leave are part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: TranscriptionServer

    def do_POST(self) -> None:
        fields = self._form(self.rfile.read(int(self.headers["Content-Length"])))
        server = self.server
        server.asked.append(({k.lower(): v for k, v in self.headers.items()}, fields))
        mood = server.moods.pop(0) if len(server.moods) > 1 else server.moods[0]
        if mood and self.misbehave(mood):
            return
        if self.path != "/v1/audio/transcriptions" or not {"file", "model"} <= set(fields):
            self.answer(400, {"error": {"message": "file and model are required"}})
            return
        with wave.open(io.BytesIO(fields["file"])) as sound:
            assert (sound.getnchannels(), sound.getsampwidth(), sound.getframerate()) == (1, 2, 16_000)
            seconds = sound.getnframes() / sound.getframerate()
        self.answer(200, {"text": f" It lasted {seconds:.2f} seconds. "})

    def log_message(self, format: str, *args: object) -> None:
        pass

    def misbehave(self, mood: str) -> bool:
        """Answer as a server in trouble does."""
        if mood.isdigit():
            self.answer(int(mood), {"error": {"message": f"It is broken, {SECRET}."}}, {"Retry-After": "0"})
        elif mood == "html":
            self.whole(200, b"<html><body>It works!</body></html>", "text/html")
        elif mood == "nothing":
            self.answer(200, {"result": "?"})
        elif mood == "list":
            self.answer(200, ["hello"])
        elif mood == "away":
            self.whole(307, b"", "text/plain", {"Location": "http://192.0.2.1/v1/audio/transcriptions"})
        elif mood == "slow":
            self.server.release.wait(20)
        elif mood == "gone":
            self.close_connection = True
        elif mood == "huge":
            self.whole(200, b'{"text": "' + b"x" * (2 << 20) + b'"}', "application/json")
        elif mood in ("short", "drip"):
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b'{"text": "he')
            while mood == "drip" and not self.server.release.wait(0.05):
                self.wfile.write(b" ")
            self.close_connection = True
        else:
            return False
        return True

    def answer(self, status: int, content: object, headers: dict[str, str] | None = None) -> None:
        self.whole(status, json.dumps(content).encode(), "application/json", headers)

    def whole(self, status: int, content: bytes, kind: str, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(content)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def _form(self, body: bytes) -> dict[str, bytes]:
        head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
        parts = BytesParser().parsebytes(head + body).get_payload()
        assert isinstance(parts, list)
        found = {}
        for part in parts:
            content = part.get_payload(decode=True)  # type: ignore[union-attr]
            assert isinstance(content, bytes)
            found[str(part.get_param("name", header="content-disposition"))] = content  # type: ignore[union-attr]
        return found


@contextmanager
def transcription_server() -> Iterator[TranscriptionServer]:
    """A running server; leaving it stops it."""
    server = TranscriptionServer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.release.set()
        server.shutdown()
        thread.join()
        server.server_close()
        time.sleep(0)
