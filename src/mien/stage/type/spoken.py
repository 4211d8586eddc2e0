"""Captions of speech that is still being made: words come as they are said, pictures follow."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from mien.captions import make_captions
from mien.linebreak import SENTENCE_END
from mien.stage.layer import Patch
from mien.stage.type.burned import BurnedCaptions, CaptionStyle, caption_room, check_captions

if TYPE_CHECKING:
    from mien.types import ByteArray, Word

_KEPT: Final = 4  # pieces of speech; a picture is at most a few behind the newest


class SpokenCaptions:
    """Burned-in captions of a film whose words become known piece by piece, before the pictures that show them.

    Each piece is cut into captions by itself, so none waits for words that are not said yet. Pieces may be told in one
    thread and pictures asked for in another, in order of time.
    """

    def __init__(
        self, canvas: tuple[int, int], style: CaptionStyle, source: str, show: Callable[[int, int], str] | None = None
    ) -> None:
        """source, show: as :func:`mien.captions.make_captions` takes them."""
        self._canvas, self._style, self._source, self._show = canvas, style, source, show
        self._room = caption_room(style, canvas)
        self._lock = threading.Lock()
        self._pieces: list[tuple[int, BurnedCaptions]] = []
        self._told = 0

    def hear(self, words: Sequence[Word]) -> None:
        """A piece of speech: its words, in film time. Raises MissingError for a letter that no font here has."""
        if not words:
            return
        begin, end = self._begin(words), self._end(words)
        self._told = end
        shown = self._show or (lambda start, stop: self._source[start:stop])
        captions = make_captions(
            [w for w in words if w.char_start >= begin],
            self._source[:end],
            lambda start, stop: shown(max(start, begin), stop) if stop > begin else "",
            room=self._room,
        )
        if captions:
            check_captions(captions, self._style)
            with self._lock:
                self._pieces.append((captions[0].start, BurnedCaptions(captions, self._canvas, self._style)))
                del self._pieces[: -2 * _KEPT]

    def _begin(self, words: Sequence[Word]) -> int:
        """Where the piece begins in the text: after sentences that were not said."""
        first = max(self._told, min(word.char_start for word in words))
        skipped = self._source[self._told : first]
        if not any(map(str.isalnum, skipped)):
            return self._told
        return self._told + 1 + max((i for i, char in enumerate(skipped) if char in SENTENCE_END), default=-1)

    def _end(self, words: Sequence[Word]) -> int:
        """Where the piece ends in the text: with what follows its last word up to the next space or word."""
        end = max(word.char_end for word in words)
        while end < len(self._source) and not self._source[end].isalnum() and not self._source[end - 1].isspace():
            end += 1
        return end

    def at(self, tick: int) -> Patch | None:
        """What is shown."""
        with self._lock:
            piece = next((piece for start, piece in reversed(self._pieces) if start <= tick), None)
        return None if piece is None else piece.at(tick)

    def over(self, tick: int, picture: ByteArray) -> ByteArray:
        """A picture with what is shown over it, uint8 (h, w, 3); the picture itself where that is nothing."""
        patch = self.at(tick)
        if patch is None:
            return picture
        from mien.stage.blend import blend_rows

        rows, columns = patch.pixels.shape[:2]
        height, width = picture.shape[:2]
        top, left = max(0, patch.y), max(0, patch.x)
        out = picture.copy()
        under = out[top : min(height, patch.y + rows), left : min(width, patch.x + columns)]
        blend_rows(patch.pixels[top - patch.y :, left - patch.x :], under)
        return out
