"""Captions keep clear of faces."""

from __future__ import annotations

from mien.apps.studio.lettering import lift
from mien.stage.type.burned import CaptionStyle, text_style
from mien.stage.type.safe import safe_area

CANVAS = 1080, 1920
STYLE = CaptionStyle("box", "douyin")


def test_they_go_above_a_face_that_they_would_cover() -> None:
    face = (300, 700, 480, 800)
    up = lift(STYLE, [face], CANVAS)
    bottom = safe_area("douyin", *CANVAS).bottom
    assert bottom - up < face[1]


def test_they_stay_where_no_face_is() -> None:
    assert lift(STYLE, [(300, 300, 480, 500)], CANVAS) == 0
    assert lift(STYLE, [], CANVAS) == 0


def test_what_lies_at_the_top_keeps_its_room() -> None:
    area, text = safe_area("douyin", *CANVAS), text_style(STYLE, CANVAS)
    height = round(2.9 * text.leading * text.size)
    close = (200, area.top + height + 20, 700, 1300)
    assert lift(STYLE, [close], CANVAS) > 0
    assert lift(STYLE, [close], CANVAS, free=0.12) == 0
