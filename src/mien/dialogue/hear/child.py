"""The process in which pocketsphinx or sherpa-onnx listens, alone: decoding never holds up the sound, and a library
that ends its process ends nothing else.

Started by path (``python child.py``). Reads frames of a 4-byte little-endian length and that many bytes from standard
input: first a JSON object that says what to load, then sound and orders. Their first byte names them, the next four
are the utterance's number: ``A`` sound (float32, 16 kHz) · ``F`` it is over · ``D`` forget it and those before it.
Answers with frames: ``R`` ready · ``P`` text so far · ``T`` all the text (JSON: utterance, text, language, emotion).
What fails is told on standard error.

It ends when its input closes, which happens whenever the parent closes it, ends or is killed.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import struct
import sys
import threading
from typing import Any, BinaryIO

RATE = 16_000
LONGEST_FRAME = 16 << 20
TAIL = 0.4  # seconds of silence that streaming networks get behind an utterance, so that they see its last sounds


def send(out: BinaryIO, payload: bytes) -> None:
    """Write one frame."""
    out.write(struct.pack("<I", len(payload)) + payload)
    out.flush()


def receive(source: BinaryIO) -> bytes | None:
    """Read one frame; None when the pipe has closed or what comes is no frame."""
    head = source.read(4)
    if len(head) < 4:
        return None
    size = int.from_bytes(head, "little")
    if size > LONGEST_FRAME:
        return None
    payload = source.read(size)
    return payload if len(payload) == size else None


class Sphinx:
    """pocketsphinx with its own English model."""

    def __init__(self, settings: dict[str, Any]) -> None:
        import pocketsphinx

        # The second search over the whole utterance would begin when somebody waits for the answer.
        self._decoder = pocketsphinx.Decoder(samprate=RATE, fwdflat=False, loglevel="FATAL")
        self._running = False

    def feed(self, sound: Any) -> dict[str, Any]:
        """The next sound; what is understood so far."""
        if not self._running:
            self._decoder.start_utt()
            self._running = True
        self._decoder.process_raw((sound.clip(-1, 1) * 32767).astype("<i2").tobytes(), False, False)
        return self._told()

    def end(self) -> dict[str, Any]:
        """All of it."""
        if not self._running:
            return {"text": ""}
        self._decoder.end_utt()
        self._running = False
        return self._told()

    def drop(self) -> None:
        """Forget it."""
        self.end()

    def _told(self) -> dict[str, Any]:
        found = self._decoder.hyp()
        return {"text": found.hypstr if found else "", "language": "en"}


class Streaming:
    """sherpa-onnx with a network that gives text as it goes."""

    def __init__(self, settings: dict[str, Any]) -> None:
        import sherpa_onnx

        make = getattr(sherpa_onnx.OnlineRecognizer, settings["make"])
        self._recognizer = make(**settings["files"], num_threads=settings["threads"])
        self._stream: Any = None

    def feed(self, sound: Any) -> dict[str, Any]:
        """The next sound; what is understood so far."""
        if self._stream is None:
            self._stream = self._recognizer.create_stream()
        self._stream.accept_waveform(RATE, sound)
        return self._decoded()

    def end(self) -> dict[str, Any]:
        """All of it."""
        import numpy as np

        self.feed(np.zeros(int(TAIL * RATE), np.float32))
        self._stream.input_finished()
        told = self._decoded()
        self._stream = None
        return told

    def drop(self) -> None:
        """Forget it."""
        self._stream = None

    def _decoded(self) -> dict[str, Any]:
        while self._recognizer.is_ready(self._stream):
            self._recognizer.decode_stream(self._stream)
        return {"text": self._recognizer.get_result(self._stream)}


class Whole:
    """sherpa-onnx with a network that needs the whole utterance."""

    def __init__(self, settings: dict[str, Any]) -> None:
        import sherpa_onnx

        make = getattr(sherpa_onnx.OfflineRecognizer, settings["make"])
        self._recognizer = make(**settings["files"], num_threads=settings["threads"])
        self._sound: list[Any] = []

    def feed(self, sound: Any) -> dict[str, Any] | None:
        """The next sound."""
        self._sound.append(sound)
        return None

    def end(self) -> dict[str, Any]:
        """All of it."""
        import numpy as np

        sound, self._sound = self._sound, []
        if not sound:
            return {"text": ""}
        stream = self._recognizer.create_stream()
        stream.accept_waveform(RATE, np.concatenate(sound))
        self._recognizer.decode_stream(stream)
        result = stream.result
        told = {"language": getattr(result, "lang", ""), "emotion": getattr(result, "emotion", "")}
        return {"text": result.text, **told}

    def drop(self) -> None:
        """Forget it."""
        self._sound = []


ENGINES = {"sphinx": Sphinx, "streaming": Streaming, "whole": Whole}


class Inbox(threading.Thread):
    """Reads orders while something is decoded, so that what is to be forgotten is not decoded first."""

    def __init__(self, source: BinaryIO) -> None:
        super().__init__(daemon=True)
        self._source = source
        self.orders: queue.Queue[tuple[bytes, int, bytes] | None] = queue.Queue()
        self.forgotten = -1

    def run(self) -> None:
        while (frame := receive(self._source)) is not None:
            kind, number = frame[:1], int.from_bytes(frame[1:5], "little")
            if kind == b"D":
                self.forgotten = max(self.forgotten, number)
            self.orders.put((kind, number, frame[5:]))
        self.orders.put(None)


def serve(engine: Any, inbox: Inbox, out: BinaryIO) -> None:
    """Follow orders until there are no more."""
    import numpy as np

    before, fed = "", -1
    while (order := inbox.orders.get()) is not None:
        kind, number, body = order
        if number <= inbox.forgotten:
            if fed >= 0:
                engine.drop()
                fed, before = -1, ""
        elif kind == b"A":
            fed = number
            told = engine.feed(np.frombuffer(body, "<f4"))
            if told is not None and told["text"] != before:
                before = told["text"]
                send(out, b"P" + json.dumps({**told, "utterance": number}).encode())
        elif kind == b"F":
            send(out, b"T" + json.dumps({**engine.end(), "utterance": number}).encode())
            fed, before = -1, ""


def main() -> None:
    """Load, say so, serve."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's affair: it closes the pipe
    source, out = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever the library prints must not mix with the frames
    first = receive(source)
    if first is None:
        return
    settings = json.loads(first)
    inbox = Inbox(source)
    inbox.start()
    engine = ENGINES[settings["engine"]](settings)
    send(out, b"R")
    serve(engine, inbox, out)


if __name__ == "__main__":
    try:
        main()
    except BrokenPipeError:
        os._exit(0)
    except Exception as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        sys.stderr.flush()
        os._exit(1)
    os._exit(0)  # the inbox may still wait for its pipe
