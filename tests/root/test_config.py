"""Settings: what wins over what, and what is refused in which words."""

from __future__ import annotations

import sys
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien import config
from mien.errors import UsageError


def write(folder: Path, text: str) -> Path:
    file = folder / "mien.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_defaults_without_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIEN_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("MIEN_CONFIG", raising=False)
    assert config.load(environ={}) == config.Settings()


def test_file_environment_flags_each_win_over_the_one_before(tmp_path: Path) -> None:
    file = write(tmp_path, '[face]\nstyle = "serious"\nseed = 5\nblink_rate = 0.5\n')
    settings = config.load(file, {"MIEN_FACE_SEED": "6", "MIEN_FACE_BLINK_RATE": "0.75"})
    face = config.override(settings.face, blink_rate=2, style=None)
    assert (face.style, face.seed, face.blink_rate, face.smoothing) == ("serious", 6, 2, 0.35)


def test_the_named_file_and_the_default_file_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "[film]\nfps = 30\n")
    monkeypatch.setenv("MIEN_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("MIEN_CONFIG", raising=False)
    assert config.load(environ={}).film.fps == "30"
    other = tmp_path / "other.toml"
    other.write_text('[film]\nfps = "29.97"\n', encoding="utf-8")
    monkeypatch.setenv("MIEN_CONFIG", str(other))
    loaded = config.load()
    assert loaded.film.fps == "29.97"
    assert loaded.origin == other


def test_settings_are_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        config.Settings().face.style = "serious"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("[fcae]\n", ["fcae", "speak, audio, face, portrait, film"]),
        ("[face]\nstile = 1\n", ["[face]", "stile", "style"]),
        ('[face]\nstyle = "loud"\n', ["face.style", "lively", "loud"]),
        ("[face]\nlip_strength = 2.5\n", ["face.lip_strength", "0 to 2", "2.5"]),
        ("[face]\nlip_strength = nan\n", ["face.lip_strength", "nan"]),
        ('[face]\nseed = "x"\n', ["face.seed", "whole number"]),
        ("[face]\nseed = 1.5\n", ["face.seed", "whole number"]),
        ("[face]\nseed = true\n", ["face.seed", "True"]),
        ("[speak]\nvoice = [1]\n", ["speak.voice", "text"]),
        ('[film]\nsize = "huge"\n', ["film.size", "1080p", "huge"]),
        ('[film]\nfps = "0"\n', ["film.fps", "outside 1 to 120"]),
        ('[film]\ncaptions = "maybe"\n', ["film.captions", "srt, vtt, ass"]),
        ("face = 3\n", ["'face'", "[face]"]),
        ("[face\n", ["not valid TOML", "line 1"]),
    ],
)
def test_a_fault_names_the_file_the_key_and_what_is_allowed(tmp_path: Path, text: str, parts: list[str]) -> None:
    file = write(tmp_path, text)
    with pytest.raises(UsageError) as caught:
        config.load(file, {})
    for part in [str(file), *parts]:
        assert part in str(caught.value)


def test_faults_of_variables_and_flags_name_them() -> None:
    with pytest.raises(UsageError, match="MIEN_FACE_SMOOTHING must be a number from 0 to 1"):
        config.load(environ={"MIEN_FACE_SMOOTHING": "soft"})
    with pytest.raises(UsageError, match=r"MIEN_FACE_SMOTHING: \[face\] has no key 'smothing'"):
        config.load(environ={"MIEN_FACE_SMOTHING": "1"})
    with pytest.raises(UsageError, match="--blink-rate must be a number"):
        config.override(config.FaceConfig(), blink_rate=-1)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        config.load(tmp_path / "absent.toml", {})
    with pytest.raises(UsageError, match="cannot be read"):
        config.load(tmp_path, {})
    (tmp_path / "latin.toml").write_bytes(b"[speak]\nvoice = '\xff'\n")
    with pytest.raises(UsageError, match="cannot be read"):
        config.load(tmp_path / "latin.toml", {})
    (tmp_path / "big.toml").write_text("#" * (1 << 20 | 1))
    with pytest.raises(UsageError, match="over 1 MB"):
        config.load(tmp_path / "big.toml", {})


def test_variables_of_other_programs_and_of_the_folders_are_left_alone() -> None:
    environ = {"MIEN_CACHE_DIR": "/x", "MIEN_DEBUG": "1", "MIENSTYLE": "x", "MIEN_STUDIO_PORT": "1"}
    assert config.load(environ=environ) == config.load(environ={})


@pytest.mark.parametrize(("word", "result"), [("1", True), ("TRUE", True), ("0", False), ("", False), ("no", False)])
def test_offline(word: str, result: bool) -> None:
    assert config.offline({"MIEN_OFFLINE": word}) is result
    assert config.load(environ={"MIEN_OFFLINE": word}).offline is result


def test_offline_refuses_a_word_it_does_not_know() -> None:
    with pytest.raises(UsageError, match="MIEN_OFFLINE"):
        config.offline({"MIEN_OFFLINE": "perhaps"})


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="the folders of Linux and the BSDs")
def test_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MIEN_CACHE_DIR", "MIEN_DATA_DIR", "XDG_CACHE_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert config.cache_dir() == tmp_path / ".cache/mien"
    assert config.data_dir() == tmp_path / ".local/share/mien"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative/is/not/valid")
    assert config.cache_dir() == tmp_path / ".cache/mien"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "c"))
    assert config.cache_dir() == tmp_path / "c/mien"
    monkeypatch.setenv("MIEN_CACHE_DIR", "~/own")
    assert config.cache_dir() == tmp_path / "own"


@given(st.dictionaries(st.sampled_from(["speak", "face", "film", "offline", "x"]), st.text(max_size=20)))
def test_any_table_loads_or_is_refused(table: dict[str, str]) -> None:
    text = "".join(f"[{section}]\nvalue = {value!r}\n" for section, value in table.items())
    try:
        config._from_table({"face": {"style": text}}, "here", Path("here"))
    except UsageError as refused:
        assert refused.message.startswith("here")


@given(st.text(max_size=12))
def test_any_variable_loads_or_is_refused_by_name(value: str) -> None:
    try:
        loaded = config.load(environ={"MIEN_FACE_LIP_STRENGTH": value})
    except UsageError as refused:
        assert refused.message.startswith("MIEN_FACE_LIP_STRENGTH")
    else:
        assert 0 <= loaded.face.lip_strength <= 2
