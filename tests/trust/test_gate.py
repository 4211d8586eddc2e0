"""What stands before a render, and the queue of what waits for a person."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mien.apps.cli import main
from mien.apps.jobs.states import Job, State, Wish
from mien.apps.jobs.store import Store
from mien.apps.trust.gate import require_project, screen, words_of
from mien.apps.trust.moderate.base import ScriptHeld, ScriptRefused
from mien.config import Settings, TrustConfig, VoicesConfig
from mien.errors import InputError
from mien.portrait.store import consent
from mien.portrait.store.consent import ConsentMissing

WORDS = {"trust": {"moderation": "words"}}


@pytest.fixture(autouse=True)
def homes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MIEN_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def wish(id: str, text: str, **settings: Any) -> Wish:
    arguments = {"text": text, "settings": settings or WORDS}
    return Wish(id, 2, "make", arguments, f"{ord(id[0]):064x}", {"film": Path(f"{id}.mp4").absolute()})


@pytest.fixture
def store(homes: Path) -> Store:
    opened = Store(homes / "jobs")
    opened.plan("batch", [wish("a", "Hello."), wish("b", "Double your money!"), wish("c", "How to make a bomb.")])
    return opened


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, list[dict[str, Any]]]:
    status = main(["review", *words, "--json"])
    return status, [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_jobs_pass_wait_or_are_refused(store: Store, homes: Path) -> None:
    look = screen()
    assert look(store.job("a")) == ""
    assert "fraud" in look(store.job("b"))
    with pytest.raises(ScriptRefused, match="weapons"):
        look(store.job("c"))
    off = replace(store.job("c"), arguments={"text": "How to make a bomb.", "settings": {"trust": {}}})
    assert look(off) == ""
    (homes / "said.txt").write_text("稳赚不赔", "utf-8")
    spoken: Job = replace(
        store.job("a"), arguments={"transcript": {"file": str(homes / "said.txt")}, "settings": WORDS}
    )
    assert "fraud" in look(spoken)


def test_a_person_looks_and_decides(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    store.await_review("b", screen()(store.job("b")))
    store.await_review("a", "look at it")
    assert [row["id"] for row in run(capsys, "list", "jobs")[1][-1]["rows"]] == ["a", "b"]
    status, said = run(capsys, "show", "jobs", "b")
    assert status == 0 and any("fraud" in row["value"] for row in said[0]["rows"])
    assert said[1] == {"event": "script", "id": "b", "text": "Double your money!"}
    status, said = run(capsys, "approve", "jobs", "a")
    assert status == 2 and "Who decides" in said[-1]["message"] and store.job("a").state == State.WAITING
    status, said = run(capsys, "approve", "jobs", "a", "--who", "Anna", "--why", "it is fine")
    assert status == 0 and said[-1]["state"] == "queued" and store.job("a").approved
    status, said = run(capsys, "reject", "jobs", "b", "--who", "Bo")
    assert status == 0 and store.job("b").state == State.QUARANTINED
    assert run(capsys, "list", "jobs")[1][-1]["rows"] == []
    assert run(capsys, "reject", "jobs", "b", "--who", "Bo")[0] == 2
    assert [(entry.who, entry.action, entry.job) for entry in store.audit()][-2:] == [
        ("Anna", "approved", "a"),
        ("Bo", "rejected", "b"),
    ]
    status, said = run(capsys, "show", "jobs", "a")
    assert [row["who"] for row in said[-1]["rows"]][-1] == "Anna"


def test_no_store_and_no_job_are_told(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "list", "nowhere")[0] == 4
    assert run(capsys, "show", "jobs", "nobody")[0] == 4


def test_all_words_of_a_short_are_judged_and_everybody_in_it_agreed(homes: Path) -> None:
    from mien.apps.studio.load import load

    face = homes / "face.png"
    face.write_bytes(b"a face")
    (homes / "short.yaml").write_text(
        "mien: 1\ntitle: Tea\navatar: {portrait: face.png}\nscenes:\n"
        "  - {script: Hello., layers: [{title: Double your money, at: 0s, for: 1s}]}\n",
        "utf-8",
    )
    project = load(homes / "short.yaml", {}).project
    said = words_of(project).splitlines()
    assert {"Tea", "Hello.", "Double your money"} <= set(said) and "auto" not in said
    require_project(project, Settings(), lambda line: None)
    with pytest.raises(ScriptHeld, match="fraud"):
        require_project(project, Settings(trust=TrustConfig(moderation="words")), lambda line: None)
    strict = Settings(trust=TrustConfig(strict=True))
    with pytest.raises(ConsentMissing, match=r"face\.png"):
        require_project(project, strict, lambda line: None)
    consent.add(consent.Record("avatar", consent.fingerprint(face), "face", "Anna", "2026-01-02", "all"))
    require_project(project, strict, lambda line: None)


def test_the_words_of_a_recording_are_judged_where_they_stand_in_a_file(homes: Path) -> None:
    from mien.apps.studio.load import load

    for name in ("face.png", "voice.wav"):
        (homes / name).write_bytes(b"no matter")
    (homes / "said.txt").write_text("Double your money today.", "utf-8")
    (homes / "short.yaml").write_text("avatar: face.png\nscenes: [{audio: voice.wav, transcript: said.txt}]\n", "utf-8")
    project = load(homes / "short.yaml", {}).project
    with pytest.raises(ScriptHeld, match="fraud"):
        require_project(project, Settings(trust=TrustConfig(moderation="words")), lambda line: None)
    (homes / "said.txt").write_bytes(b"a " * 2_000_001)
    with pytest.raises(InputError, match="4 MB"):
        words_of(project)


@pytest.mark.parametrize("words", [("preview",), ("render",)])
def test_a_project_is_seen_only_with_consent(
    homes: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    from PIL import Image

    Image.new("RGB", (64, 64), "teal").save(homes / "face.png")
    (homes / "short.yaml").write_text("avatar: face.png\nlanguage: en\nscenes: [{script: Hello.}]\n", "utf-8")
    status = main(["studio", *words, "short.yaml", "--strict", "--json"])
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (status, said["code"]) == (3, "consent.missing")
    assert not list(homes.glob("*.mp4"))


def test_sessions_begin_only_with_consent(homes: Path) -> None:
    from mien.apps.server.cabinet import Cabinet
    from mien.dialogue.think.base import Persona
    from mien.live.troupe import Wardrobe, Wish, cast

    class Opened(Exception):
        pass

    def opens(wardrobe: Wardrobe, name: str, settings: Settings) -> None:
        def avatar(portrait: str, crop: str) -> Any:
            raise Opened

        wardrobe.avatar = avatar  # type: ignore[method-assign]
        with pytest.raises(Opened):
            cast(Wish(name), settings, wardrobe, None, Persona(), lambda line: None)  # type: ignore[arg-type]

    face, strict = homes / "face.png", Settings(trust=TrustConfig(strict=True))
    face.write_bytes(b"a face")
    for wardrobe, name in (
        (Wardrobe(lambda line: None), str(face)),
        (Cabinet((face,), "auto", lambda line: None), "face"),
    ):
        opens(wardrobe, name, Settings())
        with pytest.raises(ConsentMissing, match=r"face\.png"):
            cast(Wish(name), strict, wardrobe, None, Persona(), lambda line: None)  # type: ignore[arg-type]
    consent.add(consent.Record("avatar", consent.fingerprint(face), "face", "Anna", "2026-01-02", "all"))
    opens(Cabinet((face,), "auto", lambda line: None), "face", strict)
    voice = homes / "voice.wav"
    voice.write_bytes(b"a voice")
    cloned = replace(strict, voices=VoicesConfig(reference=str(voice)))
    with pytest.raises(ConsentMissing, match=r"voice\.wav"):
        cast(Wish(str(face)), cloned, Wardrobe(lambda line: None), None, Persona(), lambda line: None)  # type: ignore[arg-type]


def test_no_server_lends_a_cloned_voice_without_consent(
    homes: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (homes / "voice.wav").write_bytes(b"a voice")
    monkeypatch.setenv("MIEN_VOICES_REFERENCE", str(homes / "voice.wav"))
    assert main(["serve", "--strict", "--port", "0", "--json"]) == 3
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["code"] == "consent.missing"


def test_shorts_have_the_marks_of_project_and_settings(homes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mien.apps.studio.artist import marks
    from mien.apps.studio.load import load

    short = homes / "short.yaml"
    (homes / "face.png").write_bytes(b"a face")
    short.write_text(
        "mien: 1\nlanguage: zh\navatar: {portrait: face.png}\nscenes: [{script: 你好。}]\nwatermark: {payload: 7}\n",
        "utf-8",
    )
    (homes / "key").write_text("secret", "utf-8")
    plain = marks(load(short, {}).project)
    assert (plain.payload, plain.key, plain.label) == (7, "mien", "")
    monkeypatch.setenv("MIEN_TRUST_LABEL", "auto")
    monkeypatch.setenv("MIEN_TRUST_WATERMARK", "9")
    monkeypatch.setenv("MIEN_TRUST_KEY_FILE", str(homes / "key"))
    both = marks(load(short, {}).project)
    assert (both.payload, both.key, both.label) == (7, "secret", "AI 生成")
    short.write_text(short.read_text("utf-8").replace("watermark: {payload: 7}\n", ""), "utf-8")
    assert marks(load(short, {}).project).payload == 9
