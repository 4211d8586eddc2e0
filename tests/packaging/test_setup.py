"""Set-up: what the lock files hold, what the scripts choose, what a wheel carries."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = [ROOT / "requirements.lock", ROOT / "requirements-dev.lock", ROOT / "requirements-build.lock"]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))

needs_bash = pytest.mark.skipif(sys.platform == "win32", reason="make and its scripts need bash")


def pins(lock: Path) -> dict[str, str]:
    """Package → everything its entry says."""
    entries = re.split(r"^(?=[a-z0-9])", lock.read_text("utf-8"), flags=re.M)
    return {found[1]: entry for entry in entries if (found := re.match(r"([a-z0-9-]+)==", entry))}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda p: p.name)
def test_locks_pin_by_hash_and_name_no_place(lock: Path) -> None:
    known = pins(lock)
    assert known
    assert all("--hash=sha256:" in entry for entry in known.values())
    assert not re.search(r"https?:|--index|--find-links|--extra|file:|@ ", lock.read_text("utf-8"))


def test_the_core_is_what_the_project_asks_for_and_stays_small() -> None:
    core = pins(ROOT / "requirements.lock")
    asked = {re.split(r"[<>=!~; \[]", word)[0] for word in PROJECT["project"]["dependencies"]}
    assert asked <= set(core)
    heavy = {"torch", "mediapipe", "jax", "tensorflow", "opencv-python", "sherpa-onnx", "edge-tts", "aiohttp", "onnx"}
    assert not heavy & set(core)
    assert set(core) <= set(pins(ROOT / "requirements-dev.lock"))


def test_both_locks_agree_on_versions() -> None:
    def versions(lock: Path) -> set[str]:
        return set(re.findall(r"^([a-z0-9-]+==[^ ]+)", lock.read_text("utf-8"), flags=re.M))

    assert versions(ROOT / "requirements.lock") <= versions(ROOT / "requirements-dev.lock")


@needs_bash
def test_a_python_that_is_too_old_is_refused_in_one_sentence(tmp_path: Path) -> None:
    old = tmp_path / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    done = _run([ROOT / "scripts/find_python.sh", old])
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "3.11, 3.12 or 3.13" in done.stderr


@needs_bash
def test_a_python_without_venv_names_the_package(tmp_path: Path) -> None:
    bare = tmp_path / "python3"
    bare.write_text("#!/bin/sh\ncase $2 in *venv*) exit 1;; esac\n")
    bare.chmod(0o755)
    done = _run([ROOT / "scripts/find_python.sh", bare])
    assert done.returncode == 1
    assert "python3-venv" in done.stderr


@needs_bash
def test_the_python_that_runs_the_tests_fits() -> None:
    done = _run([ROOT / "scripts/find_python.sh", sys.executable])
    assert (done.returncode, done.stdout.strip()) == (0, sys.executable)


@needs_bash
@pytest.mark.parametrize(
    ("environment", "index"),
    [
        ({"PIP_INDEX_URL": "https://mirror.example/simple"}, "https://mirror.example/simple"),
        (
            {"PIP_INDEX_URL": "https://mirror.example/simple", "UV_DEFAULT_INDEX": "https://own.example"},
            "https://own.example",
        ),
        ({}, ""),
    ],
)
def test_uv_uses_the_index_that_pip_is_set_up_with(tmp_path: Path, environment: dict[str, str], index: str) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/python").symlink_to(sys.executable)
    (tmp_path / "bin/uv").write_text('#!/bin/sh\necho "index=$UV_DEFAULT_INDEX" "$@"\n')
    (tmp_path / "bin/uv").chmod(0o755)
    clean = {key: value for key, value in os.environ.items() if not re.match(r"(PIP|UV|XDG)_", key)}
    home = {"HOME": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path), "PIP_CONFIG_FILE": os.devnull}
    done = _run([ROOT / "scripts/install.sh", tmp_path, "-r", "x.lock"], clean | home | environment)
    assert done.stdout.startswith(f"index={index} pip install")
    assert done.stdout.rstrip().endswith("-r x.lock")


def test_a_wheel_carries_the_data_files(tmp_path: Path) -> None:
    import zipfile

    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    kinds = ("*.toml", "*.yaml", "*.webp", "*.opus", "*.pdf", "*.otf")
    data = {p.relative_to(ROOT / "src").as_posix() for kind in kinds for p in (ROOT / "src").rglob(kind)}
    assert {"mien/models.toml", "mien/py.typed", *data} <= set(names)
    assert all(name.startswith(("mien/", "mien-")) for name in names)


def test_entry_points_lead_to_what_they_name() -> None:
    from importlib import import_module

    groups = PROJECT["project"]["entry-points"].values()
    for target in [*(t for group in groups for t in group.values()), *PROJECT["project"]["scripts"].values()]:
        module, _, name = target.partition(":")
        assert callable(getattr(import_module(module), name))


def _run(command: list[str | Path], environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, env=environment)
