"""Servers on this machine that speak the protocols of the real ones, and misbehave where a test asks them to."""

from __future__ import annotations

import asyncio
import io
import json
import struct
import threading
import time
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from xml.sax.saxutils import unescape

import av
import numpy as np
from numpy.typing import NDArray

SECONDS_A_LETTER = 0.08
VOICES = ("nova", "onyx", "local")
SECRET = "sk-test-0123456789"


def hum(text: str, rate: int, speed: float = 1.0) -> NDArray[np.int16]:
    """A tone as long as the text takes."""
    count = round(len(text) * SECONDS_A_LETTER / speed * rate)
    return (9_000 * np.sin(2 * np.pi * 200 * np.arange(count) / rate)).astype(np.int16)


def as_mp3(sound: NDArray[np.int16], rate: int) -> bytes:
    """MP3, mono, 48 kbit/s, without tags, as Microsoft's service sends it."""
    out = io.BytesIO()
    with av.open(out, "w", format="mp3", options={"write_xing": "0", "id3v2_version": "0"}) as file:
        stream = file.add_stream("libmp3lame", rate=rate, layout="mono")
        stream.bit_rate = 48_000
        frame = av.AudioFrame.from_ndarray(sound[None], format="s16", layout="mono")
        frame.sample_rate = rate
        file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return out.getvalue()


def wav_head(rate: int) -> bytes:
    """The head of a WAV whose length is not known yet."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
    return out.getvalue()


class SpeechServer(ThreadingHTTPServer):
    """OpenAI's, GPT-SoVITS' and CosyVoice's endpoints on one port.

    moods: what the next requests meet, one each, the last one for ever: "", or see :meth:`_Handler._misbehave`.
    asked: what came: path, headers and body of each request. gone: set when a client left in the middle.
    complaint: what moods of an error status say.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.moods: list[str] = [""]
        self.asked: list[tuple[str, dict[str, str], bytes]] = []
        self.gone = threading.Event()
        self.release = threading.Event()
        self.pause = 0.0
        self.complaint = f"Incorrect API key provided: {SECRET}."

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that leave are part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: SpeechServer

    def do_GET(self) -> None:
        if self.path.endswith("/audio/voices"):
            self._json(200, {"voices": [{"id": name} for name in VOICES]})
        else:
            self._json(404, {"detail": "Not Found"})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        server = self.server
        server.asked.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
        mood = server.moods.pop(0) if len(server.moods) > 1 else server.moods[0]
        if mood and self._misbehave(mood):
            return
        if self.path.endswith("/audio/speech"):
            self._openai(json.loads(body), mood)
        elif self.path == "/tts":
            self._gptsovits(json.loads(body), mood)
        elif self.path.startswith("/inference_"):
            self._cosyvoice(self._form(body), mood)
        else:
            self._json(404, {"detail": "Not Found"})

    def log_message(self, format: str, *args: object) -> None:
        pass

    def _misbehave(self, mood: str) -> bool:
        """Answer as a server in trouble does; False for moods that spoil the sound itself."""
        if mood.isdigit():
            said = {"error": {"message": self.server.complaint}}
            self._json(int(mood), said, {"Retry-After": "0"} if mood == "429" else {})
        elif mood == "html":
            self._whole(200, b"<html><body>It works!</body></html>", "text/html")
        elif mood == "away":
            self._whole(307, b"", "text/plain", {"Location": "http://192.0.2.1/v1/audio/speech"})
        elif mood == "silent":
            self.server.release.wait(20)
        elif mood == "gone":
            self.close_connection = True
        elif mood == "empty":
            self._whole(200, b"", "audio/wav")
        elif mood == "noise":
            self._whole(200, b"OggS" + b"\0" * 400, "audio/ogg")
        elif mood == "short":
            self.send_response(200)
            self.send_header("Content-Length", "100000")
            self.end_headers()
            self.wfile.write(wav_head(24_000) + b"\0" * 1000)
            self.close_connection = True
        else:
            return False
        return True

    def _openai(self, asked: dict[str, Any], mood: str) -> None:
        if asked["voice"] not in VOICES:
            self._json(400, {"error": {"message": f"voice '{asked['voice']}' is not one of {VOICES}"}})
            return
        sound = hum(asked["input"], 24_000, asked.get("speed", 1.0))
        kind = asked["response_format"]
        if kind == "mp3":
            self._stream("audio/mpeg", b"", as_mp3(sound, 24_000), mood)
        else:
            head = wav_head(24_000) if kind == "wav" else b""
            self._stream(f"audio/{kind}", head, sound.tobytes(), mood)

    def _gptsovits(self, asked: dict[str, Any], mood: str) -> None:
        for name in ("text", "text_lang", "ref_audio_path", "prompt_lang"):
            if not asked.get(name):
                self._json(400, {"message": f"{name} is required"})
                return
        sound = hum(asked["text"], 32_000, asked["speed_factor"])
        self._stream("audio/wav", wav_head(32_000), sound.tobytes(), mood)

    def _cosyvoice(self, form: dict[str, bytes], mood: str) -> None:
        needed = {
            "sft": {"tts_text", "spk_id"}, "zero_shot": {"tts_text", "prompt_text", "prompt_wav"},
            "cross_lingual": {"tts_text", "prompt_wav"}, "instruct2": {"tts_text", "instruct_text", "prompt_wav"},
        }[self.path.removeprefix("/inference_")]  # fmt: skip
        if set(form) != needed:
            self._json(422, {"detail": [{"msg": f"fields {sorted(needed)}"}]})
            return
        self._stream("", b"", hum(form["tts_text"].decode(), 24_000).tobytes(), mood)

    def _form(self, body: bytes) -> dict[str, bytes]:
        head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
        message = BytesParser().parsebytes(head + body)
        parts = message.get_payload()
        assert isinstance(parts, list)
        found = {}
        for part in parts:
            content = part.get_payload(decode=True)  # type: ignore[union-attr]
            assert isinstance(content, bytes)
            found[str(part.get_param("name", header="content-disposition"))] = content  # type: ignore[union-attr]
        return found

    def _stream(self, kind: str, head: bytes, sound: bytes, mood: str) -> None:
        """Chunked, the head first. "cut" breaks off in the middle, "slow" holds the second half back."""
        self.send_response(200)
        if kind:
            self.send_header("Content-Type", kind)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        half = len(sound) // 2
        try:
            for block in (head, sound[:half]):
                self._chunk(block)
            if mood == "cut":
                self.close_connection = True
                return
            if mood == "slow":
                self.server.release.wait(20)
            for start in range(half, len(sound), 4_001):
                self._chunk(sound[start : start + 4_001])
                time.sleep(self.server.pause)
            self.wfile.write(b"0\r\n\r\n")
        except OSError:
            self.server.gone.set()

    def _chunk(self, block: bytes) -> None:
        if block:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(block), block))
            self.wfile.flush()

    def _json(self, status: int, content: object, headers: dict[str, str] | None = None) -> None:
        self._whole(status, json.dumps(content).encode(), "application/json", headers)

    def _whole(self, status: int, content: bytes, kind: str, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(content)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)


@contextmanager
def speech_server() -> Iterator[SpeechServer]:
    """A running server; leaving it stops it."""
    server = SpeechServer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.release.set()
        server.shutdown()
        thread.join()
        server.server_close()


class EdgeServer:
    """Microsoft's read-aloud protocol over a WebSocket: words about their sound, sound as MP3.

    moods as for SpeechServer: "403", "cut", "mute", "stall", "silent". early: words are told before any sound; else
    behind it.
    """

    def __init__(self) -> None:
        self.moods: list[str] = [""]
        self.asked: list[str] = []
        self.early = True
        self.connections = 0
        self.gone = threading.Event()
        self.port = 0

    async def _handle(self, request: Any) -> Any:
        from aiohttp import web

        self.connections += 1
        mood = self.moods.pop(0) if len(self.moods) > 1 else self.moods[0]
        if mood.isdigit():
            return web.Response(status=int(mood))
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        ssml = ""
        async for message in socket:
            if "Path:ssml" in message.data:
                ssml = message.data.partition("\r\n\r\n")[2]
                break
        self.asked.append(ssml)
        try:
            await self._answer(socket, ssml, mood)
        except (ConnectionError, asyncio.CancelledError):
            self.gone.set()
        return socket

    async def _answer(self, socket: Any, ssml: str, mood: str) -> None:
        text = unescape(ssml.rpartition("</prosody>")[0].rpartition(">")[2])
        rate = 1 + int(ssml.partition("rate='")[2].partition("%")[0]) / 100
        await socket.send_str("X-RequestId:1\r\nPath:turn.start\r\n\r\n{}")
        words = [_metadata(*word) for word in _words(text, rate)]
        for word in words if self.early else ():
            await socket.send_str(word)
        if mood == "silent":  # it does not even answer a good-bye
            await asyncio.sleep(20)
        if mood == "mute":
            await socket.send_str("X-RequestId:1\r\nPath:turn.end\r\n\r\n{}")
            return
        sound = as_mp3(hum(text, 24_000, rate), 24_000)
        for start in range(0, len(sound), 720):
            if start > len(sound) // 2 and mood == "cut":
                await socket.close()
                return
            if start and mood == "stall":
                while not socket.closed:
                    await socket.receive()
                self.gone.set()
                return
            head = b"X-RequestId:1\r\nContent-Type:audio/mpeg\r\nPath:audio\r\n"
            await socket.send_bytes(struct.pack(">H", len(head)) + head + sound[start : start + 720])
        for word in () if self.early else words:
            await socket.send_str(word)
        await socket.send_str("X-RequestId:1\r\nPath:turn.end\r\n\r\n{}")

    @contextmanager
    def running(self) -> Iterator[EdgeServer]:
        loop = asyncio.new_event_loop()
        started = threading.Event()

        async def serve() -> None:
            from aiohttp import web

            app = web.Application()
            app.router.add_get("/edge/v1", self._handle)
            runner = web.AppRunner(app, shutdown_timeout=0.1)
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            self.port = runner.addresses[0][1]
            started.set()
            await stopping.wait()
            await runner.cleanup()

        stopping = asyncio.Event()
        thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
        thread.start()
        started.wait(10)
        try:
            yield self
        finally:
            loop.call_soon_threadsafe(stopping.set)
            thread.join(10)
            loop.close()


def _words(text: str, rate: float) -> Iterator[tuple[str, int, int]]:
    """Each word (each hanzi) with its offset and duration in 100 ns, as its letters sound."""
    at = 0
    for piece in "".join(f" {c} " if ord(c) > 0x2E80 else c for c in text).split():
        word = piece.strip(".,?!，。！？")
        found = text.index(piece, at)
        at = found + len(piece)
        if word:
            each = SECONDS_A_LETTER / rate * 1e7
            yield word, round(found * each), round(len(word) * each)


def _metadata(word: str, offset: int, duration: int) -> str:
    data = {"Offset": offset, "Duration": duration, "text": {"Text": word, "Length": len(word)}}
    told = json.dumps({"Metadata": [{"Type": "WordBoundary", "Data": data}]})
    return f"X-RequestId:1\r\nPath:audio.metadata\r\n\r\n{told}"
