"""Pictures and sound over a WebSocket, for pages that read, read slowly, or not at all."""

from __future__ import annotations

import asyncio
import json
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from tests.transmit.live_parts import FRAME, fed, silence, until

from mien.errors import InputError, NetworkError, UsageError
from mien.transmit import socket_feed
from mien.transmit.broadcast import Broadcast
from mien.transmit.rtc_peer import Listeners
from mien.transmit.socket_feed import BACKLOG, FORMS, HEADER, INIT, PICTURE, SOUND_SAMPLES, SocketFeed
from mien.types import AudioChunk

Message = str | bytes


def head(message: Message) -> tuple[int, int, int, int, int]:
    assert isinstance(message, bytes)
    return HEADER.unpack_from(message)


def kinds(messages: list[Message]) -> list[tuple[int, int, int, int, int]]:
    return [head(m) for m in messages if isinstance(m, bytes)]


def risen(pictures: list[tuple[int, int, int, int, int]]) -> bool:
    """Whether each is some frames after the one before: a machine that is short of time leaves some out."""
    return all(b[4] > a[4] and (b[4] - a[4]) % FRAME == 0 for a, b in pairwise(pictures))


def texts(messages: list[Message]) -> list[dict[str, Any]]:
    return [json.loads(m) for m in messages if isinstance(m, str)]


def test_chunks_come_in_order_and_begin_with_a_key_picture() -> None:
    async def work() -> None:
        got: list[Message] = []
        states: list[str] = []
        feed = SocketFeed(broadcast, Listeners(on_state=lambda state, why: states.append(state)))
        running = asyncio.ensure_future(feed.run(collect(got)))
        await until(lambda: len(kinds(got)) > 60)
        feed.send_message({"type": "caption", "text": "你好"})
        broadcast.cut(5)
        await until(lambda: {"caption", "cut"} <= {t["type"] for t in texts(got)})
        feed.close()
        await running
        about = texts(got)[0]
        assert about["type"] == "video" and (about["width"], about["height"]) == (64, 64)
        assert about["codec"].startswith("avc1.42c0") and bytes.fromhex(about["description"])[0] == 1
        pictures = [h for h in kinds(got) if h[0] == PICTURE]
        sound = [h for h in kinds(got) if h[0] == SOUND_SAMPLES]
        assert pictures[0][1] == 1 and risen(pictures)
        assert all(b[4] - a[4] == a[3] == 960 for a, b in pairwise(sound))
        assert states == ["connected", "closed"]

    with fed(Broadcast()) as broadcast:
        asyncio.run(work())


def test_fragments_begin_with_an_init_segment_and_share_the_encoder() -> None:
    async def work() -> None:
        got: list[Message] = []
        also: list[Message] = []
        feeds = [SocketFeed(broadcast, form="fragments"), SocketFeed(broadcast, form="chunks")]
        running = [asyncio.ensure_future(f.run(collect(g))) for f, g in zip(feeds, (got, also), strict=True)]
        await until(lambda: len(kinds(got)) > 10 and len(kinds(also)) > 10)
        for feed in feeds:
            feed.close()
        await asyncio.gather(*running)
        binary = [m for m in got if isinstance(m, bytes)]
        assert head(binary[0])[0] == INIT and binary[0][20:24] == b"ftyp" and binary[1][20:24] == b"moof"
        assert broadcast.tally.connects == 4

    with fed(Broadcast()) as broadcast:
        asyncio.run(work())


def test_a_page_that_never_reads_is_dropped_to_the_newest_key_picture_and_then_let_go(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(socket_feed, "STALLED", 1.6)

    async def work() -> None:
        states: list[tuple[str, str]] = []
        feed = SocketFeed(broadcast, Listeners(on_state=lambda *told: states.append(told)))
        longest = 0

        async def never(message: Message) -> None:
            await asyncio.sleep(60)

        async def look() -> None:
            nonlocal longest
            while True:
                waits = [i.tick for i in feed._queue]
                longest = max(longest, max(waits) - min(waits) if waits else 0)
                await asyncio.sleep(0.01)

        looking = asyncio.ensure_future(look())
        with pytest.raises(NetworkError, match="not read"):
            await feed.run(never)
        looking.cancel()
        assert 0 < longest <= BACKLOG + FRAME and feed.dropped > 0
        assert states[-1][0] == "closed" and "not read" in states[-1][1]
        assert broadcast.tally.state == "opening"  # nobody takes anything any more

    with fed(Broadcast()) as broadcast:
        asyncio.run(work())


def test_a_page_that_falls_behind_is_told_and_goes_on_with_a_key_picture() -> None:
    async def work() -> None:
        got: list[Message] = []
        feed = SocketFeed(broadcast)

        async def slow(message: Message) -> None:
            got.append(message)
            if len(got) == 10:
                await asyncio.sleep(1.5)

        running = asyncio.ensure_future(feed.run(slow))
        await until(lambda: any(t["type"] == "skipped" for t in texts(got)))
        await until(lambda: len(got) > 60)
        feed.close()
        await running
        at = next(n for n, m in enumerate(got) if isinstance(m, str) and '"skipped"' in m)
        pictures = [h for h in kinds(got[at:]) if h[0] == PICTURE]
        assert pictures[0][1] == 1
        assert risen(pictures)

    with fed(Broadcast()) as broadcast:
        asyncio.run(work())


def test_a_page_that_does_not_say_it_has_them_is_not_sent_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket_feed, "ON_THE_WAY", 10 * FRAME)

    async def work() -> None:
        got: list[Message] = []
        feed = SocketFeed(broadcast)
        feed.receive('{"type": "got", "tick": 0}')
        running = asyncio.ensure_future(feed.run(collect(got)))
        await until(lambda: any(t["type"] == "skipped" for t in texts(got)))
        feed.close()
        await running

    with fed(Broadcast()) as broadcast:
        asyncio.run(work())


def test_the_microphone_and_messages_come_in_and_garbage_is_refused() -> None:
    async def work() -> None:
        heard: list[AudioChunk] = []
        said: list[dict[str, Any]] = []
        got: list[Message] = []
        feed = SocketFeed(Broadcast(), Listeners(heard.append, said.append))
        for n in range(5):
            samples = np.full(960, 8192, "<i2").tobytes()
            feed.receive(HEADER.pack(SOUND_SAMPLES, 0, 0, 960, 7000 + n * 960) + samples)
            await asyncio.sleep(0.02)
        assert heard[0].start == 0 and heard[0].samples[0] == 0.25
        assert all(a.end == b.start for a, b in pairwise(heard))
        feed.receive('{"type": "say", "text": "hi"}')
        feed.receive('{"type": "ping", "n": 1}')
        assert said == [{"type": "say", "text": "hi"}]
        for bad in (b"", b"\x02", HEADER.pack(9, 0, 0, 0, 0), bytes([2]) * 300_000):
            with pytest.raises(InputError):
                feed.receive(bad)
        for text in ("", "[]", "{}", '{"type": 3}', "{" * 100_000, '"' + "x" * 70_000 + '"', "[" * 60_000):
            with pytest.raises(InputError):
                feed.receive(text)
        running = asyncio.ensure_future(feed.run(collect(got)))
        await until(lambda: got)
        assert json.loads(got[0])["type"] == "pong"
        feed.close()
        await running

    asyncio.run(work())


def test_forms_that_do_not_exist_are_refused() -> None:
    async def work() -> None:
        for words in ({"form": "flv"}, {"sound": "mp3"}, {"form": "fragments", "sound": "pcm"}):
            with pytest.raises(UsageError):
                SocketFeed(Broadcast(), **words)  # type: ignore[arg-type]
        assert FORMS == ("chunks", "fragments")

    asyncio.run(work())


def test_quiet_sessions_are_served_too() -> None:
    async def work() -> None:
        got: list[Message] = []
        feed = SocketFeed(broadcast, form="fragments", sound="aac")
        running = asyncio.ensure_future(feed.run(collect(got)))
        await until(lambda: len(kinds(got)) > 10)
        feed.close()
        feed.close()
        await running

    with fed(Broadcast(), sound=silence) as broadcast:
        asyncio.run(work())


def collect(into: list[Message]) -> socket_feed.Send:
    async def send(message: Message) -> None:
        into.append(message)

    return send
