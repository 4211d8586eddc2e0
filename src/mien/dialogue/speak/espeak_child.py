"""The process in which espeak-ng runs, alone: it is not safe across threads and some inputs crash it.

Started by path (``python -I -S espeak_child.py LIBRARY DATA``) so that it imports the standard library only and is
ready in a few hundredths of a second. It reads requests from standard input and writes replies to what was standard
output; both are frames of a 4-byte little-endian length and that many bytes. The first byte of a reply names it:

``R`` ready (i32 sample rate) · ``A`` sound (int16) · ``E`` events (:data:`EVENT` records) · ``D`` done · ``X`` refused.

It ends when its input closes, which happens whenever the parent closes it, ends or is killed.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from typing import Any, BinaryIO

REQUEST = struct.Struct("<BHHHHI")
"""flags, rate (words a minute), pitch, range (0…99), sizes of the voice's name and of the text; both follow."""

EVENT = struct.Struct("<BIII8s")
"""kind (1 word, 7 phone), sample, position of the character (1-based), length, symbol in UTF-8 padded with zeros."""

END_PAUSE = 1
PHONEMES = 2

_UTF8, _END_PAUSE_FLAG, _PHONEMES_FLAG = 1, 0x1000, 0x100
_SYNCHRONOUS, _PHONEME_EVENTS_IN_IPA, _DO_NOT_EXIT = 2, 3, 0x8000
_RATE, _PITCH, _RANGE = 1, 3, 4
_WORD, _PHONEME = 1, 7


class _Id(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Id),
    )


_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


class Synthesizer:
    """espeak-ng behind one call."""

    def __init__(self, library: str, data: str, out: BinaryIO) -> None:
        # The library cuts long paths short, so it is given none: the data folder's parent becomes the working folder.
        os.chdir(os.path.dirname(os.path.abspath(data)))  # noqa: PTH100, PTH120 (pathlib costs start-up time)
        self._lib = ctypes.CDLL(os.path.abspath(library))  # noqa: PTH100
        self._lib.espeak_Synth.argtypes = [
            ctypes.c_void_p, ctypes.c_size_t, ctypes.c_uint, ctypes.c_int,
            ctypes.c_uint, ctypes.c_uint, ctypes.c_void_p, ctypes.c_void_p,
        ]  # fmt: skip
        self._lib.espeak_SetVoiceByName.argtypes = [ctypes.c_char_p]
        self._out = out
        self.sample_rate: int = self._lib.espeak_Initialize(
            _SYNCHRONOUS, 0, b".", _PHONEME_EVENTS_IN_IPA | _DO_NOT_EXIT
        )
        self._callback = _CALLBACK(self._receive)
        self._lib.espeak_SetSynthCallback(self._callback)

    def say(self, request: bytes) -> None:
        """Speak one request, sending sound and events as they come; a reply ``D`` or ``X`` ends it."""
        flags, rate, pitch, pitch_range, name_size, text_size = REQUEST.unpack_from(request)
        name = request[REQUEST.size : REQUEST.size + name_size]
        text = request[REQUEST.size + name_size :][:text_size] + b"\0"
        if self._lib.espeak_SetVoiceByName(name) != 0:
            send(self._out, b"X" + b"voice")
            return
        for parameter, value in ((_RATE, rate), (_PITCH, pitch), (_RANGE, pitch_range)):
            self._lib.espeak_SetParameter(parameter, value, 0)
        # The library draws the seed of its noise from the clock; a film must come out the same every time.
        self._lib.espeak_ng_SetRandSeed(ctypes.c_long(1))
        mode = _UTF8 | (_END_PAUSE_FLAG if flags & END_PAUSE else 0) | (_PHONEMES_FLAG if flags & PHONEMES else 0)
        status = self._lib.espeak_Synth(text, len(text), 0, 1, 0, mode, None, None)
        send(self._out, b"D" if status == 0 else b"X" + b"synth")

    def _receive(self, samples: Any, count: int, events: Any) -> int:
        if samples and count > 0:
            send(self._out, b"A" + ctypes.string_at(samples, count * 2))
        found, i = [b"E"], 0
        while events[i].type != 0:
            event = events[i]
            if event.type in (_WORD, _PHONEME):
                symbol = ctypes.string_at(ctypes.addressof(event.id), 8) if event.type == _PHONEME else b""
                position = max(event.text_position, 0)
                found.append(EVENT.pack(event.type, max(event.sample, 0), position, max(event.length, 0), symbol))
            i += 1
        if len(found) > 1:
            send(self._out, b"".join(found))
        return 0


def send(out: BinaryIO, payload: bytes) -> None:
    """Write one frame."""
    out.write(struct.pack("<I", len(payload)) + payload)
    out.flush()


def receive(source: BinaryIO) -> bytes | None:
    """Read one frame; None when the pipe has closed."""
    head = source.read(4)
    if len(head) < 4:
        return None
    size = int.from_bytes(head, "little")
    payload = source.read(size)
    return payload if len(payload) == size else None


def main() -> None:
    """Serve requests until the input closes."""
    source, out = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever the library prints must not mix with the frames
    synthesizer = Synthesizer(sys.argv[1], sys.argv[2], out)
    send(out, b"R" + struct.pack("<i", synthesizer.sample_rate))
    while (request := receive(source)) is not None:
        synthesizer.say(request)


if __name__ == "__main__":
    try:
        main()
    except (BrokenPipeError, KeyboardInterrupt):
        os._exit(0)
