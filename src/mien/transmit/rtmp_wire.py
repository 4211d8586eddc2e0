"""RTMP as a publisher speaks it, over TCP or TLS: handshake, commands, and messages in chunks.

libav's own RTMP cannot be interrupted and holds the interpreter's lock while it connects: one server that does not
answer would stop every session. So the little of the protocol that a publisher needs stands here. Source: Adobe's
Real Time Messaging Protocol 1.0 (2012): handshake 5.2, chunks 5.3, control messages 5.4, commands 7. Everything that
comes in is bounded, and every wait ends after a time, or when :meth:`RtmpSocket.hang_up` is called.
"""

from __future__ import annotations

import contextlib
import secrets
import select
import socket
import ssl
import struct
import time
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from mien.errors import NetworkError, UsageError
from mien.transmit.amf import decode, encode

_PORTS: Final = {"rtmp": 1935, "rtmps": 443}
_SECONDS: Final = 5.0
"""Longest wait for anything the server should do."""
_CONNECT_SECONDS: Final = 2.5  # less than closing may take, for nothing interrupts it
_CHUNK: Final = 4096  # bytes; ours, told to the server
_LONGEST_MESSAGE: Final = 65_536  # of the server; its answers have some hundred bytes
_READS_BETWEEN: Final = 16  # a server that talks without end does not stop the stream
_LARGEST_TIME: Final = 0xFFFFFF
SET_CHUNK_SIZE, USER_CONTROL, AUDIO, VIDEO, DATA, COMMAND = 1, 4, 8, 9, 18, 20


@dataclass(frozen=True, slots=True)
class Address:
    """Where to publish. app: what stands between host and key. key: the stream's secret name; never shown."""

    scheme: str
    host: str
    port: int
    app: str
    key: str

    @property
    def shown(self) -> str:
        """The address as it may be shown: without its key."""
        return f"{self.scheme}://{self.host}:{self.port}/{self.app}/…"

    @property
    def base(self) -> str:
        """What RTMP calls tcUrl."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}/{self.app}"

    def __repr__(self) -> str:
        return f"Address({self.shown})"


def parse_address(url: str, key: str = "") -> Address:
    """The address of a URL such as ``rtmp://live.example/app/key``, or of one without its key and the key.

    Raises UsageError, whose message holds nothing of the URL's path.
    """
    hint = "Give rtmp://HOST/APP and the stream's key, or both in one: rtmp://HOST/APP/KEY."
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        raise UsageError("The address of the stream cannot be read.", hint=hint) from None
    if parts.scheme not in _PORTS or not parts.hostname:
        raise UsageError("The address of the stream does not begin with rtmp:// or rtmps://.", hint=hint)
    path = parts.path.strip("/") + (f"?{parts.query}" if parts.query else "")
    if key.strip():
        app, name = path, key.strip()
    else:
        head, _, tail = parts.path.strip("/").rpartition("/")
        app, name = head, tail + (f"?{parts.query}" if parts.query else "")
    if not app or not name or any(ord(c) < 33 or ord(c) == 127 for c in app + name):
        raise UsageError("The address of the stream lacks its application or its key.", hint=hint)
    return Address(parts.scheme, parts.hostname, port or _PORTS[parts.scheme], app, name)


class RtmpSocket:
    """A connection on which a stream is being published. Methods are for one thread, but hang_up."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._raw: socket.socket | None = None
        self._socket: socket.socket
        self._stream = 0
        self._received = bytearray()
        self._chunk = 128  # theirs, until they say otherwise
        self._parts: dict[int, tuple[list[int], bytearray]] = {}
        self._gone = False

    def open(self) -> None:
        """Connect, shake hands, publish. Raises NetworkError with the reason, without the key."""
        try:
            self._connect()
            self._shake_hands()
            self._publish()
        except TimeoutError:
            self.close()
            raise NetworkError(f"{self._address.shown} does not answer.", hint="Is it the right port?") from None
        except ssl.SSLError as error:
            self.close()
            reason = error.reason or type(error).__name__
            raise NetworkError(f"{self._address.shown} could not be reached safely ({reason}).") from None
        except OSError as error:
            self.close()
            reason = error.strerror or type(error).__name__
            raise NetworkError(f"{self._address.shown} could not be reached: {reason}.") from None
        except BaseException:
            self.close()
            raise

    def send(self, kind: int, milliseconds: int, data: bytes) -> int:
        """A message of AUDIO, VIDEO or DATA at a time of the stream. Returns its bytes; raises OSError."""
        self._write(kind, self._stream, milliseconds, data, channel=4 if kind == AUDIO else 6)
        self._listen()
        return len(data)

    def close(self) -> None:
        """Say good-bye where that is possible at once, and hang up. Idempotent."""
        if self._stream and not self._gone:
            with contextlib.suppress(OSError):
                self._socket.settimeout(0.5)
                self._command("FCUnpublish", 6, None, self._address.key)
                self._command("deleteStream", 7, None, float(self._stream))
        self.hang_up()

    def hang_up(self) -> None:
        """Break the connection; from any thread. What waits on it fails."""
        self._gone = True
        if self._raw is not None:
            with contextlib.suppress(OSError):
                self._raw.shutdown(socket.SHUT_RDWR)
            with contextlib.suppress(OSError):
                self._raw.close()

    def _connect(self) -> None:
        address = self._address
        raw = socket.create_connection((address.host, address.port), _CONNECT_SECONDS)
        self._raw = raw
        if self._gone:
            raise ConnectionAbortedError(0, "it was closed")
        raw.settimeout(_SECONDS)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = raw
        if address.scheme == "rtmps":
            self._socket = self._raw = ssl.create_default_context().wrap_socket(raw, server_hostname=address.host)

    def _shake_hands(self) -> None:
        ours = struct.pack(">II", 0, 0) + secrets.token_bytes(1528)
        self._socket.sendall(b"\x03" + ours)
        answer = self._read_raw(1 + 1536)
        if answer[0] != 3:
            raise NetworkError(f"{self._address.shown} does not speak RTMP.")
        self._socket.sendall(answer[1:])
        self._read_raw(1536)

    def _publish(self) -> None:
        self._write(SET_CHUNK_SIZE, 0, 0, struct.pack(">I", _CHUNK), channel=2)
        app = {"app": self._address.app, "type": "nonprivate", "flashVer": "FMLE/3.0 (compatible; Mien)"}
        self._command("connect", 1, {**app, "tcUrl": self._address.base})
        self._answer(1)
        for number, name in ((2, "releaseStream"), (3, "FCPublish")):
            self._command(name, number, None, self._address.key)
        self._command("createStream", 4, None)
        values = self._answer(4)
        self._stream = int(values[3]) if len(values) > 3 and isinstance(values[3], float) else 1
        self._command("publish", 5, None, self._address.key, "live", stream=self._stream)
        while True:
            values = self._next_command()
            if values[0] == "onStatus":
                self._check_status(values)
                return
            if values[:2] == ["_error", 5.0]:
                raise self._refused(values)

    def _answer(self, number: int) -> list[Any]:
        """The server's answer to a command."""
        while True:
            values = self._next_command()
            if values[:2] == ["_result", float(number)]:
                return values
            if values[:2] == ["_error", float(number)]:
                raise self._refused(values)

    def _next_command(self) -> list[Any]:
        until = time.monotonic() + _SECONDS
        while True:
            message = self._take()
            if message is not None and message[0] == COMMAND:
                return decode(message[1])
            if time.monotonic() > until:
                raise TimeoutError
            if message is None:
                self._receive()

    def _check_status(self, values: list[Any]) -> None:
        status = values[3] if len(values) > 3 and isinstance(values[3], dict) else {}
        if status.get("level") == "error":
            raise self._refused(values)

    def _refused(self, values: list[Any]) -> NetworkError:
        status = values[3] if len(values) > 3 and isinstance(values[3], dict) else {}
        code = str(status.get("code", ""))[:80].replace(self._address.key, "…") or "no reason given"
        return NetworkError(
            f"{self._address.shown} refuses the stream ({code}).", hint="Is the key right, and not in use already?"
        )

    def _listen(self) -> None:
        """Take what the server says in between: pings are answered, an error ends the stream. Never waits."""
        for _ in range(_READS_BETWEEN):
            if not (select.select([self._socket], [], [], 0)[0] or self._pending()):
                return
            self._receive()
            while (message := self._take()) is not None:
                if message[0] == COMMAND:
                    values = decode(message[1])
                    if values and values[0] == "onStatus":
                        self._check_status(values)

    def _pending(self) -> bool:
        return isinstance(self._socket, ssl.SSLSocket) and self._socket.pending() > 0

    def _receive(self) -> None:
        data = self._socket.recv(16_384)
        if not data:
            raise ConnectionResetError(0, "the server hung up")
        self._received += data
        if len(self._received) > 4 * _LONGEST_MESSAGE:
            raise NetworkError(f"{self._address.shown} sends more than a stream's server has to say.")

    def _read_raw(self, size: int) -> bytes:
        until = time.monotonic() + _SECONDS
        while len(self._received) < size:
            if time.monotonic() > until:
                raise TimeoutError
            self._receive()
        data = bytes(self._received[:size])
        del self._received[:size]
        return data

    def _take(self) -> tuple[int, bytes] | None:
        """The next whole message (kind, data) of what came; control messages are obeyed here. None: more is needed."""
        while True:
            chunk = self._take_chunk()
            if chunk is None:
                return None
            header, data = self._parts[chunk]
            if len(data) < header[1]:
                continue
            self._parts[chunk] = (header, bytearray())
            kind, body = header[2], bytes(data)
            if kind == SET_CHUNK_SIZE and len(body) >= 4:
                self._chunk = max(1, min(struct.unpack(">I", body[:4])[0] & 0x7FFFFFFF, _LONGEST_MESSAGE))
            elif kind == USER_CONTROL and body[:2] == b"\x00\x06":  # ping: the same back, as 7
                self._write(USER_CONTROL, 0, 0, b"\x00\x07" + body[2:6], channel=2)
            else:
                return kind, body

    def _take_chunk(self) -> int | None:
        """Move one chunk from what came to its channel's message; the channel, or None when it is not whole yet."""
        buffer = self._received
        if not buffer:
            return None
        form, channel, at = buffer[0] >> 6, buffer[0] & 63, 1
        if channel < 2:
            extra = channel + 1
            if len(buffer) < 1 + extra:
                return None
            channel, at = int.from_bytes(buffer[1 : 1 + extra], "little") + 64, 1 + extra
        size = (11, 7, 3, 0)[form]
        if len(buffer) < at + size:
            return None
        old, data = self._parts.get(channel, ([0, 0, 0], bytearray()))
        header = list(old)
        head = buffer[at : at + size]
        if size >= 3:
            header[0] = int.from_bytes(head[:3], "big")
        if size >= 7:
            header[1], header[2] = int.from_bytes(head[3:6], "big"), head[6]
        at += size + (4 if header[0] == _LARGEST_TIME else 0)
        if header[1] > _LONGEST_MESSAGE or len(self._parts) > 64:
            raise NetworkError(f"{self._address.shown} sends what no server of streams sends.")
        length = min(self._chunk, header[1] - len(data))
        if len(buffer) < at + length:
            return None
        self._parts[channel] = (header, data + buffer[at : at + length])
        del buffer[: at + length]
        return channel

    def _command(self, name: str, number: int, *values: Any, stream: int = 0) -> None:
        self._write(COMMAND, stream, 0, encode(name, float(number), *values), channel=3)

    def _write(self, kind: int, stream: int, milliseconds: int, data: bytes, *, channel: int) -> None:
        """A message as one chunk with a full header and as many with none as it takes."""
        milliseconds &= 0xFFFFFFFF
        extended = struct.pack(">I", milliseconds) if milliseconds >= _LARGEST_TIME else b""
        head = struct.pack(">B", channel) + min(milliseconds, _LARGEST_TIME).to_bytes(3, "big")
        head += len(data).to_bytes(3, "big") + bytes([kind]) + struct.pack("<I", stream) + extended
        more = struct.pack(">B", 0xC0 | channel) + extended
        pieces = [data[i : i + _CHUNK] for i in range(0, len(data), _CHUNK)] or [b""]
        self._socket.sendall(head + more.join(pieces))
