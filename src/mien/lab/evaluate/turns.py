"""How well turns are found: when speech is noticed and when its end, and who is taken for cutting in.

Scenes are made of recordings, so that the truth is known: a visitor speaks in silence or noise; our own voice comes
back into the microphone through a room (decaying noise, 60 dB in a third to half a second, a small loudspeaker) later
and quieter, while the visitor is silent, or cuts in. Sound is pushed in 20 ms; what counts is the tick of the
microphone at which an event came out. Onset: where the visitor's clean recording first is within 15 dB of its
loud parts for most of 60 ms and goes on within 20 dB for half of 300 ms; end: where it last is within 30 dB of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from mien.dialogue.hear.turns import SpeechEnded, SpeechStarted, Turns, TurnSettings
from mien.lab.evaluate.measure import Measure, at_most
from mien.timeline import TICKS_PER_SECOND, to_ticks
from mien.types import AudioChunk, FloatArray

ECHOES: Final = (-6.0, -12.0, -18.0, -24.0, -30.0)
"""Level of the echo over the visitor's voice… as our own voice is sent, in dB."""

_CHUNK: Final = 960
_LEAD: Final = to_ticks(1.5)
_QUIET: Final = 1e-4  # a microphone's own noise, -80 dBFS


@dataclass(frozen=True, slots=True)
class Scene:
    """What a microphone hears. played: what we send meanwhile, as long as heard. onset, end: of the visitor's speech in
    ticks, None where there is none. name: of the group that it belongs to."""

    name: str
    heard: FloatArray
    played: FloatArray | None = None
    onset: int | None = None
    end: int | None = None


@dataclass(slots=True)
class Group:
    """What came of the scenes of one name. starts, ends: milliseconds. early: turns that ended in the middle."""

    scenes: int = 0
    speaking: int = 0
    missed: int = 0
    false: int = 0
    early: int = 0
    seconds: float = 0.0
    starts: list[float] = field(default_factory=list)
    ends: list[float] = field(default_factory=list)


def scenes(voices: Sequence[FloatArray], noises: Sequence[FloatArray], seed: int = 0) -> Iterator[Scene]:
    """Every voice as visitor and as our own, in quiet and in noise, through every echo.

    voices: 48 kHz, one speaker each, at least two. noises: sounds without speech, () = none.
    """
    rng = np.random.default_rng(seed)
    for k, voice in enumerate(voices):
        visitor, ours = _levelled(voice, -26.0), _levelled(voices[(k + 1) % len(voices)], -20.0)
        yield _alone("quiet", visitor, None, rng)
        for n, noise in enumerate(noises):
            yield _alone(f"noise {n + 1}", visitor, _levelled(noise, -41.0), rng)
        for level in ECHOES:
            room = _room(rng, level)
            yield _only_us(f"echo {level:g} dB", ours, room, None, rng)
            yield _cut_in(f"echo {level:g} dB", ours, visitor, room, None, rng)
            if noises:
                noise = _levelled(noises[k % len(noises)], -41.0)
                yield _only_us(f"echo {level:g} dB, noise", ours, room, noise, rng)
                yield _cut_in(f"echo {level:g} dB, noise", ours, visitor, room, noise, rng)


def judge(made: Iterator[Scene], settings: TurnSettings | None = None) -> dict[str, Group]:
    """Push every scene and see what comes out when."""
    groups: dict[str, Group] = {}
    for scene in made:
        group = groups.setdefault(scene.name, Group())
        group.scenes += 1
        group.seconds += len(scene.heard) / TICKS_PER_SECOND
        _add(group, scene, _events(scene, settings))
    return groups


def measures(groups: dict[str, Group]) -> list[Measure]:
    """The table, and the bounds that hold over all echoes."""
    rows: list[Measure] = []
    for name, group in groups.items():
        key = name.replace(" dB", "dB").replace(", ", ".").replace(" ", "")
        note = f"{group.scenes} scenes, {group.speaking} with speech"
        rows.append(Measure(f"turns.{key}.missed", _share(group.missed, group.speaking), "%", note=note))
        rows.append(Measure(f"turns.{key}.false", 60 * group.false / max(group.seconds, 1e-9), "/min", note=note))
        rows += [Measure(f"turns.{key}.start.p{p}", _percentile(group.starts, p), "ms") for p in (50, 95)]
        if group.ends:
            rows += [Measure(f"turns.{key}.end.p{p}", _percentile(group.ends, p), "ms") for p in (50, 95)]
            rows.append(Measure(f"turns.{key}.early", _share(group.early, group.speaking), "%", note="cut in two"))
    echoes = [group for name, group in groups.items() if name.startswith("echo")]
    starts = [value for group in echoes for value in group.starts]
    ends = [value for group in groups.values() for value in group.ends]
    speaking, minutes = sum(g.speaking for g in echoes), sum(g.seconds for g in echoes) / 60
    return [
        *rows,
        at_most("turns.cutin.p95", _percentile(starts, 95), 250.0, "ms", "speech over our voice until it is noticed"),
        at_most("turns.cutin.missed", _share(sum(g.missed for g in echoes), speaking), 5.0, "%", "within a second"),
        at_most("turns.cutin.false", sum(g.false for g in echoes) / max(minutes, 1e-9), 1.0, "/min", "echo or noise"),
        at_most("turns.end.p50", _percentile(ends, 50), 500.0, "ms", "end of speech until it is decided"),
    ]


def _events(scene: Scene, settings: TurnSettings | None) -> list[tuple[int, SpeechStarted | SpeechEnded]]:
    """Each with the tick that the microphone had reached when it came out."""
    turns, found = Turns(settings), []
    for at in range(0, len(scene.heard), _CHUNK):
        if scene.played is not None:
            turns.playing(AudioChunk(at, scene.played[at : at + _CHUNK]))
        for event in turns.push(AudioChunk(at, scene.heard[at : at + _CHUNK])):
            if not hasattr(event, "sound") or isinstance(event, SpeechStarted):
                found.append((min(at + _CHUNK, len(scene.heard)), event))
    return found


def _add(group: Group, scene: Scene, events: list[tuple[int, SpeechStarted | SpeechEnded]]) -> None:
    starts = [at for at, event in events if isinstance(event, SpeechStarted)]
    if scene.onset is None or scene.end is None:
        group.false += len(starts)
        return
    group.speaking += 1
    group.false += sum(at < scene.onset for at in starts)
    timely = [at for at in starts if scene.onset <= at <= scene.onset + TICKS_PER_SECOND]
    if timely:
        group.starts.append(1000 * (timely[0] - scene.onset) / TICKS_PER_SECOND)
    else:
        group.missed += 1
    if scene.played is None:
        ends = [at for at, event in events if isinstance(event, SpeechEnded)]
        group.early += any(at < scene.end for at in ends)
        last = [at for at in ends if at >= scene.end]
        if last:
            group.ends.append(1000 * (last[0] - scene.end) / TICKS_PER_SECOND)


def _alone(name: str, visitor: FloatArray, noise: FloatArray | None, rng: np.random.Generator) -> Scene:
    """Somebody speaks while we are silent."""
    heard = np.concatenate([np.zeros(_LEAD, np.float32), visitor, np.zeros(_LEAD, np.float32)])
    onset, end = _speech(visitor)
    return Scene(name, _with_noise(heard, noise, rng), None, _LEAD + onset, _LEAD + end)


def _only_us(
    name: str, ours: FloatArray, room: FloatArray, noise: FloatArray | None, rng: np.random.Generator
) -> Scene:
    """We speak, and hear ourselves."""
    played = np.concatenate([np.zeros(_LEAD // 2, np.float32), ours, np.zeros(_LEAD // 2, np.float32)])
    return Scene(name, _with_noise(_through(played, room), noise, rng), played)


def _cut_in(
    name: str, ours: FloatArray, visitor: FloatArray, room: FloatArray, noise: FloatArray | None,
    rng: np.random.Generator,
) -> Scene:  # fmt: skip
    """We speak; after a second to three the visitor speaks too."""
    played = np.concatenate([np.zeros(_LEAD // 2, np.float32), np.tile(ours, 2)])
    onset, end = _speech(visitor)
    start = _LEAD // 2 + int(rng.uniform(1.0, 3.0) * TICKS_PER_SECOND) - onset
    length = start + onset + 2 * TICKS_PER_SECOND
    played = played[:length]
    heard = _through(played, room)
    heard[start:length] += visitor[: length - start]
    return Scene(name, _with_noise(heard, noise, rng), played, start + onset, start + end)


def _room(rng: np.random.Generator, level: float) -> FloatArray:
    """An echo path: a delay of 30 to 450 ms, a direct sound and a decaying tail, a loudspeaker without bass."""
    decay, delay = rng.uniform(0.3, 0.5), int(rng.uniform(0.03, 0.45) * TICKS_PER_SECOND)
    tail = rng.standard_normal(int(decay * TICKS_PER_SECOND)) * 10 ** (
        -3 * np.arange(int(decay * TICKS_PER_SECOND)) / (decay * TICKS_PER_SECOND)
    )
    tail *= 0.7 / np.sqrt(np.sum(tail**2))
    path = np.concatenate([np.zeros(delay), [1.0], tail])
    spectrum = np.fft.rfft(path)
    hertz = np.fft.rfftfreq(len(path), 1 / TICKS_PER_SECOND)
    spectrum *= 1 / np.sqrt(1 + (250.0 / np.maximum(hertz, 1.0)) ** 4)
    path = np.fft.irfft(spectrum, len(path))
    return np.asarray(path * 10 ** (level / 20) / np.sqrt(np.sum(path**2)), np.float32)


def _through(sound: FloatArray, room: FloatArray) -> FloatArray:
    size = len(sound) + len(room) - 1
    return np.fft.irfft(np.fft.rfft(sound, size) * np.fft.rfft(room, size), size)[: len(sound)].astype(np.float32)


def _with_noise(heard: FloatArray, noise: FloatArray | None, rng: np.random.Generator) -> FloatArray:
    own = _QUIET * rng.standard_normal(len(heard)).astype(np.float32)
    if noise is None:
        return heard + own
    start = int(rng.integers(0, max(1, len(noise) - len(heard))))
    return heard + own + np.resize(noise[start:], len(heard))


def _levelled(sound: FloatArray, decibels: float) -> FloatArray:
    """The loud half of it at this level (root mean square, full scale = 0)."""
    rows = _row_powers(sound)
    loud = np.sqrt(np.mean(np.sort(rows)[len(rows) // 2 :])) + 1e-12
    return np.asarray(sound * (10 ** (decibels / 20) / loud), np.float32)


def _speech(sound: FloatArray) -> tuple[int, int]:
    """Ticks of onset and end in a clean recording."""
    rows = 10 * np.log10(_row_powers(sound) + 1e-12)
    loud = np.percentile(rows, 95)
    begins = np.convolve(rows > loud - 15, np.ones(12), "valid") >= 9
    goes_on = np.convolve(rows > loud - 20, np.ones(60), "valid") >= 30  # as breaths and clicks of lips do not
    count = len(goes_on)
    first = np.flatnonzero(begins[:count] & goes_on & (rows[:count] > loud - 15))[0]
    last = np.flatnonzero(rows > loud - 30)[-1]
    return int(first) * 240, int(last + 1) * 240


def _row_powers(sound: FloatArray) -> FloatArray:
    rows = sound[: len(sound) // 240 * 240].reshape(-1, 240)
    return np.asarray(np.mean(np.square(rows), axis=1))


def _share(count: int, total: int) -> float:
    return 100.0 * count / total if total else float("nan")


def _percentile(values: list[float], p: int) -> float:
    return float(np.percentile(values, p)) if values else float("nan")
