"""``import mien`` is quick because it brings nothing heavy, and the facade still offers everything."""

from __future__ import annotations

import subprocess
import sys

import pytest

import mien

_HEAVY = ("cv2", "numba", "llvmlite", "scipy", "av", "ai_edge_litert", "pydantic", "rich", "typer", "PIL", "soxr")


def _modules_after(statement: str) -> set[str]:
    code = f"import sys\n{statement}\nprint(' '.join(m for m in sys.modules if '.' not in m))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("statement", ["import mien", "import mien.config, mien.models, mien.types, mien.plugins"])
def test_heavy_libraries_stay_out(statement: str) -> None:
    assert not _modules_after(statement) & set(_HEAVY)


def test_the_command_line_starts_without_the_pipeline() -> None:
    heavy = set(_HEAVY) - {"typer", "rich"}
    assert not _modules_after("import mien.apps.cli as c; c.main(['--version'])") & heavy


def test_the_facade_offers_what_it_names() -> None:
    assert set(mien.__all__) <= set(dir(mien))
    for name in mien.__all__:
        assert getattr(mien, name) is not None


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'frobnicate'"):
        mien.frobnicate  # noqa: B018
