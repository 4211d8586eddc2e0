"""Asking a speech server over HTTP: sound as it comes, bounded in time and size, ended at once when nobody listens.

Standard library only. Proxies of the environment apply, except to this machine. A redirect is refused, so that text
and key go where they were meant to and nowhere else. Nothing that is shown holds a key.
"""

from __future__ import annotations

import base64
import contextlib
import json
import socket
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from mien import config
from mien.channel import Abandoned, Channel
from mien.dialogue.speak.sound import inside
from mien.errors import BackendError, MienError, MissingError, NetworkError, UsageError

TRIES: Final = 3
MAX_BYTES: Final = 64 << 20
"""Most that is read of one answer: ten minutes of 48 kHz."""

_CONNECT_SECONDS: Final = 10.0
_BACK_OFF: Final = (0.5, 1.5)  # seconds before the second and third try
_LONGEST_WAIT: Final = 20.0  # of what a server may ask for in Retry-After
_BLOCK: Final = 1 << 14
_MESSAGE_BYTES: Final = 4096
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_NOT_SOUND: Final = ("application/json", "text/", "application/xml", "application/problem")


@dataclass(frozen=True, slots=True)
class Call:
    """A POST. url: absolute. headers: without secrets. secret: sent as a bearer token, shown to nobody.

    what: names the server in sentences. key_variable: the environment variable that the secret comes from.
    """

    url: str
    body: bytes
    content_type: str
    what: str
    secret: str = ""
    key_variable: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


class Web:
    """One request at a time. timeout: seconds without a byte before a server is given up."""

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._connection: HTTPConnection | None = None
        self._ended = threading.Event()

    def stream(self, call: Call) -> Iterator[bytes]:
        """The answer's body as it comes. Tries again while nothing has come and the fault may pass.

        It is read in a thread, so that a server need not wait for who makes pictures to the sound. Closing the iterator
        ends the request. Raises NetworkError, MissingError (the key), BackendError (refused).
        """
        self._ended.clear()
        come: Channel[bytes] = Channel(MAX_BYTES // _BLOCK)
        reader = threading.Thread(target=self._read, args=(call, come), name="mien-web", daemon=True)
        reader.start()
        try:
            yield from come
        finally:
            come.abandon()
            if reader.is_alive():
                self.close()
                reader.join(2.0)

    def _read(self, call: Call, come: Channel[bytes]) -> None:
        try:
            for block in self._tried(call):
                come.put(block)
            come.finish()
        except Abandoned:
            pass
        except BaseException as error:  # whatever it is, the reader must hear of it
            come.fail(error)

    def _tried(self, call: Call) -> Iterator[bytes]:
        for attempt in range(TRIES):
            came = False
            try:
                for block in self._once(call):
                    came = True
                    yield block
                return
            except _Passing as fault:
                if came or attempt + 1 == TRIES or not fault.again:
                    raise fault.error from None
                if self._ended.wait(min(fault.wait or _BACK_OFF[attempt], _LONGEST_WAIT)):
                    raise fault.error from None

    def get_json(self, url: str, what: str, secret: str = "") -> object:
        """A small JSON document, None when there is none. Never raises; used for what is only good to know."""
        try:
            connection, target = _connect(_parts(url, secret), min(self._timeout, _CONNECT_SECONDS))
            with contextlib.closing(connection):
                connection.request("GET", target, headers=_headers("application/json", secret))
                with connection.getresponse() as response:
                    return json.loads(response.read(1 << 20)) if response.status == 200 else None
        except (OSError, HTTPException, ValueError, MienError):
            return None

    def close(self) -> None:
        """End what is under way, from any thread. Idempotent."""
        self._ended.set()
        connection, self._connection = self._connection, None
        sock = connection.sock if connection is not None else None
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def _once(self, call: Call) -> Iterator[bytes]:
        parts = _parts(call.url, call.secret)
        try:
            connection, target = _connect(parts, min(self._timeout, _CONNECT_SECONDS))
        except OSError as error:
            raise _Passing(_unreachable(call, parts, error), again=isinstance(error, ConnectionResetError)) from None
        self._connection = connection
        try:
            with contextlib.closing(connection):
                if connection.sock is not None:
                    connection.sock.settimeout(self._timeout)
                headers = {"Content-Type": call.content_type, **call.headers}
                connection.request("POST", target, call.body, _headers("*/*", call.secret) | headers)
                with connection.getresponse() as response:
                    _refuse(response, call, parts)
                    yield from _body(response, call)
        except TimeoutError:
            sentence = f"{call.what} at {parts.hostname} sent nothing for {self._timeout:g} seconds."
            raise _Passing(NetworkError(sentence, hint="Try again, or raise [voices] timeout."), again=False) from None
        except (OSError, HTTPException) as error:
            sentence = f"The connection to {inside(call.what)} at {parts.hostname} broke ({_reason(error)})."
            raise _Passing(NetworkError(sentence, hint="Try again.", code="network.cut")) from None
        finally:
            self._connection = None


class _Passing(Exception):
    """A fault that may pass. wait: seconds that the server asked for, 0 = it did not. again: whether to try again."""

    def __init__(self, error: MienError, *, again: bool = True, wait: float = 0.0) -> None:
        super().__init__(error.message)
        self.error, self.again, self.wait = error, again, wait


def is_loopback(url: str) -> bool:
    """Whether an address is on this machine."""
    return host_of(url) in _LOOPBACK


def host_of(url: str) -> str:
    """The name of the machine in an address, "" when it has none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def require_address(url: str, key: str) -> None:
    """Raises UsageError unless ``url`` is an http or https address, MissingError when --offline forbids going there.

    key: the setting that it stands in.
    """
    try:
        parts = urlsplit(url)
        fine = parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:
        fine = False
    if not fine:
        raise UsageError(f"'{url[:80]}' is not an address of a server.", hint=f"Write {key} as http://127.0.0.1:9880.")
    if config.offline() and not is_loopback(url):
        raise MissingError(
            f"The text would go to {host_of(url)}, and --offline forbids it.",
            hint="Use a voice on this machine.",
            code="missing.offline",
        )


def _parts(url: str, secret: str) -> SplitResult:
    parts = urlsplit(url)
    if secret and parts.scheme != "https" and parts.hostname not in _LOOPBACK:
        raise UsageError(
            f"The key would travel to {parts.hostname} unencrypted.",
            hint="Give an https address, or unset the key for a server that needs none.",
        )
    return parts


def _connect(parts: SplitResult, timeout: float) -> tuple[HTTPConnection, str]:
    """A connection that is open, through the environment's proxy where there is one, and what to ask it for."""
    host, secure = parts.hostname or "", parts.scheme == "https"
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    proxy = _proxy(parts.scheme, host)
    kind = HTTPSConnection if secure else HTTPConnection
    if proxy is None:
        connection = kind(host, parts.port, timeout=timeout)
    else:
        connection = kind(proxy.hostname or "", proxy.port, timeout=timeout)
        word = f"{unquote(proxy.username or '')}:{unquote(proxy.password or '')}".encode()
        signed = {"Proxy-Authorization": f"Basic {base64.b64encode(word).decode()}"} if proxy.username else {}
        if secure:
            connection.set_tunnel(host, parts.port, signed)
        else:
            target = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    connection.connect()
    return connection, target


def _proxy(scheme: str, host: str) -> SplitResult | None:
    from urllib.request import getproxies, proxy_bypass

    if host in _LOOPBACK or proxy_bypass(host):
        return None
    named = getproxies().get(scheme)
    return urlsplit(named if "//" in named else f"//{named}") if named else None


def _headers(accept: str, secret: str) -> dict[str, str]:
    headers = {"Accept": accept, "User-Agent": "mien", "Accept-Encoding": "identity"}
    return headers | ({"Authorization": f"Bearer {secret}"} if secret else {})


def _refuse(response: HTTPResponse, call: Call, parts: SplitResult) -> None:
    """Raise for every answer that is no sound."""
    status, host = response.status, parts.hostname
    if 300 <= status < 400:
        raise BackendError(
            f"{call.what} at {host} wants to send the text elsewhere, which is refused.",
            hint="If that is right, give the new address itself in the settings.",
            code="backend.redirect",
        )
    kind = (response.getheader("Content-Type") or "").lower()
    if status == 200 and not kind.startswith(_NOT_SOUND):
        return
    said = _message(response, call.secret)
    if status in (401, 403):
        hint = f"Set {call.key_variable} to a key that is valid there." if call.key_variable else "It wants a key."
        raise MissingError(f"{call.what} at {host} refuses access{said}.", hint=hint, code="missing.key")
    if status == 429 or status >= 500:
        how = "is too busy" if status == 429 else f"failed (status {status})"
        error = NetworkError(f"{call.what} at {host} {how}{said}.", hint="Try again later.", code="network.server")
        raise _Passing(error, wait=_retry_after(response))
    if status == 200:
        raise BackendError(f"{call.what} at {host} answered with words instead of sound{said}.", code="backend.sound")
    raise BackendError(
        f"{call.what} at {host} refused the request (status {status}){said}.",
        hint="Check its address, model and voice in the settings.",
        code="backend.refused",
    )


def _body(response: HTTPResponse, call: Call) -> Iterator[bytes]:
    """Blocks as they come. Raises HTTPException when a body of known length is cut short."""
    announced = response.getheader("Content-Length")
    whole = int(announced) if announced and announced.isdigit() else None
    size = 0
    while block := response.read1(_BLOCK):
        size += len(block)
        if size > MAX_BYTES:
            raise BackendError(f"{call.what} sends more than {MAX_BYTES >> 20} MB for one text.", code="backend.sound")
        yield block
    if whole is not None and size < whole:
        raise HTTPException(f"{size} of {whole} bytes came")


def _message(response: HTTPResponse, secret: str) -> str:
    """What the server says is wrong, as the end of a sentence: short, printable, without the key."""
    try:
        raw = response.read(_MESSAGE_BYTES).decode("utf-8", "replace")
    except (OSError, HTTPException):
        return ""
    said: object = raw
    with contextlib.suppress(ValueError):
        said = _find(json.loads(raw))
    words = " ".join(str(said or "").split())
    words = "".join(c for c in words if c.isprintable())[:200].rstrip(".")
    if secret:
        words = words.replace(secret, "…")
    return f": {words}" if words and "<" not in words[:2] else ""


def _find(answer: object) -> object:
    """The sentence in the JSON that servers send: OpenAI's error.message, FastAPI's detail, GPT-SoVITS' Exception."""
    if isinstance(answer, dict):
        for key in ("error", "Exception", "detail", "message", "msg"):
            if answer.get(key):
                return _find(answer[key])
        return ""
    return _find(answer[0]) if isinstance(answer, list) and answer else answer


def _retry_after(response: HTTPResponse) -> float:
    asked = (response.getheader("Retry-After") or "").strip()
    return float(asked) if asked.isdigit() else 0.0


def _unreachable(call: Call, parts: SplitResult, error: OSError) -> NetworkError:
    place = f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)
    return NetworkError(
        f"No answer from {inside(call.what)} at {place}: {_reason(error)}.",
        hint="Start it, check its address in the settings, or add --fallback to be spoken by the embedded voice.",
        code="network.unreachable",
    )


def _reason(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "it timed out"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
