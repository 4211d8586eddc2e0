"""What a server is told when it starts."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from mien.errors import UsageError
from mien.transmit.rtc_settings import RtcSettings

TOKEN_VARIABLE: Final = "MIEN_SERVE_TOKEN"  # noqa: S105 - the name of a variable
_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/-]{8,200}")
_SHORTEST: Final = 16


@dataclass(frozen=True, slots=True)
class Token:
    """Who may come in. sessions: how many of its sessions may be open at once, 0 = no limit of its own."""

    secret: str = field(repr=False)
    sessions: int = 0


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """How a server is reached and what it bears.

    host, port: of HTTP. tokens: who may come in, () = everybody who reaches it, which only loopback allows. origins:
    web pages of other places that may use it ("https://example.org"). sessions: at once, 0 = as many as this machine
    carries. rtc: UDP. portraits: pictures to choose from, the first is the usual one. outside: whether visitors may
    send pictures and motion to other machines; None = only where everybody is on loopback. upload: most bytes of a
    file. openings: sessions that one visitor may open in a minute, 0 = any. alone: seconds after which a session that
    nobody watches is closed. studio: the folder of its projects, None = there is no studio. studio_quota,
    project_quota: bytes that all of it, and one project, may take.
    """

    host: str = "127.0.0.1"
    port: int = 8010
    tokens: tuple[Token, ...] = ()
    origins: tuple[str, ...] = ()
    sessions: int = 0
    rtc: RtcSettings = field(default_factory=RtcSettings)
    portraits: tuple[Path, ...] = ()
    outside: bool | None = None
    upload: int = 20 << 20
    openings: int = 30
    alone: float = 60.0
    studio: Path | None = None
    studio_quota: int = 20 * 10**9
    project_quota: int = 2 * 10**9

    def __post_init__(self) -> None:
        if not is_loopback(self.host) and not self.tokens:
            raise UsageError(
                f"Without a token, everybody who reaches {self.host} could use this server.",
                hint=f"Give one with --token or {TOKEN_VARIABLE}, or stay on 127.0.0.1.",
                code="usage.token",
            )
        for origin in self.origins:
            _check_origin(origin)

    @property
    def local(self) -> bool:
        """Whether only this machine reaches it."""
        return is_loopback(self.host)

    @property
    def may_send_outside(self) -> bool:
        """Whether visitors may send pictures and motion to other machines."""
        return self.local if self.outside is None else self.outside


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a host."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def parse_token(text: str) -> Token:
    """ "SECRET" or "SECRET=3", where 3 is how many sessions it may have at once. Raises UsageError."""
    secret, _, most = text.strip().partition("=")
    if not _TOKEN.fullmatch(secret) or (most and not most.isdigit()):
        raise UsageError(
            "A token has 8 to 200 letters, digits and - . _ ~ + /, and perhaps =N behind it.",
            hint="Make one: python -c 'import secrets; print(secrets.token_urlsafe())'",
        )
    return Token(secret, int(most or 0))


def parse_tokens(given: list[str], environment: str) -> tuple[Token, ...]:
    """Those of the command line, else those of the environment, separated by commas or spaces. Raises UsageError."""
    return tuple(parse_token(text) for text in given or re.split(r"[\s,]+", environment) if text.strip())


def weak(token: Token) -> bool:
    """Whether a token is so short that it might be guessed."""
    return len(token.secret) < _SHORTEST


def _check_origin(origin: str) -> None:
    parts = urlsplit(origin)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.path or parts.query:
        raise UsageError(f"'{origin[:80]}' is not the origin of a web page.", hint="Write it like https://example.org.")
