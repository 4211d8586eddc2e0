"""The trace: what goes in comes out, and what is none is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.errors import InputError
from mien.transmit.trace import FLOOR, STEP, TraceRecorder, levels, read_trace
from mien.types import AudioChunk, Emotion, EmotionSpan, Phone, SpeechPart, Word


def part(start: int, samples: np.ndarray) -> SpeechPart:
    phones = (Phone(start, start + 100, "m"), Phone(start + 100, start + len(samples), ""))
    feeling = EmotionSpan(start, start + len(samples), Emotion(name="happy"))
    return SpeechPart(
        AudioChunk(start, samples.astype(np.float32)), phones, (Word(start, start + 9, 0, 3),), (feeling,)
    )


@settings(max_examples=20, deadline=None)
@given(cuts=st.lists(st.integers(1, 5000), min_size=1, max_size=6))
def test_pieces_give_what_the_whole_gives(cuts: list[int], tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("trace")
    sound = np.random.default_rng(0).normal(0, 0.1, sum(cuts)).astype(np.float32)
    recorder, at = TraceRecorder(), 0
    for cut in cuts:
        recorder.hear(part(at, sound[at : at + cut]))
        at += cut
    recorder.write(folder / "t.json")
    trace = read_trace(folder / "t.json")
    assert len(trace.phones) == 2 * len(cuts)
    assert len(trace.words) == len(trace.emotions) == len(cuts)
    assert trace.sound is not None
    assert np.abs(trace.sound - levels(sound)).max(initial=0) < 0.06


def test_levels() -> None:
    sound = np.concatenate([np.zeros(STEP), np.full(STEP, 0.1), np.ones(7)]).astype(np.float32)
    assert np.allclose(levels(sound), [-FLOOR / 10, -20])


def made(**changes: object) -> bytes:
    """A trace of nothing, with changes."""
    fields = {"format": "mien.trace", "schema_version": 1, "phones": [], "words": [], "emotions": [], "sound": []}
    return json.dumps({**fields, **changes}).encode()


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"format": "mien.trace"}',
        made(schema_version=2), made(phones=[[0]]), made(sound=["x"]), made(words=[[1, 2, 3]]),
    ],
)  # fmt: skip
def test_what_is_no_trace_is_refused(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "t.json"
    file.write_bytes(content)
    with pytest.raises(InputError, match=r"t\.json"):
        read_trace(file)


@settings(max_examples=60, deadline=None)
@given(
    content=st.binary(max_size=200)
    | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(lambda v: json.dumps(v).encode())
)
def test_anything_else_is_refused_too(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("trace") / "t.json"
    file.write_bytes(content)
    with pytest.raises(InputError):
        read_trace(file)
