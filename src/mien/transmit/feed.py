"""What viewers share: a bounded queue that is never waited for, a thread of its own that empties it, and counts."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace

from mien.channel import Finished
from mien.errors import MienError
from mien.transmit.live import CLOSE_SECONDS, State, Tally
from mien.types import AudioChunk, FaceClip, VideoFrame


@dataclass(frozen=True, slots=True)
class Moment:
    """A picture and the sound that lasts as long as it is shown. Without pixels, the picture alone was dropped."""

    frame: VideoFrame
    sound: AudioChunk

    @property
    def tick(self) -> int:
        """When it is shown."""
        return self.frame.tick


Item = Moment | FaceClip
Rule = Callable[[deque[Item], Item], list[Item]]
"""Takes what waits in a full queue and what comes; changes the queue; returns what is dropped."""


def drop_oldest(waiting: deque[Item], new: Item) -> list[Item]:
    """What waits longest goes: live things are worth less the older they are."""
    waiting.append(new)
    return [waiting.popleft()]


def drop_newest(waiting: deque[Item], new: Item) -> list[Item]:
    """What comes goes: what waits stays whole, without holes."""
    return [new]


class Feed:
    """A bounded queue, a thread that serves what is put into it, and a tally.

    name: of the thread. serve: runs in the thread, reads this feed and ends when it ends, also by letting Finished
    through; what else it raises becomes the tally's reason, and everything that comes later is counted as lost. size:
    how many items wait at most. rule: what is dropped when one more comes. interrupt: called from another thread when
    ``serve`` has not ended in time after :meth:`close`; makes a blocked call return, such as by closing its socket.
    """

    def __init__(
        self,
        name: str,
        serve: Callable[[Feed], None],
        *,
        size: int,
        rule: Rule = drop_oldest,
        interrupt: Callable[[], None] = lambda: None,
    ) -> None:
        self._serve, self._size, self._rule, self._interrupt = serve, size, rule, interrupt
        self._items: deque[Item] = deque()
        self._changed = threading.Condition()
        self._tally = Tally()
        self._over = threading.Event()
        self._dead = False
        self._thread = threading.Thread(target=self._run, name=f"mien-{name}", daemon=True)
        self._thread.start()

    @property
    def tally(self) -> Tally:
        """The counts as they are now."""
        with self._changed:
            return replace(self._tally, waiting=len(self._items))

    @property
    def over(self) -> bool:
        """Whether close was called: what serves should end soon."""
        return self._over.is_set()

    def put(self, item: Item) -> None:
        """Hand over; never waits. When the queue is full, the rule decides what is dropped."""
        with self._changed:
            if self._over.is_set():
                return
            if self._dead:
                self._lose([item])
            elif len(self._items) < self._size:
                self._items.append(item)
            else:
                self._lose(self._rule(self._items, item))
            self._changed.notify()

    def get(self, seconds: float | None = None) -> Item | None:
        """The next item, waiting for it; None when none came within ``seconds``. Raises Finished after the last."""
        until = None if seconds is None else time.monotonic() + seconds
        with self._changed:
            while not self._items:
                if self._over.is_set():
                    raise Finished
                left = None if until is None else until - time.monotonic()
                if left is not None and left <= 0:
                    return None
                self._changed.wait(left)
            return self._items.popleft()

    def __iter__(self) -> Iterator[Item]:
        with suppress(Finished):
            while True:
                item = self.get()
                if item is not None:
                    yield item

    def pause(self, seconds: float) -> bool:
        """Sleep until close, ``seconds`` at most. Returns whether it is over."""
        return self._over.wait(seconds)

    def cut(self, tick: int) -> None:
        """Drop the moments and clips before a tick that still wait; they are counted as cut, not as lost."""
        with self._changed:
            kept = [i for i in self._items if (i.tick if isinstance(i, Moment) else i.start) >= tick]
            cut = sum(isinstance(i, Moment) for i in self._items) - sum(isinstance(i, Moment) for i in kept)
            self._items = deque(kept)
            self._tally = replace(self._tally, cut_frames=self._tally.cut_frames + cut)

    def drop_waiting(self) -> None:
        """Everything that waits is lost: it has grown old while nobody was there."""
        with self._changed:
            self._lose(list(self._items))
            self._items.clear()

    def sent(self, item: Item | None = None, size: int = 0) -> None:
        """Count an item that went out, and bytes."""
        frames, ticks, rows = _weight(item)
        with self._changed:
            t = self._tally
            self._tally = replace(
                t, frames=t.frames + frames, ticks=t.ticks + ticks, rows=t.rows + rows, sent_bytes=t.sent_bytes + size
            )

    def lost(self, item: Item) -> None:
        """Count an item that was taken from the queue and could not go out."""
        with self._changed:
            self._lose([item])

    def tell(self, state: State, reason: str = "") -> None:
        """What the receiver's state is now. Each "live" counts as one connect."""
        with self._changed:
            connects = self._tally.connects + (state == "live")
            self._tally = replace(self._tally, state=state, reason=reason, connects=connects)

    def close(self, *, finish: bool = False) -> None:
        """End. finish: what waits is still served; else it is thrown away. Idempotent, takes CLOSE_SECONDS at most."""
        with self._changed:
            if self._over.is_set():
                return
            if not finish:
                self._items.clear()
            self._over.set()
            self._changed.notify_all()
            patience = 0.5 if finish or self._tally.state == "live" else 0.05  # who is not there hears no good-bye
        if threading.current_thread() is self._thread:
            return
        self._thread.join(CLOSE_SECONDS * patience)
        if self._thread.is_alive():
            with suppress(Exception):
                self._interrupt()
            self._thread.join(CLOSE_SECONDS * 0.4)

    def _run(self) -> None:
        state: State = "closed"
        reason = ""
        try:
            self._serve(self)
        except Finished:
            pass
        except MienError as error:
            state, reason = "failed", str(error)
        except Exception as error:
            state, reason = "failed", f"It broke: {type(error).__name__}."
        with self._changed:
            self._dead = True
            self._lose(list(self._items))
            self._items.clear()
        if state == "closed" and self.tally.state == "failed":  # it said why itself
            return
        self.tell(state, reason)

    def _lose(self, items: list[Item]) -> None:
        t = self._tally
        weights = [_weight(item) for item in items]
        self._tally = replace(
            t,
            lost_frames=t.lost_frames + sum(w[0] for w in weights),
            lost_ticks=t.lost_ticks + sum(w[1] for w in weights),
            lost_rows=t.lost_rows + sum(w[2] for w in weights),
        )


class FeedViewer:
    """A :class:`~mien.transmit.live.Viewer` on a :class:`Feed`. Subclasses start it, and say what goes into it."""

    def __init__(self, name: str, *, size: int, rule: Rule = drop_oldest) -> None:
        self._feed = Feed(name, self._serve, size=size, rule=rule, interrupt=self._interrupt)

    @property
    def tally(self) -> Tally:
        """What became of what it was given."""
        return self._feed.tally

    def show(self, frame: VideoFrame, sound: AudioChunk) -> None:
        """One frame and its sound."""

    def move(self, clip: FaceClip) -> None:
        """The motion behind the frame."""

    def cut(self, tick: int) -> None:
        """What waits from before ``tick`` is dropped."""
        self._feed.cut(tick)

    def close(self) -> None:
        """End. Idempotent."""
        self._feed.close()

    def _serve(self, feed: Feed) -> None:
        """Runs in the viewer's own thread until the feed ends."""
        raise NotImplementedError

    def _interrupt(self) -> None:
        """Make a blocked call in ``_serve`` return; called from another thread."""


class PictureViewer(FeedViewer):
    """Takes pictures and sound; motion is not its business."""

    def show(self, frame: VideoFrame, sound: AudioChunk) -> None:
        """One frame and its sound."""
        self._feed.put(Moment(frame, sound))


class MotionViewer(FeedViewer):
    """Takes motion; pictures and sound are not its business."""

    def move(self, clip: FaceClip) -> None:
        """The motion behind the frame."""
        if len(clip):
            self._feed.put(clip)


def _weight(item: Item | None) -> tuple[int, int, int]:
    """Frames, ticks of sound, rows of motion in an item."""
    if item is None:
        return 0, 0, 0
    if isinstance(item, Moment):
        return int(item.frame.pixels.size > 0), len(item.sound.samples), 0
    return 0, 0, len(item)
