"""Projects that cannot be: each is refused at once, in one sentence with its line, which says what would be right."""

from __future__ import annotations

import base64
import os
import random
import time
from pathlib import Path

import pytest
from tests.studio import folder as make
from tests.studio.folder import GOOD, HEAD, video

from mien.apps.studio.check import check
from mien.apps.studio.load import load, read
from mien.apps.studio.new import TEMPLATES, template_text
from mien.apps.studio.slides import page
from mien.apps.studio.source import Problem, ProjectError, parse
from mien.errors import InputError

SCENE = f"{HEAD}scenes:\n  - script: Hello, good tea. Good tea it is.\n"
LAYER = f"{SCENE}    layers:\n      - "
TWO = "cast:\n  anna: anna.png\n  bo: bo.png\nscenes:\n  - dialogue:\n      - "
TOML = """# tea
title = "Tea \\"x\\"" # yes
avatar = { portrait = "anna.png", place = { x = "50%", y = '100%' } }
[canvas]
aspect = "16:9"
"fps" = 3_0
[[scenes]]
script = \'\'\'Hello you, [pause 300ms] and
# me\'\'\'
before = 00:00:01
transition.kind = "fade"
[[scenes.layers]]
title = "Lee"
at = { word = "me" }
[[scenes]]
for = "2s"
layers = [ # two
  { title = "a", at = "1s" },
  { title = "b" },
]
"""
SILENT = f"{HEAD}scenes:\n  - for: 1s\n    transition: "


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    outer = tmp_path_factory.mktemp("outer")
    (outer / "secret.png").write_bytes(b"not yours")
    inner = outer / "project"
    inner.mkdir()
    return make.fill(inner)


def problems(home: Path, content: str | bytes, name: str = "bad.yaml") -> tuple[Problem, ...]:
    """What is wrong with a project, whether reading or checking tells."""
    file = home / name
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    began = time.process_time()
    try:
        found = check(load(file)).problems
    except ProjectError as error:
        found = error.problems
    finally:
        file.unlink()
    assert time.process_time() - began < 10
    return found


def refused(found: tuple[Problem, ...], line: int, field: str, *words: str) -> None:
    """Exactly one problem, there, in one sentence that names what is wrong and what would be right."""
    assert len(found) == 1, found
    told = found[0].told("bad.yaml")
    assert (found[0].line, found[0].field) == (line, field), told
    assert all(word in found[0].message for word in words), told
    assert "\n" not in told
    assert told.endswith(".")
    assert ";" in told or "," in told, told
    assert len(told) < 400
    assert told.startswith(f"bad.yaml:{line}:" if line else "bad.yaml: ")


YAML: list[tuple[str, str, int, str, tuple[str, ...]]] = [
    ("unknown field", f"{GOOD}musik: {{file: a.wav}}\n", 4, "musik", ("no field 'musik'", "write music")),
    ("a field with codes for terminals", f'{GOOD}"a\\e[31mb": 1\n', 4, "a [31mb", ("no field 'a [31mb'",)),
    ("unknown field inside", f"{SCENE}    skript: Hi\n", 4, "scenes[0].skript", ("write script",)),
    ("unlike any field", f"{GOOD}zzz: 1\n", 4, "zzz", ("fields here are mien, title",)),
    ("missing file", f"{LAYER}{{picture: laef.png}}\n", 5, "scenes[0].layers[0].picture", ("there is 'leaf.png'",)),
    ("a folder for a file", f"{LAYER}{{picture: .}}\n", 5, "scenes[0].layers[0].picture", ("is a folder",)),
    ("cycle", "scenes: &a\n  - *a\n", 2, "", ("cycle",)),
    ("cycle of a mapping", "avatar: &a\n  place: *a\n", 2, "", ("cycle",)),
    ("unknown anchor", f"{GOOD}title: *gone\n", 4, "", ("&gone", "quotes")),
    ("negative time", f"{LAYER}{{picture: leaf.png, at: -1s}}\n", 5, "scenes[0].layers[0].at", ("negative",)),
    ("time without a unit", f"{LAYER}{{picture: leaf.png, at: 3}}\n", 5, "scenes[0].layers[0].at", ("write 3s",)),
    ("time that is none", f"{LAYER}{{picture: leaf.png, for: 1:75}}\n", 5, "scenes[0].layers[0].for", ("not a time",)),
    ("time without end", f"{LAYER}{{picture: leaf.png, for: 999999999s}}\n", 5, "scenes[0].layers[0].for", ("hours",)),
    ("10,000 layers", f"{SCENE}    layers:\n" + "      - {picture: leaf.png}\n" * 10_000, 5, "scenes[0].layers",
     ("10,000 layers", "at most 100")),
    ("1,000 scenes", f"{HEAD}scenes:\n" + "  - script: a\n" * 1_000, 3, "scenes", ("1,000 scenes", "at most 300")),
    ("200,000 values", "a: [" + "1," * 200_000 + "1]", 1, "", ("50,000 values",)),
    ("no scenes", f"{HEAD}scenes: []\n", 2, "scenes", ("at least 1",)),
    ("scenes left out", HEAD, 1, "", ("'scenes' is missing",)),
    ("list for a project", "- a\n- b\n", 1, "", ("no project",)),
    ("text for a project", "hello\n", 1, "", ("no project",)),
    ("empty file", "", 0, "", ("empty",)),
    ("only a comment", "# nothing\n", 0, "", ("empty",)),
    ("two documents", f"{GOOD}---\n{GOOD}", 4, "", ("second document",)),
    ("billion laughs", "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(9)
    ), 5, "", ("aliases",)),
    ("too deep", "a: " + "[" * 5_000 + "]" * 5_000, 1, "", ("24 levels",)),
    ("tag that runs", "title: !!python/object/apply:os.system [echo]\n", 1, "", ("tag", "no meaning")),
    ("own tag", f"{GOOD}title: !secret x\n", 4, "", ("tag !secret",)),
    ("doubled field", f"{GOOD}title: a\ntitle: b\n", 5, "", ("'title' was given in line 4",)),
    ("tab", "avatar:\n\tportrait: anna.png\n", 2, "", ("with spaces",)),
    ("colon in text", f"{HEAD}scenes:\n  - script: Note: this\n", 3, "", ("quotes",)),
    ("bracket left open", f"{GOOD}title: [a\n", 5, "", ("not YAML",)),
    ("list for a number", f"{GOOD}loudness: [1]\n", 4, "loudness", ("a list",)),
    ("text for a number", f"{GOOD}loudness: loud\n", 4, "loudness", ("not a number", "-31")),
    ("number out of range", f"{GOOD}loudness: 5\n", 4, "loudness", ("out of range", "-31")),
    ("a number without end", f"{GOOD}loudness: 1e999\n", 4, "loudness", ("number",)),
    ("not a number", f"{GOOD}loudness: .nan\n", 4, "loudness", ("not a number",)),
    ("half a payload", f"{GOOD}watermark: {{payload: 1.5}}\n", 4, "watermark.payload", ("not whole",)),
    ("payload of 33 bits", f"{GOOD}watermark: 4294967296\n", 4, "watermark", ("4294967295",)),
    ("number for a scene", f"{HEAD}scenes:\n  - 7\n", 3, "scenes[0]", ("'7'", "a scene such as")),
    ("yes for true", f"{LAYER}{{picture: leaf.png, behind: yes}}\n", 5, "scenes[0].layers[0].behind", ("write true",)),
    ("colour", f"{GOOD}background: {{colour: blou}}\n", 4, "background.colour", ("not a colour", "teal")),
    ("gradient of one", f"{GOOD}background: {{gradient: [red]}}\n", 4, "background.gradient", ("at least 2",)),
    ("two backgrounds", f"{GOOD}background: {{colour: red, picture: leaf.png}}\n", 4, "background.picture", ("one",)),
    ("zoom of a colour", f"{GOOD}background: {{colour: red, zoom: 2}}\n", 4, "background.zoom", ("has no zoom",)),
    ("length", f"{LAYER}{{title: A, place: {{x: wide}}}}\n", 5, "scenes[0].layers[0].place.x", ("60%",)),
    ("no size", f"{LAYER}{{title: A, place: {{width: 0%}}}}\n", 5, "scenes[0].layers[0].place.width", ("no size",)),
    ("loudness without dB", f"{GOOD}music: {{file: ding.wav, volume: -18}}\n", 4, "music.volume", ("-18dB",)),
    ("canvas", f"{GOOD}canvas: {{size: 1081x1920}}\n", 4, "canvas.size", ("odd side",)),
    ("canvas beyond 4K", f"{GOOD}canvas: 9000x9000\n", 4, "canvas", ("4096",)),
    ("frame rate", f"{GOOD}canvas: {{fps: 1000}}\n", 4, "canvas.fps", ("120",)),
    ("unknown style", f"{GOOD}captions: {{style: karaoki}}\n", 4, "captions.style", ("write karaoke",)),
    ("unknown transition", f"{GOOD}transition: fad\n", 4, "transition", ("write fade",)),
    ("version", f"mien: 2\n{GOOD}", 1, "mien", ("reads 1",)),
    ("duplicate ids", f"{HEAD}scenes:\n  - {{id: a, script: x}}\n  - {{id: a, script: y}}\n", 4, "scenes[1].id",
     ("line 3", "write another")),
    ("unknown cast", f"{TWO}bob: Hi\n", 6, "scenes[0].dialogue[0]", ("'bob' is not in the cast", "write bo")),
    ("line of two", f"{TWO}{{anna: Hi, bo: Hi}}\n", 6, "scenes[0].dialogue[0]", ("one name",)),
    ("avatar of a dialogue", f"{TWO}anna: Hi\n    avatar: anna\n", 7, "scenes[0].avatar", ("under cast",)),
    ("cast of one", f"{SCENE}    cast: {{anna: anna.png}}\n", 4, "scenes[0].cast", ("goes with a dialogue",)),
    ("shots of one", f"{SCENE}    shots: cut\n", 4, "scenes[0].shots", ("leave them out",)),
    ("nobody", "scenes:\n  - script: Hi\n", 2, "scenes[0]", ("nobody is there",)),
    ("unknown avatar", "avatar: Gwendolyn\nscenes:\n  - script: Hi\n", 1, "avatar", ("no avatar 'Gwendolyn'",)),
    ("picture and avatar", "avatar: {portrait: anna.png, name: anna}\nscenes:\n  - script: Hi\n", 1, "avatar.name",
     ("keep one",)),
    ("word never said", f"{LAYER}{{picture: leaf.png, at: {{word: coffee}}}}\n", 5, "scenes[0].layers[0].at",
     ("'coffee' is never said",)),
    ("half a word", f"{LAYER}{{picture: leaf.png, at: {{word: te}}}}\n", 5, "scenes[0].layers[0].at", ("never said",)),
    ("word said less", f"{LAYER}{{picture: leaf.png, at: {{word: tea, number: 3}}}}\n", 5, "scenes[0].layers[0].at",
     ("2 times", "number: 2")),
    ("cue", f"{LAYER}{{picture: leaf.png, at: {{cue: logo}}}}\n", 5, "scenes[0].layers[0].at", ("no [cue logo]",)),
    ("word of silence", f"{HEAD}scenes:\n  - for: 2s\n    layers: [{{title: A, at: {{word: x}}}}]\n", 4,
     "scenes[0].layers[0].at", ("nothing is said",)),
    ("word of a recording", f"{HEAD}scenes:\n  - audio: ding.wav\n    layers: [{{title: A, at: {{word: x}}}}]\n", 4,
     "scenes[0].layers[0].at", ("transcript",)),
    ("after the end", f"{HEAD}scenes:\n  - for: 2s\n    layers: [{{title: A, at: 3s}}]\n", 4, "scenes[0].layers[0].at",
     ("ends after 2s",)),
    ("nothing and no time", f"{HEAD}scenes:\n  - id: a\n", 3, "scenes[0]", ("for: 3s",)),
    ("script and recording", f"{SCENE}    audio: ding.wav\n", 4, "scenes[0].audio", ("keep one",)),
    ("transcript alone", f"{SCENE}    transcript: Hi\n", 4, "scenes[0].transcript", ("leave it out",)),
    ("script mark", f'{HEAD}scenes:\n  - script: "[happy] Hello"\n', 3, "scenes[0].script", ("happy",)),
    ("script without words", f'{HEAD}scenes:\n  - script: "[pause 1s]"\n', 3, "scenes[0].script", ("no word",)),
    ("script too long", f"{HEAD}scenes:\n  - script: {'word ' * 5_000}\n", 3, "scenes[0].script", ("20,000",)),
    ("transition too long", f"{SILENT}{{kind: fade, for: 2s}}\n  - script: Hi\n", 4, "scenes[0].transition",
     ("longer than the scene",)),
    ("two transitions in a scene", f"{HEAD}transition: {{kind: fade, for: 0.8s}}\nscenes:\n  - script: a\n  - for: 1s\n"
     "  - script: b\n", 5, "scenes[1].transition", ("1.6s of a scene of 1s",)),
    ("page", f"{LAYER}{{slides: talk.pdf, page: 3}}\n", 5, "scenes[0].layers[0].page", ("has 2 pages",)),
    ("part beyond the end", f"{LAYER}{{video: clip.mp4, trim: {{from: 5s}}}}\n", 5, "scenes[0].layers[0].trim",
     ("lasts 1.0s",)),
    ("part that ends first", f"{LAYER}{{video: clip.mp4, trim: {{from: 5s, to: 4s}}}}\n", 5,
     "scenes[0].layers[0].trim.to", ("before it begins",)),
    ("fit of a video", f"{LAYER}{{video: clip.mp4, fit: contain}}\n", 5, "scenes[0].layers[0].fit", ("has no fit",)),
    ("files of a scene", f"{SCENE}    captions: {{files: ass}}\n", 4, "scenes[0].captions.files", ("whole film",)),
    ("goes before it comes", f"{LAYER}{{title: A, at: 3s, until: 2s}}\n", 5, "scenes[0].layers[0].until", ("later",)),
    ("part from the end on", f"{LAYER}{{video: clip.mp4, trim: {{from: 1s}}}}\n", 5, "scenes[0].layers[0].trim",
     ("lasts 1.0s",)),
    ("colours that are none", f"{LAYER}{{title: A, colour: 'rgb(999, 0, 0)'}}\n", 5, "scenes[0].layers[0].colour",
     ("not a colour",)),
    ("a box of gigabytes", f"{LAYER}{{picture: leaf.png, place: {{width: 100000px}}}}\n", 5,
     "scenes[0].layers[0].place", ("far larger", "400%")),
    ("a person of gigabytes", "avatar: {portrait: anna.png, place: {height: 900%}}\nscenes:\n  - script: Hi\n", 1,
     "avatar.place", ("far larger", "400%")),
    ("a sign in words", f'{GOOD}title: "a\\u0007b"\n', 4, "title", ("U+0007",)),
    ("a null in a script", f'{HEAD}scenes:\n  - script: "Hi\\0 you"\n', 3, "scenes[0].script", ("U+0000",)),
    ("variables of gigabytes", f"{HEAD}variables: {{a: {'x' * 10_000}}}\ntitle: '{'${a}' * 1_000}'\nscenes: "
     "[{script: Hi}]\n", 3, "title", ("2,000,000",)),
    ("a frame rate of digits", f"{GOOD}canvas: {{fps: {'9' * 5_000}}}\n", 4, "canvas.fps", ("120",)),
    ("lexicon of sound", f"{GOOD}voice: {{name: auto, lexicon: ding.wav}}\n", 4, "voice.lexicon", ("UTF-8",)),
    ("font of no family", f"{LAYER}{{title: A, font: Nothing Like It}}\n", 5, "scenes[0].layers[0].font", ("no font",)),
    ("path of a server", f"{LAYER}{{picture: '\\\\server\\share\\a.png'}}\n", 5, "scenes[0].layers[0].picture",
     ("absolute",)),
    ("for and until", f"{LAYER}{{title: A, for: 1s, until: 2s}}\n", 5, "scenes[0].layers[0].until", ("keep one",)),
    ("layer of nothing", f"{LAYER}{{at: 1s}}\n", 5, "scenes[0].layers[0]", ("one of picture",)),
    ("absolute path", f"{LAYER}{{picture: /etc/passwd}}\n", 5, "scenes[0].layers[0].picture", ("absolute path",)),
    ("absolute path of Windows", f"{LAYER}{{picture: 'C:\\a.png'}}\n", 5, "scenes[0].layers[0].picture", ("absolute",)),
    ("path that leaves", f"{LAYER}{{picture: ../secret.png}}\n", 5, "scenes[0].layers[0].picture", ("leaves",)),
    ("path that leaves inside", f"{LAYER}{{picture: a/../../secret.png}}\n", 5, "scenes[0].layers[0].picture",
     ("leaves",)),
    ("address", f"{LAYER}{{picture: 'https://example.com/a.png'}}\n", 5, "scenes[0].layers[0].picture", ("address",)),
    ("path with a null", f'{LAYER}{{picture: "a\\0.png"}}\n', 5, "scenes[0].layers[0].picture", ("no name",)),
    ("sound for a picture", f"{LAYER}{{picture: ding.wav}}\n", 5, "scenes[0].layers[0].picture", ("no picture",)),
    ("picture for a sound", f"{GOOD}music: leaf.png\n", 4, "music", ("no sound",)),
    ("sound for a video", f"{LAYER}{{video: ding.wav}}\n", 5, "scenes[0].layers[0].video", ("no video",)),
    ("text for slides", f"{LAYER}{{slides: words.txt}}\n", 5, "scenes[0].layers[0].slides", ("neither PDF",)),
    ("intro of nothing", f"{GOOD}intro: {{for: 2s}}\n", 4, "intro", ("write one",)),
    ("variable", f"{HEAD}variables: {{name: Lee}}\nscenes:\n  - script: Hello ${{nmae}}\n", 4, "scenes[0].script",
     ("write ${name}",)),
    ("voice", f"{GOOD}voice: espeak:Zarvox9\n", 4, "voice", ("Zarvox9",)),
    ("language", f"{GOOD}language: tlh\n", 4, "language", ("tlh",)),
    ("no language at all", f"{GOOD}language: English please\n", 4, "language", ("zh, en or auto",)),
    ("letters without a font", f"{LAYER}{{title: \U00012000\U00012001}}\n", 5, "scenes[0].layers[0].title", ("font",)),
    ("captions of it", f"{HEAD}captions: box\nscenes:\n  - script: Hi \U00012000\n", 4, "scenes[0].script", ("font",)),
    ("font that is none", f"{LAYER}{{title: A, font: leaf.ttf}}\n", 5, "scenes[0].layers[0].font", ("no font",)),
    ("font that is missing", f"{LAYER}{{title: A, font: laef.ttf}}\n", 5, "scenes[0].layers[0].font", ("'leaf.ttf'",)),
    ("name of the cast", f"cast: {{'a/b': anna.png}}\n{GOOD}", 1, "cast", ("no name",)),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line", "field", "words"), [pytest.param(*c[1:], id=c[0]) for c in YAML])
def test_one_sentence_with_its_line(home: Path, text: str, line: int, field: str, words: tuple[str, ...]) -> None:
    refused(problems(home, text), line, field, *words)


@pytest.mark.parametrize(
    ("content", "line", "words"),
    [
        pytest.param(b"title: caf\xe9\n", 1, ("UTF-8",), id="Latin-1"),
        pytest.param("title: 茶\n".encode("gb18030"), 1, ("UTF-8",), id="GB18030"),
        pytest.param("title: a\n".encode("utf-16"), 1, ("UTF-8",), id="UTF-16"),
        pytest.param(b"title: a\nlanguage: z\0h\n", 2, ("U+0000",), id="a null"),
        pytest.param(b"title: \x1b[31m\n", 1, ("U+001B",), id="terminal codes"),
        pytest.param(b"#" * 1_000_001, 0, ("1 MB",), id="over 1 MB"),
    ],
)
def test_bytes_that_are_no_project(home: Path, content: bytes, line: int, words: tuple[str, ...]) -> None:
    refused(problems(home, content), line, "", *words)


@pytest.mark.parametrize(
    ("text", "line", "field", "words"),
    [
        pytest.param("title = \n", 1, "", ("not TOML",), id="no value"),
        pytest.param("title = a\n", 1, "", ("quotes",), id="text without quotes"),
        pytest.param(f"title = 'a'\nloudness = {'9' * 5_000}\n", 2, "", ("digits",), id="a number of digits"),
        pytest.param(f"a = [{'1,' * 300_000}]\n", 1, "", ("50,000",), id="300,000 values in a line"),
        pytest.param('title = "a"\ntitle = "b"\n', 2, "", ("not TOML",), id="doubled"),
        pytest.param("[[scenes]]\nscript = 'a'\n[scenes]\n", 3, "", ("not TOML",), id="table and list"),
        pytest.param("a = " + "[" * 5_000 + "]" * 5_000, 0, "", ("deep",), id="too deep"),
        pytest.param("avatar = 'anna.png'\n\n[[scenes]]\nscript = 'a'\nskript = 'b'\n", 5, "scenes[0].skript",
                     ("write script",), id="unknown field"),
        pytest.param("avatar = 'anna.png'\n[[scenes]]\nscript = 'a'\n[[scenes.layers]]\ntitle = 'A'\nat = -1\n", 6,
                     "scenes[0].layers[0].at", ("not a time",), id="time"),
        pytest.param("avatar = 'anna.png'\nscenes = [{ script = 'a', transition = { kind = 'fdae' } }]\n", 2,
                     "scenes[0].transition.kind", ("write fade",), id="inline"),
        pytest.param("loudness = nan\navatar = 'anna.png'\nscenes = [{script = 'a'}]\n", 1, "loudness",
                     ("not a number",), id="no number"),
    ],
)  # fmt: skip
def test_toml(home: Path, text: str, line: int, field: str, words: tuple[str, ...]) -> None:
    found = problems(home, text, "bad.toml")
    refused(tuple(found), line, field, *words)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        pytest.param("bomb.png", make.png(60_000, 60_000, make.packed_zeros(1 << 24)), ("120 million",), id="PNG bomb"),
        pytest.param("cut.png", make.png(64, 64, b"\x78\x9c"), ("no picture",), id="PNG cut off"),
        pytest.param("empty.png", b"", ("empty",), id="empty"),
        pytest.param("run.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", ("no picture",), id="SVG"),
        pytest.param("run.png", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", ("no picture",), id="PostScript"),
    ],
)
def test_pictures_that_are_none(home: Path, name: str, content: bytes, words: tuple[str, ...]) -> None:
    (home / name).write_bytes(content)
    refused(problems(home, f"{LAYER}{{picture: {name}}}\n"), 5, "scenes[0].layers[0].picture", *words)


def _bombs() -> list[tuple[str, bytes, tuple[str, ...]]]:
    zeros = make.packed_zeros(513 << 20)
    import zlib

    flate, twice = "/Filter /FlateDecode", "/Filter [/FlateDecode /FlateDecode]"
    return [
        ("bomb.pdf", make.pdf(1, zeros, flate), ("unpacks to over 512 MB",)),
        ("twice.pdf", make.pdf(1, zlib.compress(zeros), twice), ("unpacks to over 512 MB",)),
        ("elsewhere.pdf", make.pdf(1, zeros, "/Filter 9 0 R"), ("unpacks to over 512 MB",)),
        ("disguised.pdf", make.pdf(1, zeros, "/Filter /Fl#61teDecode"), ("unpacks to over 512 MB",)),
        ("text.pdf", make.pdf(1, base64.a85encode(zeros) + b"~>", "/Filter 9 0 R"), ("unpacks to over 512 MB",)),
        ("hex.pdf", make.pdf(1, zeros.hex().encode() + b">", "/Filter 9 0 R"), ("unpacks to over 512 MB",)),
        ("streams.pdf", b"%PDF-1.4\n" + b"obj stream\nendstream " * 200_001, ("200,000 parts",)),
        ("often.pdf", make.pdf(1, b"x", f"/Filter [{'/FlateDecode ' * 9}]"), ("three times",)),
        ("wide.pdf", make.pdf(1, b"x", "/Subtype /Image /Width 60000 /Height 60000"), ("120 million",)),
        ("cut.pdf", b"%PDF-1.4\n", ("damaged",)),
        ("nothing.pdf", make.pdf(0), ("damaged",)),
    ]


def test_slides_that_are_bombs(home: Path) -> None:
    for name, content, words in _bombs():
        (home / name).write_bytes(content)
        refused(problems(home, f"{LAYER}{{slides: {name}}}\n"), 5, "scenes[0].layers[0].slides", *words)


def test_an_archive_that_is_a_bomb(home: Path) -> None:
    make.pptx(home / "bomb.pptx", zeros=513 << 20)
    refused(problems(home, f"{LAYER}{{slides: bomb.pptx}}\n"), 5, "scenes[0].layers[0].slides", "512 MB")
    (home / "cut.pptx").write_bytes((home / "bomb.pptx").read_bytes()[:1000])
    refused(problems(home, f"{LAYER}{{slides: cut.pptx}}\n"), 5, "scenes[0].layers[0].slides", "damaged")
    make.pptx(home / "none.pptx", slides=0, zeros=1 << 20)
    refused(problems(home, f"{LAYER}{{slides: none.pptx}}\n"), 5, "scenes[0].layers[0].slides", "no slides")


def test_an_archive_that_lies_about_its_size(home: Path) -> None:
    make.pptx(home / "lie.pptx", zeros=513 << 20)
    raw = bytearray((home / "lie.pptx").read_bytes())
    at = raw.rindex(b"PK\x01\x02")  # the directory's entry of the last part
    raw[at + 24 : at + 28] = (1000).to_bytes(4, "little")
    (home / "lie.pptx").write_bytes(bytes(raw))
    found = problems(home, f"{LAYER}{{slides: lie.pptx}}\n")
    refused(found, 5, "scenes[0].layers[0].slides")


@pytest.mark.skipif(not hasattr(os, "symlink") or os.name == "nt", reason="links need rights on Windows")
def test_links_that_lead_out(home: Path) -> None:
    (home / "link.png").symlink_to(home.parent / "secret.png")
    refused(problems(home, f"{LAYER}{{picture: link.png}}\n"), 5, "scenes[0].layers[0].picture", "link out")
    (home / "way").symlink_to(home.parent)
    refused(problems(home, f"{LAYER}{{picture: way/secret.png}}\n"), 5, "scenes[0].layers[0].picture", "link out")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
def test_pipes_are_no_files(home: Path) -> None:
    os.mkfifo(home / "pipe.png")
    refused(problems(home, f"{LAYER}{{picture: pipe.png}}\n"), 5, "scenes[0].layers[0].picture", "pipe")
    os.mkfifo(home / "pipe.yaml")
    with pytest.raises(InputError, match="no file"):
        load(home / "pipe.yaml")


def test_playlists_bring_in_no_other_file(home: Path) -> None:
    video(home.parent / "hidden.mp4")
    hidden = home.parent / "hidden.mp4"
    (home / "list.m3u8").write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{hidden}\n#EXT-X-ENDLIST\n")
    refused(problems(home, f"{LAYER}{{video: list.m3u8}}\n"), 5, "scenes[0].layers[0].video", "no video")
    (home / "list.mp4").write_text(f"ffconcat version 1.0\nfile {hidden}\n")
    refused(problems(home, f"{LAYER}{{video: list.mp4}}\n"), 5, "scenes[0].layers[0].video", "no video")


def test_slides_are_known_by_what_they_hold(home: Path) -> None:
    (home / "slides.doc").write_bytes(make.pdf(1))
    assert problems(home, f"{LAYER}{{slides: slides.doc}}\n") == ()
    assert page(home / "slides.doc", 1, 96).shape == (54, 96, 3)


def test_all_problems_at_once_in_the_order_of_the_file(home: Path) -> None:
    text = f"{HEAD}titel: a\nscenes:\n  - script: Hi\n    layers:\n      - {{picture: no.png, at: -1s}}\n  - id: b\n"
    found = problems(home, text)
    assert [(p.line, p.field) for p in found] == [
        (2, "titel"), (6, "scenes[0].layers[0].at"), (6, "scenes[0].layers[0].picture"), (7, "scenes[1]"),
    ] or sorted(p.line for p in found) == [2, 6, 6, 7]  # fmt: skip


def test_a_default_that_is_wrong_is_told_once(home: Path) -> None:
    text = "avatar: {portrait: anna.png, shape: sqare}\nscenes:\n" + "  - script: Hi\n" * 20
    refused(problems(home, text), 1, "avatar.shape", "rectangle")


_BITS = (
    *"{}[]:,-#&*!|>'\"%@\n \t~=$",
    "-1s",
    "${x}",
    "<<: ",
    "---\n",
    "茶",
    "[[",
    "[happy]",
    "false",
    "null",
    "  - ",
    "1e9",
)


@pytest.mark.parametrize("name", ["tea.yaml", "tea.toml"])
def test_mutants_are_read_or_refused_in_one_sentence_each(name: str, tmp_path: Path) -> None:
    texts = [template_text(template, "zh") for template in TEMPLATES] if name == "tea.yaml" else [TOML]
    dice = random.Random(5)
    refused_ones = 0
    for _ in range(300):
        text = dice.choice(texts)
        for _ in range(dice.randint(1, 3)):
            at = dice.randrange(len(text))
            text = text[:at] + (dice.choice(_BITS) if dice.random() < 0.6 else "") + text[at + dice.randint(0, 6) :]
        try:
            read(parse(text, name), tmp_path / name, exist=False)
        except ProjectError as error:
            refused_ones += 1
            for sentence in error.sentences:
                assert sentence.endswith(".")
                assert "\n" not in sentence
                assert len(sentence) < 500
    assert 100 < refused_ones < 300


def test_files_elsewhere_are_allowed_when_asked_for(home: Path) -> None:
    file = home / "outside.yaml"
    file.write_text(f"{LAYER}{{picture: {home / 'leaf.png'}}}\n", encoding="utf-8")
    with pytest.raises(ProjectError, match="absolute"):
        load(file)
    assert load(file, outside=True).project.scenes[0].layers[0].picture == home / "leaf.png"


@pytest.mark.parametrize("name", ["none.yaml", "folder.yaml", "a\0.yaml"])
def test_a_project_that_is_no_file(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder.yaml").mkdir()
    with pytest.raises(InputError):
        load(str(tmp_path / name))


def test_a_project_of_another_kind(tmp_path: Path) -> None:
    (tmp_path / "a.docx").write_text("x", encoding="utf-8")
    with pytest.raises(ProjectError, match=r"\.yaml"):
        load(tmp_path / "a.docx")
