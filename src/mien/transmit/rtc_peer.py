"""One browser on the other end of a WebRTC connection."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from mien.errors import InputError
from mien.transmit.broadcast import Broadcast, Tap
from mien.transmit.rtc_coded import Coded
from mien.transmit.rtc_microphone import OnSound, OpusPackets, SteadySound
from mien.transmit.rtc_offer import checked
from mien.transmit.rtc_port import Member, UdpPort
from mien.transmit.rtc_settings import RtcSettings
from mien.transmit.rtc_tracks import Outlet, ReceiverTap, SenderTap, WallClock, idle_track

STATES: Final = ("connecting", "connected", "lost", "failed", "closed")

_LOOK: Final = 0.1
_LONGEST_MESSAGE: Final = 64 * 1024
_MESSAGES_WAIT: Final = 64
_UNSENT: Final = 1 << 20
_SOUND_BITS: Final = 100_000

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Listeners:
    """Who is told what a browser does; all are called in the event loop and must be quick.

    on_sound: 48 kHz mono of the microphone, ticks without gaps from 0. on_message: a JSON object of the data channel.
    on_state: one of :data:`STATES` and, when something is wrong, why, in words.
    """

    on_sound: OnSound | None = None
    on_message: Callable[[dict[str, Any]], None] | None = None
    on_state: Callable[[str, str], None] | None = None


class WebRtcPeer:
    """Made by :class:`~mien.transmit.webrtc.WebRtcGateway`.

    ``send_message`` and ``close`` are safe from any thread; the rest belongs to the event loop.
    """

    def __init__(
        self,
        settings: RtcSettings,
        broadcast: Broadcast,
        listeners: Listeners,
        gone: Callable[[WebRtcPeer], None],
        *,
        offers: bool = False,
    ) -> None:
        from aiortc import RTCBundlePolicy, RTCConfiguration, RTCIceServer, RTCPeerConnection

        servers = [RTCIceServer(s.url, s.username or None, s.password or None) for s in settings.servers]
        # aiortc's answerer takes its one transport for a superfluous one when the offer's order is not ours
        bundle = RTCBundlePolicy.MAX_BUNDLE if offers else RTCBundlePolicy.BALANCED
        self._connection: Any = RTCPeerConnection(RTCConfiguration(servers, bundlePolicy=bundle))
        self._connection.on("datachannel", self._take_channel)
        self._connection.on("connectionstatechange", self._look)
        self._settings, self._broadcast, self._listeners, self._gone = settings, broadcast, listeners, gone
        self._loop = asyncio.get_running_loop()
        self._clock = WallClock()
        self._outlets: dict[str, Outlet] = {}
        self._senders: dict[str, SenderTap] = {}
        self._taps: dict[str, Tap] = {}
        self._microphone: SteadySound | None = None
        self._member: Member | None = None
        self._channel: Any = None
        self._unsent: deque[str] = deque(maxlen=_MESSAGES_WAIT)
        self._watch: asyncio.Task[None] | None = None
        self._started = 0.0
        self._closing: asyncio.Task[None] | None = None
        self.state = "connecting"
        self.reason = ""
        self.codec = ""

    @property
    def dropped(self) -> dict[str, int]:
        """Coded pictures and blocks of sound that this peer's connection could not take."""
        return {kind: outlet.dropped for kind, outlet in self._outlets.items()}

    def send_message(self, message: dict[str, Any]) -> None:
        """A JSON object to the page, in order. Before the channel is open the latest 64 wait."""
        text = json.dumps(message, ensure_ascii=False, separators=(",", ":"))
        with suppress(RuntimeError):  # the loop has ended: nobody listens any more
            self._loop.call_soon_threadsafe(self._send, text)

    def close(self) -> None:
        """End the connection soon. Idempotent."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._end, "closed", "")

    async def aclose(self, reason: str = "") -> None:
        """End the connection and wait until all is released. Idempotent."""
        self._end("closed", reason)
        assert self._closing is not None
        await asyncio.shield(self._closing)

    # What the gateway calls, in this order.

    def add_tracks(self, kinds: Sequence[str], codecs: Sequence[str]) -> None:
        """Prepare what is sent; codec preferences work only before the remote description."""
        for kind in ("audio", "video"):
            if kind in kinds:
                direction = "sendonly" if kind == "video" or self._listeners.on_sound is None else "sendrecv"
                transceiver = self._connection.addTransceiver(idle_track(kind), direction=direction)
                transceiver.setCodecPreferences(_preferences(kind, codecs))
                self._outlets[kind] = Outlet(kind, self._want_key if kind == "video" else None)

    def add_channel(self) -> None:
        """Open a data channel; an answering peer takes the browser's."""
        self._take_channel(self._connection.createDataChannel("mien"))

    async def receive(self, kind: str, sdp: str) -> None:
        """Take the other side's description. Raises InputError."""
        from aiortc import RTCSessionDescription

        try:
            await self._connection.setRemoteDescription(RTCSessionDescription(sdp, kind))
        except Exception as error:  # aiortc raises ValueError, KeyError, its own errors … for what it cannot take
            raise InputError(
                f"The session description cannot be used: {str(error) or type(error).__name__}.",
                hint="Offer sound as Opus and pictures as H.264 (constrained baseline) or VP8, as browsers do.",
                code="input.sdp",
            ) from error

    def share(self, port: UdpPort) -> None:
        """Use the process's UDP port."""
        transports = {t.receiver.transport.transport for t in self._connection.getTransceivers()}
        if self._connection.sctp is not None:
            transports.add(self._connection.sctp.transport.transport)
        if len(transports) != 1:
            raise InputError("The offer does not bundle its sections.", hint="Use bundlePolicy 'max-bundle'.")
        self._member = port.attach(next(iter(transports))._connection)

    async def describe(self, kind: str) -> str:
        """Our description, all candidates in it."""
        make = self._connection.createAnswer if kind == "answer" else self._connection.createOffer
        await self._connection.setLocalDescription(await make())
        if kind == "answer":
            self._wire()
        return str(self._connection.localDescription.sdp)

    async def accept(self, answer: object) -> None:
        """The answer to our offer. Raises InputError."""
        text = checked(answer, "answer")
        try:
            await self.receive("answer", text)
        except InputError:
            await self.aclose()
            raise
        self._wire()
        self.begin()

    def begin(self) -> None:
        """From now on the connection must come about in time."""
        self._started = self._loop.time()
        self._watch = asyncio.ensure_future(self._keep_watch())

    # Wiring.

    def _wire(self) -> None:
        for transceiver in self._connection.getTransceivers():
            kind = transceiver.kind
            if kind in self._outlets:
                picture = kind == "video"
                self._senders[kind] = SenderTap(
                    transceiver.sender,
                    self._outlets[kind],
                    self._clock,
                    self._want_key if picture else None,
                    self._take_rate if picture else None,
                )
            if kind == "video" and transceiver._codecs:
                self.codec = transceiver._codecs[0].name.lower()
            if kind == "audio" and self._listeners.on_sound is not None:
                self._microphone = SteadySound(self._listeners.on_sound)
                ReceiverTap(transceiver.receiver, OpusPackets(self._microphone))

    def _start_media(self) -> None:
        if self._taps:
            return
        if "video" in self._outlets and self.codec:
            self._taps["video"] = self._broadcast.pictures(self.codec, self._picture, lambda tick: None)
        if "audio" in self._outlets:
            self._taps["audio"] = self._broadcast.sound("opus", self._sound, self._cut)

    def _picture(self, coded: Coded) -> None:
        self._loop.call_soon_threadsafe(self._outlets["video"].put, coded)

    def _sound(self, coded: Coded) -> None:
        self._loop.call_soon_threadsafe(self._sound_when_due, coded)

    def _sound_when_due(self, coded: Coded) -> None:
        """A frame's sound comes in one piece; sent evenly, it needs less of a buffer at the receiver."""
        wait = coded.due - time.monotonic()
        if wait > 0.002:
            self._loop.call_later(wait, self._outlets["audio"].put, coded)
        else:
            self._outlets["audio"].put(coded)

    def _cut(self, tick: int) -> None:
        self._loop.call_soon_threadsafe(self._outlets["audio"].cut, tick)
        self.send_message({"type": "cut", "tick": tick})

    def _want_key(self) -> None:
        if "video" in self._taps:
            self._taps["video"].want_key()

    def _take_rate(self, bits: int) -> None:
        if "video" in self._taps:
            self._taps["video"].set_rate(bits - _SOUND_BITS)

    # The data channel.

    def _take_channel(self, channel: Any) -> None:
        self._channel = channel
        channel.on("message", self._hear)
        channel.on("open", self._flush)
        self._flush()

    def _send(self, text: str) -> None:
        self._unsent.append(text)
        self._flush()

    def _flush(self) -> None:
        channel = self._channel
        if channel is not None and channel.readyState == "open":
            while self._unsent and channel.bufferedAmount < _UNSENT:
                channel.send(self._unsent.popleft())

    def _hear(self, data: str | bytes) -> None:
        try:
            message = parse_message(data)
        except InputError as error:
            self._send(json.dumps({"type": "error", "code": error.code, "message": error.message, "hint": error.hint}))
            return
        if message.get("type") == "ping":
            self._send(json.dumps({**message, "type": "pong", "server": time.time() * 1000.0}))
        elif self._listeners.on_message is not None:
            try:
                self._listeners.on_message(message)
            except Exception:
                _log.exception("a message of the page could not be handled")

    # States.

    async def _keep_watch(self) -> None:
        while self.state not in ("failed", "closed"):
            await asyncio.sleep(_LOOK)
            self._look()
            if self._microphone is not None:
                self._microphone.idle(time.monotonic())

    def _look(self) -> None:
        """See how the connection is, and tell when that changed."""
        if self.state in ("failed", "closed") or not self._started:
            return
        state = self._connection.connectionState
        if state == "closed":
            self._end("closed", "The browser closed the connection.")
        elif state == "failed":
            self._end("failed", self._why())
        elif self.state == "connecting":
            if state == "connected":
                self._become("connected")
                self._start_media()
            elif self._loop.time() - self._started > self._settings.patience:
                self._end("failed", self._why())
        else:
            self._look_silence()

    def _look_silence(self) -> None:
        assert self._member is not None
        silent = time.monotonic() - self._member.heard
        if silent > self._settings.forgotten:
            self._end("failed", f"Nothing came from the browser for {silent:.0f} s.")
        elif silent > self._settings.silence and self.state == "connected":
            self._become("lost", f"Nothing came from the browser for {silent:.1f} s: its network may be down.")
        elif silent <= self._settings.silence and self.state == "lost":
            self._become("connected")

    def _why(self) -> str:
        """Why a connection did not come about, as far as can be known from here."""
        member = self._member
        assert member is not None
        port = member.connection.local_candidates[0].port if member.connection.local_candidates else 0
        if not member.checks:
            return (
                f"No packet of the browser reached UDP port {port} within {self._settings.patience:.0f} s: "
                "a firewall or a missing port forwarding blocks UDP."
            )
        if self._connection.iceConnectionState != "completed":
            return (
                f"Packets of the browser reach UDP port {port}, but the answers do not reach the browser: "
                "a firewall blocks UDP on the way back."
            )
        return "The browser is reached, but encryption (DTLS) could not be agreed on."

    def _become(self, state: str, reason: str = "") -> None:
        self.state, self.reason = state, reason
        if self._listeners.on_state is not None:
            try:
                self._listeners.on_state(state, reason)
            except Exception:
                _log.exception("a change of state could not be handled")

    def _end(self, state: str, reason: str) -> None:
        if self._closing is None:
            for tap in self._taps.values():
                tap.close()
            self._become(state, reason)
            self._closing = asyncio.ensure_future(self._release())

    async def _release(self) -> None:
        if self._watch is not None and self._watch is not asyncio.current_task():
            self._watch.cancel()
        with suppress(Exception):
            await asyncio.wait_for(self._connection.close(), 5.0)
        for tap in self._senders.values():
            tap.close()
        self._gone(self)


def parse_message(data: str | bytes) -> dict[str, Any]:
    """A JSON object of a page. Raises InputError (code input.message)."""
    if len(data) > _LONGEST_MESSAGE:
        raise _unreadable(f"it is longer than {_LONGEST_MESSAGE // 1024} kB")
    try:
        message = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise _unreadable("it is not JSON") from error
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        raise _unreadable("it is not an object with a 'type'")
    return message


def _unreadable(reason: str) -> InputError:
    return InputError(
        f"The message cannot be used: {reason}.", hint="Send a JSON object with a 'type'.", code="input.message"
    )


def _preferences(kind: str, codecs: Sequence[str]) -> list[Any]:
    from aiortc import RTCRtpSender

    wanted = ["video/rtx", *(f"video/{c}" for c in codecs)] if kind == "video" else ["audio/opus"]
    known = [c for c in RTCRtpSender.getCapabilities(kind).codecs if c.mimeType.lower() in wanted]
    order = {f"video/{name}": rank for rank, name in enumerate(codecs)}
    return sorted(known, key=lambda c: order.get(c.mimeType.lower(), len(order)))
