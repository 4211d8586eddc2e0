"""What tests of faults in a running server ask for: a sentence, and everybody else unharmed."""

from __future__ import annotations

import contextlib
import re
import socket
import time
from collections.abc import Iterator
from typing import Any

import httpx
from tests.server.kit import Served

from mien.apps.server.room import Room

SLOWER = 0.6
"""Part of its frames a second that somebody else's session keeps at least while something breaks."""


def sentence(message: str) -> None:
    """One sentence for a person: no trace, no class, nothing from inside."""
    assert message and message.rstrip()[-1] in ".!?…", message
    assert "\n" not in message and "Traceback" not in message and len(message) < 400
    assert not re.search(r"<[^>]+ at 0x|[A-Z]\w+Error\b|\bNone\b", message), message


def told(answer: httpx.Response) -> str:
    """The code of an error that was answered as the API has it."""
    fault = answer.json()["error"]
    assert set(fault) == {"code", "message", "hint", "retryable"} and fault["code"]
    sentence(fault["message"])
    return str(fault["code"])


@contextlib.contextmanager
def unharmed(served: Served) -> Iterator[Room]:
    """Somebody else's session, that goes on through all of the block."""
    room = served.desk.house.get(served.session())
    assert isinstance(room, Room)
    opened, first = time.monotonic(), room.session.counts.frames
    errors: list[Any] = []
    told_before = room.hub._listen

    def listen(event: dict[str, Any]) -> None:
        if event["type"] == "error":
            errors.append(event)
        told_before(event)

    room.hub._listen = listen
    time.sleep(0.5)
    usual = min(25.0, (room.session.counts.frames - first) / (time.monotonic() - opened))  # a busy machine has fewer
    began, frames = time.monotonic(), room.session.counts.frames
    yield room
    time.sleep(max(0.0, began + 0.6 - time.monotonic()))
    rate = (room.session.counts.frames - frames) / (time.monotonic() - began)
    assert rate > SLOWER * usual and not errors and not room.session.broken, (rate, usual, errors)
    with served.client() as client:
        assert client.delete(f"/api/sessions/{room.id}").status_code == 200


async def still_speaks(page: Any) -> None:
    """The session that met the fault says something else."""
    await page.send("say", text="I am still here.")
    await page.until("turn")
    await page.until("sound")


def operations(served: Served) -> list[tuple[str, str, dict[str, Any]]]:
    with served.client() as client:
        paths = client.get("/openapi.json").json()["paths"]
    return [(method, path, about) for path, methods in paths.items() for method, about in methods.items()]


def filled(path: str) -> str:
    return re.sub(r"\{\w+\}", "x", path)


def raw(served: Served, *sent: bytes | memoryview) -> tuple[int, bytes]:
    """The status and all of the answer to bytes that no client would send; the server closes the connection."""
    host, port = served.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), 20) as connection:
        for data in sent:
            connection.sendall(data)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    return int(answer.split(b" ")[1]), answer
