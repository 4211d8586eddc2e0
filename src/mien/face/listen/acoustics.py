"""What the lips do to each sound of speech, by an acoustic model that thousands of real voices made.

The network learned from few real voices. What it lacks, a speech recogniser's acoustic model knows: mixtures of
Gaussians, one for each phone and state of English, over cepstra and their changes (CMU Sphinx's model "en-us",
BSD-2-Clause; its files and what they mean are documented by the Sphinx project). Its cepstra are made of the mel bands
that the network hears anyway. No words, no language, no decoding: each moment's shares of 42 phones, noises and silence
among them, weigh what the table of visemes says of each. The driver averages that with what the network says.
"""

from __future__ import annotations

import logging
import struct
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien import models
from mien.errors import InputError, MienError
from mien.face.lips import Articulation
from mien.face.listen.heads import ROW
from mien.face.visemes import CHANNELS, TRAVEL, WIDENS
from mien.types import FloatArray, Phone

_log = logging.getLogger(__name__)

PHONES: Final = 42
SYMBOLS: Final = (
    "", "", "ɑ", "æ", "ʌ", "ɔ", "aʊ", "aɪ", "b", "tʃ", "d", "ð", "ɛ", "ɜ", "eɪ", "f", "ɡ", "h", "ɪ", "i", "dʒ", "k",
    "l", "m", "n", "ŋ", "oʊ", "ɔɪ", "p", "ɹ", "s", "ʃ", "", "t", "θ", "ʊ", "u", "v", "w", "j", "z", "ʒ",
)  # fmt: skip
"""The model's phones in IPA, in its order; "" are noises and silence."""
STATES: Final = 3
LIPS: Final = 2
"""Columns of what is said of the lips: aperture and width."""
CEPSTRA: Final = 13
FILTERS: Final = 25
SHARPNESS: Final = 0.6
"""Power to which likelihoods are raised before they become shares: frames overlap and are not independent."""
LATE: Final = 3
"""Windows of 10 ms that must follow the one that a row is about: its changes are seen over them."""
REACH: Final = 7
EVERY: Final = 3
"""Rows of which one is asked about: what the lips are taken for is averaged over more of them anyway, and lips are
followed no worse on recordings that nothing was chosen on."""
USUAL_MEAN: Final = (-51.63, 5.99, 1.93, 18.36, 4.30, 0.47, -4.38, -3.87, -4.07, -1.98, -1.86, 0.29, 0.31)
"""Mean cepstra of loud rows of 34 speakers' recordings, relative to the voice's level: what a channel is thought to be
until it was heard."""
MEAN_WORTH: Final = 50.0
"""Rows that this is worth."""
MEAN_MEMORY: Final = 750.0
"""Rows over which the channel is averaged at most: 15 s."""
LOUD: Final = -4.0
"""Rows from here up, natural logarithm of power relative to the voice's level, tell of the channel."""
FLOOR: Final = 1e-9

_CONTACTS: Final = frozenset("mbpfvw")
_SMOOTHING: Final = 0.35
_FILES: Final = ("phones_means", "phones_variances", "phones_weights")
_GAUSSIANS, _STREAMS = 128, 3
_BLOCK: Final = 16  # rows whose likelihoods stay in the processor's cache
_MAGIC: Final = 0x11223344
_LEAST_VARIANCE: Final = 1e-4
_LOG_STEP: Final = 1024 * np.log(1.0001)
"""Weights are stored as whole numbers of this, negative natural logarithm."""
Array = NDArray[np.float32]


@dataclass(frozen=True)
class Mixtures:
    """The model as products: log density of a Gaussian = [f², f, 1] · form, for each stream of 13 numbers.

    form: (3, PHONES, 27, 128), the bias last. weights: (3, PHONES, 128, STATES), of each state's mixture.
    """

    form: Array
    weights: Array


class Acoustics:
    """Rows of lips from mel bands, streaming. Chunked equals whole. Row k is about one row earlier: row k - 1.

    every: rows of which one is asked about, the others say the same.
    """

    def __init__(self, every: int = EVERY) -> None:
        self._mixtures = mixtures()
        self._every, self._rows = every, 0
        self._mean = np.array(USUAL_MEAN)
        self._worth = MEAN_WORTH
        self._before = np.full((REACH - 2, CEPSTRA), np.nan)
        self._waiting: list[tuple[FloatArray, FloatArray, FloatArray]] = []
        self._said = np.zeros((1, PHONES), np.float32)

    def push(self, power: FloatArray, levels: FloatArray, loudness: FloatArray) -> NDArray[np.float64]:
        """The next rows: aperture and width, mm, (n, LIPS); NaN without the model's files.

        power: (2 n, BANDS) of mel bands. levels, loudness: (n,).
        """
        phones = self.phones(power, levels, loudness)
        return phones @ lips_of_phones() if len(phones) else np.full((len(levels), LIPS), np.nan)

    def phones(self, power: FloatArray, levels: FloatArray, loudness: FloatArray) -> FloatArray:
        """The next rows' shares of phones, float32 (n, PHONES); none without the model's files."""
        rows = len(levels)
        if self._mixtures is None or not rows:
            return np.zeros((0, PHONES), np.float32)
        self._waiting.append((power, levels, loudness))
        until = -self._rows % self._every  # rows before the first that is asked about
        self._rows = (self._rows + rows) % self._every
        if until >= rows:
            return np.repeat(self._said, rows, axis=0)
        features = self._features()
        asked = features[len(features) - rows + until :: self._every]
        told = [shares(asked[i : i + _BLOCK], self._mixtures) for i in range(0, len(asked), _BLOCK)]
        known = np.concatenate([self._said, *told])
        self._said = known[-1:]
        return np.asarray(known[(np.arange(rows) - until) // self._every + 1])

    def _features(self) -> Array:
        """Of all rows that wait, (n, 3, CEPSTRA)."""
        power, levels, loudness = (np.concatenate(arrays) for arrays in zip(*self._waiting, strict=True))
        self._waiting.clear()
        cepstra = cepstra_of(power, np.repeat(levels, 2))
        if np.isnan(self._before[0, 0]):
            self._before[:] = cepstra[0]
        means, pairs = np.empty((len(levels), CEPSTRA)), (cepstra[::2] + cepstra[1::2]) / 2
        for i, loud in enumerate((loudness > LOUD).tolist()):
            if loud:
                self._worth = min(self._worth + 1, MEAN_MEMORY)
                self._mean = self._mean + (pairs[i] - self._mean) / self._worth
            means[i] = self._mean
        whole = np.concatenate([self._before, cepstra])
        self._before = whole[len(whole) - (REACH - 2) :]
        return changes(whole, means)


def cepstra_of(power: FloatArray, levels: FloatArray) -> NDArray[np.float64]:
    """Sphinx's cepstra of mel bands relative to the voice's level. (n, BANDS), (n,) → (n, CEPSTRA)."""
    lines = np.log(power.astype(np.float64) @ filters().T + FLOOR) - levels[:, None]
    return np.asarray(lines @ cosines())


def changes(cepstra: NDArray[np.float64], means: NDArray[np.float64]) -> Array:
    """Cepstra without the channel, their change and its change, of every second window. cepstra: from five windows
    before the first row on, (2 n + 5, CEPSTRA). Returns (n, 3, CEPSTRA)."""

    def at(shift: int) -> NDArray[np.float64]:
        return cepstra[LATE + shift : LATE + shift + 2 * len(means) : 2][: len(means)]

    still = at(0) - means
    return np.stack([still, at(2) - at(-2), (at(3) - at(-1)) - (at(1) - at(-3))], axis=1).astype(np.float32)


def shares(features: Array, model: Mixtures) -> Array:
    """Shares of the phones, (n, PHONES), of features (n, 3, CEPSTRA)."""
    parts = features.transpose(1, 0, 2)
    asked = np.concatenate([parts * parts, parts, np.ones_like(parts[..., :1])], axis=2)[:, None]
    # phone by phone: products as small as that start no threads, whose waiting costs more than they save
    each = np.matmul(asked, model.form)  # stream, phone, row, gaussian
    each -= each.max(axis=(1, 3), keepdims=True)
    np.exp(each, out=each)
    sums = np.matmul(each, model.weights)  # stream, phone, row, state
    found = np.log(sums + 1e-30).sum(axis=0)
    best = found.max(axis=2)
    phones = SHARPNESS * (best + np.log(np.exp(found - best[..., None]).sum(axis=2))).T
    phones = np.exp(phones - phones.max(axis=1, keepdims=True))
    return np.asarray(phones / phones.sum(axis=1, keepdims=True), np.float32)


@cache
def lips_of_phones() -> NDArray[np.float64]:
    """Aperture and width of each phone between two open vowels, mm, (PHONES, LIPS): contacts shut, silence at rest."""
    out = np.zeros((PHONES, LIPS))
    opens = np.array([TRAVEL.get(name, 0.0) for name in CHANNELS])
    spreads = np.array([WIDENS.get(name, 0.0) for name in CHANNELS])
    for i, symbol in enumerate(SYMBOLS):
        if not symbol:
            continue
        articulation = Articulation(0, _SMOOTHING)
        for start, end, spoken in ((0, 15, "a"), (15, 25, symbol), (25, 40, "a")):
            articulation.add(Phone(start * ROW, end * ROW, spoken))
        target, closed, _, _ = articulation.take(40)
        gap = (target @ opens) * (1 - closed)
        row = 15 + int(gap[15:25].argmin()) if symbol in _CONTACTS else 20
        out[i] = gap[row], (target @ spreads)[20]
    return out


@cache
def mixtures() -> Mixtures | None:
    """The model, None where its files cannot be had."""
    try:
        means, variances, weights = (models.path(name) for name in _FILES)
    except MienError as error:
        _log.warning("Lips will follow voices less exactly: the acoustic model is not here. %s", error)
        return None
    return read_mixtures(means, variances, weights)


def read_mixtures(means: Path, variances: Path, weights: Path) -> Mixtures:
    """The model of Sphinx's files. Raises InputError for files that are something else."""
    middle, spread = _gaussians(means), np.maximum(_gaussians(variances), _LEAST_VARIANCE)
    bias = -0.5 * (np.log(2 * np.pi * spread) + middle**2 / spread).sum(axis=3, keepdims=True)
    form = np.concatenate([-0.5 / spread, middle / spread, bias], axis=3)  # phone, stream, gaussian, 27
    return Mixtures(np.ascontiguousarray(form.transpose(1, 0, 3, 2), np.float32), _weights(weights))


def _gaussians(file: Path) -> NDArray[np.float64]:
    """(PHONES, streams, gaussians, CEPSTRA) of a parameter file: text header, byte-order mark, sizes, float32."""
    data = file.read_bytes()
    at = data.find(b"endhdr\n") + 7
    head = struct.unpack_from("<8i", data, at) if len(data) >= at + 32 else ()
    sizes = (_MAGIC, PHONES, _STREAMS, _GAUSSIANS, *(CEPSTRA,) * _STREAMS)
    if head[:7] != sizes or head[7] > len(data[at + 32 :]) // 4:  # a checksum may follow
        raise _unexpected(file)
    numbers = np.frombuffer(data, "<f4", offset=at + 32, count=head[7])
    return numbers.reshape(PHONES, _STREAMS, _GAUSSIANS, CEPSTRA).astype(np.float64)


def _weights(file: Path) -> Array:
    """(streams, PHONES, gaussians, STATES): weights of the context-free states, which stand first in each row."""
    data = file.read_bytes()
    at, left = 0, 64  # strings of a header, each after its length; an empty one ends them
    while left and len(data) >= at + 4 and (length := struct.unpack_from("<i", data, at)[0]) > 0:
        at, left = at + 4 + length, left - 1
    rows, states = struct.unpack_from("<2i", data, at + 4) if len(data) >= at + 12 else (0, 0)
    stored = np.frombuffer(data[at + 12 :], "u1")
    if rows != _GAUSSIANS or states < PHONES * STATES or len(stored) < _STREAMS * rows * states:
        raise _unexpected(file)
    stored = stored[: _STREAMS * rows * states].reshape(_STREAMS, rows, states)[:, :, : PHONES * STATES]
    logs = -_LOG_STEP * stored.reshape(_STREAMS, rows, PHONES, STATES).transpose(0, 2, 1, 3)
    return np.ascontiguousarray(np.exp(logs), np.float32)


def _unexpected(file: Path) -> InputError:
    return InputError(f"'{file.name}' is not the acoustic model that was expected.", hint="Run: mien models verify.")


@cache
def filters() -> NDArray[np.float64]:
    """Sphinx's 25 filters as sums of the mel bands, (FILTERS, BANDS): least squares, none below zero.

    Triangles from 130 to 6800 Hz on the same mel scale, edges on lines of the spectrum, each of area one, over the
    power of sound whose high frequencies are raised by 1 - 0.97 z⁻¹.
    """
    from scipy.optimize import nnls

    from mien.face.listen.features import FFT, mel_matrix
    from mien.face.listen.heads import LISTENING_RATE

    step = LISTENING_RATE / FFT
    lines = np.arange(FFT // 2 + 1) * step
    low, high = (2595 * np.log10(1 + f / 700) for f in (130.0, 6800.0))
    edges = np.floor(700 * (10 ** (np.linspace(low, high, FILTERS + 2) / 2595) - 1) / step + 0.5) * step
    raised = np.abs(1 - 0.97 * np.exp(-2j * np.pi * lines / LISTENING_RATE)) ** 2
    bands = mel_matrix().T.astype(np.float64)
    out = np.empty((FILTERS, bands.shape[1]))
    for i, (left, centre, right) in enumerate(zip(edges, edges[1:], edges[2:], strict=False)):
        rise, fall = (lines - left) / (centre - left), (right - lines) / (right - centre)
        out[i] = nnls(bands, np.clip(np.minimum(rise, fall), 0, None) * 2 / (right - left) * raised)[0]
    return out


@cache
def cosines() -> NDArray[np.float64]:
    """The orthonormal cosine transform, lifted by 1 + 11 sin(π k / 22), (FILTERS, CEPSTRA)."""
    order = np.arange(CEPSTRA)
    out = np.cos(np.pi / FILTERS * np.outer(np.arange(FILTERS) + 0.5, order)) * np.sqrt(2 / FILTERS)
    out[:, 0] *= np.sqrt(0.5)
    return np.asarray(out * (1 + 11 * np.sin(order * np.pi / 22)))
