"""Are words and sounds found where they are? On people whose words are timed (GRID), and on voices with exact times.

GRID's ``.align`` files hold ``start end word`` in 1/25000 s, ``sil`` and ``sp`` for pauses. They were made by a
recogniser themselves: some first words start 0.2 s early, in the breath before them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien.lab.evaluate.align_lips import SHUT_MM, RealClosure, real_closures
from mien.lab.evaluate.measure import Measure, at_least, at_most
from mien.timeline import TICKS_PER_SECOND, frame_tick, frames_in
from mien.types import FloatArray, Phone, Word

Errors = NDArray[np.float64]

BOUND_MS: Final = 40.0
"""Median distance of word boundaries from the truth."""
CLOSED: Final = 0.95
"""Share of bilabials that must close when the words are known."""
CLIPS: Final = 50

_GRID_RATE: Final = 25_000
_PAUSES: Final = ("sil", "sp")
_LETTER: Final = {"a": "/eɪ/"}
"""In GRID's sentences "a" is the letter."""
_FPS: Final = Fraction(25)

_SENTENCES: Final = {
    "en": (
        "The people in the village often buy fresh bread before seven.",
        "Maybe we should ask him again, he knows a better way home.",
        "A pale blue boat was moving slowly past the old bridge.",
    ),
    "zh": ("昨天晚上我和朋友一起看了一部电影。", "老师问我们，明天谁能早点来帮忙？", "这家饭馆的面条又便宜又好吃。"),
    "ja": (
        "あしたはともだちとえいがをみにいきます。",
        "このみせのラーメンはとてもおいしいです。",
        "かばんのなかにほんがにさつあります。",
    ),
    "de": (
        "Morgen früh fahren wir mit dem Zug nach Hamburg.",
        "Meine Schwester hat gestern ein neues Buch gekauft.",
        "Wenn es regnet, bleiben die Kinder lieber zu Hause.",
    ),
}
_UNSEEN: Final = (
    ("f2", 0.85, 0.1), ("m7", 1.2, -0.3), ("klatt2", 1.0, 0.2), ("f4", 1.1, -0.2), ("david", 0.9, 0.0),
    ("Andrea", 1.15, 0.3),
)  # fmt: skip
"""Voice, rate, pitch: none of them is the aligner's own, or among those that its table was fitted on."""
_NOISE_DB: Final = (30, 20, 15, 10)


@dataclass(frozen=True)
class Clip:
    """A GRID recording. sound: float32 (n,), 48 kHz. words: start and end in seconds, and the word."""

    film: Path
    sound: FloatArray
    words: tuple[tuple[float, float, str], ...]

    @property
    def text(self) -> str:
        """Its words."""
        return " ".join(word for _, _, word in self.words)


def run(
    folder: Path,
    *,
    clips: int = CLIPS,
    landmarker: Path | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> list[Measure]:
    """Word boundaries and closures on GRID clips (films with ``.align`` files beside them), then four languages.

    clips: so many of them, evenly spaced by name. landmarker: ``face_landmarker.task``; with it the person's own lips
    are looked at too. Raises InputError without clips.
    """
    measures = list(_on_people(folder, clips, landmarker, tell))
    for language in _SENTENCES:
        measures += _on_voices(language)
        tell(f"{language}: {measures[-2].value:.1f} ms")
    return measures


def grid(folder: Path, clips: int = CLIPS) -> Iterator[Clip]:
    """So many clips, evenly spaced. Raises InputError when there are none."""
    from mien.audio.read import read_audio

    films = {path.stem: path for path in sorted(folder.iterdir()) if path.suffix in (".mp4", ".mpg", ".wav", ".flac")}
    names = sorted(path.stem for path in folder.glob("*.align") if path.stem in films)
    if not names:
        raise InputError(f"{folder} has no .align files with recordings.", hint="Give a folder of the GRID corpus.")
    for name in names[:: max(1, len(names) // clips)][:clips]:
        sound = np.concatenate([chunk.samples for chunk in read_audio(films[name])])
        yield Clip(films[name], sound, read_words(folder / f"{name}.align"))


def read_words(path: Path) -> tuple[tuple[float, float, str], ...]:
    """The words of a GRID ``.align`` file without its pauses, in seconds. Raises InputError."""
    found = []
    try:
        for line in path.read_text("utf-8").splitlines():
            start, end, word = line.split()
            if word not in _PAUSES:
                found.append((int(start) / _GRID_RATE, int(end) / _GRID_RATE, word))
    except ValueError as error:
        raise InputError(f"{path} is no alignment of GRID.", hint="Each line is: start end word.") from error
    return tuple(found)


def _on_people(folder: Path, clips: int, landmarker: Path | None, tell: Callable[[str], None]) -> Iterator[Measure]:
    from mien.dialogue.align.forced import align

    starts: list[float] = []
    ends: list[float] = []
    shut: list[Errors] = []
    driven: list[Errors] = []
    real: list[RealClosure] = []
    sure: list[float] = []
    for clip in grid(folder, clips):
        found = align(clip.sound, clip.text, "en-GB", lexicon=_LETTER)
        sure.append(found.confidence)
        truth = dict(zip(_places(clip.text), clip.words, strict=True))
        for word in found.words:
            start, end, _ = truth[word.char_start]
            starts.append(word.start / TICKS_PER_SECOND - start)
            ends.append(word.end / TICKS_PER_SECOND - end)
        if landmarker is not None:
            real += real_closures(clip.film, found.phones, landmarker)
        gaps = _gaps(clip)
        shut.append(_smallest(found.phones, gaps))
        driven.append(_smallest(_as_in_corpus(found.phones, found.words, truth), gaps))
    tell(f"GRID: {len(sure)} clips")
    yield from _boundaries("align.grid", starts, ends, f"{len(sure)} clips, against the corpus's own times")
    yield Measure("align.grid.confidence", float(np.median(sure)), "", note="median of the clips")
    closed, note = _closed(shut), "m, b and p are shut in a frame while they are said, by the times found"
    yield at_least("align.grid.closures", float(closed.mean()), CLOSED, "", f"{len(closed)} {note}")
    note = "the same, sounds stretched to where the corpus has the word; it does not know them"
    yield Measure("align.grid.closures_at_corpus_words", float(_closed(driven).mean()), "", note=note)
    if real:
        yield from _on_real_lips(real)


def _boundaries(name: str, starts: list[float], ends: list[float], note: str) -> Iterator[Measure]:
    both = 1000 * np.array(starts + ends)
    yield at_most(f"{name}.median", float(np.median(np.abs(both))), BOUND_MS, "ms", f"{len(both)} boundaries, {note}")
    yield Measure(f"{name}.p90", float(np.percentile(np.abs(both), 90)), "ms")
    yield Measure(f"{name}.off", float(np.mean(np.abs(both) > 100)), "", note="share that is more than 100 ms off")
    yield Measure(f"{name}.start_bias", 1000 * float(np.median(starts)), "ms", note="median, > 0 is late")
    yield Measure(f"{name}.end_bias", 1000 * float(np.median(ends)), "ms", note="median, > 0 is late")


def _closed(gaps: list[Errors]) -> NDArray[np.bool_]:
    from mien.lab.evaluate.lips import CLOSED_MM

    return np.asarray(np.concatenate(gaps) <= CLOSED_MM)


def _on_real_lips(found: list[RealClosure]) -> Iterator[Measure]:
    gaps = np.array([c.gap for c in found if np.isfinite(c.gap)])
    late = 1000 * np.array([c.late for c in found if np.isfinite(c.late)])
    note = f"{len(gaps)} m, b and p in which the person's own lips are at most {SHUT_MM:g} mm apart"
    yield at_least("align.grid.real_lips", float((gaps <= SHUT_MM).mean()), CLOSED, "", note)
    note = "median time from the end of an m, b or p to when the person's lips part"
    yield Measure("align.grid.real_lips_part", float(np.median(late)), "ms", note=note)


def _gaps(clip: Clip) -> Errors:
    """Opening of the lips in each frame at 25 frames a second, mm, as ``mien make --audio --transcript`` moves them."""
    from mien.face.measure import aperture_mm
    from mien.lab.evaluate.lips import rows_at
    from mien.lab.evaluate.lips_drive import open_driver
    from mien.recorded import Recording
    from mien.types import Emotion, FaceClip

    driver, rows = open_driver("listen"), []
    recording = Recording((clip.sound, TICKS_PER_SECOND), clip.text, language="en-GB")
    for part in recording.speech(Emotion(), lambda _: None, _LETTER):
        driver.push(part)
        rows.append(driver.read())
    driver.close()
    rows.append(driver.read())
    whole = FaceClip(
        rows[0].start, np.concatenate([row.shapes for row in rows]), np.concatenate([row.head for row in rows])
    )
    ticks = [frame_tick(k, _FPS) for k in range(frames_in(len(clip.sound), _FPS))]
    return aperture_mm(rows_at(whole, ticks)[0])


def _smallest(phones: tuple[Phone, ...], gaps: Errors) -> Errors:
    from mien.lab.evaluate.lips import closures

    return closures(phones, gaps, _FPS).gaps


def _as_in_corpus(
    phones: tuple[Phone, ...], words: tuple[Word, ...], truth: dict[int, tuple[float, float, str]]
) -> tuple[Phone, ...]:
    """The phones of each word stretched from where it was found to where the corpus has it."""
    moved = []
    for word in words:
        start, end, _ = truth[word.char_start]
        scale = (end - start) * TICKS_PER_SECOND / (word.end - word.start)
        origin = start * TICKS_PER_SECOND
        for phone in phones:
            if phone.symbol and word.start <= phone.start < word.end:
                first = round(origin + (phone.start - word.start) * scale)
                last = round(origin + (phone.end - word.start) * scale)
                moved.append(Phone(first, max(last, first + 1), phone.symbol))
    return tuple(moved)


def _places(text: str) -> list[int]:
    """Where each word of a text with single spaces starts."""
    return [0, *(i + 1 for i, char in enumerate(text) if char == " ")]


def _on_voices(language: str) -> list[Measure]:
    """Sentences of one language by voices that know their times, in noise, with pauses around them."""
    from mien.dialogue.align.forced import align

    rng = np.random.default_rng(len(language) + ord(language[0]))
    starts: list[float] = []
    ends: list[float] = []
    phones: list[float] = []
    for k, voice in enumerate(_UNSEEN):
        text = _SENTENCES[language][k % len(_SENTENCES[language])]
        sound, words, said = _spoken(language, text, voice, _NOISE_DB[k % len(_NOISE_DB)], rng)
        found = align(sound, text, language)
        truth = {word.char_start: word for word in words}
        for word in found.words:
            if word.char_start in truth:
                starts.append((word.start - truth[word.char_start].start) / TICKS_PER_SECOND)
                ends.append((word.end - truth[word.char_start].end) / TICKS_PER_SECOND)
        heard = [p for p in found.phones if p.symbol]
        if [p.symbol for p in heard] == [p.symbol for p in said]:
            phones += [(a.start - b.start) / TICKS_PER_SECOND for a, b in zip(heard, said, strict=True)]
    note = f"{len(_UNSEEN)} sentences by voices with exact times, noise at 10 to 30 dB"
    found_words = list(_boundaries(f"align.{language}", starts, ends, note))
    median = 1000 * float(np.median(np.abs(phones))) if phones else float("nan")
    return [*found_words[:1], Measure(f"align.{language}.phones", median, "ms", note="median distance of their starts")]


def _spoken(
    language: str, text: str, voice: tuple[str, float, float], noise_db: int, rng: np.random.Generator
) -> tuple[FloatArray, list[Word], list[Phone]]:
    from contextlib import closing

    from mien.dialogue.perform import perform
    from mien.dialogue.speak.espeak import EspeakSpeaker

    name, rate, pitch = voice
    quiet = int(rng.integers(TICKS_PER_SECOND // 10, TICKS_PER_SECOND))
    with closing(EspeakSpeaker()) as speaker:
        parts = list(perform(text, speaker, language=language, voice=name, rate=rate, pitch=pitch, start=quiet))
    said = np.concatenate([part.audio.samples for part in parts])
    sound = np.pad(said, quiet)
    noise = np.convolve(rng.standard_normal(len(sound)), [1, 0.8, 0.6, 0.4, 0.3, 0.2], "same")
    noise *= np.sqrt(np.mean(said**2) / np.mean(noise**2)) * 10 ** (-noise_db / 20)
    words = [word for part in parts for word in part.words or ()]
    phones = [phone for part in parts for phone in part.phones or () if phone.symbol]
    return (sound + noise).astype(np.float32), words, phones
