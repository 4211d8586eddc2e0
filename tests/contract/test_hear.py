"""What every hearing back end must keep, whatever it is.

pocketsphinx runs as it is; sherpa-onnx gets small networks that know tones; the server on this machine speaks the real
one's protocol.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import numpy as np
import pytest
from tests.audio.kit import RATE, read, spoken, tone
from tests.contract.hear_servers import transcription_server
from tests.dialogue import hear_networks

from mien import plugins
from mien.dialogue.hear.base import LONGEST, Heard, HearSettings, Recogniser
from mien.errors import BackendError, UsageError
from mien.turn import Cut
from mien.types import AudioChunk, FloatArray

MEDIA = Path(__file__).parents[2].parent / "shared/media"
PIECE = 960


@pytest.fixture(scope="module", params=["pocketsphinx", "openai", "sherpa:whole", "sherpa:streaming"])
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recogniser]:
    """One for all tests: they load slowly, and what one test leaves must not harm the next."""
    backend, _, model = request.param.partition(":")
    folder = tmp_path_factory.mktemp("hear")
    hear_networks.make_sense_voice(folder / "data/hearing/whole")
    hear_networks.make_streaming(folder / "data/hearing/streaming")
    with ExitStack() as stack:
        monkeypatch = stack.enter_context(pytest.MonkeyPatch.context())
        monkeypatch.setenv("MIEN_DATA_DIR", str(folder / "data"))
        monkeypatch.setenv("MIEN_CACHE_DIR", str(folder / "cache"))
        monkeypatch.delenv("OPENAI_API_KEY", raising=False)
        if backend == "openai":
            monkeypatch.setenv("MIEN_OPENAI_BASE_URL", stack.enter_context(transcription_server()).address)
        yield stack.enter_context(closing(plugins.load("hear", backend)(HearSettings("en", model))))


@pytest.fixture
def ear(made: Recogniser) -> Iterator[Recogniser]:
    yield made
    made.drop()


def low_high() -> FloatArray:
    """Two seconds: a low tone, then a high one."""
    return np.concatenate([tone(1.0, hertz=250.0) + tone(1.0, hertz=600.0, gain=0.1), tone(1.0, hertz=4500.0)])


def push(ear: Recogniser, sound: FloatArray, start: int = 0, piece: int = PIECE) -> list[Heard]:
    told = [ear.push(AudioChunk(start + at, sound[at : at + piece])) for at in range(0, len(sound), piece)]
    return [heard for heard in told if heard is not None]


def test_every_back_end_is_tried() -> None:
    assert set(plugins.available("hear")) == {"pocketsphinx", "openai", "sherpa"}


def test_it_keeps_the_contract_and_names_itself(ear: Recogniser) -> None:
    assert isinstance(ear, Recogniser)
    info = ear.info
    assert info.name in plugins.available("hear")
    assert info.licence and not info.lacks and not info.leaves
    ear.check()


def test_an_utterance_has_its_ticks_and_is_final(ear: Recogniser) -> None:
    sound = low_high()
    so_far = push(ear, sound, start=12_345)
    heard = ear.finish()
    assert (heard.start, heard.end, heard.final) == (12_345, 12_345 + len(sound), True)
    assert heard.language == "en"
    assert 0.0 <= heard.confidence <= 1.0
    assert all(not h.final and h.start == 12_345 for h in so_far)
    assert not so_far or ear.info.streaming


def test_pushing_never_takes_as_long_as_the_sound(ear: Recogniser) -> None:
    sound = spoken("Where is the station, please?")[0]
    push(ear, sound[: 10 * PIECE])  # whatever is loaded and imported first
    ear.finish()
    slow = 0
    for at in range(0, len(sound), PIECE):
        begun = time.monotonic()
        ear.push(AudioChunk(at, sound[at : at + PIECE]))
        slow += time.monotonic() - begun > PIECE / RATE
    assert slow <= 2  # the machine may pause this process now and then
    ear.finish()


def test_how_it_is_cut_changes_nothing(ear: Recogniser) -> None:
    sound = low_high()
    texts = []
    for piece in (480, 7_777, len(sound)):
        push(ear, sound, piece=piece)
        texts.append(ear.finish().text)
    if ear.info.name != "pocketsphinx":  # which adapts to what it hears as it goes
        assert len(set(texts)) == 1


def test_nothing_pushed_is_nothing_heard(ear: Recogniser) -> None:
    assert ear.finish().text == ""
    assert ear.finish().final


def test_silence_and_bad_values_are_survived(ear: Recogniser) -> None:
    sound = np.zeros(RATE, np.float32)
    sound[100:200] = np.nan
    sound[300:310] = np.inf
    push(ear, sound)
    assert ear.finish().final


def test_a_gap_is_refused_and_the_next_utterance_is_not(ear: Recogniser) -> None:
    push(ear, low_high())
    with pytest.raises(UsageError, match="goes on"):
        ear.push(AudioChunk(10 * RATE, low_high()))
    ear.drop()
    push(ear, low_high(), start=10 * RATE)
    assert ear.finish().start == 10 * RATE


def test_an_utterance_without_end_is_refused(ear: Recogniser) -> None:
    with pytest.raises(BackendError, match="120 seconds"):
        ear.push(AudioChunk(0, np.zeros(LONGEST + 1, np.float32)))
    ear.drop()


def test_what_is_dropped_is_forgotten(ear: Recogniser) -> None:
    push(ear, low_high())
    ear.drop()
    ear.drop()
    assert ear.finish().text == ""
    push(ear, low_high(), start=99)
    assert ear.finish().start == 99


def test_waiting_ends_at_once_when_it_is_dropped(ear: Recogniser) -> None:
    push(ear, np.tile(spoken("Where is the station, please?")[0], 8), piece=RATE)
    outcome: list[object] = []

    def wait() -> None:
        try:
            outcome.append(ear.finish())
        except Cut as cut:
            outcome.append(cut)

    waiting = threading.Thread(target=wait)
    waiting.start()
    time.sleep(0.1)
    begun = time.monotonic()
    ear.drop()
    waiting.join(5.0)
    assert time.monotonic() - begun < 1.0
    assert len(outcome) == 1
    assert isinstance(outcome[0], Cut | Heard)  # a quick one had finished
    push(ear, low_high())
    assert ear.finish().final


def test_works_again_after_close(ear: Recogniser) -> None:
    push(ear, low_high())
    ear.close()
    ear.close()
    push(ear, low_high())
    assert ear.finish().end == len(low_high())


def test_two_ears_do_not_hear_each_other(ear: Recogniser) -> None:
    with closing(type(ear)(ear._settings)) as other:  # type: ignore[call-arg, attr-defined]
        sound = low_high()
        for at in range(0, len(sound), PIECE):
            ear.push(AudioChunk(at, sound[at : at + PIECE]))
            if at < RATE // 2:
                other.push(AudioChunk(at, sound[at : at + PIECE]))
        mine, theirs = ear.finish(), other.finish()
    assert mine.end == len(sound) and theirs.end <= RATE // 2 + PIECE
    if ear.info.name == "sherpa":
        assert (mine.text, theirs.text) == ("low high", "low")


def test_pocketsphinx_understands_english() -> None:
    """It adapts to a microphone in the first utterances."""
    sentences = ("Please stop for a moment", "How are you today my friend", "What time is it")
    silence = np.zeros(RATE // 4, np.float32)
    with closing(plugins.load("hear", "pocketsphinx")()) as ear:
        understood = 0
        for said in (*sentences, *sentences):
            so_far = push(ear, np.concatenate([silence, spoken(said, "en-us")[0], silence]))
            assert all(h.text for h in so_far)
            found, wanted = set(ear.finish().text.split()), said.lower().split()
            understood += len(found & set(wanted))
    assert understood >= 0.6 * sum(len(said.split()) for said in (*sentences, *sentences))


@pytest.mark.skipif(not MEDIA.is_dir(), reason="the recordings of ../shared/media are not here")
def test_pocketsphinx_understands_a_recording() -> None:
    """LibriSpeech, a man: "Then said the eunuch …"."""
    with closing(plugins.load("hear", "pocketsphinx")()) as ear:
        push(ear, read(str(MEDIA / "voices/en-m-2033-utt2.flac"))[: 2 * RATE])
        assert {"then", "said", "the"} <= set(ear.finish().text.split())
