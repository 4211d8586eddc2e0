"""The table by which the aligner compares sounds: ``python -m mien.lab.training.projection [OUT.npy]``.

The embedded voices say the same sentences in ten languages, each take with another colour, room and noise. The same
place in the same sentence is one class: what differs inside it is voice and recording, what differs between classes is
the sound. Fisher's linear discriminant analysis keeps the 24 directions in which the second is largest by the first.
Seeded; no recording of a person is in it.
"""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.dialogue.align.features import HOP, PROJECTION, WIDTH, course
from mien.dialogue.perform import perform
from mien.dialogue.speak.espeak import EspeakSpeaker
from mien.timeline import TICKS_PER_SECOND
from mien.types import FloatArray, Phone

Matrix = NDArray[np.float64]

VOICES: Final = (
    ("female", 1.0, 0.0), ("male", 1.0, 0.0), ("m1", 1.1, 0.1), ("m5", 0.9, -0.1), ("f1", 1.1, 0.2), ("f3", 0.9, 0.0),
    ("klatt", 1.0, 0.1), ("klatt3", 1.1, -0.2), ("Denis", 1.0, 0.0), ("Annie", 1.0, 0.2), ("belinda", 0.9, 0.0),
    ("grandma", 1.0, 0.0), ("croak", 1.0, 0.0), ("Mike", 1.0, 0.0), ("anika", 1.0, 0.0), ("Gene", 1.0, 0.0),
)  # fmt: skip
"""Voice, rate and pitch of each take."""

SENTENCES: Final = (
    ("en", "Bring three thick blue jackets and a pair of brown shoes to the garage before the weather changes."),
    ("en", "Five young boys were laughing while the old judge measured his vision with a yellow ruler."),
    ("en", "She hopes to fetch some fresh cheese, a few peas and a thin slice of ham from the shop."),
    ("en", "Ask the nurse whether the village choir sings outdoors in the evening or only at church."),
    ("en-GB", "The water in our bath was hardly warm, so father put another log on the fire."),
    ("en-GB", "Nothing pleases a cook more than good salt, soft butter and a quiet hour."),
    ("en-GB", "Why do those wolves howl near the huge bridge each night?"),
    ("zh", "他每天早上七点钟起床，然后去学校上课。"),
    ("zh", "中国的首都是北京，上海是最大的城市。"),
    ("zh", "请问去火车站怎么走？谢谢你的帮助。"),
    ("zh", "这本书讲述了一个女孩子和她爷爷的故事。"),
    ("ja", "むかしむかし、あるところにおじいさんとおばあさんがいました。"),
    ("ja", "にほんごをべんきょうするのはたのしいです。"),
    ("ja", "ちょっとまってください、すぐにいきます。"),
    ("de", "Der Zug nach München fährt um acht Uhr ab."),
    ("de", "Die Kinder spielen im Garten, während die Mutter das Essen kocht."),
    ("de", "Er möchte gern ein Glas Wasser und zwei Brötchen."),
    ("fr", "Bonjour, je voudrais un café et deux croissants, s'il vous plaît."),
    ("fr", "La petite maison au bord de la rivière est très jolie."),
    ("es", "El perro corre por la calle y los niños juegan en el parque."),
    ("es", "Me gustaría reservar una mesa para cuatro personas."),
    ("ru", "Вчера мы ходили в театр, а завтра поедем за город."),
    ("it", "La ragazza mangia una mela rossa mentre legge il giornale."),
    ("hi", "मुझे हिंदी बोलना बहुत अच्छा लगता है।"),
)

_PLACES: Final = (0.17, 0.5, 0.83)  # in a phone
_SAME_SOUND: Final = 0.64  # wanted distance of two takes of a sound, root mean square over the columns
_SEED: Final = 20261121


def main(arguments: list[str]) -> None:
    """Fit the table and write it to the path given, by default where the aligner reads it."""
    out = Path(arguments[0]) if arguments else PROJECTION
    table = fit(*gather())
    np.save(out, table, allow_pickle=False)
    print(f"{out}: {table.shape[0]} x {table.shape[1]}")  # noqa: T201


def gather() -> tuple[Matrix, NDArray[np.int64]]:
    """Courses (n, 91) and the class of each (n,)."""
    rng = np.random.default_rng(_SEED)
    found: list[FloatArray] = []
    classes: list[int] = []
    with closing(EspeakSpeaker()) as speaker:
        for language, text in SENTENCES:
            takes = [_take(speaker, language, text, voice, rng) for voice in VOICES]
            symbols = [p.symbol for p in takes[0][1]]
            first = classes[-1] + 1 if classes else 0
            for around, phones in takes:
                if [p.symbol for p in phones] != symbols:
                    continue
                places = [p.start + place * (p.end - p.start) for p in phones for place in _PLACES]
                found.append(around[np.minimum(np.array(places, int) // HOP, len(around) - 1)])
                classes += range(first, first + len(places))
    return np.concatenate(found).astype(np.float64), np.array(classes)


def fit(rows: Matrix, classes: NDArray[np.int64]) -> FloatArray:
    """The projection (91, 24), scaled to :data:`_SAME_SOUND`."""
    from scipy.linalg import eigh

    count = np.bincount(classes)
    means = np.zeros((len(count), rows.shape[1]))
    np.add.at(means, classes, rows)
    means /= np.maximum(count, 1)[:, None]
    within, total = np.cov((rows - means[classes]).T), np.cov(rows.T)
    ridge = 1e-3 * np.trace(within) / len(within) * np.eye(len(within))
    _, vectors = eigh(total - within, within + ridge)
    table = vectors[:, ::-1][:, :WIDTH]
    spread = np.sqrt(2 * np.mean(np.diag(table.T @ within @ table)))
    signs = np.sign(table[np.abs(table).argmax(axis=0), np.arange(WIDTH)])
    return np.asarray(table * signs * (_SAME_SOUND / spread), np.float32)


def _take(
    speaker: EspeakSpeaker, language: str, text: str, voice: tuple[str, float, float], rng: np.random.Generator
) -> tuple[FloatArray, list[Phone]]:
    name, rate, pitch = voice
    parts = list(perform(text, speaker, language=language, voice=name, rate=rate, pitch=pitch))
    sound = np.concatenate([part.audio.samples for part in parts]).astype(np.float64)
    phones = [p for part in parts for p in part.phones or () if p.symbol]
    return course(_worn(sound, rng).astype(np.float32))[0], phones


def _worn(sound: Matrix, rng: np.random.Generator) -> Matrix:
    """The sound with another colour, in half of the cases in a room, and with noise of 10 to 40 dB."""
    coloured = sound.copy()
    coloured[1:] -= rng.uniform(-0.5, 0.5) * sound[:-1]
    if rng.random() < 0.5:
        length = int(TICKS_PER_SECOND * rng.uniform(0.08, 0.25))
        room = rng.standard_normal(length) * np.exp(-6 * np.arange(length) / length)
        room[0] = 6
        size = 2 * len(coloured)
        coloured = np.fft.irfft(np.fft.rfft(coloured, size) * np.fft.rfft(room, size))[: len(sound)]
    noise = np.convolve(rng.standard_normal(len(sound)), rng.uniform(-0.3, 1, 6), "same")
    decibels = rng.choice([10, 15, 20, 30, 40])
    return np.asarray(coloured + noise * np.sqrt(np.mean(coloured**2) / np.mean(noise**2)) * 10 ** (-decibels / 20))


if __name__ == "__main__":
    main(sys.argv[1:])
