"""``python -m benchmarks.live_sessions hours|minutes|served|capacity|reconnects N [SECONDS]``: no browser is needed.

``hours N``: so many hours on a virtual clock (:mod:`benchmarks.live_hours`). ``minutes N``: so many minutes of a real
server (:mod:`benchmarks.live_minutes`). ``served N SECONDS``: so many sessions at once on a real server
(:mod:`benchmarks.live_capacity`). ``capacity N SECONDS``: the same without a network: coded as H264 and Opus, and
thrown away. ``reconnects N``: sessions opened and closed one after the other: memory and threads before and after.
"""

from __future__ import annotations

import gc
import itertools
import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

from benchmarks.live_capacity import portraits, served
from benchmarks.live_hours import hours
from benchmarks.live_minutes import minutes
from benchmarks.portrait import portrait
from benchmarks.process import memory as memory_of
from mien import config
from mien.dialogue.think.base import Persona, Piece, Question, ThinkerInfo
from mien.live.session import Session, Troupe
from mien.live.troupe import Wardrobe, Wish, cast
from mien.transmit.broadcast import Broadcast
from mien.transmit.live import Tally
from mien.turn import Turn
from mien.types import AudioChunk, FaceClip, VideoFrame

TEXT = (Path(__file__).parent / "english.txt").read_text("utf-8")


class Reader:
    """Answers every question with the same page."""

    @property
    def info(self) -> ThinkerInfo:
        return ThinkerInfo("reader", streaming=True)

    def answer(self, question: Question, turn: Turn) -> Iterator[Piece]:
        for line in TEXT.splitlines():
            turn.check()
            yield Piece(line + "\n")

    def close(self) -> None:
        pass


class Count:
    """A viewer that checks that every moment follows the one before."""

    def __init__(self) -> None:
        self.frames, self.first, self.end, self.worst = 0, 0, 0, 0

    @property
    def tally(self) -> Tally:
        return Tally(frames=self.frames, state="live")

    def show(self, frame: VideoFrame, sound: AudioChunk) -> None:
        if not self.frames:
            self.first = frame.tick
        else:
            self.worst = max(self.worst, abs(frame.tick - self.end), abs(sound.start - frame.tick))
        self.frames, self.end = self.frames + 1, sound.end

    def move(self, clip: FaceClip) -> None:
        pass

    def cut(self, tick: int) -> None:
        pass

    def close(self) -> None:
        pass


def troupe(avatar: Path, wardrobe: Wardrobe) -> Troupe:
    settings = config.load()
    """Who plays, with this portrait."""
    return cast(Wish(portrait=str(avatar), language="en"), settings, wardrobe, Reader(), Persona(), lambda _: None)


def keep_talking(live: Session, stop: threading.Event) -> None:
    """Ask again whenever the answer is over, and cut in now and then."""
    for number in itertools.count():
        live.ask("Go on.")
        while live.state != "idle" and not stop.wait(0.02):
            if number % 3 == 2 and live.state == "speaking" and stop.wait(0.3):
                break
        if stop.is_set():
            return


def capacity(count: int, seconds: float) -> dict[str, Any]:
    """Real time."""
    wardrobe = Wardrobe(lambda _: None)
    pictures = portraits(count)
    sessions, outs, bytes_sent = [], [], [0] * count
    stop = threading.Event()
    for i in range(count):
        out = Broadcast(Fraction(25))
        live = Session(troupe(pictures[i % len(pictures)], wardrobe))

        def take(coded: Any, i: int = i) -> None:
            bytes_sent[i] += len(coded.data)

        out.pictures("h264", take, lambda _: None)
        out.sound("opus", lambda _: None, lambda _: None)
        live.watch(out)
        sessions.append(live)
        outs.append(out)
        threading.Thread(target=keep_talking, args=(live, stop), daemon=True).start()
    time.sleep(5)
    before = [(s.counts.frames, s.counts.repeated) for s in sessions]
    began, cpu = time.monotonic(), time.process_time()
    time.sleep(seconds)
    wall, used = time.monotonic() - began, time.process_time() - cpu
    after = [(s.counts.frames, s.counts.repeated) for s in sessions]
    stop.set()
    for live in sessions:
        live.close()
    drawn = [((a[0] - b[0]) - (a[1] - b[1])) / wall for a, b in zip(after, before, strict=True)]
    return {
        "sessions": count, "avatars": len(pictures), "seconds": round(wall, 1),
        "fps": [round(f, 2) for f in drawn], "worst_fps": round(min(drawn), 2), "cores_used": round(used / wall, 2),
        "jumps": sum(s.counts.jumps for s in sessions),
        "kbit_s": [round(b * 8 / (wall + 5) / 1000) for b in bytes_sent],
    }  # fmt: skip


def reconnects(count: int) -> dict[str, Any]:
    """Open, say a word, close."""
    wardrobe = Wardrobe(lambda _: None)
    marks = []
    for i in range(count + 1):
        live, seen = Session(troupe(portrait(), wardrobe)), Count()
        live.watch(seen)
        live.say("Hello.")
        while live.state != "speaking":
            time.sleep(0.01)
        live.close()
        if i in (count // 5, count):
            gc.collect()
            marks.append((round(memory_of(os.getpid()) / 1e6, 1), threading.active_count()))
    return {"connects": count, "memory_mb": [m for m, _ in marks], "threads": [t for _, t in marks]}


def main() -> None:
    """One of the works."""
    what, number = sys.argv[1], float(sys.argv[2])
    if what == "hours":
        sys.exit(hours(number, Reader()))
    if what == "minutes":
        sys.exit(minutes(number))
    if what == "served":
        sys.exit(served(int(number), float(sys.argv[3]) if len(sys.argv) > 3 else 30.0))
    if what == "capacity":
        result = capacity(int(number), float(sys.argv[3]) if len(sys.argv) > 3 else 30.0)
    else:
        result = reconnects(int(number))
    print(json.dumps(result))


if __name__ == "__main__":
    main()
