"""Lexicon files, and where their entries apply."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.dialogue.lexicon import find, load
from mien.errors import InputError, MienError


def _found(text: str, entries: dict[str, str]) -> list[str]:
    return [text[m.start : m.stop] for m in find(text, entries)]


@pytest.mark.parametrize(
    ("text", "spellings", "found"),
    [
        ("A cat in a category", ["cat"], ["cat"]),
        ("New York, new york", ["new york", "york"], ["New York", "new york"]),
        ("US and us", ["US"], ["US"]),
        ("Nguyen's car", ["nguyen"], ["Nguyen"]),
        ("我去重庆市", ["重庆", "重"], ["重庆"]),
        ("用iPhone拍", ["iphone"], ["iPhone"]),
        ("C3PO and C3", ["C3"], ["C3"]),
        ("C++ is C", ["C++"], ["C++"]),
        ("nothing", [], []),
    ],
)
def test_whole_words_and_the_longest(text: str, spellings: list[str], found: list[str]) -> None:
    assert _found(text, dict.fromkeys(spellings, "x")) == found


def test_both_formats_say_the_same(tmp_path: Path) -> None:
    toml, tsv = tmp_path / "a.toml", tmp_path / "a.tsv"
    toml.write_text('"Nguyen" = "win"\n[english]\ngif = "/dʒɪf/"\n', "utf-8")
    tsv.write_text("\ufeff# names\nNguyen\twin\n\ngif\t/dʒɪf/\n", "utf-8")
    assert load(toml) == load(tsv) == {"Nguyen": "win", "gif": "/dʒɪf/"}


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("a.toml", b"x = ", "not valid TOML"),
        ("a.toml", b"x = 3", "'x' has no pronunciation"),
        ("a.toml", b"[a.b]\nc = 'd'", "'b' has no pronunciation"),
        ("a.tsv", b"one two", "line 1"),
        ("a.tsv", b"a\tb\na\tb\tc", "line 2"),
        ("a.tsv", b"\xff\xfe", "UTF-8"),
        ("a.tsv", b"x\t" + b"y" * 300, "too long"),
        ("a.tsv", b"x" * (5 << 20), "4 MB"),
    ],
)
def test_damaged_files_are_refused(tmp_path: Path, name: str, data: bytes, said: str) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(InputError, match=said):
        load(path)


def test_missing_files_and_folders_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none.toml", tmp_path):
        with pytest.raises(InputError, match="lexicon"):
            load(path)


@given(st.binary(max_size=200), st.sampled_from(["x.toml", "x.tsv"]))
def test_any_file_loads_or_is_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes, name: str) -> None:
    path = tmp_path_factory.mktemp("lexicon") / name
    path.write_bytes(data)
    try:
        assert all(isinstance(v, str) and v for v in load(path).values())
    except MienError as error:
        assert name in error.message


@given(st.text(max_size=60), st.dictionaries(st.text(min_size=1, max_size=4), st.just("x"), max_size=5))
def test_matches_are_ordered_and_real(text: str, entries: dict[str, str]) -> None:
    matches = find(text, entries)
    assert all(a.stop <= b.start for a, b in pairwise(matches))
    for m in matches:
        assert text[m.start : m.stop] in entries or text[m.start : m.stop].lower() in entries
