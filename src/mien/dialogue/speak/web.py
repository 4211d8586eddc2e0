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
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from mien import config
from mien.channel import Abandoned, Channel
from mien.dialogue.speak.sound import inside
from mien.dialogue.speak.web_answer import BLOCK, MAX_BYTES, Call, Passing, body, refuse
from mien.errors import MienError, MissingError, NetworkError, UsageError

TRIES: Final = 3

_CONNECT_SECONDS: Final = 10.0
_BACK_OFF: Final = (0.5, 1.5)  # seconds before the second and third try
_LONGEST_WAIT: Final = 20.0  # of what a server may ask for in Retry-After
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


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
        come: Channel[bytes | BaseException] = Channel(MAX_BYTES // BLOCK)
        reader = threading.Thread(target=self._read, args=(call, come), name="mien-web", daemon=True)
        reader.start()
        try:
            for block in come:
                if isinstance(block, BaseException):
                    raise block
                yield block
        finally:
            come.abandon()
            if reader.is_alive():
                self.close()
                reader.join(2.0)

    def _read(self, call: Call, come: Channel[bytes | BaseException]) -> None:
        """What comes, and behind it what went wrong."""
        try:
            try:
                for block in self._tried(call):
                    come.put(block)
            except Abandoned:
                raise
            except BaseException as error:  # whatever it is, the reader must hear of it
                come.put(error)
            come.finish()
        except Abandoned:
            pass

    def _tried(self, call: Call) -> Iterator[bytes]:
        for attempt in range(TRIES):
            came = False
            try:
                for block in self._once(call):
                    came = True
                    yield block
                return
            except Passing as fault:
                if came or attempt + 1 == TRIES or not fault.again:
                    raise fault.error from None
                if self._ended.wait(min(fault.wait or _BACK_OFF[attempt], _LONGEST_WAIT)):
                    raise fault.error from None

    def get_json(self, url: str, what: str, secret: str = "") -> object:
        """A small JSON document, None when there is none. Never raises; used for what is only good to know."""
        try:
            connection, target = connect(parts_of(url, secret), min(self._timeout, _CONNECT_SECONDS))
            with contextlib.closing(connection):
                connection.request("GET", target, headers=standard_headers("application/json", secret))
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
        parts = parts_of(call.url, call.secret)
        try:
            connection, target = connect(parts, min(self._timeout, _CONNECT_SECONDS))
        except OSError as error:
            raise Passing(_unreachable(call, error), again=isinstance(error, ConnectionResetError)) from None
        self._connection = connection
        try:
            with contextlib.closing(connection):
                if connection.sock is not None:
                    connection.sock.settimeout(self._timeout)
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
        finally:
            self._connection = None


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
