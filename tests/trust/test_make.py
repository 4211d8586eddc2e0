"""mien make with marks, a signature and a checked script; a film that is verified afterwards."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import mien
from mien import models
from mien.apps.cli import main
from mien.apps.trust.verify import verify
from mien.errors import InputError, UsageError
from mien.stage.marks import Marks, marks_of, payload_of
from mien.types import ByteArray


@pytest.fixture(scope="module")
def portrait() -> str:
    return str(models.path("astronaut"))


def test_a_marked_labelled_and_signed_film_says_so(
    tmp_path: Path, portrait: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("c2pa")
    monkeypatch.setenv("MIEN_DATA_DIR", str(tmp_path))
    out = tmp_path / "a.mp4"
    marks = ["--watermark", "305419896", "--label", "auto", "--c2pa", "--strict", "--captions", "none"]
    assert main(["consent", "add", portrait, "--by", "NASA", "--scope", "tests"]) == 0
    assert main(["make", "-p", portrait, "-t", "Hi.", "-s", "384", "-o", str(out), *marks, "--json"]) == 0
    film = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert film["watermark"] == 305419896 and film["c2pa"] is True
    found = verify(out)
    assert found.made and found.label == "AI-generated"
    assert [mark.payload for _, mark in found.watermarks] == [305419896]
    assert found.statement is not None and found.statement.state == "valid" and found.statement.self_made


def test_frames_are_marked_as_the_film_is_and_alike_each_time(portrait: str) -> None:
    def first(watermark: str | None = None) -> ByteArray:
        return next(mien.make(portrait, "Hi.", size="192", watermark=watermark).frames())[0].pixels.copy()

    plain, marked = first(), first(watermark="7")
    assert not np.array_equal(plain, marked) and np.array_equal(marked, first(watermark="7"))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--watermark", "4294967296"], "4294967295"),
        (["--watermark", "mine"], "--watermark"),
        (["--label", "x" * 61], "60 characters"),
        (["--c2pa", "-o", "a.webm"], "hold no Content Credentials"),
        (["--c2pa", "-o", "a_%03d.png"], "hold no Content Credentials"),
    ],
)
def test_wrong_options_are_refused_before_work(
    options: list[str], words: str, portrait: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MIEN_DATA_DIR", str(tmp_path / "data"))
    out = [] if "-o" in options else ["-o", "a.mp4"]
    assert main(["make", "-p", portrait, "-t", "Hi.", *out, *options]) == 2
    assert words in capsys.readouterr().err


def test_scripts_are_checked_where_the_settings_want_it(
    portrait: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MIEN_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("MIEN_TRUST_MODERATION", "words")
    out = str(tmp_path / "a.mp4")
    assert main(["make", "-p", portrait, "-t", "Double your money!", "-o", out, "--json"]) == 3
    error = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert error["code"] == "script.held" and "mien review" in error["hint"]
    assert not Path(out).exists()


def test_an_automatic_payload_is_of_the_face_and_the_words(tmp_path: Path) -> None:
    auto = mien.config.TrustConfig(watermark="auto")
    assert marks_of(auto, ("a", "b")) == marks_of(auto, ("a", "b")) != marks_of(auto, ("a", "c"))
    assert payload_of(("a", "b")) != payload_of(("ab", ""))
    assert 0 <= payload_of(("你好",)) < 2**32
    assert Marks().finisher() is None


def test_keys_come_from_files(tmp_path: Path) -> None:
    key = tmp_path / "key"
    settings = mien.config.TrustConfig(watermark="1", key_file=str(key))
    with pytest.raises(InputError, match="cannot be read"):
        marks_of(settings, ())
    key.write_text("\n", "utf-8")
    with pytest.raises(InputError, match="must hold"):
        marks_of(settings, ())
    key.write_text("secret words\n", "utf-8")
    assert marks_of(settings, ()).key == "secret words"
    with pytest.raises(UsageError):
        marks_of(mien.config.TrustConfig(watermark="9999999999"), ())
