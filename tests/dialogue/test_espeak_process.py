"""The process that espeak-ng runs in: it dies, is killed, is replaced, ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import BinaryIO

import pytest
from tests.dialogue.espeak_kit import SENTENCES, say, spellings

from mien.dialogue.speak import espeak_process, espeak_voices
from mien.dialogue.speak.base import SpeakRequest
from mien.dialogue.speak.espeak import EspeakSpeaker
from mien.dialogue.speak.espeak_process import ChildDied, EspeakProcess, Job
from mien.errors import BackendError


@pytest.fixture(scope="module")
def speaker() -> Iterator[EspeakSpeaker]:
    with closing(EspeakSpeaker()) as made:
        yield made


CRASHING = Job("par exemple", "fr+rob", rate=137, pitch=49, pitch_range=93)
"""espeak-ng 1.52 dies of this every time."""


def test_a_crash_is_noticed_and_survived() -> None:
    with closing(EspeakProcess()) as process:
        before = process.render(Job("Hello.", "en-us"))
        pid = process.pid
        with pytest.raises(ChildDied):
            process.render(CRASHING)
        after = process.render(Job("Hello.", "en-us"))
        assert process.pid != pid
        assert [e.symbol for e in after.events] == [e.symbol for e in before.events]


def test_a_crashing_sentence_is_said_with_a_plain_voice(
    speaker: EspeakSpeaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "mien.dialogue.speak.espeak_voices.dials", lambda *_: espeak_voices.Dials(CRASHING.rate, 49, 93)
    )
    text = "par exemple"
    parts = say(speaker, text, "fr", voice="rob")
    assert spellings(text, parts) == ["par", "exemple"]


def test_twice_dead_is_a_backend_error(speaker: EspeakSpeaker, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(*_: object) -> None:
        raise ChildDied

    monkeypatch.setattr(EspeakProcess, "render", die)
    with pytest.raises(BackendError, match="twice"):
        say(speaker, "Hello.", "en")


def test_a_killed_child_is_replaced_between_sentences() -> None:
    with closing(EspeakSpeaker()) as speaker:
        stream = speaker.speak(SpeakRequest("One. Two. Three.", "en"))
        first = next(stream)
        pid = speaker._process.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        rest = list(stream)
        assert rest[0].audio.start == first.audio.end
        assert len(rest) == 2


def test_a_child_killed_in_the_middle_of_a_sentence_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    receive = espeak_process._receive
    with closing(EspeakSpeaker()) as speaker:
        whole = say(speaker, SENTENCES["en"], "en")
        first = speaker._process.pid
        assert first is not None
        left = [first]

        def kill_after_the_first_sound(source: BinaryIO) -> bytes:
            payload = receive(source)
            if payload[:1] == b"A" and left:
                os.kill(left.pop(), signal.SIGKILL)
            return payload

        monkeypatch.setattr(espeak_process, "_receive", kill_after_the_first_sound)
        again = say(speaker, SENTENCES["en"], "en")
        assert not left
        assert spellings(SENTENCES["en"], again) == spellings(SENTENCES["en"], whole)


def test_the_child_starts_late_and_ends_with_close() -> None:
    speaker = EspeakSpeaker()
    assert speaker._process.pid is None
    say(speaker, "Hello.")
    pid = speaker._process.pid
    assert pid is not None
    speaker.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.skipif(sys.platform == "win32", reason="looks for the process by POSIX signals")
def test_the_child_ends_when_its_parent_is_killed() -> None:
    script = (
        "import time\n"
        "from mien.dialogue.speak.espeak_process import EspeakProcess, Job\n"
        "p = EspeakProcess(); p.render(Job('Hello.', 'en-us')); print(p.pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and _alive(pid):
        time.sleep(0.02)
    assert not _alive(pid)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return True


def test_an_unknown_voice_does_not_kill_the_child() -> None:
    with closing(EspeakProcess()) as process:
        process.render(Job("Hello.", "en-us"))
        pid = process.pid
        with pytest.raises(BackendError):
            process.render(Job("Hello.", "no-such-language"))
        process.render(Job("Hello.", "en-us"))
        assert process.pid == pid
