"""``mien serve``: the page on which the avatar lives, and its API.

Events under ``--json``, one JSON object a line on standard output:

- ``serving``: url, udp_port, sessions (at once), token (whether one is needed): the server answers.
"""

from __future__ import annotations

import os
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

from mien import config
from mien.apps.cli import console
from mien.apps.cli.options import Strict, option, strictly
from mien.errors import InputError, MissingError, OutputError, UsageError

if TYPE_CHECKING:
    from mien.apps.server.options import ServeOptions
    from mien.transmit.rtc_settings import RtcSettings

WHERE: Final = "Where"
WHO: Final = "Who"
_NEEDED: Final = ("fastapi", "uvicorn", "websockets", "multipart")
_MESSAGE: Final = 1 << 20
"""Most bytes of a WebSocket message."""
_CONNECTIONS: Final = 512


Host = Annotated[str, option(WHERE, "--host", metavar="ADDRESS", text="127.0.0.1; others need a token.")]
Port = Annotated[int, option(WHERE, "--port", metavar="N", text="8010; 0 is any that is free.")]
Tokens = Annotated[
    list[str] | None,
    option(WHERE, "--token", metavar="SECRET[=N]", text="Who may come in, N sessions at once; or MIEN_SERVE_TOKEN."),
]
Origins = Annotated[
    list[str] | None, option(WHERE, "--allow-origin", metavar="URL", text="A web page elsewhere that may use the API.")
]
UdpPort = Annotated[str, option(WHERE, "--udp-port", metavar="N[-M]", text="For WebRTC; any by default.")]
Announce = Annotated[
    list[str] | None, option(WHERE, "--announce", metavar="IP", text="The address at which browsers reach UDP.")
]
Stun = Annotated[str, option(WHERE, "--stun", metavar="URL", text="stun:HOST:PORT")]
Turn = Annotated[str, option(WHERE, "--turn", metavar="URL", text="turn:HOST:PORT; USER:KEY in MIEN_TURN.")]
Sessions = Annotated[
    int, option(WHERE, "--sessions", metavar="N", text="At once; as many as the cores carry by default.")
]
Outside = Annotated[
    bool | None,
    option(WHERE, "--send-outside/--no-send-outside", text="Visitors may push to other machines (on loopback: yes)."),
]
StudioFolder = Annotated[
    Path | None, option(WHERE, "--studio", metavar="FOLDER", text="Projects that visitors edit and render on the page.")
]
StudioQuota = Annotated[
    str | None, option(WHERE, "--studio-quota", metavar="GB[/GB]", text="For the studio, and for one project; 20/2.")
]
Portraits = Annotated[
    list[Path] | None, option(WHO, "--portrait", "-p", metavar="FILE", text="A picture of a face; several to choose.")
]
Documents = Annotated[Path | None, option(WHO, "--documents", metavar="FOLDER", text="What to answer from.")]
PersonaName = Annotated[str | None, option(WHO, "--persona", metavar="NAME", text="guide, teller, tutor, or a file.")]
Hear = Annotated[str | None, option(WHO, "--hear", metavar="NAME", text="auto, sherpa, openai or pocketsphinx.")]
Think = Annotated[str | None, option(WHO, "--think", metavar="NAME", text="auto, documents or openai.")]
Voice = Annotated[str | None, option(WHO, "--voice", metavar="NAME", text="From mien voice list; auto.")]
Language = Annotated[str | None, option(WHO, "--language", "-l", metavar="CODE", text="en, zh …; auto.")]


def command(
    host: Host = "127.0.0.1",
    port: Port = 8010,
    token: Tokens = None,
    origin: Origins = None,
    udp_port: UdpPort = "",
    announce: Announce = None,
    stun: Stun = "",
    turn: Turn = "",
    sessions: Sessions = 0,
    send_outside: Outside = None,
    studio: StudioFolder = None,
    studio_quota: StudioQuota = None,
    portrait: Portraits = None,
    documents: Documents = None,
    persona: PersonaName = None,
    hear: Hear = None,
    think: Think = None,
    voice: Voice = None,
    language: Language = None,
    strict: Strict = None,
) -> None:
    """Open the page: an avatar that listens, answers and can be interrupted.

    mien serve -p portrait.jpg --documents handbook/
    """  # fmt: skip
    lacks = [name for name in _NEEDED if not find_spec(name)]
    if lacks:
        raise MissingError(
            f"mien serve needs {', '.join(lacks)}.", hint="Install it: pip install 'mien[live]'.", code="missing.live"
        )
    from mien.apps.server.options import TOKEN_VARIABLE, ServeOptions, parse_tokens, weak
    from mien.casting import require_consent

    if not 0 <= port <= 65535 or sessions < 0:
        raise UsageError("A port is 0 to 65535, and sessions are counted from 0.")
    settings = config.load()
    kept = settings.serve
    folder = studio or (Path(kept.studio).expanduser() if kept.studio else None)
    whole, each = _quotas(studio_quota or f"{kept.studio_quota}/{kept.project_quota}")
    options = ServeOptions(
        host=host, port=port, tokens=parse_tokens(token or [], os.environ.get(TOKEN_VARIABLE, "")),
        origins=tuple(o.rstrip("/") for o in origin or ()), sessions=sessions,
        rtc=_rtc(host, udp_port, announce or [], stun, turn), portraits=tuple(portrait or ()), outside=send_outside,
        studio=folder, studio_quota=whole, project_quota=each,
    )  # fmt: skip
    if any(weak(t) for t in options.tokens):
        console.note("A token of fewer than 16 characters might be guessed.")
    settings = replace(
        settings, think=_thinks(settings.think, think, persona, documents),
        hear=config.override(settings.hear, backend=hear),
        speak=config.override(settings.speak, voice=voice, language=language),
        trust=config.override(settings.trust, strict=strict),
    )  # fmt: skip
    require_consent((), settings.voices.reference, settings.trust)
    with strictly(strict):  # the studio's films
        _serve(options, settings)


def _thinks(
    settings: config.ThinkConfig, backend: str | None, persona: str | None, documents: Path | None
) -> config.ThinkConfig:
    """Who answers, and from what. Raises InputError."""
    if documents is not None and not documents.exists():
        raise InputError(f"There is no '{documents}'.", hint="Check the name after --documents.")
    named = None if documents is None else str(documents)
    return config.override(settings, backend=backend, persona=persona, documents=named)


def _quotas(text: str) -> tuple[int, int]:
    """Bytes for the studio and for a project. Raises UsageError."""
    try:
        whole, _, each = text.partition("/")
        sizes = float(whole), float(each or whole)
    except ValueError:
        sizes = 0.0, 0.0
    if not all(0.001 <= size <= 1e6 for size in sizes):
        raise UsageError(f"'{text[:40]}' are no gigabytes.", hint="Write --studio-quota 20, or 20/2.")
    return round(sizes[0] * 1e9), round(min(sizes) * 1e9)


def _rtc(host: str, ports: str, announce: list[str], stun: str, turn: str) -> RtcSettings:
    from mien.transmit.rtc_settings import IceServer, RtcSettings, parse_ports

    servers = [IceServer(stun)] if stun else []
    if turn:
        user, _, key = os.environ.get("MIEN_TURN", "").partition(":")
        servers.append(IceServer(turn, user, key))
    return RtcSettings(
        host="127.0.0.1" if host == "localhost" else host, ports=parse_ports(ports) if ports else (0, 0),
        announce=tuple(announce), servers=tuple(servers),
    )  # fmt: skip


def _serve(options: ServeOptions, settings: config.Settings) -> None:
    import uvicorn

    from mien.apps.server.app import create_app
    from mien.apps.server.listen import listen
    from mien.apps.server.memory import settle

    settle()
    app = create_app(options, settings, tell=console.note)
    sock = listen(options)
    server_settings = uvicorn.Config(
        app, log_level="warning", access_log=False, server_header=False, ws_max_size=_MESSAGE, ws_max_queue=64,
        limit_concurrency=_CONNECTIONS, timeout_keep_alive=15, timeout_graceful_shutdown=2, lifespan="on",
        ws="websockets-sansio", proxy_headers=False,
    )  # fmt: skip

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[Any] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                _tell(options, sock.getsockname()[1], app.state.desk)

    server = Server(server_settings)
    try:
        server.run(sockets=[sock])
    finally:
        sock.close()
    if not server.started:
        raise OutputError("The server could not start; the lines above have the reason.", code="output.serve")


def _tell(options: ServeOptions, port: int, desk: Any) -> None:
    host = f"[{options.host}]" if ":" in options.host else options.host
    url = f"http://{'127.0.0.1' if options.host in ('0.0.0.0', '::') else host}:{port}/"  # noqa: S104 - shown, not bound
    told = url + ("?token=…" if options.tokens else "")
    udp = f"WebRTC on UDP port {desk.rtc.port}" if desk.rtc.port else f"no WebRTC: {desk.rtc.note}"
    console.event(
        "serving", plain=f"Mien is at {told}  ({udp}; {desk.house.most} sessions at most; Ctrl-C ends it)",
        url=url, udp_port=desk.rtc.port, sessions=desk.house.most, token=bool(options.tokens),
    )  # fmt: skip
