"""A speech server's answer: sound to go on with, or what is wrong in one sentence without the key."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPResponse
from typing import Final

from mien.errors import BackendError, MienError, MissingError, NetworkError

MAX_BYTES: Final = 64 << 20
"""Most that is read of one answer: ten minutes of 48 kHz."""
BLOCK: Final = 1 << 14

_MESSAGE_BYTES: Final = 4096
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


class Passing(Exception):
    """A fault that may pass. wait: seconds that the server asked for, 0 = it did not. again: whether to try again."""

    def __init__(self, error: MienError, *, again: bool = True, wait: float = 0.0) -> None:
        super().__init__(error.message)
        self.error, self.again, self.wait = error, again, wait


def refuse(response: HTTPResponse, call: Call, host: str) -> None:
    """Raise for every answer that is no sound."""
    status = response.status
    if 300 <= status < 400:
        raise BackendError(
            f"{call.what} at {host} wants to send the text elsewhere, which is refused.",
            hint="If that is right, give the new address itself in the settings.",
            code="backend.redirect",
        )
    kind = (response.getheader("Content-Type") or "").lower()
    if status == 200 and not kind.startswith(_NOT_SOUND):
        return
    said = message_of(response, call.secret)
    if status in (401, 403):
        hint = f"Set {call.key_variable} to a key that is valid there." if call.key_variable else "It wants a key."
        raise MissingError(f"{call.what} at {host} refuses access{said}.", hint=hint, code="missing.key")
    if status == 429 or status >= 500:
        how = "is too busy" if status == 429 else f"failed (status {status})"
        error = NetworkError(f"{call.what} at {host} {how}{said}.", hint="Try again later.", code="network.server")
        raise Passing(error, wait=retry_after(response))
    if status == 200:
        raise BackendError(f"{call.what} at {host} answered with words instead of sound{said}.", code="backend.sound")
    raise BackendError(
        f"{call.what} at {host} refused the request (status {status}){said}.",
        hint="Check its address, model and voice in the settings.",
        code="backend.refused",
    )


def body(response: HTTPResponse, call: Call) -> Iterator[bytes]:
    """Blocks as they come. Raises HTTPException when a body of known length is cut short."""
    announced = response.getheader("Content-Length")
    whole = int(announced) if announced and announced.isdigit() else None
    size = 0
    while block := response.read1(BLOCK):
        size += len(block)
        if size > MAX_BYTES:
            raise BackendError(f"{call.what} sends more than {MAX_BYTES >> 20} MB for one text.", code="backend.sound")
        yield block
    if whole is not None and size < whole:
        raise HTTPException(f"{size} of {whole} bytes came")


def message_of(response: HTTPResponse, secret: str) -> str:
    """What the server says is wrong, as the end of a sentence: short, printable, without the key."""
    try:
        raw = response.read(_MESSAGE_BYTES).decode("utf-8", "replace")
    except (OSError, HTTPException):
        return ""
    said: object = raw
    with contextlib.suppress(ValueError):
        said = _find(json.loads(raw))
    words = " ".join(str(said or "").split())
    words = "".join(c for c in words if c.isprintable())
    if secret:
        words = words.replace(secret, "…")  # before the cut, which could leave a piece of it
    words = words[:200].rstrip(".")
    return f": {words}" if words and "<" not in words[:2] else ""


def _find(answer: object) -> object:
    """The sentence in the JSON that servers send: OpenAI's error.message, FastAPI's detail, GPT-SoVITS' Exception."""
    if isinstance(answer, dict):
        for key in ("error", "Exception", "detail", "message", "msg"):
            if answer.get(key):
                return _find(answer[key])
        return ""
    return _find(answer[0]) if isinstance(answer, list) and answer else answer


def retry_after(response: HTTPResponse) -> float:
    """Seconds that the server asks to wait, 0 = it does not."""
    asked = (response.getheader("Retry-After") or "").strip()
    return float(asked) if asked.isdigit() else 0.0
