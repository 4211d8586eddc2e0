"""WebRTC in an event loop of its own, so that neither requests nor each other's sessions hold its packets up."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Final, TypeVar

from mien.apps.server.room import Room
from mien.errors import MissingError
from mien.transmit.rtc_settings import RtcSettings

_T = TypeVar("_T")
_GOODBYE: Final = 5.0


class RtcThread:
    """The gateway and its thread. Methods belong to the server's event loop.

    note: why there is no WebRTC here, "" when there is.
    """

    def __init__(self, settings: RtcSettings) -> None:
        self.settings = settings
        self.note = ""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._gateway: Any = None

    @property
    def port(self) -> int:
        """The UDP port, 0 = none."""
        return self._gateway.port if self._gateway is not None else 0

    @property
    def peers(self) -> int:
        """How many browsers are connected or about to be."""
        return self._gateway.peers if self._gateway is not None else 0

    async def open(self) -> None:
        """Take the port. Without aiortc this only notes so; raises OutputError for a port that is not to be had."""
        from mien.transmit.webrtc import WebRtcGateway

        try:
            gateway = WebRtcGateway(self.settings)
        except MissingError as error:
            self.note = str(error)
            return
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, args=(self._loop,), name="mien-webrtc", daemon=True)
        self._thread.start()
        try:
            await self._call(gateway.open())
        except BaseException:
            await self.shut()
            raise
        self._gateway = gateway

    async def answer(
        self,
        offer: dict[str, str],
        room: Room,
        obey: Callable[[dict[str, Any]], None],
        ended: Callable[[], object] = lambda: None,
    ) -> str:
        """Answer a browser's offer: the SDP. obey: takes messages of its data channel. ended: told once, in the
        gateway's loop, when the connection is over. Raises InputError.
        """
        from mien.transmit.rtc_peer import Listeners

        if self._gateway is None:
            raise MissingError(self.note or "There is no WebRTC here.", hint="The media WebSocket works without it.")
        watching = _Watching(room, ended)
        listeners = Listeners(on_sound=room.hear, on_message=obey, on_state=watching.take)
        description, peer = await self._call(self._gateway.answer(offer, room.broadcast, listeners))
        watching.off = room.on_leaving(peer.close)
        return str(description.sdp)

    async def shut(self) -> None:
        """Close all peers, give the port back, end the thread. Idempotent."""
        loop, self._loop = self._loop, None
        if loop is None:
            return
        if self._gateway is not None:
            with suppress(Exception):
                future = asyncio.run_coroutine_threadsafe(self._gateway.close(), loop)
                await asyncio.wait_for(asyncio.wrap_future(future), _GOODBYE)
        loop.call_soon_threadsafe(loop.stop)
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join, _GOODBYE)

    async def _call(self, work: Coroutine[Any, Any, _T]) -> _T:
        assert self._loop is not None
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    @staticmethod
    def _run(loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        loop.run_forever()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


class _Watching:
    """Keeps a seat in the room as long as a peer is connected."""

    def __init__(self, room: Room, ended: Callable[[], object]) -> None:
        self._room, self._ended = room, ended
        self._seated = False
        self.off: Callable[[], None] = lambda: None

    def take(self, state: str, reason: str) -> None:
        """The peer's state changed; called in the gateway's loop."""
        if state == "connected" and not self._seated:
            self._seated = True
            self._room.sit()
        elif state in ("failed", "closed"):
            if self._seated:
                self._seated = False
                self._room.stand()
            self.off()
            self._ended()
        self._room.hub.tell({"type": "connection", "tick": self._room.session.tick, "state": state, "reason": reason})
