"""The judge of turns sees what is there: latencies, misses, false alarms."""

from __future__ import annotations

import math

import numpy as np
import pytest
from tests.audio.kit import RATE, spoken

from mien.dialogue.hear.turns import TurnSettings
from mien.lab.evaluate import turns
from mien.lab.evaluate.measure import Measure


def judged(settings: TurnSettings, monkeypatch: pytest.MonkeyPatch) -> dict[str, Measure]:
    monkeypatch.setattr(turns, "ECHOES", (-18.0,))
    voices = [
        spoken("Please stop for a moment, I want to ask something.")[0],
        spoken("请等一下，我想问个问题。", "zh")[0],
    ]
    return {m.name: m for m in turns.measures(turns.judge(turns.scenes(voices, []), settings))}


def test_good_settings_keep_the_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    found = judged(TurnSettings(), monkeypatch)
    assert found["turns.quiet.missed"].value == 0
    assert 50 < found["turns.quiet.start.p50"].value < 250
    assert 250 < found["turns.quiet.end.p50"].value < 650
    assert all(found[f"turns.{name}"].good for name in ("cutin.p95", "cutin.missed", "cutin.false"))


def test_bad_settings_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    deaf = judged(TurnSettings(barge_in=False), monkeypatch)
    assert deaf["turns.cutin.missed"].good is False
    assert math.isnan(deaf["turns.cutin.p95"].value)
    slow = judged(TurnSettings(silence=1.2, rows=30, rows_over=30), monkeypatch)
    assert slow["turns.end.p50"].good is False
    assert slow["turns.cutin.p95"].good is False or slow["turns.cutin.missed"].good is False


def test_onset_is_the_voice_s_and_not_a_click_s() -> None:
    voice = spoken("Please stop for a moment.")[0]
    sound = np.concatenate([np.zeros(RATE, np.float32), voice])
    sound[RATE // 4 : RATE // 4 + 960] = 0.3
    onset, end = turns._speech(sound)
    assert abs(onset - RATE) < 0.1 * RATE
    assert end > onset + RATE // 2
