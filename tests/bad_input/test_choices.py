"""Options, settings and names that make no sense, and results that cannot be written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.bad_input import files

from mien.apps import cli

Refused = Callable[[list[str], int, str], str]


def make(portrait: Path, target: Path | str, *more: str) -> list[str]:
    return ["make", "-p", str(portrait), "-t", "Hello.", "-o", str(target), *more]


@pytest.mark.parametrize(
    ("more", "status", "words"),
    [
        pytest.param(("--size", "huge"), 2, "huge", id="size without a number"),
        pytest.param(("--size", "511x511"), 2, "odd", id="odd size"),
        pytest.param(("--size", "8"), 2, "8", id="tiny size"),
        pytest.param(("--size", "9999x9998"), 2, "9999", id="giant size"),
        pytest.param(("--size", "640x480", "--aspect", "9:16"), 2, "9:16", id="size against aspect"),
        pytest.param(("--aspect", "16/9"), 2, "16/9", id="aspect with a stroke"),
        pytest.param(("--aspect", "0:5"), 2, "0:5", id="aspect of nothing"),
        pytest.param(("--aspect", "90:1"), 2, "90:1", id="aspect like a ribbon"),
        pytest.param(("--fps", "fast"), 2, "fast", id="rate that is no number"),
        pytest.param(("--fps", "0"), 2, "0", id="rate of nothing"),
        pytest.param(("--fps", "1000"), 2, "1000", id="rate too high"),
        pytest.param(("--fps", "25/0"), 2, "25/0", id="rate by nought"),
        pytest.param(("--preset", "ultra"), 2, "ultra", id="unknown preset"),
        pytest.param(("--style", "noir"), 2, "noir", id="unknown style"),
        pytest.param(("--encoder", "divx"), 2, "divx", id="unknown encoder"),
        pytest.param(("--seed", "-1"), 2, "seed", id="negative seed"),
        pytest.param(("--seed", "1.5"), 2, "seed", id="seed that is no whole number"),
        pytest.param(("--lip-strength", "3"), 2, "lip", id="dial beyond its end"),
        pytest.param(("--captions", "stl"), 2, "stl", id="unknown captions"),
        pytest.param(("--motion", "motion.fbx"), 2, "motion.fbx", id="unknown kind of motion file"),
        pytest.param(("--background", "blurple"), 2, "blurple", id="background that is neither colour nor file"),
        pytest.param(("--background", "room.jpg"), 2, "room.jpg", id="background file that is not there"),
        pytest.param(("--background", "transparent"), 2, "transparent", id="transparent mp4"),
        pytest.param(("--frobnicate",), 2, "--frobnicate", id="unknown option"),
        pytest.param(("extra",), 2, "extra", id="a word too many"),
    ],
)
def test_options(more: tuple[str, ...], status: int, words: str, portrait: Path, out: Path, refused: Refused) -> None:
    refused(make(portrait, out / "film.mp4", *more), status, words)


def test_encoder_that_does_not_work_here(portrait: Path, out: Path, refused: Refused) -> None:
    from mien.transmit.encoders import works

    broken = next((n for n in ("h264_videotoolbox", "h264_amf", "h264_qsv", "h264_nvenc") if not works(n)), None)
    assert broken, "no machine has all of them"
    refused(make(portrait, out / "film.mp4", "--encoder", broken), 4, broken)


def test_codec_that_libav_was_built_without(
    portrait: Path, out: Path, refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    import av

    def without(name: str, mode: str = "r") -> object:
        raise ValueError(f"no codec {name}")

    monkeypatch.setattr(av, "Codec", without)
    refused(make(portrait, out / "film.mp4"), 4, "encoder")


def test_who_speaks(portrait: Path, out: Path, refused: Refused) -> None:
    film = str(out / "film.mp4")
    refused(["make", "-p", str(portrait), "-a", "me", "-t", "Hi.", "-o", film], 2, "--avatar")
    refused(["make", "-t", "Hi.", "-o", film], 2, "--portrait")
    refused(["make", "-a", "nobody", "-t", "Hi.", "-o", film], 4, "nobody")
    refused(["make", "-a", "../../etc", "-t", "Hi.", "-o", film], 2, "../../etc")


@pytest.mark.parametrize(
    ("target", "status", "words"),
    [
        pytest.param("", 2, "-o", id="no name"),
        pytest.param("film.avi", 2, ".avi", id="unknown container"),
        pytest.param("film", 2, "ending", id="no ending"),
        pytest.param("none/film.mp4", 5, "none", id="folder that is not there"),
        pytest.param("file.txt/film.mp4", 5, "file.txt", id="folder that is a file"),
        pytest.param("folder.mp4", 5, "folder.mp4", id="a folder in the way"),
        pytest.param("x" * 300 + ".mp4", 5, "", id="name too long"),
    ],
)
def test_where_the_film_goes(target: str, status: int, words: str, portrait: Path, out: Path, refused: Refused) -> None:
    (out / "file.txt").write_text("in the way", encoding="utf-8")
    (out / "folder.mp4").mkdir()
    refused(make(portrait, out / target if target else ""), status, words)


def test_place_where_not_even_root_may_write(portrait: Path, refused: Refused) -> None:
    if not Path("/sys/kernel").is_dir():
        pytest.skip("needs a system with /sys")
    refused(make(portrait, "/sys/kernel/film.mp4"), 5, "/sys/kernel")


def test_result_over_its_own_source(portrait: Path, out: Path, refused: Refused) -> None:
    from PIL import Image

    me = out / "me.webp"
    with Image.open(portrait) as image:
        image.save(me)
    before = me.read_bytes()
    refused(make(me, me), 2, "overwrite")
    assert me.read_bytes() == before
    refused(make(portrait, out / "film.mp4", "--motion", str(out / "m.json"), "--trace", str(out / "m.json")), 2, "")


@pytest.mark.parametrize("name", ["room.mp4", "room.gif", "room.png", "room.jpg"])
def test_damaged_background(name: str, portrait: Path, out: Path, tmp_path: Path, refused: Refused) -> None:
    file = tmp_path / name
    file.write_bytes(b"\x00\x00\x00\x18ftypisom" + bytes(500))
    refused(make(portrait, out / "film.mp4", "--size", "64", "--background", str(file)), 3, name)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param("[film\nsize = 3", "TOML", id="not TOML"),
        pytest.param('[film]\nsize = "big"', "film.size", id="bad value"),
        pytest.param("[film]\nsise = 512", "sise", id="unknown key"),
        pytest.param("[flim]\nsize = 512", "flim", id="unknown section"),
        pytest.param("film = 3", "film", id="section that is a number"),
    ],
)
def test_settings_file(
    content: str,
    words: str,
    portrait: Path,
    out: Path,
    tmp_path: Path,
    refused: Refused,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = tmp_path / "mien.toml"
    file.write_text(content, encoding="utf-8")
    monkeypatch.setenv("MIEN_CONFIG", str(file))
    refused(make(portrait, out / "film.mp4"), 2, words)


@pytest.mark.parametrize(
    ("name", "value"), [("MIEN_FACE_STYLE", "noir"), ("MIEN_FILM_FPS", "x"), ("MIEN_OFFLINE", "?")]
)
def test_environment(
    name: str, value: str, portrait: Path, out: Path, refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    refused(make(portrait, out / "film.mp4"), 2, name)


def test_commands(refused: Refused) -> None:
    refused(["mkae"], 2, "mkae")
    refused(["avatar", "show", "nobody"], 4, "nobody")
    refused(["avatar", "remove", "nobody"], 4, "nobody")
    refused(["models", "pull", "gpt"], 2, "gpt")
    refused(["voice", "say", ""], 3, "")


def test_films_to_measure(portrait: Path, tmp_path: Path, refused: Refused) -> None:
    refused(["eval", "film", str(tmp_path / "none.mp4")], 3, "none.mp4")
    refused(["eval", "film", str(portrait), "-p", str(portrait), "-a", "me"], 2, "not both")
    (tmp_path / "film.mp4").write_bytes(b"no film")
    refused(["eval", "film", str(tmp_path / "film.mp4")], 3, "film.mp4")


# -- avatars


def test_avatar_files(exported: Path, out: Path, tmp_path: Path, refused: Refused) -> None:
    wrong = tmp_path / "wrong.mien"
    wrong.write_bytes(b"PK\x03\x04 no archive")
    refused(["avatar", "import", str(wrong)], 3, "avatar")
    whole = exported.read_bytes()
    wrong.write_bytes(whole[: len(whole) // 2])
    refused(["avatar", "import", str(wrong)], 3, "")
    files.changed_avatar(exported, wrong, schema_version=99)
    refused(["avatar", "import", str(wrong)], 3, "99")
    files.escaping_avatar(exported, wrong)
    refused(["avatar", "import", str(wrong)], 3, "")
    assert not list(tmp_path.rglob("escaped.txt"))
    refused(["avatar", "import", str(tmp_path / "none.mien")], 3, "none.mien")
    assert not list((tmp_path / "data").rglob("manifest.json")), "half an avatar is left"


def test_avatar_names(portrait: Path, tmp_path: Path, refused: Refused) -> None:
    refused(["avatar", "create", str(portrait), "--name", "../evil"], 2, "name")
    refused(["avatar", "create", str(tmp_path / "none.jpg")], 3, "none.jpg")
    assert not (tmp_path / "evil").exists()


def test_json_errors_say_the_same(portrait: Path, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import json

    assert cli.main([*make(portrait, out / "film.mp4", "--size", "huge"), "--json"]) == 2
    event = json.loads(capsys.readouterr().out)
    assert event["event"] == "error"
    assert event["exit_status"] == 2
    assert "huge" in event["message"]
