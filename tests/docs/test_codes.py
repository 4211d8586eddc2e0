"""Codes of errors are stable: those that the API's page names are the program's, and its page has words for them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = "\n".join(path.read_text("utf-8") for path in sorted((ROOT / "src/mien").glob("**/*.py")))
PAGE = ROOT / "src/mien/apps/server/page"


def named(page: Path) -> list[str]:
    """The codes in the part about errors, in their order."""
    part = re.split(r"^## ", page.read_text("utf-8"), flags=re.M)
    about = next(p for p in part if p.startswith(("Errors", "错误")))
    return [code for code in re.findall(r"`([a-z]+(?:[._][a-z_]+)*)`", about) if "." in code or code == "internal"]


def test_every_code_that_is_documented_is_one_of_the_program_s() -> None:
    codes = set(named(ROOT / "docs/api.md"))
    assert len(codes) > 35
    assert not {code for code in codes if f'"{code}"' not in SOURCE}


def test_both_languages_name_the_same() -> None:
    assert named(ROOT / "docs/api.md") == named(ROOT / "docs/zh-CN/api.md")


@pytest.mark.parametrize("words", ["faults-en.js", "faults-zh.js"])
def test_the_page_has_words_for_every_one(words: str) -> None:
    there = set(re.findall(r"^\s*'([a-z._]+)':", (PAGE / words).read_text("utf-8"), flags=re.M))
    assert not set(named(ROOT / "docs/api.md")) - there
