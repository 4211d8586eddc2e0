"""Named avatars and the cache: kept, found, replaced and removed, also by two at once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.portrait.kit import same_avatar, tiny_avatar

from mien.errors import MissingError, UsageError
from mien.portrait.store import library

pytestmark = pytest.mark.usefixtures("homes")


def test_add_get_list_remove() -> None:
    assert library.names() == []
    library.add(tiny_avatar(), "Ada")
    library.add(tiny_avatar(seed=1), "面孔 1")
    assert library.names() == ["Ada", "面孔 1"]
    assert same_avatar(library.get("面孔 1"), tiny_avatar(seed=1))
    assert library.get("Ada").name == "Ada"
    library.remove("Ada")
    assert library.names() == ["面孔 1"] and not library.has("Ada")
    assert [p.name for p in library.folder().iterdir()] == ["面孔 1"]


def test_what_is_not_there_is_missing_with_a_hint() -> None:
    library.add(tiny_avatar(), "Ada")
    for act in (library.get, library.remove):
        with pytest.raises(MissingError) as caught:
            act("Bob")
        assert "mien avatar" in caught.value.hint
    assert caught.value.exit_status == 4


def test_taken_names_need_leave_to_be_replaced() -> None:
    library.add(tiny_avatar(), "Ada")
    with pytest.raises(UsageError, match="already"):
        library.add(tiny_avatar(seed=1), "Ada", replace_existing=False)
    library.add(tiny_avatar(seed=1), "Ada")
    assert same_avatar(library.get("Ada"), tiny_avatar(seed=1))


@pytest.mark.parametrize("name", ["../x", "a/b", ".hidden", "a\0b", "x" * 65, "C:\\x", "end."])
def test_names_cannot_lead_elsewhere(name: str) -> None:
    for act in (library.get, library.remove, library.has, lambda n: library.add(tiny_avatar(), n)):
        with pytest.raises(UsageError):
            act(name)


def test_an_avatar_needs_a_name() -> None:
    with pytest.raises(UsageError, match="name"):
        library.add(tiny_avatar(""), "")


def test_cache_keeps_and_forgets(monkeypatch: pytest.MonkeyPatch) -> None:
    key = library.cache_key("ab" * 32, {"face": 0})
    assert key == library.cache_key("ab" * 32, {"face": 0})
    assert key != library.cache_key("ab" * 32, {"face": 1}) != library.cache_key("cd" * 32, {"face": 1})
    assert library.from_cache(key) is None
    library.to_cache(key, tiny_avatar())
    found = library.from_cache(key)
    assert found is not None and same_avatar(found, tiny_avatar())
    monkeypatch.setattr(library, "MAX_CACHED", 2)
    for i in range(4):
        library.to_cache(f"k{i}", tiny_avatar(seed=i))
    assert sum(library.from_cache(k) is not None for k in (key, "k0", "k1", "k2", "k3")) == 2


def test_damaged_cache_is_thrown_away(homes: Path) -> None:
    library.to_cache("key", tiny_avatar())
    (homes / "cache" / "avatars" / "key" / "manifest.json").write_text("{")
    assert library.from_cache("key") is None
    assert not (homes / "cache" / "avatars" / "key").exists()


def test_unwritable_cache_is_no_failure(homes: Path) -> None:
    (homes / "cache").write_text("a file in the way")
    library.to_cache("key", tiny_avatar())
    assert library.from_cache("key") is None


def test_two_processes_write_the_same_avatar(homes: Path) -> None:
    code = (
        "from mien.portrait.store import library\n"
        "from tests.portrait.kit import tiny_avatar\n"
        "for i in range(10): library.add(tiny_avatar(seed=i), 'Ada'); assert library.get('Ada').name == 'Ada'\n"
    )
    root = Path(__file__).parents[2]
    runs = [subprocess.Popen([sys.executable, "-c", code], cwd=root, stderr=subprocess.PIPE) for _ in range(2)]
    for run in runs:
        _, errors = run.communicate(timeout=120)
        assert run.returncode == 0, errors.decode()
    assert [p.name for p in library.folder().iterdir()] == ["Ada"]
