"""Every sound of every language has a mouth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.face.visemes import CHANNEL, CHANNELS, gestures

EMITTED = """
" dʒ ˈɔɪ f əl b z p ˈeɪ ɔːɹ m ˈʌ ð ɚ v s ʃ iː d ə ˈɛ ʒ ɹ θ ˈɪ n tʃ ˈɜː w ŋ j ˈuː ɾ ˈʊɹ ˈaɪɚ ˈaʊ ʔ n̩ l ᵻ
tɕ th ˈiɛ tɕh χ ˈɑu kh ˈuai ˈər i̪ ʐ i. ɕ ˈyɛ yæ ˈuei ph ˈiou ts.h tsh ts. s. ˈeoi ˈunɡ ˈoenɡ ˈaai o̞ ɯᵝ ä
e̞ ɸ dʑ ɴ ç ɽ ˈũ ɐ ɯ q s- p- ɫ r ɲ ɣ ʎ β ɔ̃ ʁ œ̃ ˈɑ̃ y ø pf ˈɔø x mʲ tʃʲ ʲ ɨ u" ɭ ʕ ħ s̪ dˤ eː ɛ̃ bʰ kʰ ɡʰ
cʰ ɟʰ ɳ ɖ ʈʰ ʋ r. ɐ̃ʊ dz t̪ ɗ ʑ ɟ sx ʉ ɵ ˈœy ɛɪ ʔœ ε ˈæi ˈyø r̝ ɻ ɬ ɥ l̩ ʂ ɔ- ː əʊ ɒ ʍ ɰ ʙ ɱ k͡p
""".split()  # noqa: SIM905


@pytest.mark.parametrize("symbol", EMITTED)
def test_every_emitted_symbol_moves_the_mouth(symbol: str) -> None:
    parts = gestures(symbol)
    assert parts
    assert sum(g.share for g in parts) == pytest.approx(1)
    assert all(np.isfinite(g.target).all() and g.target.min() >= 0 and g.target.max() <= 1 for g in parts)


@given(st.text(min_size=1, max_size=12))
def test_anything_has_an_answer(symbol: str) -> None:
    parts = gestures(symbol)
    assert bool(parts) == (bool(symbol.strip()) and not (symbol.strip()[0] == "(" and symbol.strip()[-1] == ")"))


def test_only_silence_is_silent() -> None:
    assert gestures("") == ()
    assert gestures("(en)") == ()


@pytest.mark.parametrize("symbol", ["p", "b", "m", "ph", "bʰ", "pʰ", "mʲ", "p-", "ɓ", "k͡p", "pf", "m̩", "pː", "ˈp"])
def test_bilabials_close_the_lips(symbol: str) -> None:
    assert any(g.contact == "lips" for g in gestures(symbol))


@pytest.mark.parametrize("symbol", ["f", "v", "ɱ", "ʋ", "pf", "vʲ"])
def test_labiodentals_touch_the_teeth(symbol: str) -> None:
    assert any(g.contact == "teeth" for g in gestures(symbol))


@pytest.mark.parametrize("symbol", ["t", "k", "ts.h", "β", "ɸ", "w", "h", "tɕ", "ɑu", "hʷ"])
def test_nothing_else_makes_contact(symbol: str) -> None:
    assert not any(g.contact for g in gestures(symbol))


def test_openness_falls_as_on_real_lips() -> None:
    groups = [["a", "ɑ", "æ"], ["e", "ɛ"], ["i", "ɪ", "s"], ["o", "ɔ"], ["u", "y", "v"], ["w"], ["m", "p"]]
    means = [np.mean([gestures(s)[0].aperture for s in group]) for group in groups]
    assert means == sorted(means, reverse=True)


def test_diphthongs_and_affricates_are_split_in_time() -> None:
    assert [g.name for g in gestures("aɪ")] == ["open", "near_close_front"]
    assert gestures("aɪ")[0].share > gestures("aɪ")[1].share
    assert len(gestures("iɑu")) == 3
    assert [g.name for g in gestures("tʃ")] == ["tongue_tip", "hush"]
    assert [g.name for g in gestures("ts.h")] == ["tongue_tip", "hush"]


def test_rounded_vowels_narrow_and_spread_ones_widen() -> None:
    for symbol in ("u", "y", "o", "w", "ɥ", "ø"):
        target = gestures(symbol)[0].target
        assert target[CHANNEL["mouthPucker"]] + target[CHANNEL["mouthFunnel"]] > 0.4
        assert target[CHANNEL["mouthStretch"]] == 0
    for symbol in ("i", "e", "j"):
        target = gestures(symbol)[0].target
        assert target[CHANNEL["mouthStretch"]] > 0.1
        assert target[CHANNEL["mouthPucker"]] == 0
    assert gestures("kʷ")[0].target[CHANNEL["mouthPucker"]] > gestures("k")[0].target[CHANNEL["mouthPucker"]]


def test_unknown_letters_are_decomposed() -> None:
    assert [g.name for g in gestures("ǘ")] == [g.name for g in gestures("u")]
    assert gestures("ᶌ")[0].name == "lip_teeth"
    assert len(CHANNELS) == len(CHANNEL)
