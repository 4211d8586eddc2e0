"""The door: who may come in, from which page, with how large a request. Stands before all routes, WebSockets too.

Without tokens only this machine reaches the server. Pages of other places could still send requests to it through the
visitor's browser; so the address they ask for must be one of this server's, and a page must be the server's own.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import re
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException

from mien.apps.server.faults import Denied, body_of, status_of
from mien.apps.server.metrics import Metrics
from mien.apps.server.options import ServeOptions, Token, is_loopback
from mien.errors import InputError, MienError

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

BODY: Final = 256 << 10
"""Most bytes of a request's body, except where a file is uploaded."""
UPLOADS: Final = re.compile(r"/humanaudio|/api/sessions/[\w-]{1,64}/background|/api/studio/uploads/\w{1,64}")
_TEXTS: Final = re.compile(r"/api/studio/projects/[^/]{1,300}(/(edit|check|still|sheet|draft))?")
_TEXT: Final = 4 << 20
"""Most bytes of a project's text, as JSON has it."""
_DRAINED: Final = 64 << 20
_PATIENCE: Final = 5.0
_OPEN: Final = ("/", "/stage", "/health", "/ready", "/docs", "/openapi.json", "/favicon.ico")
_OPEN_FOLDER: Final = "/page/"
_SAFE: Final = ("GET", "HEAD", "OPTIONS")


class Guard:
    """ASGI middleware. Puts the token's number into ``scope["state"]["owner"]``, "" without tokens."""

    def __init__(self, app: App, options: ServeOptions, metrics: Metrics) -> None:
        self._app, self._options, self._metrics = app, options, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        try:
            token = self._admit(scope, headers)
            receive = self._bounded(scope, headers, receive)
        except MienError as error:
            self._metrics.count("mien_requests_total", answer="refused")
            await _refuse(scope, receive, send, error, self._cors(headers))
            return
        scope.setdefault("state", {})
        scope["state"]["owner"] = "" if token is None else str(self._options.tokens.index(token))
        scope["state"]["most"] = 0 if token is None else token.sessions
        await self._app(scope, receive, self._told(send, self._cors(headers)))

    def _admit(self, scope: Scope, headers: Headers) -> Token | None:
        path = scope["path"]
        self._check_page(scope, headers)
        if not self._options.tokens or path in _OPEN or path.startswith(_OPEN_FOLDER) or _is_preflight(scope, headers):
            return None
        found = self._token(scope, headers)
        if found is None:
            raise Denied(
                "The token is missing or wrong.",
                hint="Send it as 'Authorization: Bearer TOKEN', or as ?token=TOKEN for WebSockets.",
                code="denied.token",
            )
        return found

    def _check_page(self, scope: Scope, headers: Headers) -> None:
        """Raise Denied for requests that pages of other places make."""
        host = headers.get("host", "")
        name = (urlsplit(f"//{host}").hostname or "") if host else ""
        if not self._options.tokens and not (is_loopback(name) or name == self._options.host):
            raise Denied("This server is not known by that name.", hint=f"Use http://127.0.0.1:{self._options.port}.")
        origin = headers.get("origin")
        if origin is None or origin in self._options.origins:
            return
        if (scope["type"] == "http" and scope["method"] in _SAFE) or urlsplit(origin).netloc == host:
            return
        raise Denied("That page may not use this server.", hint=f"Start it with --allow-origin {origin[:100]}.")

    def _token(self, scope: Scope, headers: Headers) -> Token | None:
        kind, _, given = headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer":
            given = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("token", [""])[0]
        if not given and scope["type"] == "websocket":
            given = _from_protocols(headers)
        found = None
        for token in self._options.tokens:  # all of them, so that time tells nothing
            if hmac.compare_digest(token.secret.encode(), given.strip().encode("utf-8", "replace")):
                found = token
        return found

    def _bounded(self, scope: Scope, headers: Headers, receive: Receive) -> Receive:
        """``receive`` that ends a body which is too long, whether or not it said so before."""
        if scope["type"] != "http":
            return receive
        most = self._options.upload + BODY if UPLOADS.fullmatch(scope["path"]) else BODY
        if _TEXTS.fullmatch(scope["path"]) and self._options.studio is not None:
            most = _TEXT
        announced = headers.get("content-length", "0")
        if not announced.isdigit() or int(announced) > most:
            raise InputError(f"The request is larger than {_size(most)}.", hint="Send less.", code="input.too_large")
        got = 0

        async def bounded() -> Message:
            nonlocal got
            message = await receive()
            got += len(message.get("body", b""))
            if got > most:
                raise HTTPException(413)
            return message

        return bounded

    def _cors(self, headers: Headers) -> list[tuple[bytes, bytes]]:
        origin = headers.get("origin", "")
        if origin not in self._options.origins:
            return []
        return [
            (b"access-control-allow-origin", origin.encode("latin-1")),
            (b"access-control-allow-methods", b"GET, POST, PUT, PATCH, DELETE"),
            (b"access-control-allow-headers", b"authorization, content-type, if-match, upload-offset"),
            (b"access-control-max-age", b"600"),
            (b"vary", b"Origin"),
        ]

    def _told(self, send: Send, more: list[tuple[bytes, bytes]]) -> Send:
        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._metrics.count("mien_requests_total", answer=f"{message['status'] // 100}xx")
                message["headers"] = [*message.get("headers", []), *_SECURITY, *more]
            await send(message)

        return told


_SECURITY: Final = [(b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer")]


async def _refuse(
    scope: Scope, receive: Receive, send: Send, error: MienError, more: list[tuple[bytes, bytes]]
) -> None:
    status, text = status_of(error), json.dumps(body_of(error)).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(text)).encode()), *_SECURITY, *more]
    if status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    kind = "http.response"
    if scope["type"] == "websocket":
        if "websocket.http.response" not in scope.get("extensions", {}):
            await send({"type": "websocket.close", "code": 1008, "reason": error.message})
            return
        await receive()
        kind = "websocket.http.response"
    else:
        headers.append((b"connection", b"close"))
        await _drain(receive)
    await send({"type": f"{kind}.start", "status": status, "headers": headers})
    await send({"type": f"{kind}.body", "body": text})


async def _drain(receive: Receive) -> None:
    """Read a body that nobody wants, within bounds, keeping nothing: clients that still send when the connection
    ends never see the answer.
    """
    got = 0
    with suppress(TimeoutError):
        async with asyncio.timeout(_PATIENCE):
            while got < _DRAINED:
                message = await receive()
                got += len(message.get("body", b""))
                if message["type"] == "http.disconnect" or not message.get("more_body"):
                    return


def _is_preflight(scope: Scope, headers: Headers) -> bool:
    return scope["type"] == "http" and scope["method"] == "OPTIONS" and "access-control-request-method" in headers


def _from_protocols(headers: Headers) -> str:
    """Clients of OpenAI's realtime API in browsers send the key as a subprotocol, the only header they can set."""
    offered = [p.strip() for p in headers.get("sec-websocket-protocol", "").split(",")]
    prefix = "openai-insecure-api-key."
    return next((p.removeprefix(prefix) for p in offered if p.startswith(prefix)), "")


def _size(count: int) -> str:
    return f"{count >> 20} MB" if count >= 1 << 20 else f"{count >> 10} kB"
