"""One answer's connection to a chat server: events as they come, with time-outs, ended at once from any thread."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Final

from mien.dialogue.speak.sound import inside
from mien.dialogue.speak.web import connect, parts_of, place_of, reason, standard_headers
from mien.dialogue.speak.web_answer import Call, Passing, message_of, retry_after
from mien.dialogue.think.events import EventReader
from mien.errors import BackendError, MienError, MissingError, NetworkError

TRIES: Final = 3
_BACK_OFF: Final = (0.25, 1.0)  # seconds before the second and third try
_LONGEST_WAIT: Final = 3.0  # of what a server may ask for in Retry-After: nobody waits longer for an answer
_CONNECT_SECONDS: Final = 5.0
_BLOCK: Final = 1 << 14
_LONGEST_ANSWER: Final = 16 << 20  # bytes of one response
_JSON: Final = "application/json"


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds to wait. first: for the first piece, connecting included. between: two pieces."""

    first: float
    between: float


class Link:
    """At most one request at a time; :meth:`close` ends it, from any thread, for good. attempt: how many were made."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._closed = threading.Event()
        self._sock: socket.socket | None = None
        self._deadline = 0.0
        self._begun = False
        self.attempt = 0

    @property
    def closed(self) -> bool:
        """Whether the link was ended."""
        return self._closed.is_set()

    def events(self, call: Call) -> Iterator[str]:
        """Post, and yield the data of each event; a server that answers in one piece of JSON gives one event.

        A fault that may pass is tried again, with growing pauses, until :meth:`progress` was told of the first piece.
        Raises NetworkError, MissingError (key, model), BackendError (garbage, refused, too slow).
        """
        self._begun = False
        for attempt in range(TRIES):
            self.attempt += 1
            try:
                yield from self._once(call)
                return
            except Passing as fault:
                last = attempt + 1 == TRIES or self._begun or not fault.again or fault.wait > _LONGEST_WAIT
                if last or self._closed.wait(fault.wait or _BACK_OFF[attempt]):
                    raise fault.error from None

    def progress(self, *, begun: bool = True) -> None:
        """A piece of the answer came and was taken (begun), or the server shows that it works: patience starts anew."""
        self._begun = self._begun or begun
        self._deadline = time.monotonic() + (self._patience.between if self._begun else self._patience.first)

    def close(self) -> None:
        """End what is under way. Idempotent."""
        self._closed.set()
        sock = self._sock
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def _once(self, call: Call) -> Iterator[str]:
        parts = parts_of(call.url, call.secret)
        self._deadline = time.monotonic() + self._patience.first
        try:
            connection, target = connect(parts, min(self._patience.first, _CONNECT_SECONDS))
        except OSError as error:
            raise Passing(_unreachable(call, error), again=isinstance(error, ConnectionResetError)) from None
        self._sock = connection.sock  # kept here: a connection forgets its socket when the server wants to close it
        try:
            with contextlib.closing(connection):
                if self.closed:  # ended while it was being connected: the question is not sent any more
                    return
                yield from self._exchange(connection, target, call)
        except TimeoutError:
            raise Passing(self._too_slow(call), again=False) from None
        except (OSError, HTTPException, ValueError) as error:  # ValueError: reading what was closed meanwhile
            raise Passing(broken(call, reason(error))) from None
        finally:
            self._sock = None

    def _exchange(self, connection: HTTPConnection, target: str, call: Call) -> Iterator[str]:
        self._wait_no_longer()
        headers = standard_headers("text/event-stream", call.secret) | {"Content-Type": call.content_type}
        connection.request("POST", target, call.body, headers)
        with connection.getresponse() as response:
            _refuse(response, call)
            if (response.getheader("Content-Type") or "").lower().startswith(_JSON):
                yield b"".join(self._blocks(response, call)).decode("utf-8", "replace")
                return
            reader = EventReader(f"{call.what} at {place_of(call.url)}")
            for block in self._blocks(response, call):
                yield from reader.push(block)
            yield from reader.close()

    def _blocks(self, response: HTTPResponse, call: Call) -> Iterator[bytes]:
        size = 0
        while not self.closed:
            self._wait_no_longer()
            block = response.read1(_BLOCK)
            if not block:
                return
            size += len(block)
            if size > _LONGEST_ANSWER:
                raise BackendError(f"{call.what} does not stop sending.", code="backend.garbage")
            yield block

    def _wait_no_longer(self) -> None:
        """Let the socket wait as long as patience lasts. Raises TimeoutError when there is none left."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        if self._sock is not None:
            self._sock.settimeout(left)

    def _too_slow(self, call: Call) -> MienError:
        place = f"{call.what} at {place_of(call.url)}"
        if self._begun:
            sentence = f"{place} stopped in the middle of its answer: nothing for {self._patience.between:g} seconds."
            return BackendError(sentence, hint="Ask again, or raise [think] timeout.", code="backend.stalled")
        return BackendError(
            f"{place} did not begin to answer within {self._patience.first:g} seconds.",
            hint="Use a faster model, or raise [think] first_timeout.",
            code="backend.slow",
        )


def broken(call: Call, why: str) -> NetworkError:
    """The error of a connection that broke."""
    return NetworkError(
        f"The connection to {inside(call.what)} at {place_of(call.url)} broke ({why}).",
        hint="Ask again.",
        code="network.cut",
    )


def _refuse(response: HTTPResponse, call: Call) -> None:
    """Raise for every answer that is no stream of events and no JSON."""
    status, place = response.status, f"{call.what} at {place_of(call.url)}"
    kind = (response.getheader("Content-Type") or "").lower()
    if status == 200 and not kind.startswith(("text/html", "application/xml", "image/", "audio/", "video/")):
        return
    if 300 <= status < 400:
        raise BackendError(
            f"{place} wants to send the question elsewhere, which is refused.",
            hint="If that is right, give the new address itself as [think] url.",
            code="backend.redirect",
        )
    if status == 200:
        raise BackendError(
            f"{place} answered with a web page instead of an answer.",
            hint="Give the base address of its API as [think] url; it often ends in /v1.",
            code="backend.garbage",
        )
    said = message_of(response, call.secret)
    raise _refusal(status, place, said, call, retry_after(response))


def _refusal(status: int, place: str, said: str, call: Call, wait: float) -> Exception:
    if status in (401, 403):
        hint = f"Set {call.key_variable} to a key that is valid there."
        return MissingError(f"{place} refuses access{said}.", hint=hint, code="missing.key")
    if status == 404:
        hint = f"Its models are listed at {call.url.removesuffix('/chat/completions')}/models; set [think] model, url."

        return MissingError(f"{place} has no such model or no such address{said}.", hint=hint, code="missing.model")
    if status == 429:
        hint = "Try again later, or raise the limit of your account."
        return Passing(NetworkError(f"{place} is too busy{said}.", hint=hint, code="network.busy"), wait=wait)
    if status >= 500:
        error = NetworkError(f"{place} failed (status {status}){said}.", hint="Try again later.", code="network.server")
        return Passing(error, wait=wait)
    return BackendError(
        f"{place} refused the request (status {status}){said}.",
        hint="Check [think] url and model.",
        code="backend.refused",
    )


def _unreachable(call: Call, error: OSError) -> NetworkError:
    return NetworkError(
        f"No answer from {inside(call.what)} at {place_of(call.url)}: {reason(error)}.",
        hint="Start it, or check [think] url (MIEN_THINK_URL).",
        code="network.unreachable",
    )
