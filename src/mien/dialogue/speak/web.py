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
from collections.abc import Callable, Iterator
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from mien import config
from mien.channel import Abandoned, Channel
from mien.dialogue.errands import Errands
from mien.dialogue.speak.sound import inside
from mien.dialogue.speak.web_answer import BLOCK, MAX_BYTES, Call, Passing, body, refuse
from mien.errors import MienError, MissingError, NetworkError, UsageError
from mien.turn import Turn

TRIES: Final = 3

_CONNECT_SECONDS: Final = 10.0
_BACK_OFF: Final = (0.5, 1.5)  # seconds before the second and third try
_LONGEST_WAIT: Final = 20.0  # of what a server may ask for in Retry-After
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


class Web:
    """Any number of requests, each with a connection and a thread of its own. Safe from any thread.

    timeout: seconds without a byte before a server is given up.
    """

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._errands = Errands("mien-web")
        self._lock = threading.Lock()
        self._running: set[_Request] = set()

    @property
    def left(self) -> int:
        """How many requests were given up and have not ended yet; bounded."""
        return self._errands.left

    def stream(self, call: Call, turn: Turn | None = None) -> Iterator[bytes]:
        """The answer's body as it comes. Tries again while nothing has come and the fault may pass.

        It is read in a thread, so that a server need not wait for who makes pictures to the sound. Closing the iterator
        or cutting the turn ends the request at once. Raises NetworkError, MissingError (the key), BackendError
        (refused), Cut.
        """
        return self._followed(lambda request: self._tried(call, request), call.what, turn or Turn())

    def get_json(self, url: str, what: str, secret: str = "", turn: Turn | None = None) -> object:
        """A small JSON document, None when there is none. Raises Cut only; used for what is only good to know."""
        try:
            return json.loads(
                b"".join(self._followed(lambda request: self._small(url, secret, request), what, turn or Turn()))
            )
        except (MienError, ValueError):
            return None

    def close(self) -> None:
        """End what is under way, from any thread. Idempotent."""
        with self._lock:
            running = list(self._running)
        for request in running:
            request.end()

    def _followed(self, work: Callable[[_Request], Iterator[bytes]], what: str, turn: Turn) -> Iterator[bytes]:
        """What a request's thread reads, until somebody ends it."""
        request = _Request()
        with self._lock:
            self._running.add(request)
        off = turn.when_cut(request.end)
        try:
            with self._errands.running(lambda: request.run(work), turn):
                for block in request.come:
                    turn.check()
                    if isinstance(block, BaseException):
                        raise block
                    yield block
            turn.check()
            if request.ended:
                raise NetworkError(f"The request to {inside(what)} was ended.", hint="Try again.", code="network.cut")
        finally:
            off()
            request.end()
            with self._lock:
                self._running.discard(request)

    def _tried(self, call: Call, request: _Request) -> Iterator[bytes]:
        for attempt in range(TRIES):
            came = False
            try:
                for block in self._once(call, request):
                    came = True
                    yield block
                return
            except Passing as fault:
                if came or attempt + 1 == TRIES or not fault.again:
                    raise fault.error from None
                if request.wait(min(fault.wait or _BACK_OFF[attempt], _LONGEST_WAIT)):
                    raise fault.error from None

    def _small(self, url: str, secret: str, request: _Request) -> Iterator[bytes]:
        try:
            connection, target = connect(parts_of(url, secret), min(self._timeout, _CONNECT_SECONDS))
            with contextlib.closing(connection):
                request.hold(connection)
                connection.request("GET", target, headers=standard_headers("application/json", secret))
                with connection.getresponse() as response:
                    if response.status == 200:
                        yield response.read(1 << 20)
        except (OSError, HTTPException) as error:
            raise NetworkError(reason(error)) from None

    def _once(self, call: Call, request: _Request) -> Iterator[bytes]:
        parts = parts_of(call.url, call.secret)
        try:
            connection, target = connect(parts, min(self._timeout, _CONNECT_SECONDS))
        except OSError as error:
            raise Passing(_unreachable(call, error), again=isinstance(error, ConnectionResetError)) from None
        try:
            with contextlib.closing(connection):
                if connection.sock is not None:
                    connection.sock.settimeout(self._timeout)
                request.hold(connection)
                headers = {"Content-Type": call.content_type, **call.headers}
                connection.request("POST", target, call.body, standard_headers("*/*", call.secret) | headers)
                with connection.getresponse() as response:
                    refuse(response, call, str(parts.hostname))
                    yield from body(response, call)
        except TimeoutError:
            sentence = f"{call.what} at {parts.hostname} sent nothing for {self._timeout:g} seconds."
            raise Passing(NetworkError(sentence, hint="Try again, or raise [voices] timeout."), again=False) from None
        except (OSError, HTTPException) as error:
            sentence = f"The connection to {inside(call.what)} at {parts.hostname} broke ({reason(error)})."
            raise Passing(NetworkError(sentence, hint="Try again.", code="network.cut")) from None


class _Request:
    """One request: its connection, and what came and was not taken yet."""

    def __init__(self) -> None:
        self.come: Channel[bytes | BaseException] = Channel(MAX_BYTES // BLOCK)
        self._ended = threading.Event()
        self._sock: socket.socket | None = None

    @property
    def ended(self) -> bool:
        """Whether somebody ended it before its end."""
        return self._ended.is_set()

    def run(self, work: Callable[[_Request], Iterator[bytes]]) -> None:
        """What comes, and behind it what went wrong; in the request's own thread."""
        try:
            try:
                for block in work(self):
                    self.come.put(block)
            except Abandoned:
                raise
            except BaseException as error:  # whatever it is, the reader must hear of it
                self.come.put(error)
            self.come.finish()
        except Abandoned:
            pass

    def hold(self, connection: HTTPConnection) -> None:
        """This is its connection now. Raises Abandoned when it was ended meanwhile: nothing is sent any more."""
        self._sock = connection.sock  # a connection forgets its socket when the server wants to close it
        if self.ended:
            raise Abandoned

    def wait(self, seconds: float) -> bool:
        """Wait before the next try; True when it was ended meanwhile."""
        return self._ended.wait(seconds)

    def end(self) -> None:
        """End it, from any thread. Idempotent."""
        self._ended.set()
        self.come.abandon()
        if self._sock is not None:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(self._sock, socket.SHUT_RDWR)  # below TLS, whose reader may be at work


def is_loopback(url: str) -> bool:
    """Whether an address is on this machine."""
    return host_of(url) in _LOOPBACK


def host_of(url: str) -> str:
    """The name of the machine in an address, "" when it has none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def place_of(url: str) -> str:
    """Machine and port of an address, without the name, password or query that may stand in it."""
    try:
        parts = urlsplit(url)
        return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)
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
        raise UsageError(
            f"'{url.rpartition('@')[2][:80]}' is not an address of a server.",
            hint=f"Write {key} as http://127.0.0.1:9880.",
        )
    if config.offline() and not is_loopback(url):
        raise MissingError(
            f"The text would go to {host_of(url)}, and --offline forbids it.",
            hint="Use a voice on this machine.",
            code="missing.offline",
        )


def parts_of(url: str, secret: str) -> SplitResult:
    """An address in parts. Raises UsageError where a secret would travel unencrypted."""
    parts = urlsplit(url)
    if secret and parts.scheme != "https" and parts.hostname not in _LOOPBACK:
        raise UsageError(
            f"The key would travel to {parts.hostname} unencrypted.",
            hint="Give an https address, or unset the key for a server that needs none.",
        )
    return parts


def connect(parts: SplitResult, timeout: float) -> tuple[HTTPConnection, str]:
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


def standard_headers(accept: str, secret: str) -> dict[str, str]:
    """What every request says; the secret as a bearer token."""
    headers = {"Accept": accept, "User-Agent": "mien", "Accept-Encoding": "identity"}
    return headers | ({"Authorization": f"Bearer {secret}"} if secret else {})


def _unreachable(call: Call, error: OSError) -> NetworkError:
    return NetworkError(
        f"No answer from {inside(call.what)} at {place_of(call.url)}: {reason(error)}.",
        hint="Start it, check its address in the settings, or add --fallback to be spoken by the embedded voice.",
        code="network.unreachable",
    )


def reason(error: BaseException) -> str:
    """Why a connection failed, in a few words."""
    if isinstance(error, TimeoutError):
        return "it timed out"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
