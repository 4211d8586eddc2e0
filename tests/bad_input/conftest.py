"""The stage of every case: a demo portrait, a folder for results, and the user's own folders left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from mien import models
from mien.apps import cli
from mien.apps.cli import console

MEDIA = Path(__file__).parents[3] / "shared" / "media"


@pytest.fixture(scope="session")
def portrait() -> Path:
    return models.path("astronaut")


@pytest.fixture(scope="session")
def exported(portrait: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo portrait as a .mien file."""
    from mien.portrait.build import cached_avatar
    from mien.portrait.store import bundle

    file = tmp_path_factory.mktemp("exported") / "demo.mien"
    bundle.export(cached_avatar(portrait), file)
    return file


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIEN_DATA_DIR", str(tmp_path / "data"))
    for name in ("MIEN_DEBUG", "MIEN_OFFLINE", "MIEN_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(console._State, "json", False)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Where results would go; nothing may be left in it."""
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


class Refusal:
    """Runs a command that must fail, in this process, and checks what every refusal owes."""

    def __init__(self, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self._out, self._capsys = out, capsys

    def __call__(self, arguments: list[str], status: int, words: str) -> str:
        """The sentence. words: what it (or its hint) must hold, any case."""
        before = sorted(self._out.rglob("*"))
        self._capsys.readouterr()
        found = cli.main(arguments)
        printed, said = self._capsys.readouterr()
        sentence = check_refusal(printed, said)
        assert found == status, said
        assert words.lower() in said.lower(), said
        assert sorted(self._out.rglob("*")) == before, "debris"
        return sentence


@pytest.fixture
def refused(out: Path, capsys: pytest.CaptureFixture[str]) -> Refusal:
    return Refusal(out, capsys)


def check_refusal(printed: str, said: str) -> str:
    """Exactly one sentence, at most one hint under it, no traceback, no inner fault, nothing on standard output."""
    assert "Traceback" not in said
    assert "Something went wrong inside" not in said, said
    lines = said.splitlines()
    at = [i for i, line in enumerate(lines) if line.startswith("mien: ")]
    assert len(at) == 1, said
    after = lines[at[0] + 1 :]
    assert len(after) <= 1, said
    assert all(line.startswith("  ") for line in after), said
    sentence = lines[at[0]].removeprefix("mien: ")
    assert sentence.endswith((".", "?", "!")), sentence
    assert 8 <= len(sentence) < 500, sentence
    assert not printed.strip(), printed
    return sentence
