"""Projects as they are written become what they mean: defaults, units, moments, people; YAML and TOML alike."""

from __future__ import annotations

import dataclasses
import json
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from tests.studio import folder as make

from mien.apps import cli
from mien.apps.studio.check import check
from mien.apps.studio.groups import items_of
from mien.apps.studio.load import load, load_project
from mien.apps.studio.new import LANGUAGES, TEMPLATES, template_text
from mien.apps.studio.project import Line, Project, Scene
from mien.apps.studio.schema import schema
from mien.apps.studio.source import Node, ProjectError, parse, to_json
from mien.apps.studio.values import Length, Moment, parse_length, parse_time
from mien.apps.studio.words import occurrences, script_of_line
from mien.errors import UsageError
from mien.timeline import TICKS_PER_SECOND as SECOND


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return make.fill(tmp_path)


def project(home: Path, text: str, name: str = "tea.yaml", **more: Any) -> Project:
    (home / name).write_text(text, encoding="utf-8")
    return load_project(home / name, **more)


FULL = """
mien: 1
title: 三步泡好一杯茶
language: zh
canvas: {size: 1080x1920, fps: 29.97}
voice: {name: auto, rate: 1.1}
avatar: {portrait: anna.png, place: {x: 50%, y: 100%, height: 60%}, shape: bust, shadow: true}
captions: {style: karaoke, platform: tiktok, files: [srt, vtt, ass]}
music: {file: ding.wav, volume: -18dB, duck: -12dB, fade: 1.5s}
logo: {picture: leaf.png, corner: top-right, width: 12%}
loudness: -16
watermark: {payload: 305419896}
scenes:
  - id: hook
    background: {picture: leaf.png, zoom: [1.0, 115%], pan: [left, right]}
    script: "[happy]你好！[/happy][cue now]今天教你泡茶，好茶。"
    layers:
      - {picture: leaf.png, at: {word: 茶, number: 2, edge: end, shift: -0.5s}, for: 3s, enter: fade}
      - {title: 第一步, at: {cue: now}, until: 00:00:04.5}
      - {lower_third: {name: 安娜, role: 茶艺师}, at: 1s, for: 4s}
      - {slides: talk.pdf, page: 2}
    effects: [{sound: ding.wav, at: {word: 今天}}]
    transition: {kind: fade, for: 0.4s}
  - {audio: ding.wav, transcript: hello, captions: false, avatar: none, voice: espeak}
intro: {video: clip.mp4}
"""


def test_units_and_places(home: Path) -> None:
    made = project(home, FULL)
    assert made.canvas.pixels == (1080, 1920)
    assert made.canvas.fps == Fraction(30000, 1001)
    scene = made.scenes[0]
    person = scene.people[""]
    assert person.portrait == home / "anna.png"
    assert person.place is not None
    assert (person.place.x, person.place.height) == (Length(50.0, "%"), Length(60.0, "%"))
    assert (person.voice.rate, person.language) == (1.1, "zh")
    assert made.music is not None
    assert (made.music.volume_db, made.music.fade) == (-18.0, (72_000, 72_000))
    picture, title, third, slides = scene.layers
    assert picture.at == Moment(-24_000, "茶", 2, "end")
    assert picture.ticks == 3 * SECOND
    assert (title.at.cue, title.until) == ("now", Moment(216_000))
    assert third.kind == "lower_third"
    assert (slides.kind, slides.page, slides.ticks) == ("slides", 2, None)
    assert scene.background is not None
    assert (scene.background.zoom, scene.background.pan) == ((1.0, 1.15), ((0.0, 0.5), (1.0, 0.5)))
    assert scene.transition.length == 19_200
    assert scene.lines[0].script.startswith("[happy]")
    assert not check(load(home / "tea.yaml")).problems


def test_defaults_are_handed_down_and_changed(home: Path) -> None:
    first, second = project(home, FULL).scenes
    assert first.captions is not None
    assert first.captions.files == ("srt", "vtt", "ass")
    assert second.captions is None
    assert second.people[""].hidden
    assert second.people[""].voice.name == "espeak"
    assert second.people[""].voice.rate == 1.0  # a voice of one's own, not the project's rate
    assert second.logo == first.logo
    assert second.id == "scene-2"
    other = FULL.replace("captions: false, avatar: none", "captions: box, avatar: {shape: circle}")
    again = project(home, other).scenes[1]
    assert again.captions is not None
    assert (again.captions.style, again.captions.platform) == ("box", "tiktok")
    assert (again.people[""].shape, again.people[""].portrait) == ("circle", home / "anna.png")


DIALOGUE = """
avatar: {shape: circle}
language: en
cast: {anna: {portrait: anna.png, voice: "auto:female"}, bo: bo.png, cy: leaf.png}
scenes:
  - dialogue: [{bo: "Hi, Anna."}, {anna: {script: Hi., pause: 1s}}]
    cast: {anna: {place: {x: 10%}}}
  - {avatar: bo, script: Alone.}
  - {dialogue: [{anna: Only me.}], cast: {cy: {}}}
"""


def test_people_of_a_dialogue(home: Path) -> None:
    both, alone, listened = project(home, DIALOGUE).scenes
    assert list(both.people) == ["anna", "bo"]
    assert both.people["anna"].place is not None
    assert both.people["anna"].place.x == Length(10.0, "%")
    assert [p.shape for p in both.people.values()] == ["circle", "circle"]
    assert both.people["anna"].voice.name == "auto:female"
    said = [(line.who, line.script, line.pause) for line in both.lines]
    assert said == [("bo", "Hi, Anna.", 0), ("anna", "Hi.", SECOND)]
    assert alone.people[""].portrait == home / "bo.png"
    assert list(listened.people) == ["anna", "cy"]


TOML = """
title = "Tea"
avatar = { portrait = "anna.png", place = { x = "50%", y = "100%" } }
loudness = -16
[canvas]
aspect = "16:9"
fps = 30
[variables]
name = "Lee"
[[scenes]]
script = "Hello ${name}, [pause 300ms] and $${name}."
before = 00:00:01
[[scenes.layers]]
title = \"\"\"Two
lines\"\"\"
at = { word = "Lee" }
[[scenes]]
for = "2s"
background = "teal"
"""
AS_YAML = """
title: Tea
avatar: {portrait: anna.png, place: {x: 50%, y: 100%}}
loudness: -16
canvas: {aspect: 16:9, fps: 30}
variables: {name: Lee}
scenes:
  - script: "Hello ${name}, [pause 300ms] and $${name}."
    before: 00:00:01
    layers:
      - title: |-
          Two
          lines
        at: {word: Lee}
  - {for: 2s, background: teal}
"""


def test_toml_and_yaml_are_the_same(home: Path) -> None:
    toml, yaml = project(home, TOML, "tea.toml"), project(home, AS_YAML)
    assert dataclasses.replace(toml, file=yaml.file, root=yaml.root) == yaml
    assert toml.scenes[0].script == "Hello Lee, [pause 300ms] and ${name}."
    assert toml.canvas.pixels == (1920, 1080)


def test_values_of_variables_are_text_and_nothing_else(home: Path) -> None:
    made = project(home, AS_YAML.replace("{word: Lee}", "1s"), values={"name": "a, b: {c}\n- d #"})
    assert made.scenes[0].script.startswith("Hello a, b: {c}\n- d #,")


def test_anchors_and_merges(home: Path) -> None:
    text = """
avatar: anna.png
transition: &look {kind: fade, for: 1s}
scenes:
  - {script: a, transition: *look}
  - {script: b, transition: {<<: *look, kind: wipe}}
"""
    first, second = project(home, text).scenes
    assert first.transition.ticks == second.transition.ticks == SECOND
    assert (first.transition.kind, second.transition.kind) == ("fade", "wipe")


@pytest.mark.parametrize(
    ("text", "ticks"),
    [("1.5s", 72_000), ("500ms", 24_000), ("2min", 120 * SECOND), ("1 h", 3600 * SECOND), ("01:02", 62 * SECOND),
     ("00:01:02", 62 * SECOND), ("00:00:01,5", 72_000), ("0", 0), ("-0.2s", -9_600)],
)  # fmt: skip
def test_times(text: str, ticks: int) -> None:
    assert parse_time(text) == ticks


@given(st.text(max_size=20))
def test_times_and_lengths_read_or_refuse(text: str) -> None:
    for parser in (parse_time, parse_length):
        try:
            parser(text)
        except UsageError as error:
            assert "\n" not in error.message


def test_fields_know_their_place(home: Path) -> None:
    made = project(home, FULL)
    lines = FULL.splitlines()
    for path in ("title", "music.duck", "scenes[0].layers[1].at", "scenes[0].transition", "scenes[1].audio"):
        mark = made.where(path)
        name = path.rpartition(".")[2]
        assert lines[mark.line - 1][mark.column - 1 :].startswith(name), path
    assert made.problem("scenes[0].script", "no").problems[0].line == lines.index(
        next(line for line in lines if "script:" in line)
    ) + 1  # fmt: skip


_KEYS = st.text("ab'\" .é茶", max_size=3)
_DATA = st.recursive(
    st.booleans() | st.integers(-99, 99) | st.text("a\"'\\#]},=\n茶", max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3),
    max_leaves=12,
)


def as_toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(k, ensure_ascii=False)} = {as_toml(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list):
        return "[ # list\n" + ", ".join(as_toml(v) for v in value) + "]"
    if isinstance(value, str) and "'" not in value and "\n" not in value:
        return f"'{value}'"
    return json.dumps(value, ensure_ascii=False)


def marked(node: Node) -> list[Node]:
    inner = [*(node.fields or {}).values(), *(node.items or ())]
    return [node, *(found for one in inner for found in marked(one))]


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(_KEYS, _DATA, min_size=1, max_size=4))
def test_every_value_of_toml_has_its_place(data: dict[str, Any]) -> None:
    text = "".join(f"{json.dumps(key, ensure_ascii=False)} = {as_toml(value)}\n" for key, value in data.items())
    root = parse(text, "a.toml")
    assert to_json(root) == data
    lines = text.split("\n")
    for node in marked(root)[1:]:
        at = lines[node.mark.line - 1][node.mark.column - 1 :]
        opens = "{" if node.fields is not None else "[" if node.items is not None else "'\"tf-0123456789"
        assert at[:1] in opens, (node, at)
        if node.text is not None:
            written = text[node.span[0] : node.span[1]]
            assert written[:1] == at[:1]


def test_json_is_read_too(home: Path) -> None:
    made = project(home, '{"avatar": "anna.png",\n "scenes": [{"script": "Hello."}]}', "tea.json")
    assert made.scenes[0].script == "Hello."


def test_words_are_found_where_they_are_said() -> None:
    texts = ("[happy]Tea[/happy] is TEA,  good   tea.", "喝茶，好茶。teas")
    lines = [script_of_line(Line(script=text)) for text in texts]
    assert [spot.line for spot in occurrences(lines, "tea")] == [0, 0, 0]
    first = occurrences(lines, "tea")[0]
    assert "[happy]Tea[/happy]"[first.start : first.stop] == "Tea"
    assert len(occurrences(lines, "茶")) == 2
    assert not occurrences(lines, "ea")


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_templates_are_right_and_fit_the_schema(template: str, language: str) -> None:
    root = parse(template_text(template, language), "a.yaml")
    Draft202012Validator(schema()).validate(to_json(root))


@pytest.mark.parametrize("template", TEMPLATES)
def test_templates_are_the_same_in_both_languages(template: str) -> None:
    zh, en = (parse(template_text(template, code), "a.yaml") for code in ("zh", "en"))

    def shape(node: Node, key: str = "") -> Any:
        if node.fields is not None:
            return {name: shape(value, name) for name, value in node.fields.items()}
        if node.items is not None:
            return [shape(item, key) for item in node.items]
        return node.mark.line, "words" if key in WORDS else node.text

    WORDS = {"title", "script", "word", "language", "name", "role", "platform", "anna", "bo"}
    assert shape(zh) == shape(en)


def test_the_schema_is_a_schema_and_refuses_what_the_reader_refuses(home: Path) -> None:
    made = schema()
    Draft202012Validator.check_schema(made)
    validator = Draft202012Validator(made)
    for text in (FULL, DIALOGUE, AS_YAML):
        validator.validate(to_json(parse(text, "a.yaml")))
    wrong = ("[]", "[{skript: a}]", "[{script: a, for: 3}]", "[{script: a, background: {zoom: 20}}]", "a")
    for bad in (f"scenes: {scenes}" for scenes in wrong):
        assert not validator.is_valid(to_json(parse(bad, "a.yaml"))), bad
    assert set(made["$defs"]["Scene"]["properties"]) == set(items_of(Scene))


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_new_project_is_right(template: str, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = home / "made" / template
    portraits = ["-p", str(home / "anna.png")]
    assert cli.main(["studio", "new", str(target), "-t", template, "-l", "en", *portraits]) == 0
    assert cli.main(["studio", "check", str(target / f"{template}.yaml")]) == 0
    assert "is right" in capsys.readouterr().out
    assert not list(target.parent.glob(".new*"))
    assert cli.main(["studio", "new", str(target), *portraits]) == 5
    assert "there already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["x", "-t", "long"], 2, "Templates: short, dialogue, slides, talk."),
        (["x", "-l", "de"], 2, "--language zh"),
        (["x", "-p", "none.png"], 3, "no portrait"),
        (["x", "-p", "ding.wav"], 3, "no picture"),
        (["x", "-p", "anna.png", "-p", "bo.png"], 2, "1 people"),
        (["a:b", "-p", "anna.png"], 2, "no name"),
    ],
)
def test_new_projects_that_cannot_be(
    arguments: list[str], status: int, words: str, home: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(home)
    before = sorted(home.iterdir())
    assert cli.main(["studio", "new", *arguments]) == status
    assert words in capsys.readouterr().err
    assert sorted(home.iterdir()) == before


def test_check_tells_all_and_refuses(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "bad.yaml").write_text("avatar: none.png\nscenes:\n  - {script: a, x: 1}\n", encoding="utf-8")
    assert cli.main(["studio", "check", str(home / "bad.yaml")]) == 2
    out, err = capsys.readouterr()
    assert [line.split(": ")[1] for line in out.splitlines()] == ["avatar", "scenes[0].x"]
    assert "2 problems" in err
    assert cli.main(["studio", "check", str(home / "bad.yaml"), "--json"]) == 2
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [event["event"] for event in events] == ["problem", "problem", "error"]
    assert events[1]["line"] == 3
    (home / "good.yaml").write_text("avatar: anna.png\nscenes:\n  - script: Hello ${name}\n", encoding="utf-8")
    assert cli.main(["studio", "check", str(home / "good.yaml")]) == 2
    assert cli.main(["studio", "check", str(home / "good.yaml"), "--set", "name=Lee"]) == 0


def test_the_schema_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["studio", "schema"]) == 0
    assert json.loads(capsys.readouterr().out) == schema()


def test_an_error_of_a_plan_has_its_line(home: Path) -> None:
    error = project(home, FULL).problem("scenes[0].transition.for", "longer than the scene; write less.")
    assert isinstance(error, ProjectError)
    assert error.problems[0].line == FULL.splitlines().index("    transition: {kind: fade, for: 0.4s}") + 1


PAGES = ("docs/studio.md", "docs/zh-CN/studio.md")


@pytest.mark.parametrize("page", PAGES)
def test_the_page_has_every_field_and_option(
    page: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    text = (Path(__file__).parents[2] / page).read_text("utf-8")
    fields = {key for name in schema()["$defs"].values() for key in name["properties"]}
    assert {key for key in fields if f"`{key}`" not in text and f"`{key}:" not in text} == set()
    for command in ("new", "check", "preview", "render", "write", "translate"):
        assert cli.main(["studio", command, "--help"]) == 0
        options = set(re.findall(r"^│ +\*? *(--[\w-]+)", capsys.readouterr().out, flags=re.M)) - {"--help"}
        assert options
        assert {option for option in options if f"`{option}" not in text} == set()


@pytest.mark.parametrize("page", PAGES)
def test_projects_on_the_page_are_right(page: str, tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / page).read_text("utf-8")
    blocks = re.findall(r"```yaml\n(.*?)```", text, flags=re.S)
    assert len(blocks) == 2
    for block in blocks:
        project(tmp_path, block, exist=False)
        Draft202012Validator(schema()).validate(to_json(parse(block, "a.yaml")))
