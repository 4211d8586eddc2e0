"""Who agreed: recorded, shown, checked, and required where it is wanted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.portrait.kit import tiny_avatar

import mien
from mien.apps.cli import main
from mien.avatar import Avatar, Consent
from mien.config import Settings, TrustConfig, VoicesConfig
from mien.errors import InputError
from mien.portrait.store import consent, library
from mien.portrait.store.consent import ConsentMissing


@pytest.fixture(autouse=True)
def homes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MIEN_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "face.png").write_bytes(b"a face")
    (tmp_path / "voice.wav").write_bytes(b"a voice")
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, list[dict[str, Any]]]:
    status = main(["consent", *words, "--json"])
    return status, [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_add_check_show_and_take_back(homes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (homes / "signed.pdf").write_bytes(b"signed")
    status, said = run(capsys, "check", "face.png")
    assert status == 3 and said[-1]["code"] == "consent.missing" and "mien consent add" in said[-1]["hint"]
    words = ("--by", "安娜", "--scope", "adverts 2026", "--date", "2026-01-02", "--document", "signed.pdf")
    status, said = run(capsys, "add", "face.png", *words)
    assert status == 0 and said[-1]["kind"] == "avatar" and len(said[-1]["document_sha256"]) == 64
    assert said[-1]["recorded"].startswith("20")
    status, said = run(capsys, "check", "face.png")
    assert status == 0 and said[-1]["by"] == "安娜" and said[-1]["scope"] == "adverts 2026"
    assert run(capsys, "add", "face.png", "--by", "安娜", "--withdraw")[0] == 0
    status, said = run(capsys, "check", "face.png")
    assert status == 3 and "took back" in said[-1]["message"]
    status, said = run(capsys, "show", "face.png")
    assert [row["by"] for row in said[-1]["rows"]] == ["安娜", "taken back"]
    assert run(capsys, "add", "voice.wav", "--by", "Bo", "--scope", "all")[1][-1]["kind"] == "voice"
    assert [row["kind"] for row in run(capsys, "show")[1][-1]["rows"]] == ["avatar", "voice"]


def test_a_copy_under_another_name_is_the_same_face_and_another_picture_is_not(homes: Path) -> None:
    sha256 = consent.fingerprint(homes / "face.png")
    consent.add(consent.Record("avatar", sha256, "face.png", "Anna", "2026-01-02", "all"))
    (homes / "copy.jpg").write_bytes(b"a face")
    assert consent.require("avatar", consent.fingerprint(homes / "copy.jpg"), "copy.jpg").by == "Anna"
    (homes / "copy.jpg").write_bytes(b"a face, changed")
    with pytest.raises(ConsentMissing):
        consent.require("avatar", consent.fingerprint(homes / "copy.jpg"), "copy.jpg")


def test_it_ends_after_its_last_day(homes: Path) -> None:
    sha256 = consent.fingerprint(homes / "face.png")
    consent.add(consent.Record("avatar", sha256, "face", "Anna", "2020-01-02", "all", until="2020-12-31"))
    with pytest.raises(ConsentMissing, match="ended on 2020-12-31"):
        consent.require("avatar", sha256, "face")
    consent.add(consent.Record("avatar", sha256, "face", "Anna", "2026-01-02", "all", until="2999-12-31"))
    assert consent.require("avatar", sha256, "face").until == "2999-12-31"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--scope", "all"), "Who agreed"),
        (("--by", "Anna"), "To what"),
        (("--by", "Anna", "--scope", "all", "--date", "yesterday"), "is not a day"),
        (("--by", "A" * 2001, "--scope", "all"), "2000 characters"),
        (("--by", "Anna", "--scope", "all", "--kind", "dog"), "avatar or voice"),
    ],
)
def test_incomplete_records_are_refused(
    words: tuple[str, ...], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status, said = run(capsys, "add", "face.png", *words)
    assert status == 2 and sentence in said[-1]["message"]
    assert consent.records() == []


def test_what_create_wrote_into_an_avatar_counts_until_a_record_says_more(capsys: pytest.CaptureFixture[str]) -> None:
    from dataclasses import replace

    made = tiny_avatar()
    manifest = replace(made.manifest, consent=Consent(by="NASA", date="2026-01-01", scope="tests"))
    kept = library.add(Avatar(manifest, made.arrays, made.textures), "eileen")
    status, said = run(capsys, "check", "eileen")
    assert status == 0 and said[-1]["by"] == "NASA"
    consent.add(
        consent.Record("avatar", kept.manifest.source.sha256, "eileen", "NASA", "2026-02-01", "", withdrawn=True)
    )
    assert run(capsys, "check", "eileen")[0] == 3


def test_damaged_records_are_told_and_never_taken_for_consent(homes: Path) -> None:
    sha256 = consent.fingerprint(homes / "face.png")
    consent.folder().mkdir(parents=True)
    (consent.folder() / f"{sha256}.jsonl").write_text("{", "utf-8")
    with pytest.raises(InputError, match="damaged"):
        consent.require("avatar", sha256, "face")


def test_strict_films_need_the_consent_of_face_and_cloned_voice(homes: Path) -> None:
    def film(*, strict: bool = False) -> mien.Film:
        settings = Settings(trust=TrustConfig(strict=strict), voices=VoicesConfig(reference=str(homes / "voice.wav")))
        return mien.make(homes / "face.png", "Hello.", settings=settings)

    film()
    with pytest.raises(ConsentMissing, match=r"face of 'face\.png'"):
        film(strict=True)
    consent.add(consent.Record("avatar", consent.fingerprint(homes / "face.png"), "f", "Anna", "2026-01-02", "all"))
    with pytest.raises(ConsentMissing, match=r"voice 'voice\.wav'"):
        film(strict=True)
    consent.add(consent.Record("voice", consent.fingerprint(homes / "voice.wav"), "v", "Anna", "2026-01-02", "all"))
    film(strict=True)


def test_what_a_video_drives_needs_consent_as_well(homes: Path) -> None:
    import av
    import numpy as np

    with av.open("driver.mp4", "w") as out:
        stream: Any = out.add_stream("mpeg4", rate=25)
        stream.width = stream.height = 64
        frame = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
        out.mux([*stream.encode(frame), *stream.encode(None)])
    with pytest.raises(ConsentMissing):
        mien.mimic(homes / "face.png", "driver.mp4", settings=Settings(trust=TrustConfig(strict=True)))
