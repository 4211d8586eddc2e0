"""Where the head goes on a canvas of any shape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from mien.avatar import Avatar

# In eye distances from the eye line, on an adult's head: crown with some hair, chin, half the width with ears.
_CROWN: Final = 1.9
_CHIN: Final = 1.75
_SIDE: Final = 1.35
_TALLEST: Final = 3.4  # hats and high hair beyond this may leave the picture
_WIDEST: Final = 2.0
_SWAY: Final = 0.15  # how far talking moves a head

_HEADROOM: Final = 0.03  # of the canvas height, at least, above the hair
_FOOTROOM: Final = 0.02  # below the chin
_SIDEROOM: Final = 0.02
_EYE_LINE: Final = 1 / 3  # the painter's and the camera operator's rule


@dataclass(frozen=True, slots=True)
class Framing:
    """scale: canvas pixels per texture pixel. x, y: canvas position of the texture's top left corner, pixels.

    covers: the texture fills the canvas; otherwise its edges have to be continued.
    """

    scale: float
    x: float
    y: float
    covers: bool


@dataclass(frozen=True, slots=True)
class HeadBox:
    """The whole head with hair and room to move, texture pixels.

    eye_y: the line of the eyes. cut: the picture itself cuts the head's top off; no air may then show above it.
    """

    left: float
    top: float
    right: float
    bottom: float
    eye_y: float
    cut: bool = False


def frame_avatar(avatar: Avatar, width: int, height: int) -> Framing:
    """Scale and place the portrait on a canvas of ``width`` × ``height`` pixels.

    The head with hair and room to move is inside, always. Where that allows, the portrait's own picture fills the
    canvas, and where that allows, the eyes are on the upper third and the head in the middle. A picture that is too
    low stands on the lower edge: more air above a head looks natural, a body that ends in the air does not.
    """
    box = head_box(avatar)
    texture_width, texture_height = avatar.size
    headroom = 0.0 if box.cut else _HEADROOM
    fit = min(
        (1 - headroom - _FOOTROOM) * height / (box.bottom - box.top),
        (1 - 2 * _SIDEROOM) * width / (box.right - box.left),
    )
    scale = min(max(width / texture_width, height / texture_height), fit)
    x = _position(
        wanted=width / 2 - scale * (box.left + box.right) / 2,
        inside=(_SIDEROOM * width - scale * box.left, (1 - _SIDEROOM) * width - scale * box.right),
        covering=(width - scale * texture_width, 0.0),
    )
    y = _position(
        wanted=0.0 if box.cut else height * _EYE_LINE - scale * box.eye_y,
        inside=(headroom * height - scale * box.top, (1 - _FOOTROOM) * height - scale * box.bottom),
        covering=(height - scale * texture_height, max(0.0, height - scale * texture_height)),
    )
    slack = 0.5  # half a pixel of continued edge is not seen
    covers = (
        x <= slack
        and y <= slack
        and x + scale * texture_width >= width - slack
        and y + scale * texture_height >= height - slack
    )
    return Framing(scale, x, y, covers)


def head_box(avatar: Avatar) -> HeadBox:
    """Measure the head: the matte tells hair from background, anatomy bounds what it may claim."""
    head = avatar.manifest.head
    s, (eye_x, eye_y, _) = head.eye_distance, head.origin
    chin = eye_y + _CHIN * s
    matte = avatar.textures["matte"]
    rows = slice(max(0, int(eye_y - _TALLEST * s)), max(1, int(eye_y)))
    columns = slice(max(0, int(eye_x - _WIDEST * s)), max(1, int(eye_x + _WIDEST * s)))
    top = eye_y - _CROWN * s
    left, right = eye_x - _SIDE * s, eye_x + _SIDE * s
    person = matte[rows, columns] > 127
    if person.any():
        found = rows.start + int(np.argmax(person[:, _middle(person, s)].any(axis=1)))
        top = float(np.clip(found, eye_y - _TALLEST * s, eye_y - 0.8 * _CROWN * s))
        across = np.flatnonzero(person.mean(axis=0) > 0.3)
        if len(across):
            left = min(left, columns.start + float(across[0]))
            right = max(right, columns.start + float(across[-1]) + 1)
    sway = _SWAY * s
    cut = bool((matte[: max(2, int(0.03 * s)), columns] > 127).mean(axis=0).max(initial=0) > 0.9)
    return HeadBox(left - sway, 0.0 if cut else top - sway, right + sway, chin + sway, eye_y, cut)


def _middle(person: np.ndarray[tuple[int, ...], np.dtype[np.bool_]], s: float) -> slice:
    """The columns above the face, where the top of the hair is looked for."""
    centre, reach = person.shape[1] // 2, max(1, int(0.9 * s))
    return slice(max(0, centre - reach), centre + reach)


def _position(wanted: float, inside: tuple[float, float], covering: tuple[float, float]) -> float:
    """``wanted``, moved into ``covering``, then into ``inside``, which wins. An empty range means its middle."""
    for low, high in (covering, inside):
        wanted = (low + high) / 2 if low > high else min(max(wanted, low), high)
    return wanted
