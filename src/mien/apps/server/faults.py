"""Errors as the API tells them: ``{"error": {"code", "message", "hint", "retryable"}}`` with the status that fits."""

from __future__ import annotations

import logging
import re
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from mien.errors import BackendError, InputError, MienError, MissingError, NetworkError, OutputError, UsageError

_log = logging.getLogger(__name__)

_BY_CODE: Final = {
    "session.unknown": 404, "output.unknown": 404, "avatar.missing": 404, "missing.persona": 404, "missing.voice": 404,
    "missing.language": 404, "missing.recording": 404, "missing.background": 404,
    "missing.visitor": 404, "busy": 503, "busy.token": 429, "busy.rate": 429,
    "missing.studio": 404, "missing.project": 404, "missing.asset": 404, "missing.upload": 404, "missing.film": 404,
    "missing.job": 404, "project": 422, "project.form": 422, "project.changed": 412, "upload.offset": 409,
    "busy.studio": 503, "studio.slow": 503,
    "input.too_large": 413, "input.conflict": 409, "denied.token": 401, "denied": 403, "consent.missing": 403,
}  # fmt: skip
"""What the class alone does not say."""
_BY_CLASS: Final = (
    (UsageError, 400), (InputError, 422), (MissingError, 501), (OutputError, 507), (NetworkError, 502),
    (BackendError, 502),
)  # fmt: skip
_PLAIN: Final = {
    400: ("request.malformed", "The request cannot be read."),
    401: ("denied.token", "The token is missing or wrong."),
    403: ("denied", "This is not allowed."),
    404: ("request.path", "There is nothing at this address."),
    405: ("request.method", "This address does not take this method."),
    413: ("input.too_large", "The request is too large."),
}
_RETRY_AFTER: Final = 5


class Fault(BaseModel):
    """What went wrong."""

    code: str = Field(description="Stable, for programs.", examples=["session.unknown"])
    message: str = Field(description="One sentence.", examples=["There is no such session (any more)."])
    hint: str = Field(description="What mends it, may be empty.", examples=["Open a new one."])
    retryable: bool = Field(description="Whether trying the same again may help.")


class ErrorBody(BaseModel):
    """Every error has this form."""

    error: Fault


class Denied(MienError):
    """Somebody may not do this."""

    default_code = "denied"


def status_of(error: MienError) -> int:
    """The HTTP status of an error."""
    if error.code in _BY_CODE:
        return _BY_CODE[error.code]
    return next((status for kind, status in _BY_CLASS if isinstance(error, kind)), 500)


def body_of(error: MienError) -> dict[str, Any]:
    """The error's JSON."""
    return body(error.code, error.message, error.hint, retryable=error.retryable)


def body(code: str, message: str, hint: str = "", *, retryable: bool = False) -> dict[str, Any]:
    """An error's JSON."""
    return {"error": {"code": code, "message": message, "hint": hint, "retryable": retryable}}


def response_of(error: MienError) -> JSONResponse:
    """The error as a response."""
    status = status_of(error)
    headers = {"Retry-After": str(_RETRY_AFTER)} if status in (429, 503) else {}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse(body_of(error), status, headers=headers)


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For a route's OpenAPI: these errors may come, besides those that any route has."""
    return {status: {"model": ErrorBody} for status in sorted({400, 401, 403, 413, 422, *statuses})}


def install(app: FastAPI) -> None:
    """Have the app tell all errors in this form."""

    @app.exception_handler(MienError)
    async def mien_error(request: Request, error: MienError) -> JSONResponse:
        return response_of(error)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        return JSONResponse(body("request.invalid", _sentence(error), "See /docs for what it takes."), 422)

    @app.exception_handler(HTTPException)
    async def plain(request: Request, error: HTTPException) -> JSONResponse:
        code, message = _PLAIN.get(error.status_code, ("request", "The request cannot be served."))
        headers = {"Allow": _allowed(request)} if error.status_code == 405 else error.headers
        return JSONResponse(body(code, message), error.status_code, headers=headers)

    @app.exception_handler(Exception)
    async def broken(request: Request, error: Exception) -> JSONResponse:
        _log.exception("%s %s broke", request.method, request.url.path)
        told = body("internal", "Something broke inside.", "The server's log has the reason.")
        return JSONResponse(told, 500, headers={"Connection": "close"})  # the server closes it after what broke


def _allowed(request: Request) -> str:
    """The methods that an address takes, of all its routes."""
    paths: dict[str, dict[str, Any]] = request.app.openapi()["paths"]
    matching = [m for path, m in paths.items() if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", path), request.url.path)]
    return ", ".join(sorted({method.upper() for methods in matching for method in methods})) or "GET"


def _sentence(error: RequestValidationError) -> str:
    """The first thing that is wrong, without what was sent."""
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"] if part != "body") or "the body"
    return f"'{place[:80]}' is not right: {first['msg']}."
