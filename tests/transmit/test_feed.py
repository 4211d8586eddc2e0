"""The queue that viewers share: never waited for, bounded, counted, ended."""

from __future__ import annotations

import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.transmit.live_kit import moment, motion, own_threads, wait_for

from mien.errors import NetworkError
from mien.transmit.feed import Feed, Item, Moment, Rule, drop_newest, drop_oldest
from mien.transmit.live import CLOSE_SECONDS


class Taker:
    """Serves a feed; stands still until let go."""

    def __init__(self, *, free: bool = True) -> None:
        self.free = threading.Event()
        self.got: list[Item] = []
        self.inside = threading.Event()
        if free:
            self.free.set()

    def __call__(self, feed: Feed) -> None:
        for item in feed:
            self.inside.set()
            self.free.wait()
            self.got.append(item)
            feed.sent(item)

    def ticks(self) -> list[int]:
        return [item.tick for item in self.got if isinstance(item, Moment)]


def item(k: int) -> Moment:
    return Moment(*moment(k, 2, 2))


def filled(rule: Rule, count: int, size: int = 3) -> tuple[Feed, Taker]:
    """A feed whose taker stands still with item 0 in hand, and to which ``count`` more were put."""
    taker = Taker(free=False)
    feed = Feed("test", taker, size=size, rule=rule)
    feed.put(item(0))
    assert taker.inside.wait(5)
    for k in range(1, count + 1):
        feed.put(item(k))
    return feed, taker


@pytest.mark.parametrize(("rule", "kept"), [(drop_oldest, [0, 3, 4, 5]), (drop_newest, [0, 1, 2, 3])])
def test_a_full_queue_drops_by_its_rule_and_says_how_many(rule: Rule, kept: list[int]) -> None:
    feed, taker = filled(rule, 5)
    assert feed.tally.waiting == 3
    taker.free.set()
    feed.close(finish=True)
    assert taker.ticks() == [1920 * k for k in kept]
    tally = feed.tally
    assert (tally.frames, tally.ticks, tally.lost_frames, tally.lost_ticks) == (4, 4 * 1920, 2, 2 * 1920)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from(["put", "clip", "cut"]), max_size=30), st.integers(1, 5))
def test_whatever_happens_everything_is_counted_once(steps: list[str], size: int) -> None:
    taker = Taker()
    feed = Feed("test", taker, size=size)
    put = clips = 0
    for k, step in enumerate(steps):
        if step == "put":
            feed.put(item(k))
            put += 1
        elif step == "clip":
            feed.put(motion(k))
            clips += 1
        else:
            feed.cut(1920 * k)
    feed.close(finish=True)
    tally = feed.tally
    assert tally.frames + tally.lost_frames + tally.cut_frames == put
    assert tally.rows + tally.lost_rows <= 2 * clips
    assert taker.ticks() == sorted(taker.ticks())


def test_a_cut_drops_what_waits_from_before_it() -> None:
    feed, taker = filled(drop_oldest, 3)
    feed.cut(2 * 1920)
    taker.free.set()
    feed.close(finish=True)
    assert taker.ticks() == [0, 2 * 1920, 3 * 1920]
    assert feed.tally.cut_frames == 1
    assert feed.tally.lost_frames == 0


def test_close_throws_away_what_waits_unless_it_is_to_be_finished() -> None:
    feed, taker = filled(drop_oldest, 3)
    taker.free.set()
    feed.close()
    assert len(taker.got) <= 2
    assert feed.tally.state == "closed"


def test_a_server_that_breaks_is_told_and_what_comes_is_counted_as_lost() -> None:
    def serve(feed: Feed) -> None:
        feed.get()
        raise NetworkError("The cable is out.", hint="Put it in.")

    feed = Feed("test", serve, size=3)
    feed.put(item(0))
    assert wait_for(lambda: feed.tally.state == "failed")
    feed.put(item(1))
    assert feed.tally.lost_frames == 1
    assert feed.tally.reason == "The cable is out. Put it in."
    feed.close()


def test_what_hangs_is_interrupted_at_close_which_stays_short() -> None:
    stuck = threading.Event()

    def serve(feed: Feed) -> None:
        stuck.wait()

    feed = Feed("test", serve, size=3, interrupt=stuck.set)
    began = time.monotonic()
    feed.close()
    assert time.monotonic() - began < CLOSE_SECONDS
    assert not own_threads()


def test_waiting_ends_in_time_and_at_close() -> None:
    waits: list[float] = []

    def serve(feed: Feed) -> None:
        began = time.monotonic()
        assert feed.get(0.05) is None
        waits.append(time.monotonic() - began)
        feed.pause(60)
        waits.append(time.monotonic() - began)

    feed = Feed("test", serve, size=3)
    assert wait_for(lambda: len(waits) == 1)
    feed.close()
    feed.close()
    assert 0.04 < waits[0] < 5 and waits[1] < 10
