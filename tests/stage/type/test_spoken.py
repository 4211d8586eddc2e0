"""Captions while the words become known."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
from tests.stage.type.test_burned import TALL
from tests.stage.type.test_burned import spoken as said

from mien.captions import Caption
from mien.errors import MissingError
from mien.stage.type import burned, spoken
from mien.stage.type.burned import CaptionStyle
from mien.stage.type.spoken import SpokenCaptions
from mien.types import Word

TEXT = "大家好！今天教你泡茶，水温九十度。(First), warm the pot 🍵! Then wait."
STYLE = CaptionStyle("karaoke")


@pytest.fixture
def cut(monkeypatch: pytest.MonkeyPatch) -> list[Caption]:
    """The captions that are cut, as they are."""
    found: list[Caption] = []
    real = burned.BurnedCaptions

    def noted(captions: list[Caption], canvas: tuple[int, int], style: CaptionStyle) -> burned.BurnedCaptions:
        found.extend(captions)
        return real(captions, canvas, style)

    monkeypatch.setattr(spoken, "BurnedCaptions", noted)
    return found


def pieces(words: list[Word], *ends: str) -> Iterator[list[Word]]:
    """The words, in pieces that end with the sentences of these characters."""
    start = 0
    for end in (*ends, ""):
        stop = TEXT.index(end) + 1 if end else len(TEXT)
        yield [word for word in words if start <= word.char_start < stop]
        start = stop


def test_every_character_is_shown_once_whatever_the_pieces(cut: list[Caption]) -> None:
    captions = SpokenCaptions(TALL, STYLE, TEXT)
    for words in pieces(said(TEXT), "！", "。", "!"):
        captions.hear(words)
    shown = "".join(word.text for caption in cut for word in caption.words)
    assert "".join(shown.split()) == "".join(TEXT.split())


def test_a_word_is_lit_as_soon_as_it_is_told() -> None:
    captions = SpokenCaptions(TALL, STYLE, TEXT)
    words = said(TEXT)
    for piece in pieces(words, "！", "。", "!"):
        assert piece
        captions.hear(piece)
        versions = []
        for word in piece:
            patch = captions.at(word.start)
            assert patch is not None
            versions.append(patch.pixels.tobytes())
        assert all(a != b for a, b in pairwise(versions))
    assert captions.at(words[0].start - 1) is None


def test_sentences_that_nobody_says_are_not_shown(cut: list[Caption]) -> None:
    text = "One two. Never said at all. Three four."
    words = [word for word in said(text) if text[word.char_start : word.char_end] in ("One", "two", "Three", "four")]
    captions = SpokenCaptions(TALL, STYLE, text)
    captions.hear(words[:2])
    captions.hear(words[2:])
    assert [" ".join(caption.lines) for caption in cut] == ["One two.", "Three four."]


def test_pictures_are_left_as_they_are_without_words() -> None:
    captions = SpokenCaptions((512, 512), CaptionStyle(), TEXT)
    picture = np.full((512, 512, 3), 80, np.uint8)
    assert captions.over(0, picture) is picture
    captions.hear(said(TEXT)[:3])
    over = captions.over(said(TEXT)[0].start, picture)
    assert (picture == 80).all() and (over != 80).any() and (over[:200] == 80).all()


def test_marks_of_a_script_are_hidden(cut: list[Caption]) -> None:
    text = "[happy]Hello[/happy] there [pause 500ms] friend."
    hidden = "".join(" " if i in {*range(7), *range(12, 20), *range(27, 40)} else c for i, c in enumerate(text))
    captions = SpokenCaptions(TALL, STYLE, text, lambda a, b: hidden[a:b].replace("  ", " "))
    captions.hear([Word(0, 20_000, 7, 12), Word(20_000, 40_000, 21, 26)])
    captions.hear([Word(41_000, 60_000, 41, 47)])
    assert " ".join(" ".join(line for line in caption.lines) for caption in cut) == "Hello there friend."


def test_a_letter_without_a_font_is_told() -> None:
    with pytest.raises(MissingError, match="JAVANESE"):
        SpokenCaptions(TALL, STYLE, "ꦏ ok").hear([Word(0, 9600, 0, 1)])
