"""What WebRTC peers cost, and whether sound and picture stay together: a receiver made with aiortc, over loopback.

    python -m benchmarks.live_peers [--connections 100] [--seconds 60] [--jitter 30]

First connections come and go, and threads, descriptors and memory are counted. Then one receiver watches a session
whose moments come late at random; marks in picture and sound, one a second, are put on the wall clock by the sender
reports, as a player does.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import random
import resource
import threading
import time
from pathlib import Path

import numpy as np
from tests.transmit.live_parts import FRAME, Receiver, fed, grey, silence, tone, until

from mien.transmit.broadcast import Broadcast
from mien.transmit.rtc_peer import Listeners
from mien.transmit.webrtc import WebRtcGateway
from mien.types import AudioChunk, ByteArray


def memory() -> float:
    """Resident MB now (the highest so far, where /proc is absent)."""
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
        return pages * resource.getpagesize() / 1e6
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def held() -> tuple[int, int, float]:
    """Threads (the loop's own pool aside), descriptors, MB."""
    gc.collect()
    threads = [t for t in threading.enumerate() if not t.name.startswith("asyncio_")]
    folder = Path("/proc/self/fd")
    return len(threads), len(list(folder.iterdir())) if folder.is_dir() else 0, memory()


async def come_and_go(count: int) -> None:
    """Connections one after the other, each until its first picture."""
    gateway = WebRtcGateway()
    await gateway.open()
    with fed(Broadcast(), lambda n: grey(n * 5 % 256, 256)) as broadcast:
        waits = []
        for n in range(count + 1):
            if n in (count // 10, count // 2, count):
                await asyncio.sleep(0.3)
                threads, descriptors, megabytes = held()
                print(f"after {n:4d}: {threads} threads, {descriptors} descriptors, {megabytes:.0f} MB")
            receiver = Receiver(microphone=True)
            begin = time.monotonic()
            await receiver.connect(gateway, broadcast, Listeners(on_sound=lambda chunk: None))
            await until(lambda: receiver.pictures)  # noqa: B023
            waits.append((time.monotonic() - begin) * 1000.0)
            await receiver.close()
            await until(lambda: gateway.peers == 0)
        middle, most = np.percentile(waits, 50), np.percentile(waits, 95)
        print(f"offer → first picture decoded, p50/p95: {middle:.0f} / {most:.0f} ms")
    await gateway.close()


async def together(seconds: float, jitter: float) -> None:
    """Marks a second apart, on the receiver's wall clock."""
    late = random.Random(1)

    def pixels(n: int) -> ByteArray:
        return grey(235 if n % 25 < 3 else 20)

    def sound(tick: int) -> AudioChunk:
        return tone(tick, frequency=1000.0) if tick // FRAME % 25 < 3 else silence(tick)

    gateway = WebRtcGateway()
    await gateway.open()
    with fed(Broadcast(), pixels, sound, lambda n: late.random() * jitter / 1000.0) as broadcast:
        receiver = Receiver()
        await receiver.connect(gateway, broadcast)
        await asyncio.sleep(seconds)
        skews = marks(receiver)
        await receiver.close()
    await gateway.close()
    half = len(skews) // 2
    print(f"sound after picture, {len(skews)} marks in {seconds:.0f} s, jitter {jitter:.0f} ms:")
    print(f"p50 {np.median(skews):.2f} ms, p95 of absolute {np.percentile(np.abs(skews), 95):.2f} ms,", end=" ")
    print(f"first half {np.median(skews[:half]):.2f} ms, second half {np.median(skews[half:]):.2f} ms")


def marks(receiver: Receiver) -> list[float]:
    """ms by which each mark is heard after it is seen."""

    def wall(kind: str, pts: int, rate: int) -> float:
        stamp = receiver.first[kind] + pts
        ntp, rtp = min(receiver.reports[kind], key=lambda r: abs((stamp - r[1] + 2**31) % 2**32 - 2**31))
        return ntp / 2**32 + ((stamp - rtp + 2**31) % 2**32 - 2**31) / rate

    seen, before = [], 255.0
    for pts, level in receiver.pictures:
        if level > 128 > before:
            seen.append(wall("video", pts, 90_000))
        before = level
    heard, quiet = [], 0
    for pts, samples in receiver.sound:
        loud = np.flatnonzero(np.abs(samples) > 0.05)
        if len(loud) and quiet > 20:
            heard.append(wall("audio", pts + int(loud[0]), 48_000))
        quiet = 0 if len(loud) else quiet + 1
    pairs = [(at, min(seen, key=lambda s: abs(s - at))) for at in heard] if seen else []
    return [(at - s) * 1000.0 for at, s in pairs if abs(at - s) < 0.4]


def main() -> None:
    """Both figures."""
    words = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    words.add_argument("--connections", type=int, default=100)
    words.add_argument("--seconds", type=float, default=60.0)
    words.add_argument("--jitter", type=float, default=30.0)
    asked = words.parse_args()
    if asked.connections:
        asyncio.run(come_and_go(asked.connections))
    if asked.seconds:
        asyncio.run(together(asked.seconds, asked.jitter))


if __name__ == "__main__":
    main()
