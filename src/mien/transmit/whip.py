"""Pushing a session to a WebRTC ingest by WHIP (RFC 9725): H.264 or VP8 and Opus, again and again when it is lost."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Final, TypeVar

from mien.errors import InputError, MissingError, NetworkError
from mien.transmit.feed import Feed, Moment, PictureViewer
from mien.transmit.frames import even, fitted
from mien.transmit.retry import persist
from mien.transmit.rtc_coded import Coded
from mien.transmit.rtc_offer import checked
from mien.transmit.rtc_picture import LOWEST_RATE, PictureEncoder, open_encoder, suitable_rate
from mien.transmit.rtc_settings import IceServer
from mien.transmit.rtc_sound import open_sound
from mien.transmit.rtc_tracks import Outlet, SenderTap, WallClock, idle_track, require_aiortc
from mien.transmit.whip_http import Created, WhipHttp, check_endpoint, shown

_T = TypeVar("_T")
_WAITING: Final = 12
"""Moments that wait at most, half a second at 25 a second."""
_CONNECT_SECONDS: Final = 10.0
_SOUND_BITS: Final = 100_000


@dataclass(frozen=True, slots=True)
class WhipSettings:
    """What to push where. url: the WHIP endpoint. token: sent as bearer token, if any; never shown.

    fps: of the session. servers: STUN and TURN, the first of each is used. bit_rate: of the picture, bits a second, at
    most; 0 = what suits its size; the receiver's estimate of the network lowers it. patience: seconds of trying in vain
    after which it is given up. Raises UsageError for what makes no sense.
    """

    url: str = field(repr=False)
    fps: Fraction
    token: str = field(default="", repr=False)
    servers: tuple[IceServer, ...] = ()
    bit_rate: int = 0
    patience: float = 600.0

    def __post_init__(self) -> None:
        check_endpoint(self.url, self.token)


class WhipViewer(PictureViewer):
    """Pushes from the first moment it is shown.

    Drop rule: when encoding falls half a second behind, or while there is no connection, whole moments are left out,
    the oldest first; what the network loses is lost. The first picture's size, made even, is the stream's; other sizes
    are fitted into it; transparent pictures are laid over black. A lost connection (its end is noticed at once when the
    other side says so, else after half a minute) is opened again after 0.5, 1, 2 … 15 seconds.

    Raises MissingError when aiortc is not installed.
    """

    def __init__(self, settings: WhipSettings) -> None:
        try:
            require_aiortc()
        except ImportError as error:
            raise MissingError(
                "WHIP needs aiortc.", hint="Install it: pip install 'mien[live]'.", code="missing.backend"
            ) from error
        self._settings = settings
        self._http = WhipHttp(settings.url, settings.token)
        super().__init__("whip", size=_WAITING)

    @property
    def address(self) -> str:
        """Where it goes, without its path."""
        return shown(self._settings.url)

    def _serve(self, feed: Feed) -> None:
        with _Loop() as loop:
            lost = f"{self.address} does not answer."
            persist(feed, lambda: self._push(feed, loop), patience=self._settings.patience, lost=lost)

    def _push(self, feed: Feed, loop: _Loop) -> None:
        """One connection, from its beginning to its end. Returns when the feed ends, raises when it is lost."""
        session = loop.run(_made(self._settings), 5.0)
        created: Created | None = None
        try:
            created = self._http.create(loop.run(session.offer(), 10.0))
            loop.run(session.accept(created.answer), 10.0)
            self._wait_until_connected(feed, session)
            if not feed.over:
                feed.drop_waiting()  # what waited meanwhile has grown old
                feed.tell("live")
                self._send(feed, loop, session)
        finally:
            with contextlib.suppress(Exception):
                loop.run(session.close(), 1.0)
            if created is not None:
                self._http.delete(created)

    def _wait_until_connected(self, feed: Feed, session: _Session) -> None:
        until = time.monotonic() + _CONNECT_SECONDS
        while session.state in ("new", "connecting") and not feed.over:
            if time.monotonic() > until:
                break
            feed.pause(0.02)
        if session.state != "connected" and not feed.over:
            raise NetworkError(
                f"{self.address} answers, but no media connection comes about.",
                hint="Is UDP blocked? A TURN server helps.",
            )

    def _send(self, feed: Feed, loop: _Loop, session: _Session) -> None:
        coder: _Coder | None = None
        while True:
            item = feed.get(0.5)
            if session.state != "connected":
                raise NetworkError(f"{self.address} was lost.")
            if item is None:
                continue
            assert isinstance(item, Moment)
            if coder is None:
                coder = _Coder(self._settings, session.codec, item)
            size = 0
            for kind, coded in coder.code(item, key=session.wants_key(), rate=session.rate):
                size += len(coded.data)
                loop.call(session.put, kind, coded)
            feed.sent(item, size)

    def _interrupt(self) -> None:
        self._http.hang_up()


class _Coder:
    """Moments to coded pictures and sound, for one connection."""

    def __init__(self, settings: WhipSettings, codec: str, first: Moment) -> None:
        height, width = (even(n) for n in first.frame.pixels.shape[:2])
        self._size = (width, height)
        self._most = settings.bit_rate or suitable_rate(width, height, settings.fps)
        self._encoder: PictureEncoder = open_encoder(codec, width, height, settings.fps)
        self._sound = open_sound("opus")
        self._rate = 0

    def code(self, moment: Moment, *, key: bool, rate: int) -> Iterator[tuple[str, Coded]]:
        """("audio" or "video", coded) of a moment. rate: what the receiver's network carries, 0 = not known."""
        due = time.monotonic()
        wanted = max(LOWEST_RATE, min(self._most, rate - _SOUND_BITS if rate else self._most))
        if wanted != self._rate:
            self._rate = wanted
            self._encoder.set_rate(wanted)
        for coded in self._sound.push(moment.sound, due):
            yield "audio", coded
        picture = self._encoder.encode(fitted(moment.frame.pixels, *self._size), moment.tick, due, key=key)
        if picture is not None:
            yield "video", picture


class _Session:
    """An aiortc connection that only sends. Its coroutines and ``put`` belong to the event loop."""

    def __init__(self, settings: WhipSettings) -> None:
        from aiortc import RTCBundlePolicy, RTCConfiguration, RTCIceServer, RTCPeerConnection

        servers = [RTCIceServer(s.url, s.username or None, s.password or None) for s in settings.servers]
        self._connection: Any = RTCPeerConnection(RTCConfiguration(servers, bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))
        self._outlets = {"audio": Outlet("audio"), "video": Outlet("video", self._want_key)}
        self._taps: list[SenderTap] = []
        self._key = threading.Event()
        self.rate = 0
        self.codec = "h264"

    @property
    def state(self) -> str:
        """aiortc's connectionState."""
        return str(self._connection.connectionState)

    async def offer(self) -> str:
        """SDP with all candidates."""
        from aiortc import RTCRtpSender

        for kind, names in (("audio", ["audio/opus"]), ("video", ["video/h264", "video/vp8", "video/rtx"])):
            transceiver = self._connection.addTransceiver(idle_track(kind), direction="sendonly")
            known = [c for c in RTCRtpSender.getCapabilities(kind).codecs if c.mimeType.lower() in names]
            transceiver.setCodecPreferences(sorted(known, key=lambda c: names.index(c.mimeType.lower())))
        await self._connection.setLocalDescription(await self._connection.createOffer())
        return str(self._connection.localDescription.sdp)

    async def accept(self, answer: str) -> None:
        """Raises InputError for an answer that cannot be used."""
        from aiortc import RTCSessionDescription

        text = checked({"type": "answer", "sdp": answer}, "answer")
        try:
            await self._connection.setRemoteDescription(RTCSessionDescription(text, "answer"))
        except Exception as error:  # aiortc raises ValueError, KeyError, its own errors … for what it cannot take
            raise InputError(f"The answer cannot be used: {type(error).__name__}.", code="input.sdp") from error
        clock = WallClock()
        for transceiver in self._connection.getTransceivers():
            picture = transceiver.kind == "video"
            if picture and transceiver._codecs:
                self.codec = transceiver._codecs[0].name.lower()
            key, rate = (self._want_key, self._take_rate) if picture else (None, None)
            self._taps.append(SenderTap(transceiver.sender, self._outlets[transceiver.kind], clock, key, rate))

    def put(self, kind: str, coded: Coded) -> None:
        """Send soon; sound when it is due, for even packets need less of a buffer at the receiver."""
        wait = coded.due - time.monotonic() if kind == "audio" else 0.0
        if wait > 0.002:
            asyncio.get_running_loop().call_later(wait, self._outlets[kind].put, coded)
        else:
            self._outlets[kind].put(coded)

    def wants_key(self) -> bool:
        """Whether the receiver asked for a key picture since the last time. From any thread."""
        wanted = self._key.is_set()
        self._key.clear()
        return wanted

    async def close(self) -> None:
        await self._connection.close()
        for tap in self._taps:
            tap.close()

    def _want_key(self) -> None:
        self._key.set()

    def _take_rate(self, bits: int) -> None:
        self.rate = bits


async def _made(settings: WhipSettings) -> _Session:
    return _Session(settings)


class _Loop:
    """An event loop in a thread of its own; at its end all that runs in it ends."""

    def __enter__(self) -> _Loop:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="mien-whip-loop", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(Exception):
            self.run(_end_tasks(), 0.5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def run(self, work: Coroutine[Any, Any, _T], seconds: float) -> _T:
        """Its result; raises what it raises, TimeoutError when it takes too long."""
        done = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return done.result(seconds)
        except TimeoutError:
            done.cancel()
            raise

    def call(self, function: Any, *values: Any) -> None:
        """Call it soon in the loop."""
        self._loop.call_soon_threadsafe(function, *values)


async def _end_tasks() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await asyncio.get_running_loop().shutdown_default_executor()
