"""32 bits made to survive: a checksum, a convolutional code, and the soft Viterbi decoder that undoes it."""

from __future__ import annotations

import functools
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.types import FloatArray

BITS: Final = 32
"""Size of a payload."""
_CHECK: Final = 16
_POLYNOMIAL: Final = 0x1021  # CRC-16/IBM-3740, also called CCITT-FALSE
_MEMORY: Final = 6
_GENERATORS: Final = (0o133, 0o171, 0o165)  # rate 1/3, constraint length 7, free distance 15 (Proakis, table 8.2-2)
_STATES: Final = 1 << _MEMORY
_STEPS: Final = BITS + _CHECK + _MEMORY
LIST: Final = 32
"""Paths through the code that are tried against the checksum."""
CODED: Final = _STEPS * len(_GENERATORS)
"""Bits after coding."""


def encode(payload: int) -> NDArray[np.int8]:
    """(CODED,), each -1 or 1. payload: 0…2³² - 1."""
    word = (payload << _CHECK) | _checksum(payload)
    bits = [(word >> i) & 1 for i in range(BITS + _CHECK - 1, -1, -1)] + [0] * _MEMORY
    state, out = 0, []
    for bit in bits:
        out.extend(_symbols(state, bit))
        state = _next(state, bit)
    return np.array(out, np.int8)


def decode(soft: FloatArray) -> int | None:
    """The likeliest payload whose checksum fits, among the :data:`LIST` likeliest of all; None where none does.

    soft: (CODED,), above 0 speaks for a 1. Noise fits by chance once in 65536 / LIST.
    """
    arrives, outputs = _trellis()
    score = np.full((_STATES, LIST), -np.inf)
    score[0, 0] = 0.0
    came: list[NDArray[np.intp]] = []
    for step in soft.reshape(_STEPS, len(_GENERATORS)).astype(np.float64):
        gains = (score[arrives] + (outputs @ step)[..., None]).reshape(_STATES, 2 * LIST)
        best = np.argsort(-gains, axis=1, kind="stable")[:, :LIST]
        score = np.take_along_axis(gains, best, axis=1)
        came.append(best)
    for rank in range(LIST):
        if score[0, rank] > -np.inf:
            word = _traced(arrives, came, rank)
            if word & 0xFFFF == _checksum(word >> _CHECK):
                return word >> _CHECK
    return None


def _traced(arrives: NDArray[np.intp], came: list[NDArray[np.intp]], rank: int) -> int:
    """The bits on the way to state 0, the last step first: serial for each rank (Seshadri and Sundberg, 1994)."""
    state, word = 0, 0
    for i in range(_STEPS - 1, -1, -1):
        if i < BITS + _CHECK:
            word |= (state & 1) << (BITS + _CHECK - 1 - i)
        way, rank = divmod(int(came[i][state, rank]), LIST)
        state = int(arrives[state, way])
    return word


def _next(state: int, bit: int) -> int:
    return ((state << 1) | bit) & (_STATES - 1)


def _symbols(state: int, bit: int) -> list[int]:
    register = (state << 1) | bit
    return [1 - 2 * ((register & g).bit_count() & 1 ^ 1) for g in _GENERATORS]


@functools.cache
def _trellis() -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """For each state: the two states it is reached from, (64, 2), and what is sent on the way, (64, 2, 3)."""
    arrives = np.empty((_STATES, 2), np.intp)
    outputs = np.empty((_STATES, 2, len(_GENERATORS)))
    for state in range(_STATES):
        for k in range(2):
            before = (state >> 1) | (k << (_MEMORY - 1))
            arrives[state, k] = before
            outputs[state, k] = _symbols(before, state & 1)
    return arrives, outputs


def _checksum(payload: int) -> int:
    """CRC-16 of the four bytes, most significant first."""
    crc = 0xFFFF
    for i in range(BITS - 1, -1, -1):
        top = (crc >> 15) ^ ((payload >> i) & 1)
        crc = ((crc << 1) & 0xFFFF) ^ (_POLYNOMIAL if top else 0)
    return crc
