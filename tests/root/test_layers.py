"""Stages know the root modules and nothing of each other: what joins them is named here."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import mien

ROOT = Path(mien.__file__).parent
STAGES = {"audio", "dialogue", "face", "portrait", "render", "stage", "transmit"}
JOINERS = {"__init__", "__main__", "performance", "engine", "casting", "recorded", "api", "tracking", "mimicry"}
JOINERS |= {"motions", "live"}
TOP = {"apps", "lab"}


def imports(file: Path) -> Iterator[str]:
    """The first part after ``mien.`` of everything that a file imports, also inside functions."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        yield from (parts[1] for name in names if (parts := name.split("."))[0] == "mien" and len(parts) > 1)


@pytest.mark.parametrize("stage", sorted(STAGES))
def test_a_stage_imports_no_other(stage: str) -> None:
    for file in (ROOT / stage).rglob("*.py"):
        assert not set(imports(file)) & ((STAGES | TOP | JOINERS) - {stage}), file.relative_to(ROOT)


def test_root_modules_import_no_stage() -> None:
    for file in ROOT.glob("*.py"):
        if file.stem not in JOINERS:
            assert not set(imports(file)) & (STAGES | TOP | JOINERS), file.name


def test_every_folder_is_a_stage_or_on_top() -> None:
    folders = {path.name for path in ROOT.iterdir() if path.is_dir() and list(path.rglob("*.py"))}
    assert folders == STAGES | TOP | {"live"}
