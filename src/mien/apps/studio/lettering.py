"""What lies above all scenes, and words in the picture: captions, titles, lower thirds, the logo."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from mien.apps.studio.layout import Box
from mien.apps.studio.person import Place
from mien.apps.studio.picture import Layer as Shown
from mien.apps.studio.plan import Plan, Take
from mien.apps.studio.project import Captions, Logo, Scene
from mien.apps.studio.values import Colour
from mien.captions import Caption
from mien.stage.layer import Layer, Patch
from mien.stage.layers.pictures import read_picture
from mien.stage.layers.still import Still
from mien.stage.layers.timed import Timed
from mien.stage.type.burned import BurnedCaptions, CaptionStyle, caption_room, text_style
from mien.stage.type.looks import LOOKS
from mien.stage.type.safe import safe_area
from mien.stage.type.style import WHITE
from mien.stage.type.titles import TitleStyle, lower_third, title
from mien.timeline import frame_tick

_TITLE_LINE: Final = 0.1
"""Height of a title's line, of the canvas's shorter side."""
_KEPT_FREE: Final = 0.12
"""Share of the height that captions leave to titles and pictures at the top."""


def overlay(film: Plan, faces: Callable[[Scene], Sequence[Box]]) -> list[Layer]:
    """Layers above all scenes, which change with none: logos and captions. faces: where those of a scene are."""
    return [*_logos(film), *_captions(film, faces)]


def moved(caption: Caption, ticks: int) -> Caption:
    """The caption, later."""
    words = tuple(replace(w, start=w.start + ticks, end=w.end + ticks) for w in caption.words)
    return replace(caption, start=caption.start + ticks, end=caption.end + ticks, words=words)


def caption_style(wanted: Captions, language: str, height: int) -> CaptionStyle:
    """How a project's captions look. height: of the canvas, pixels, for a size that is given."""
    style = CaptionStyle(
        look=wanted.style, platform=wanted.platform, colour=_hex(wanted.colour), accent=_hex(wanted.highlight),
        language=language, place=wanted.place, font=wanted.font,
    )  # fmt: skip
    if wanted.size is None:
        return style
    usual = text_style(style, (10**6, height))
    share = wanted.size.pixels(height) / (usual.size * usual.leading)
    return replace(style, size=min(max(share, 0.5), 2.0))


def _captions(film: Plan, faces: Callable[[Scene], Sequence[Box]]) -> Iterator[Layer]:
    """Burned-in captions, one layer for each style and height that is used."""
    canvas = film.width, film.height
    found: dict[tuple[CaptionStyle, int], list[Caption]] = {}
    for take in film.takes:
        if take.scene is None or take.performed is None:
            continue
        wanted = take.scene.captions
        if wanted is None or not wanted.burned:
            continue
        style = caption_style(wanted, _language(film, take), film.height)
        room = caption_room(style, canvas)
        titled = any(not layer.behind for layer in take.scene.layers)
        key = style, lift(style, faces(take.scene), canvas, _KEPT_FREE if titled else 0.0)
        for line in take.performed.lines:
            found.setdefault(key, []).extend(moved(c, film.start(take)) for c in line.captions(room))
    for (style, higher), captions in found.items():
        layer = BurnedCaptions(captions, canvas, style)
        yield Lifted(layer, higher) if higher else layer


def _language(film: Plan, take: Take) -> str:
    """Of a scene's words, "" where it is to be told by the letters."""
    language = take.scene.language if take.scene else film.project.language
    return "" if language == "auto" else language


def _hex(colour: Colour | None) -> str:
    return "" if colour is None else "#" + "".join(f"{part:02x}" for part in colour)


def _logos(film: Plan) -> Iterator[Layer]:
    """Each logo for as long as scenes have it, without a break between them."""
    for logo, start, end in _runs(film):
        yield Timed(_logo(logo, film), start, end, film.height, opacity=logo.opacity)


def _runs(film: Plan) -> Iterator[tuple[Logo, int, int]]:
    """Logos and the ticks between which they are seen."""
    scenes = [(take, take.scene.logo if take.scene else None) for take in film.takes]
    at = 0
    while at < len(scenes):
        logo, stop = scenes[at][1], at + 1
        while stop < len(scenes) and scenes[stop][1] == logo:
            stop += 1
        if logo is not None:
            end = film.frames if stop == len(scenes) else scenes[stop][0].first
            yield logo, film.start(scenes[at][0]), frame_tick(end, film.fps)
        at = stop


def _logo(logo: Logo, film: Plan) -> Layer:
    width = max(2, round(logo.width.pixels(film.width)))
    margin = round(logo.margin.pixels(film.width))
    pixels = read_picture(logo.picture, width, film.height, fit="contain")
    high, wide = pixels.shape[:2]
    x = margin if logo.corner.endswith("left") else film.width - margin - wide
    y = margin if logo.corner.startswith("top") else film.height - margin - high
    return Still(Patch(x, y, pixels))


def words(one: Shown, scene: Scene, span: tuple[int, int], canvas: tuple[int, int]) -> Layer:
    """A title or a lower third. span: ticks of the film."""
    platform = scene.captions.platform if scene.captions else "none"
    language = "" if scene.language == "auto" else scene.language
    style = TitleStyle(
        platform=platform, colour=_hex(one.colour) or WHITE, language=language, size=_title_size(one, canvas),
        enter=one.enter.kind, leave=one.leave.kind, font=one.font, opacity=one.opacity,
    )  # fmt: skip
    if one.enter.ticks is not None:
        style = replace(style, enter_ticks=one.enter.ticks)
    if one.leave.ticks is not None:
        style = replace(style, leave_ticks=one.leave.ticks)
    if one.lower_third is not None:
        made = lower_third(one.lower_third.name, one.lower_third.role, canvas, *span, style)
    else:
        large, _, small = one.title.strip().partition("\n")
        made = title(large, canvas, *span, style, subtitle=" ".join(small.split()))
    return made if one.place is None else Placed(made, one.place, canvas, span)


class Placed:
    """A layer that comes and goes as it does, but elsewhere. span: its ticks; in their middle it is wholly there."""

    def __init__(self, layer: Layer, place: Place, canvas: tuple[int, int], span: tuple[int, int]) -> None:
        self._layer, self._x, self._y = layer, 0, 0
        if usual := layer.at(sum(span) // 2):
            height, width = usual.pixels.shape[:2]
            x, y = place.corner((width, height), canvas)
            self._x, self._y = round(x) - usual.x, round(y) - usual.y

    def at(self, tick: int) -> Patch | None:
        """The patch, there."""
        patch = self._layer.at(tick)
        return None if patch is None else replace(patch, x=patch.x + self._x, y=patch.y + self._y)


@dataclass(frozen=True)
class Lifted:
    """A layer, some pixels higher."""

    layer: Layer
    pixels: int

    def at(self, tick: int) -> Patch | None:
        """The patch, higher."""
        patch = self.layer.at(tick)
        return None if patch is None else replace(patch, y=patch.y - self.pixels)


def lift(style: CaptionStyle, faces: Sequence[Box], canvas: tuple[int, int], free: float = 0.0) -> int:
    """Pixels by which captions go up so that they cover no face: above all of them; 0 where they cover none, or where
    there is no room. free: share of the height that is left to others at the top.
    """
    text, area = text_style(style, canvas), safe_area(style.platform, *canvas)
    height = 2 * text.leading * text.size
    if LOOKS[style.look].place != "bottom" or style.place not in ("", "bottom"):
        return 0
    hidden = [y for _, y, _, high in faces if y < area.bottom and y + high > area.bottom - height]
    if not hidden:
        return 0
    bottom = min(y for _, y, _, _ in faces) - 0.9 * text.size
    return round(area.bottom - bottom) if bottom - height > area.top + free * canvas[1] else 0


def _title_size(one: Shown, canvas: tuple[int, int]) -> float:
    if one.size is None:
        return 1.0
    return min(max(one.size.pixels(canvas[1]) / (_TITLE_LINE * min(canvas)), 0.5), 2.0)
