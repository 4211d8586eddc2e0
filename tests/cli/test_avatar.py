"""mien avatar, as a user types it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.portrait.kit import same_avatar, tiny_avatar

from mien import models
from mien.apps.cli import main
from mien.portrait.store import bundle, library


@pytest.fixture(autouse=True)
def homes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MIEN_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    status = main(["avatar", *words])
    said = capsys.readouterr()
    return status, said.out, said.err


def events(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


def test_create_show_export_import_remove(homes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = str(models.path("astronaut"))
    document = homes / "consent.pdf"
    document.write_bytes(b"signed")
    consent = ("--consent-by", "NASA", "--consent-scope", "tests", "--consent-document", str(document))
    status, out, _ = run(capsys, "create", picture, "-n", "Eileen", "--licence", "PD", *consent)
    assert status == 0 and "Eileen" in out and "Teeth are showing" in out
    kept = library.get("Eileen")
    assert kept.manifest.licence == "PD" and kept.manifest.consent.by == "NASA"
    assert len(kept.manifest.consent.document_sha256) == 64 and kept.manifest.consent.date

    status, _, err = run(capsys, "create", picture, "-n", "Eileen")
    assert status == 2 and "already" in err
    status, out, _ = run(capsys, "show", "Eileen", "--language", "zh")
    assert status == 0 and "NASA" in out and "露出牙齿" in out
    status, out, _ = run(capsys, "export", "Eileen")
    assert status == 0 and (homes / "Eileen.mien").is_file()
    status, out, _ = run(capsys, "import", "Eileen.mien", "--name", "Zwei")
    assert status == 0 and same_avatar(library.get("Zwei"), kept)
    status, out, _ = run(capsys, "show", "Eileen.mien")
    assert status == 0 and "PD" in out
    status, out, _ = run(capsys, "remove", "Eileen", "Zwei")
    assert status == 0 and library.names() == []


def test_list_for_people_and_programs(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "list")
    assert status == 0 and "mien avatar create" in out
    library.add(tiny_avatar(), "Ada")
    (library.folder() / "broken").mkdir()
    (library.folder() / "broken" / bundle.MANIFEST).write_text("{")
    status, out, _ = run(capsys, "list", "--json")
    assert status == 0
    rows = events(out)[0]["rows"]
    assert [(r["name"], r["grade"]) for r in rows] == [("Ada", "ok"), ("broken", "damaged")]


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("show", "nobody"), 4, "no avatar"),
        (("remove", "nobody"), 4, "no avatar"),
        (("export", "nobody"), 4, "no avatar"),
        (("import", "none.mien"), 3, "no file"),
        (("create", "none.png"), 3, "no file"),
        (("create", "."), 3, "folder"),
        (("create", "none.png", "--crop", "half"), 2, "crop"),
        (("create", "none.png", "--consent-document", "none.pdf"), 3, "none.pdf"),
        (("create", "none.png", "--name", "a/b"), 2, "name"),
        (("create", "none: of all these.png"), 3, "no file"),
        (("import", "damaged.mien"), 3, "damaged.mien"),
        (("show", "./damaged.mien"), 3, "damaged.mien"),
    ],
)
def test_faults_are_one_sentence_and_a_status(
    words: tuple[str, ...], status: int, said: str, homes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (homes / "damaged.mien").write_bytes(b"PK\x03\x04 and no more")
    got, out, err = run(capsys, *words)
    assert got == status and said in err and "Traceback" not in err and out == ""


def test_importing_does_not_replace_unasked(homes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    library.add(tiny_avatar(seed=1), "tiny")
    bundle.export(tiny_avatar(seed=2), homes / "x.mien")
    assert run(capsys, "import", "x.mien")[0] == 2
    assert same_avatar(library.get("tiny"), tiny_avatar(seed=1))
    assert run(capsys, "import", "x.mien", "--replace")[0] == 0
    assert same_avatar(library.get("tiny"), tiny_avatar(seed=2))
