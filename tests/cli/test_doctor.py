"""``mien doctor`` tells the truth about a machine that lacks things."""

from __future__ import annotations

import importlib
import json
import os
from pathlib import Path
from types import ModuleType

import pytest

from mien.apps import cli
from mien.apps.cli import doctor


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIEN_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("MIEN_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("MIEN_OFFLINE", raising=False)


def examine(capsys: pytest.CaptureFixture[str], *flags: str) -> tuple[int, dict[str, dict[str, str]], list[str]]:
    status = cli.main(["doctor", "--json", *flags])
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    rows = next(event["rows"] for event in events if event["event"] == "doctor")
    return status, {row["name"]: row for row in rows}, [event["event"] for event in events]


def test_a_machine_that_has_everything(capsys: pytest.CaptureFixture[str]) -> None:
    status, checks, events = examine(capsys)
    assert (status, events) == (0, ["doctor", "ready"])
    assert "languages" in checks["speech (espeak-ng)"]["found"]
    assert checks["model face_landmark"]["found"] == "fetched on first use"
    assert checks["encoder libx264"]["state"] == "ok"


def test_models_that_may_not_be_fetched(capsys: pytest.CaptureFixture[str]) -> None:
    status, checks, events = examine(capsys, "--offline")
    assert (status, events) == (4, ["doctor", "error"])
    assert checks["model face_landmark"]["state"] == "missing"
    assert checks["model face_landmark"]["mend"] == "mien models pull face_landmark"
    assert checks["model face_landmarker"]["state"] == "ok"  # optional


def test_a_package_that_does_not_load(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    load = importlib.import_module

    def without_soxr(name: str, package: str | None = None) -> ModuleType:
        if name == "soxr":
            raise ImportError("libsoxr.so: not found")
        return load(name, package)

    monkeypatch.setattr(importlib, "import_module", without_soxr)
    status, checks, _ = examine(capsys)
    assert status == 4
    assert checks["soxr"]["state"] == "missing"
    assert "libsoxr.so" in checks["soxr"]["found"]
    assert "install" in checks["soxr"]["mend"]


@pytest.mark.parametrize(
    ("absent", "found", "mend"),
    [
        ((), "trains networks", ""),
        (("torch", "onnx"), "not here (optional): torch, onnx, for mien train", "pip install 'mien[train]'"),
        (("pocketsphinx",), "not here (optional): pocketsphinx, for mien train", "pip install 'mien[train]'"),
    ],
)
def test_what_training_lacks_is_named(
    absent: tuple[str, ...], found: str, mend: str,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr(doctor, "find_spec", lambda name: None if name in absent else object())
    status, checks, _ = examine(capsys)
    assert (status, checks["extra train"]["state"]) == (0, "ok")
    assert (checks["extra train"]["found"], checks["extra train"]["mend"]) == (found, mend)


def test_speech_that_does_not_start(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    import espeakng_loader

    monkeypatch.setattr(espeakng_loader, "get_library_path", lambda: "/nowhere/libespeak-ng.so")
    monkeypatch.setattr(espeakng_loader, "get_data_path", lambda: "/nowhere")
    status, checks, _ = examine(capsys)
    assert status == 4
    assert checks["speech (espeak-ng)"]["state"] == "missing"


def test_encoders_that_are_absent(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(doctor, "_opens", lambda name: name not in ("prores_ks", "libx264"))
    status, checks, _ = examine(capsys)
    assert status == 4
    assert checks["encoder libx264"]["state"] == "missing"
    assert checks["encoder prores_ks"]["state"] == "advice"


def test_settings_and_folders_that_are_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/mien.toml").write_text("[face]\nstyle = 'x'\n")
    monkeypatch.setattr(os, "access", lambda place, _mode: "cache" not in str(place))
    (tmp_path / "cache").mkdir()
    status, checks, _ = examine(capsys)
    assert status == 4
    assert "face.style" in checks["settings"]["found"]
    assert checks["cache folder"]["mend"].startswith("Set MIEN_CACHE_DIR")


def test_little_memory_is_advice(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(doctor, "_memory", lambda: 500_000_000)
    status, checks, _ = examine(capsys)
    assert (status, checks["memory"]["state"]) == (0, "advice")


def test_lettering(monkeypatch: pytest.MonkeyPatch) -> None:
    from mien.stage.type import shape

    first, second = doctor._lettering()
    assert first.state == "ok" and first.name == "lettering" and second.name == "emoji in pictures"
    monkeypatch.setattr(shape, "can_shape", lambda: False)
    lacking, _ = doctor._lettering()
    assert lacking.state == "advice" and "fribidi" in lacking.mend and "right to left" in lacking.found
