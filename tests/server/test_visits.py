"""Visitors over WebRTC who come and go leave nothing: no thread, no file, no object of theirs."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.live.fakes import Parrot
from tests.server.kit import Served, events, run, serving
from tests.server.peers import watching
from tests.transmit.live_parts import until

pytest.importorskip("aiortc", reason="the extra 'live' is not installed")

OURS = ("Room", "Session", "Broadcast", "Ears", "Line", "WebRtcPeer", "SocketFeed", "Tap", "SenderTap", "Coded")
THEIRS = ("RTCPeerConnection", "RTCDtlsTransport", "RTCRtpSender", "CodecContext", "AudioCodecContext")
POOLS = ("AnyIO worker thread", "asyncio_", "ThreadPoolExecutor", "mien-serve")  # grow to their bound and stay


async def visit(served: Served, during: Callable[[], object] = lambda: None) -> None:
    """One who asks, watches, and goes in the middle of the answer, without a word to the session."""
    name = await asyncio.to_thread(served.session)
    async with events(served, name) as page:
        peer, tracks = await watching(served, name)
        await page.send("ask", text="Hello?")
        for _ in range(10):
            await tracks[0].recv()
        during()
        await peer.close()
    with served.client() as client:
        await asyncio.to_thread(client.delete, f"/api/sessions/{name}")
    await until(lambda: served.desk.rtc.peers == 0)


def left() -> dict[str, int]:
    """How many objects of each kind that a visit makes there are."""
    gc.collect()
    kinds = [type(o).__name__ for o in gc.get_objects()]
    return {name: kinds.count(name) for name in (*OURS, *THEIRS)}


def held() -> tuple[int, int]:
    """Threads and open files."""
    threads = [t for t in threading.enumerate() if not t.name.startswith(POOLS)]
    folder = Path("/proc/self/fd")
    return len(threads), len(list(folder.iterdir())) if folder.is_dir() else 0


def test_visits_leave_no_object_thread_or_file() -> None:
    with serving(Parrot("One. ", "Two. ", "Three.")) as served:

        async def scene() -> None:
            await visit(served)
            await asyncio.sleep(0.3)
            objects, (threads, files) = left(), held()
            there: list[dict[str, int]] = []
            await visit(served, lambda: there.append(left()))
            assert all(there[0][name] > objects[name] for name in ("Room", "Session", "WebRtcPeer", "SenderTap"))
            for _ in range(3):
                await visit(served)
            await until(lambda: left() == objects, 5.0)
            await until(lambda: held()[0] <= threads and held()[1] <= files + 1, 5.0)

        run(scene())
