"""From what a browser recorded of spoken turns to figures: where each question lies, and what sounded when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.live_spoken import Utterance
from mien.types import FloatArray

LOUD = 0.004
"""Peak of a millisecond from which something is heard: -48 dBFS."""
QUIET = 80
"""Milliseconds without sound before a beginning."""
WINDOW = 500
SEARCH = 200
UNCUT = 300
"""Milliseconds of sound that must follow a window: where an answer was cut, the page is silent before the server is."""
ALIKE = 0.85
MISHEARD = "not a word understood"
TALKS_ON = 600
"""Milliseconds of speech over the avatar after which sound means that it was not stopped."""

Floats = NDArray[np.float64]


@dataclass
class Recorded:
    """As live_voice.js keeps it. sent: loudness of the sound that the server sent, by millisecond of its clock.
    counts: what the server says of its session."""

    microphone: list[float] = field(default_factory=list)
    arrivals: list[list[float]] = field(default_factory=list)
    speaker: list[tuple[float, list[float]]] = field(default_factory=list)
    clock: list[list[float]] = field(default_factory=list)
    pictures: list[tuple[int, float]] = field(default_factory=list)
    presented: list[tuple[int, float]] = field(default_factory=list)
    events: list[tuple[float, dict[str, Any]]] = field(default_factory=list)
    latency: float = 0.0
    counts: dict[str, int] = field(default_factory=dict)
    sent: FloatArray = field(default_factory=lambda: np.zeros(0, np.float32))

    def add(self, taken: dict[str, Any]) -> None:
        """What came since the last time."""
        for name in ("microphone", "arrivals", "speaker", "clock", "pictures", "presented", "events"):
            getattr(self, name).extend(taken[name])
        self.latency = 1000.0 * taken.get("latency", 0.0)


@dataclass(frozen=True)
class Promise:
    """A figure with its bound."""

    name: str
    value: float
    bound: float
    unit: str = "ms"
    least: bool = False

    def tell(self) -> bool:
        """Print it. Returns whether it is held; nothing measured is not held."""
        held = self.value >= self.bound if self.least else self.value <= self.bound
        sign = "≥" if self.least else "≤"
        digits = 2 if self.unit == "/s" else 0
        word = "held" if held else "MISSED"
        print(f"{self.name:52s} {self.value:8.{digits}f} {self.unit:3s} {sign} {self.bound:g}  {word}")
        return bool(held)


@dataclass
class Turn:
    """One question. Times in ms of the browser's clock; nan = it did not happen.

    start, end: of the question. sound: first of the answer. silence: last of the answer before, where it was cut short.
    steps: when the page was told of it. problem: "", or what went wrong.
    """

    text: str
    start: float
    end: float
    sound: float = np.nan
    silence: float = np.nan
    steps: dict[str, float] = field(default_factory=dict)
    heard: str = ""
    problem: str = ""


class Ear:
    """The loudspeaker's sound by the browser's clock."""

    def __init__(self, seen: Recorded) -> None:
        clock = np.array(seen.clock)
        self._context, self._offset = clock[:, 0], clock[:, 1] - clock[:, 0]
        self.loudness = np.zeros(round(seen.speaker[-1][0]) + 1, np.float32)
        for end, peaks in seen.speaker:
            self.loudness[round(end) - len(peaks) : round(end)] = peaks
        self.loud = self.loudness > LOUD

    def offset(self, at: float) -> float:
        """What to add to the context's ms near a time; a median, for single readings are late."""
        near = np.abs(self._context + self._offset - at) < 2000.0
        return float(np.median(self._offset[near] if near.any() else self._offset))

    def between(self, start: float, end: float) -> Floats:
        """Moments with sound."""
        offset = self.offset(start)
        first = max(0, round(start - offset))
        found = np.flatnonzero(self.loud[first : max(first, round(end - offset))])
        return np.asarray(found + first + offset, np.float64)


@dataclass
class Judged:
    """What came of it."""

    turns: list[Turn]
    skews: Floats
    fps: float
    placed: float
    begun: float
    counts: dict[str, int]

    def promises(self) -> list[Promise]:
        """The figures that are promised."""
        waits = [t.sound - t.end for t in self.turns if not np.isnan(t.sound)]
        cuts = [t.silence - t.start for t in self.turns if not np.isnan(t.silence)]
        skews = np.abs(self.skews)
        count, misheard = len(self.turns), sum(t.problem == MISHEARD for t in self.turns)
        failed = sum(bool(t.problem) for t in self.turns) - misheard
        return [
            Promise("end of speech → first sound, p50", _percentile(waits, 50), 900.0),
            Promise("end of speech → first sound, p95", _percentile(waits, 95), 1300.0),
            Promise(f"speech over it → silence, p95 ({len(cuts)} times)", _percentile(cuts, 95), 400.0),
            Promise(f"sound beside its picture, p95 ({len(skews)} windows)", _percentile(skews, 95), 40.0),
            Promise("pictures shown", self.fps, 24.5, "/s", least=True),
            Promise(f"of {count} questions without an answer", float(failed), 0.02 * count, ""),
            Promise(f"of {count} questions of which no word was understood", float(misheard), 0.1 * count, ""),
        ]

    def about(self) -> Iterator[str]:
        """What lies behind them."""
        yield ""
        cuts = [t.silence - t.start for t in self.turns if not np.isnan(t.silence)]
        longest = max(cuts, default=np.nan)
        yield f"speech over it → silence, p50 {_percentile(cuts, 50):.0f} ms, longest {longest:.0f} ms"
        yield (
            f"sound after its picture, p5/p50/p95 {_percentile(self.skews, 5):.0f}/{_percentile(self.skews, 50):.0f}/"
            f"{_percentile(self.skews, 95):.0f} ms"
        )
        yield f"moments sent: {self.counts['frames']}, with an old picture for want of time: {self.counts['repeated']}"
        yield "of a turn, p50/p95 ms: " + ", ".join(self._steps())
        yield f"questions are found in the microphone's sound to {self.placed:.1f} ms (spread)"
        for turn in self.turns:
            if turn.problem:
                yield f"{turn.problem}: “{turn.text}” ({(turn.start - self.begun) / 1000:.1f} s), heard “{turn.heard}”"

    def table(self) -> Iterator[str]:
        """Turn by turn."""
        for n, t in enumerate(self.turns):
            steps = " ".join(f"{name} {at - t.end:.0f}" for name, at in t.steps.items())
            yield (
                f"{n:3d} {t.sound - t.end:6.0f} {t.silence - t.start:6.0f} {steps:50s} {t.text} → {t.heard} {t.problem}"
            )

    def _steps(self) -> Iterator[str]:
        names = ("speech_ended", "heard", "sound")
        words = ("its end is known", "it is understood", "sound is sent", "sound is heard")
        rows = [
            (t.end, *(t.steps[n] for n in names), t.sound)
            for t in self.turns
            if all(n in t.steps for n in names) and not np.isnan(t.sound)
        ]
        for n, word in enumerate(words):
            spans = [row[n + 1] - row[n] for row in rows]
            yield f"{word} {_percentile(spans, 50):.0f}/{_percentile(spans, 95):.0f}"


def judge(seen: Recorded, said: list[Utterance], file: FloatArray) -> Judged:
    """Find every question and what followed. file: loudness of the visitor's file by millisecond."""
    starts = _places(seen, said, file)
    ear = Ear(seen)
    turns = []
    for n, (utterance, start) in enumerate(zip(said, starts, strict=True)):
        end = start + utterance.end - utterance.start
        until = starts[n + 1] if n + 1 < len(said) else end + 3500.0
        turns.append(_turn(Turn(utterance.text, start, end), until, ear, seen.events))
    spread = np.std(starts - np.array([u.start for u in said]))
    return Judged(turns, _skews(seen, ear), _fps(seen), float(spread), float(starts[0] - said[0].start), seen.counts)


def _fps(seen: Recorded) -> float:
    """Pictures a second: as the compositor counts them, else by their numbers."""
    counted = seen.presented
    if counted:
        return 1000.0 * (counted[-1][0] - counted[0][0]) / (counted[-1][1] - counted[0][1])
    shown = seen.pictures
    return 1000.0 * (len({n for n, _ in shown}) - 1) / (shown[-1][1] - shown[0][1])


def _turn(turn: Turn, until: float, ear: Ear, events: list[tuple[float, dict[str, Any]]]) -> Turn:
    told = [(at, e) for at, e in events if turn.start < at < until]
    for at, event in told:
        if event["type"] in ("speech_ended", "heard", "sound"):
            turn.steps[event["type"]] = at
            turn.heard = event.get("text", turn.heard)
    _cut(turn, ear, [at for at, e in told if e["type"] == "cut" and at < turn.end + 100.0])
    sound = ear.between(turn.start, until)
    first = [at for at, gap in zip(sound, np.diff(sound, prepend=turn.start - QUIET - 1), strict=True) if gap > QUIET]
    answers = [at for at in first if at > (turn.start if np.isnan(turn.silence) else turn.silence)]
    if not turn.problem and any(turn.start + TALKS_ON < at < turn.end for at in answers):
        turn.problem = "answered early"
    elif not turn.problem:
        turn.sound = next((at for at in answers if at >= turn.end), np.nan)
        if np.isnan(turn.sound):
            turn.problem = MISHEARD if "heard" in turn.steps and not turn.heard else "no answer"
    return turn


def _cut(turn: Turn, ear: Ear, cuts: list[float]) -> None:
    """When the answer before fell silent, where it was audible when the question began."""
    if not len(ear.between(turn.start - 100.0, turn.start + 20.0)):
        return
    sound = ear.between(turn.start, turn.end)
    talked_on = len(sound[sound > turn.start + TALKS_ON]) > 0
    if cuts:
        turn.silence = float(sound[-1]) if len(sound) else turn.start
    elif talked_on:
        turn.problem = "talked on"


def _places(seen: Recorded, said: list[Utterance], file: FloatArray) -> Floats:
    """When each question began, by the browser's clock."""
    blocks = np.array(seen.arrivals)
    peaks = np.array(seen.microphone, np.float32)
    begin = blocks[0, 1]
    heard = np.zeros(round(blocks[-1, 1] - begin) + 100, np.float32)
    for (index, stamp, _), following in zip(blocks, [*blocks[1:, 0], len(peaks)], strict=True):
        part = peaks[round(index) : round(following)]
        at = round(stamp - begin)
        heard[at : at + len(part)] = part[: max(0, len(heard) - at)]
    shift = 0.0
    found = []
    for n, utterance in enumerate(said):
        cut = slice(round(utterance.start) - 200, round(utterance.end) + 200)
        lag, alike = _lag(file[cut], heard, cut.start + shift, 3000 if n == 0 else 150)
        if alike < 0.7:
            raise RuntimeError(f"“{utterance.text}” is not in the microphone's sound: the clocks are not known.")
        shift = lag - cut.start
        found.append(begin + utterance.start + shift - seen.latency)
    return np.array(found)


def _skews(seen: Recorded, ear: Ear) -> Floats:
    """ms by which sound is heard after the picture of the same tick was shown, window by window of what was said."""
    shown: dict[int, float] = {}
    for number, at in seen.pictures:
        shown.setdefault(number, at)
    numbers, times = np.array(list(shown)), np.array(list(shown.values()))
    skews = []
    for start in range(0, len(seen.sent) - WINDOW, WINDOW // 2):
        window = seen.sent[start : start + WINDOW]
        behind = seen.sent[start + WINDOW : start + WINDOW + UNCUT]
        if np.mean(window > 5 * LOUD) < 0.5 or not len(behind) or np.mean(behind > 5 * LOUD) < 0.3:
            continue
        inside = (numbers * 40 >= start) & (numbers * 40 < start + WINDOW)
        if not inside.any():
            continue
        picture = float(np.median(times[inside] - numbers[inside] * 40))  # when tick 0 would have been shown
        offset = ear.offset(picture + start)
        lag, alike = _lag(window, ear.loudness, picture + start - offset, SEARCH)
        if alike > ALIKE:
            skews.append(lag + offset - picture - start)
    return np.array(skews)


def _lag(part: FloatArray, whole: FloatArray, about: float, search: int) -> tuple[float, float]:
    """Where in ``whole`` a part lies, near a place, and how alike they are there (correlation of their levels)."""
    first = max(0, round(about) - search)
    levels = np.log(np.asarray(whole[first : first + 2 * search + len(part)], np.float64) + 1e-3)
    if len(levels) <= len(part):
        return about, 0.0
    wanted = np.log(np.asarray(part, np.float64) + 1e-3)
    wanted -= wanted.mean()
    rows = np.lib.stride_tricks.sliding_window_view(levels, len(part))
    centred = rows - rows.mean(axis=1, keepdims=True)
    alike = centred @ wanted / (np.sqrt((centred**2).sum(axis=1) * (wanted @ wanted)) + 1e-9)
    best = int(alike.argmax())
    return float(first + best), float(alike[best])


def _percentile(values: Any, percent: float) -> float:
    return float(np.percentile(values, percent)) if len(values) else float("nan")
