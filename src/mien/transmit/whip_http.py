"""WHIP's half in HTTP (RFC 9725): POST brings the offer and the answer with the session's address, DELETE ends it."""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import socket
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, urljoin, urlsplit

from mien.errors import NetworkError, UsageError

_SECONDS: Final = 5.0
_CONNECT_SECONDS: Final = 2.5
_GOODBYE_SECONDS: Final = 1.0
_LONGEST: Final = 64 * 1024
_REDIRECTS: Final = 3


@dataclass(frozen=True, slots=True)
class Created:
    """A session that an endpoint made. answer: SDP. address: of the session, to be deleted at the end."""

    answer: str
    address: str


def check_endpoint(url: str, token: str) -> SplitResult:
    """The parts of an endpoint's URL. Raises UsageError; a token goes over http to this machine only."""
    hint = "Give the address that the streaming service calls its WHIP endpoint, such as https://HOST/whip/NAME."
    try:
        parts = urlsplit(url.strip())
        _ = parts.port
    except ValueError:
        raise UsageError("The address of the WHIP endpoint cannot be read.", hint=hint) from None
    odd = any(ord(c) < 33 or ord(c) > 126 for c in url.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or odd:
        raise UsageError("The address of the WHIP endpoint is no plain http or https address.", hint=hint)
    if any(ord(c) < 33 or ord(c) > 126 for c in token):
        raise UsageError("The token of the WHIP endpoint has characters that no token has.", hint="Copy it again.")
    if token and parts.scheme == "http" and not _is_here(parts.hostname):
        raise UsageError("A token is not sent over plain http.", hint="Use the endpoint's https address.")
    return parts


def shown(url: str) -> str:
    """An endpoint as it may be shown: its path may be a key."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/…"


class WhipHttp:
    """Talks to one endpoint; calls are made from one thread, :meth:`hang_up` from any."""

    def __init__(self, url: str, token: str) -> None:
        check_endpoint(url, token)
        self._url, self._token = url.strip(), token
        self._open: http.client.HTTPConnection | None = None

    def create(self, offer: str) -> Created:
        """POST the offer. Raises NetworkError in a sentence that says why, without token and path."""
        url = self._url
        for _ in range(_REDIRECTS + 1):
            status, headers, body = self._ask("POST", url, offer.encode(), _SECONDS)
            place = headers.get("location", "")
            if status == 201:
                return Created(body.decode("utf-8", "replace"), urljoin(url, place) if place else "")
            if status in (307, 308) and place:
                url = self._followed(url, place)
                continue
            raise _refused(self._url, status)
        raise NetworkError(f"{shown(self._url)} sends us round and round.", hint="Give the last address directly.")

    def delete(self, created: Created) -> None:
        """DELETE the session, if it can be reached at once. Never raises."""
        if created.address:
            with contextlib.suppress(NetworkError, UsageError):
                self._ask("DELETE", created.address, b"", _GOODBYE_SECONDS)

    def hang_up(self) -> None:
        """Break a request that is under way; it fails."""
        connection = self._open
        if connection is not None and connection.sock is not None:
            with contextlib.suppress(OSError):
                connection.sock.shutdown(socket.SHUT_RDWR)

    def _followed(self, url: str, place: str) -> str:
        target = urljoin(url, place)
        check_endpoint(target, "")
        if urlsplit(url).scheme == "https" and urlsplit(target).scheme != "https":
            raise NetworkError(f"{shown(url)} sends us to an address without encryption.")
        return target

    def _ask(self, method: str, url: str, body: bytes, seconds: float) -> tuple[int, dict[str, str], bytes]:
        parts = check_endpoint(url, "")
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(parts.hostname or "", parts.port, timeout=min(seconds, _CONNECT_SECONDS))
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._open = connection
        try:
            connection.connect()
            connection.sock.settimeout(seconds)
            connection.request(method, path, body or None, self._headers(url, bool(body)))
            response = connection.getresponse()
            data = response.read(_LONGEST + 1)
            if len(data) > _LONGEST:
                raise NetworkError(f"{shown(url)} answers with more than a session description.")
            return response.status, {k.lower(): v for k, v in response.getheaders()}, data
        except TimeoutError:
            raise NetworkError(f"{shown(url)} does not answer.", hint="Is it the right address?") from None
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "strerror", None) or type(error).__name__
            raise NetworkError(f"{shown(url)} could not be reached: {reason}.") from None
        finally:
            self._open = None
            connection.close()

    def _headers(self, url: str, offers: bool) -> dict[str, str]:
        """The token goes to the endpoint's own host, wherever else we are sent."""
        headers = {"User-Agent": "Mien"}
        if offers:
            headers |= {"Content-Type": "application/sdp", "Accept": "application/sdp"}
        if self._token and urlsplit(url)[:2] == urlsplit(self._url)[:2]:
            headers["Authorization"] = f"Bearer {self._token}"
        return headers


def _refused(url: str, status: int) -> NetworkError:
    reasons = {
        401: "the token is missing or wrong",
        403: "the token may not publish there",
        404: "there is no such endpoint",
        405: "that is no WHIP endpoint",
        406: "it takes neither H.264 nor VP8 with Opus",
        415: "that is no WHIP endpoint",
        422: "it does not take our offer",
        503: "it is full or not ready",
    }
    return NetworkError(f"{shown(url)} refuses the stream: {reasons.get(status, f'HTTP status {status}')}.")


def _is_here(host: str) -> bool:
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"
