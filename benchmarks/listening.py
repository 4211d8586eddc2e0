"""``python -m benchmarks.listening read|hear|move FILE``: what is done with a recorded voice, without pictures.

``record FILE MINUTES`` writes a recording to measure with: the embedded voice, as MP3. ``hop FILE ROWS HOPS`` prints
the milliseconds that a hop of 20 ms takes features and network with so many rows of look-ahead, so many hops at once.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from mien.types import FloatArray

_TEXT = Path(__file__).parent / "english.txt"
_RATE = 48_000


def main() -> None:
    """One of the works, to its end."""
    what, file = sys.argv[1], sys.argv[2]
    if what == "record":
        record(Path(file), float(sys.argv[3]))
    elif what == "hop":
        print(hop(Path(file), int(sys.argv[3]), int(sys.argv[4])))
    else:
        {"read": read, "hear": hear, "move": move}[what](file)


def read(file: str) -> None:
    """Decoding, mixing and resampling."""
    from mien.audio.read import read_audio

    for _ in read_audio(file):
        pass


def hear(file: str) -> None:
    """And who speaks when."""
    from mien.audio.hear import heard_parts

    for _ in heard_parts(file):
        pass


def move(file: str) -> None:
    """And the motion of the face."""
    from mien.audio.hear import heard_parts
    from mien.audio.loudness import level
    from mien.face.base import FaceSettings
    from mien.face.listen.driver import ListenDriver

    driver = ListenDriver(FaceSettings())
    for part in level(heard_parts(file)):
        driver.push(part)
        driver.read()
    driver.close()
    driver.read()


def hop(file: Path, look_ahead: int, at_once: int = 1) -> float:
    """Milliseconds of processor time that features and network take for 20 ms of sound, live; least of five."""
    from mien.audio.read import read_audio
    from mien.face.listen.acoustics import Acoustics
    from mien.face.listen.features import Features
    from mien.face.listen.heads import ROW
    from mien.face.listen.network import Network

    sound = next(iter(read_audio(str(file)))).samples
    step = at_once * ROW
    hops = [sound[at : at + step] for at in range(0, len(sound) - step, step)]
    features, network = Features(acoustics=Acoustics()), Network(look_ahead)
    times = []
    for _ in range(5):
        began = time.process_time()
        for _ in range(10):
            for samples in hops:
                network.run(features.push(samples))
        times.append((time.process_time() - began) / (10 * len(hops) * at_once))
    return min(times) * 1000


def record(file: Path, minutes: float) -> None:
    """The text of the benchmarks, over and over."""
    import av

    speech = _speech()
    with av.open(str(file), "w") as container:
        stream: Any = container.add_stream("libmp3lame", rate=_RATE)
        stream.layout = "stereo"
        for at in range(0, round(minutes * 60 * _RATE), 1152):
            samples = np.take(speech, np.arange(at, at + 1152), mode="wrap")
            frame = av.AudioFrame.from_ndarray(np.stack([samples] * 2), format="fltp", layout="stereo")
            frame.sample_rate = _RATE
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def _speech() -> FloatArray:
    from mien.dialogue.perform import perform
    from mien.dialogue.speak.espeak import EspeakSpeaker

    speaker = EspeakSpeaker()
    sound = [part.audio.samples for part in perform(_TEXT.read_text(encoding="utf-8"), speaker, language="en")]
    speaker.close()
    return np.concatenate(sound)


if __name__ == "__main__":
    main()
