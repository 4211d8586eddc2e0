"""What the rig hands to the mesh engine, checked when it comes from a file: layers that fit their textures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from mien.avatar import Avatar
from mien.portrait.store.manifest import Damaged, read_number, read_numbers, read_object
from mien.types import ARKIT_SHAPES

SIDES: Final = ("Left", "Right")
SPRITES: Final = ("teeth_upper", "teeth_lower", "tongue")
_INDICES: Final = {"upper_lip": (4, 11), "lower_lip": (4, 11), "upper_lid": (2, 3, 9), "lower_lid": (2, 3, 9)}
_PARTS: Final = ("pivot", "roll_pivot", "mouth", "eyes", "shading")


def check_layers(avatar: Avatar) -> None:
    """Raise InputError when the avatar's layers do not fit together. An avatar that has none of them passes."""
    extra = avatar.manifest.extra
    if not any(part in extra for part in _PARTS):
        return
    for name in ("pivot", "roll_pivot"):
        _within(read_numbers(extra, name, 3), 100, name)
    for name, shape in _INDICES.items():
        array = avatar.arrays.get(name)
        if array is None or array.shape != shape or array.dtype.name != "int32":
            raise Damaged(f"The avatar lacks the array '{name}' of shape {shape}.", hint="Create the avatar again.")
    for name in ("foreground", "plate"):
        _texture(avatar, name, 3, avatar.size)
    _check_mouth(avatar, read_object(extra, "mouth"))
    eyes = read_object(extra, "eyes")
    for side in SIDES:
        _check_eye(avatar, side, read_object(eyes, side))
    _check_shading(avatar, read_object(extra, "shading"))


def _check_mouth(avatar: Avatar, mouth: Mapping[str, Any]) -> None:
    _within(read_numbers(mouth, "origin", 3), 1e5, "mouth origin")
    _within(read_numbers(mouth, "cavity", 3), 4, "mouth cavity")
    for key, low, high in (
        ("scale", 0.1, 10),
        ("teeth_drop", -30, 60),
        ("density", 0.5, 64),
        ("half_width", 0.1, 4096),
    ):
        if not low <= read_number(mouth, key) <= high:
            raise Damaged(f"The avatar's mouth has a '{key}' out of range.")
    for key in ("parted", "teeth"):
        if not isinstance(mouth.get(key), bool):
            raise Damaged(f"The avatar's mouth does not say whether it is '{key}'.")
    boxes = read_object(mouth, "boxes")
    for name in SPRITES:
        _texture(avatar, name, 4)
    for name in (*SPRITES, "teeth_own"):
        x, y, w, h = read_numbers(boxes, name, 4)
        if max(abs(x), abs(y)) > 200 or not (0 < w <= 200 and 0 < h <= 200):
            raise Damaged(f"The avatar's sprite '{name}' has an impossible place.")
    if "teeth_own" in avatar.textures:
        _texture(avatar, "teeth_own", 4)


def _check_eye(avatar: Avatar, side: str, eye: Mapping[str, Any]) -> None:
    width, height = avatar.size
    x, y, w, h = read_numbers(eye, "box", 4, int)
    if x < 0 or y < 0 or w < 1 or h < 1 or x + w > width or y + h > height:
        raise Damaged(f"The avatar's eye '{side}' lies outside its texture.")
    _texture(avatar, f"eye_{side}", 3, (w, h))
    _texture(avatar, f"lid_{side}", 4, (w, h))
    _texture(avatar, f"iris_{side}", 4)
    _within(read_numbers(eye, "centre", 2), 1e5, "eye centre")
    if not 0.1 <= read_number(eye, "radius") <= 2048:
        raise Damaged(f"The avatar's iris '{side}' has an impossible size.")


def _check_shading(avatar: Avatar, shading: Mapping[str, Any]) -> None:
    names, maps = shading.get("shapes"), avatar.arrays.get("shading")
    known = isinstance(names, list) and all(n == "rest" or n in ARKIT_SHAPES for n in names)
    if not known or maps is None or maps.ndim != 3 or maps.dtype.name != "int8" or len(maps) != len(names or ()):
        raise Damaged("The avatar's shading maps do not fit their names.", hint="Create the avatar again.")
    _, _, w, h = read_numbers(shading, "box", 4)
    _within(read_numbers(shading, "box", 4), 1e5, "shading box")
    if w <= 0 or h <= 0 or not 0 < read_number(shading, "full_scale") <= 8:
        raise Damaged("The avatar's shading has an impossible size.")


def _texture(avatar: Avatar, name: str, channels: int, size: tuple[int, int] | None = None) -> None:
    texture = avatar.textures.get(name)
    fits = texture is not None and texture.ndim == 3 and texture.shape[2] == channels
    if texture is None or not fits or (size is not None and texture.shape[1::-1] != size):
        raise Damaged(f"The avatar lacks a fitting texture '{name}'.", hint="Create the avatar again.")


def _within(values: tuple[float, ...], limit: float, what: str) -> None:
    if max(abs(v) for v in values) > limit:
        raise Damaged(f"The avatar's {what.replace('_', ' ')} is out of range.")
