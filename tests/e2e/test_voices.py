"""A film in a natural voice, from the words to the pictures: small networks and servers stand in for large ones."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from tests.contract.speech_servers import speech_server
from tests.dialogue import networks

import mien
from mien import config
from mien.avatar import Avatar
from mien.errors import NetworkError

WORDS = "Hello there, my friend. [pause 0.2s] Goodbye."


@pytest.fixture(autouse=True)
def voices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MIEN_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data/voices"


def watch(film: mien.Film) -> tuple[int, float]:
    """Pictures, and seconds of sound that is not silent."""
    count, loud = 0, 0
    for _, sound in film.frames():
        count += 1
        loud += int(np.count_nonzero(np.abs(sound.samples) > 0.01))
    return count, loud / 48_000


def test_a_film_in_the_best_voice_here(avatar: Avatar, voices: Path) -> None:
    networks.make_vits(voices / "hum")
    told: list[str] = []
    pictures, loud = watch(mien.make(avatar, WORDS, size="128", voice="auto", tell=told.append))
    assert told == ["Voice: sherpa:hum."]
    letters = len("Hello there, my friend.") + len("Goodbye.")
    assert loud == pytest.approx(letters * 0.1, rel=0.1)
    assert pictures / 25 > letters * 0.1 + 0.2


def test_a_film_through_a_server_and_one_that_dies(avatar: Avatar) -> None:
    with speech_server() as server:
        settings = dataclasses.replace(config.Settings(), voices=config.VoicesConfig(openai_url=f"{server.address}/v1"))
        assert watch(mien.make(avatar, WORDS, size="128", voice="openai:nova", settings=settings))[1] > 1
        server.moods = ["400"]
        with pytest.raises(mien.MienError, match="refused"):
            watch(mien.make(avatar, WORDS, size="128", voice="openai", settings=settings))
    with pytest.raises(NetworkError, match="No answer"):
        watch(mien.make(avatar, WORDS, size="128", voice="openai", settings=settings))
    told: list[str] = []
    film = mien.make(avatar, WORDS, size="128", voice="openai", fallback=True, settings=settings, tell=told.append)
    assert watch(film)[1] > 0.5
    assert len(told) == 1 and "embedded voice speaks instead" in told[0]
