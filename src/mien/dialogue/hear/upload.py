"""Sending a form to a server and reading its short JSON answer: bounded in time and size, ended at once on demand.

Standard library only. Proxies of the environment apply, except to this machine. A redirect is refused, so that
sound and key go where they were meant to and nowhere else. Nothing that is shown holds a key.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import socket
import threading
import time
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Final

from mien.dialogue.speak import web
from mien.errors import BackendError, MienError, MissingError, NetworkError

TRIES: Final = 3

_BACK_OFF: Final = (0.3, 1.0)  # seconds before the second and third try: somebody waits for an answer
_LONGEST_WAIT: Final = 5.0
_CONNECT_SECONDS: Final = 5.0
_MOST_BYTES: Final = 1 << 20
_HINT: Final = "Start it, or check openai_url of [hear]."


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a form; a file where it has a name. kind: MIME type of a file."""

    name: str
    content: bytes
    file: str = ""
    kind: str = ""


class _Passing(Exception):
    """A fault that may pass. wait: seconds that the server asked for."""

    def __init__(self, error: MienError, wait: float = 0.0) -> None:
        super().__init__(error.message)
        self.error, self.wait = error, wait


class Upload:
    """One POST of a form. what: names the server in sentences. timeout: seconds in all for one try."""

    def __init__(self, url: str, fields: list[Field], what: str, secret: str, timeout: float) -> None:
        self._url, self._what, self._secret, self._timeout = url, what, secret, timeout
        boundary = secrets.token_hex(16)
        self._kind = f"multipart/form-data; boundary={boundary}"
        self._body = _form(fields, boundary)
        self._over = threading.Event()
        self._connection: HTTPConnection | None = None

    @property
    def ended(self) -> bool:
        """Whether nobody wants the answer any more."""
        return self._over.is_set()

    def end(self) -> None:
        """Give it up, from any thread; :meth:`answer` returns None soon. Idempotent."""
        self._over.set()
        sock = getattr(self._connection, "sock", None)
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def answer(self) -> object:
        """The JSON that comes back, None when it was given up. Tries again where the fault may pass.

        Raises NetworkError, MissingError (the key), BackendError (refused, or no JSON), UsageError (the address).
        """
        for attempt in range(TRIES):
            try:
                return self._once()
            except _Passing as fault:
                if self.ended:
                    return None
                if attempt + 1 == TRIES:
                    raise fault.error from None
                if self._over.wait(min(fault.wait or _BACK_OFF[attempt], _LONGEST_WAIT)):
                    return None
            except MienError:
                if self.ended:
                    return None
                raise
        return None

    def _once(self) -> object:
        parts = web.parts_of(self._url, self._secret)
        host, begun = str(parts.hostname), time.monotonic()
        if self.ended:
            return None
        try:
            connection, target = web.connect(parts, min(self._timeout, _CONNECT_SECONDS))
        except OSError as error:
            sentence = f"No answer from {_inside(self._what)} at {web.place_of(self._url)}: {web.reason(error)}."
            raise NetworkError(sentence, hint=_HINT, code="network.unreachable") from None
        self._connection = connection
        timer = threading.Timer(self._timeout, _cut, (connection,))  # also for servers that send a byte now and then
        timer.daemon = True
        timer.start()
        try:
            with contextlib.closing(connection):
                headers = {"Content-Type": self._kind, **web.standard_headers("application/json", self._secret)}
                connection.request("POST", target, self._body, headers)
                with connection.getresponse() as response:
                    self._refuse(response, host)
                    return self._read(response, host)
        except (OSError, HTTPException) as error:
            if time.monotonic() - begun >= 0.95 * self._timeout:
                sentence = f"{self._what} at {host} did not answer within {self._timeout:g} seconds."
                raise NetworkError(sentence, hint="Raise timeout of [hear].", code="network.timeout") from None
            sentence = f"The connection to {_inside(self._what)} at {host} broke ({web.reason(error)})."
            raise _Passing(NetworkError(sentence, hint="Try again.", code="network.cut")) from None
        finally:
            timer.cancel()
            self._connection = None

    def _read(self, response: HTTPResponse, host: str) -> object:
        body = response.read(_MOST_BYTES + 1)
        if len(body) > _MOST_BYTES:
            raise BackendError(f"{self._what} at {host} sends far more than a text.", code="backend.answer")
        announced = response.getheader("Content-Length") or ""
        if announced.isdigit() and len(body) < int(announced):
            raise HTTPException(f"{len(body)} of {announced} bytes came")
        try:
            return json.loads(body)
        except ValueError:
            raise BackendError(
                f"{self._what} at {host} answered with something else than JSON.", hint=_HINT, code="backend.answer"
            ) from None

    def _refuse(self, response: HTTPResponse, host: str) -> None:
        """Raise for every answer that is no text."""
        status = response.status
        if status == 200:
            return
        if 300 <= status < 400:
            raise BackendError(
                f"{self._what} at {host} wants to send the sound elsewhere, which is refused.",
                hint="If that is right, give the new address itself in the settings.", code="backend.redirect",
            )  # fmt: skip
        said = self._said(response)
        if status in (401, 403):
            hint = "Set OPENAI_API_KEY to a key that is valid there."
            raise MissingError(f"{self._what} at {host} refuses access{said}.", hint=hint, code="missing.key")
        if status == 429 or status >= 500:
            how = "is too busy" if status == 429 else f"failed (status {status})"
            asked = (response.getheader("Retry-After") or "").strip()
            error = NetworkError(f"{self._what} at {host} {how}{said}.", hint="Try again later.", code="network.server")
            raise _Passing(error, float(asked) if asked.isdigit() else 0.0)
        raise BackendError(
            f"{self._what} at {host} refused the request (status {status}){said}.",
            hint="Check openai_url and openai_model of [hear].", code="backend.refused",
        )  # fmt: skip

    def _said(self, response: HTTPResponse) -> str:
        """What the server says is wrong, as the end of a sentence: short, printable, without the key."""
        try:
            raw = response.read(4096).decode("utf-8", "replace")
        except (OSError, HTTPException):
            return ""
        said: object = raw
        with contextlib.suppress(ValueError):
            said = json.loads(raw)
        while isinstance(said, dict):
            said = next((said[key] for key in ("error", "detail", "message") if said.get(key)), "")
        words = "".join(c for c in " ".join(str(said).split()) if c.isprintable())
        if self._secret:
            words = words.replace(self._secret, "…")
        words = words[:200].rstrip(".")
        return f": {words}" if words and "<" not in words[:2] else ""


def _form(fields: list[Field], boundary: str) -> bytes:
    """RFC 7578. The names are ours: nothing in them needs quoting."""
    pieces = []
    for field in fields:
        file = f'; filename="{field.file}"' if field.file else ""
        kind = f"Content-Type: {field.kind}\r\n" if field.kind else ""
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{field.name}"{file}\r\n{kind}\r\n'
        pieces += [head.encode(), field.content, b"\r\n"]
    return b"".join(pieces) + f"--{boundary}--\r\n".encode()


def _cut(connection: HTTPConnection) -> None:
    sock = connection.sock
    if sock is not None:
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)


def _inside(what: str) -> str:
    """The words inside a sentence."""
    return what[:1].lower() + what[1:]
