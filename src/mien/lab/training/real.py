"""Real voices for training: what a phone recogniser hears in them, or the words that are known, become labels."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.types import Phone

_IPA: Final = {
    "AA": "ɑ", "AE": "æ", "AH": "ʌ", "AO": "ɔ", "AW": "aʊ", "AX": "ə", "AY": "aɪ", "B": "b", "CH": "tʃ", "D": "d",
    "DH": "ð", "EH": "ɛ", "ER": "ɜ", "EY": "eɪ", "F": "f", "G": "ɡ", "HH": "h", "IH": "ɪ", "IY": "i", "JH": "dʒ",
    "K": "k", "L": "l", "M": "m", "N": "n", "NG": "ŋ", "OW": "oʊ", "OY": "ɔɪ", "P": "p", "R": "ɹ", "S": "s", "SH": "ʃ",
    "T": "t", "TH": "θ", "UH": "ʊ", "UW": "u", "V": "v", "W": "w", "Y": "j", "Z": "z", "ZH": "ʒ",
}  # fmt: skip
_FRAMES: Final = 100


def ipa(arpabet: str) -> str:
    """The IPA letter of an ARPAbet symbol, "" for silence and noises."""
    return _IPA.get(arpabet.upper().rstrip("012"), "")


def recognised(sound: NDArray[np.float32]) -> list[Phone]:
    """Phones that pocketsphinx hears in English speech at 16 kHz; ticks. Slow: a third of real time."""
    from pocketsphinx import Config, Decoder, get_model_path

    model = get_model_path("en-us")
    settings = Config(loglevel="FATAL", allphone=f"{model}/en-us-phone.lm.bin", lw=2.0, beam=1e-20, pbeam=1e-20)
    decoder = Decoder(settings)
    loud = np.abs(sound).max() + 1e-6
    decoder.start_utt()
    decoder.process_raw((sound / loud * 0.6 * 32767).astype(np.int16).tobytes(), full_utt=True)
    decoder.end_utt()
    tick = 48_000 // _FRAMES
    return [Phone(s.start_frame * tick, (s.end_frame + 1) * tick, ipa(s.word)) for s in decoder.seg()]
