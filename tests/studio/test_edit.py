"""Changing fields of a project's text: it means what was asked for, and everything else stays as it was written."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.apps.studio.edit import Change, Unchangeable, change
from mien.apps.studio.new import LANGUAGES, TEMPLATES, template_text
from mien.apps.studio.source import ProjectError, parse, to_json

TEXT = """\
# 一条竖屏短视频。检查：mien studio check 本文件。所有字段见 docs/zh-CN/studio.md。
mien: 1
title: 三步泡好一杯茶
language: zh
canvas: {size: 1080x1920, fps: 25}

# 谁在说话：一张人脸照片。shape 还可以是 circle、bust、full。
avatar:
  portrait: portrait.png
  place: {x: 50%, y: 100%, height: 58%}
  shape: bust
  shadow: true
voice: auto # 所有声音：mien voice list

captions: {style: karaoke, platform: douyin}
# music: {file: music.mp3, volume: -8dB, duck: -12dB, fade: 1.5s}
# logo: {picture: logo.png, corner: top-right, width: 12%}
background: {gradient: ["#0f3d3e", "#2f6f62", "#e2dcc8"]}
transition: {kind: fade, for: 0.4s}
loudness: -14

scenes:
  - id: hook
    script: "[happy]一杯好茶，只要三步。[/happy][pause 300ms]今天就教你。"
    layers:
      - {title: 三步泡好一杯茶, at: 0.3s, enter: up, place: {y: 12%}}

  - id: water
    script: 第一步，水温。绿茶用八十度的水，太烫会发苦。
    layers:
      - {title: 第一步：水温, at: {word: 第一步}, for: 2.5s, enter: fade, exit: fade, place: {y: 12%}}
      # - {picture: kettle.jpg, at: {word: 绿茶}, for: 3s, place: {x: 50%, y: 20%, width: 80%}, enter: fade}

  - id: leaves
    script: 第二步，茶量。一百五十毫升水，配三克茶叶。
    layers:
      - {title: 第二步：茶量, at: {word: 第二步}, for: 2.5s, enter: fade, exit: fade, place: {y: 12%}}

  - id: wait
    script: 第三步，等待。泡两分钟，然后就可以喝了。[happy]试试看吧！[/happy]
    layers:
      - {title: 第三步：等待, at: {word: 第三步}, for: 2.5s, enter: fade, exit: fade, place: {y: 12%}}
    after: 1s
"""


def values(text: str) -> Any:
    return to_json(parse(text, "a.yaml"))


def changed(text: str, *changes: Change) -> str:
    return change(text, "a.yaml", changes)


def lines_lost(before: str, after: str) -> set[str]:
    return set(before.splitlines()) - set(after.splitlines())


@pytest.mark.parametrize(
    ("field", "value", "lines"),
    [
        ("title", "新的: 题目 #1", 1), ("scenes[1].script", "一行\n两行\n", 1), ("canvas.fps", 30, 1),
        ("canvas", {"aspect": "16:9"}, 1), ("music.file", "a.mp3", 0), ("music", {"file": "a b.mp3"}, 0),
        ("scenes[0].captions.style", "box", 0), ("scenes[2].background", "teal", 0), ("avatar.place.x", "40%", 1),
        ("scenes[0].layers[0].title", "新", 1), ("avatar", "anna.png", 5), ("language", "no", 1),
        ("scenes[3].layers", [{"title": "甲", "at": "1s"}, {"picture": "a.png"}], 1),
    ],
)  # fmt: skip
def test_a_field_is_set_and_nothing_else(field: str, value: Any, lines: int) -> None:
    after = changed(TEXT, Change("set", field, value))
    assert len(lines_lost(TEXT, after)) <= lines
    assert all(line in after for line in TEXT.splitlines() if line.lstrip().startswith("#"))
    expected = values(TEXT)
    at = expected
    path = field.replace("]", "").replace("[", ".").split(".")
    for step in path[:-1]:
        at = at[int(step)] if isinstance(at, list) else at.setdefault(step, {})
    at[int(path[-1]) if isinstance(at, list) else path[-1]] = value
    assert values(after) == expected


def test_scenes_come_go_and_move_with_their_comments() -> None:
    after = changed(TEXT, Change("move", "scenes[1]", to=3))
    assert [scene["id"] for scene in values(after)["scenes"]] == ["hook", "leaves", "wait", "water"]
    assert not lines_lost(TEXT, after)
    again = changed(after, Change("move", "scenes[3]", to=1))
    assert values(again) == values(TEXT)
    new = {"id": "new", "script": "你好", "layers": [{"title": "甲"}]}
    more = changed(TEXT, Change("insert", "scenes[2]", new), Change("insert", "scenes[5]", {"for": "2s"}))
    assert values(more)["scenes"][2] == new and values(more)["scenes"][5] == {"for": "2s"}
    assert not lines_lost(TEXT, more)
    assert values(changed(more, Change("remove", "scenes[5]"), Change("remove", "scenes[2]"))) == values(TEXT)


def test_fields_are_taken_away() -> None:
    after = changed(TEXT, *(Change("remove", field) for field in ("captions", "avatar.shadow", "canvas.fps")))
    assert set(values(TEXT)) - set(values(after)) == {"captions"}
    assert "shadow" not in values(after)["avatar"] and values(after)["canvas"] == {"size": "1080x1920"}
    bare = changed(TEXT, Change("remove", "scenes[0].id"), Change("remove", "scenes[0].layers"))
    assert set(values(bare)["scenes"][0]) == {"script"}


@pytest.mark.parametrize(
    ("text", "one"),
    [
        ("title: a\nscenes: []\n", Change("set", "title.x", 1)),
        ("title: a\n", Change("remove", "music")),
        ("title: a\n", Change("move", "scenes[0]", to=1)),
        ("a: &x {b: 1}\nc: *x\n", Change("set", "a.b", 2)),
        ("scenes:\n- a: 1\n", Change("insert", "scenes[3]", {})),
    ],
)
def test_what_cannot_be_written_is_refused(text: str, one: Change) -> None:
    with pytest.raises(Unchangeable):
        changed(text, one)


def test_a_text_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(ProjectError):
        changed("title: [\n", Change("set", "title", "a"))
    with pytest.raises(Unchangeable):
        change('title = "a"\n', "a.toml", [Change("set", "title", "b")])


words = st.text(st.characters(exclude_categories=["Cc", "Cs", "Co", "Cn"]) | st.just("\n"), max_size=40)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(template=st.sampled_from(TEMPLATES), language=st.sampled_from(LANGUAGES), text=words, data=st.data())
def test_any_words_are_written_so_that_they_are_read_again(
    template: str, language: str, text: str, data: st.DataObject
) -> None:
    before = template_text(template, language)
    number = data.draw(st.integers(0, len(values(before)["scenes"]) - 1))
    field = data.draw(st.sampled_from(["title", f"scenes[{number}].script", f"scenes[{number}].layers", "music.file"]))
    value = [{"title": text, "at": {"word": text}}] if field.endswith("layers") else text
    try:
        after = changed(before, Change("set", field, value))
    except Unchangeable:
        assert any(char in text for char in "\u2028\u2029\ufeff\ufffe\uffff")
        return
    read = values(after)
    found = {"title": lambda: read["title"], "music.file": lambda: read["music"]["file"]}.get(
        field, lambda: read["scenes"][number][field.rpartition(".")[2]]
    )()
    assert found == value
    assert after.count("#") >= before.count("#") - 1
