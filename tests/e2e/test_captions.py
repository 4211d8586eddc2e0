"""Captions in the picture of a film."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import mien
from mien.avatar import Avatar
from mien.errors import MissingError, UsageError
from mien.stage.type.safe import safe_area
from mien.timeline import to_seconds

WORDS = "Good tea. Very good tea."


def test_words_are_in_the_picture_while_they_are_said(avatar: Avatar) -> None:
    """The rest of the film is as without them, and no word is late by more than a frame."""
    plain = list(mien.make(avatar, WORDS, size="192", language="en").frames())
    film = mien.make(avatar, WORDS, size="192", language="en", burn_captions="karaoke", caption_area="reels")
    lettered = list(film.frames())
    assert [frame.tick for frame, _ in plain] == [frame.tick for frame, _ in lettered]
    area = safe_area("reels", 192, 192)
    shown = []
    for (a, _), (b, _) in zip(plain, lettered, strict=True):
        rows, columns = np.nonzero((a.pixels != b.pixels).any(2))
        if len(rows):
            shown.append(to_seconds(b.tick))
            assert area.left <= columns.min() and columns.max() < area.right
            assert rows.min() > 96 and rows.max() < 192
    assert shown[0] - 0.25 <= 0.04, "speech begins after a quarter of a second"
    assert len(shown) > 0.6 * len(plain)


def test_what_cannot_be_drawn_is_refused_before_any_work(avatar: Avatar, tmp_path: Path) -> None:
    out = tmp_path / "a.webm"
    with pytest.raises(MissingError, match=r"No font here has 'ꦏ' \(U\+A98F"):
        mien.make(avatar, "Tea ꦏ", burn_captions="plain").save(out)
    with pytest.raises(UsageError, match="transparent film"):
        mien.make(avatar, "Tea", burn_captions="plain", background="transparent").save(out)
    with pytest.raises(UsageError, match=r"^--burn-captions is for words"):
        mien.make(avatar, audio=(np.zeros(48_000, np.float32), 48_000), burn_captions="plain")
    with pytest.raises(UsageError, match=r"^--burn-captions must be one of"):
        mien.make(avatar, "Tea", burn_captions="neon")
    assert not out.exists()
