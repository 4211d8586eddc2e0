"""The command line's frame: help, flags anywhere, one sentence and one status for every way to fail."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import types
from pathlib import Path
from typing import Annotated

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

import mien
from mien import errors, models
from mien.apps import cli
from mien.apps.cli import console


@pytest.fixture(autouse=True)
def _words_again(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MIEN_DEBUG", "MIEN_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(console._State, "json", False)


def install(monkeypatch: pytest.MonkeyPatch, name: str, **content: object) -> None:
    """Put a command of the test's own in place of a real one."""
    module = types.ModuleType(f"mien.apps.cli.{name}")
    for key, value in content.items():
        setattr(module, key, value)
    monkeypatch.setitem(sys.modules, module.__name__, module)


def fail_with(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def command() -> None:
        """Fail."""
        raise error

    install(monkeypatch, "doctor", command=command)


def test_version_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"mien {mien.__version__}\n"
    assert cli.main([]) == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in cli.COMMANDS)


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_each_command_exists_and_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([name, "--help"]) == 0
    assert "Usage: mien" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["mak"], "make"),
        (["doctor", "--frobnicate"], "--frobnicate"),
        (["models", "pull", "--from"], "--from"),
        (["make", "--face", "x"], "--face"),
    ],
)
def test_a_misspelt_command_is_one_sentence_and_status_2(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert words in err.splitlines()[0]
    path = f"mien {arguments[0]}" if arguments[0] in cli.COMMANDS else "mien"
    assert err.splitlines()[1].startswith(f"  See: {path}")
    assert err.splitlines()[1].endswith("--help")
    assert len(err.splitlines()) == 2


def test_a_group_without_a_command_shows_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["models"]) == 2
    out, err = capsys.readouterr()
    assert "pull" in out
    assert err == "mien: 'mien models' needs to know what to do.\n  See: mien models --help\n"


ALL_ERRORS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.MienError)]


@pytest.mark.parametrize("kind", ALL_ERRORS)
def test_every_error_is_a_sentence_a_hint_and_its_status(
    kind: type[errors.MienError], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fail_with(monkeypatch, kind("It broke.", hint="Mend it."))
    assert cli.main(["doctor"]) == kind.exit_status != 0
    assert capsys.readouterr().err == "mien: It broke.\n  Mend it.\n"
    assert cli.main(["doctor", "--json"]) == kind.exit_status
    told = json.loads(capsys.readouterr().out)
    assert told == {
        "event": "error",
        "code": kind.default_code,
        "message": "It broke.",
        "hint": "Mend it.",
        "retryable": kind.retryable,
        "exit_status": kind.exit_status,
    }


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (ValueError("bad\nworse"), 1, "Something went wrong inside Mien (ValueError: bad)."),
        (AssertionError(), 1, "(AssertionError)"),
        (MemoryError(), 1, "not enough memory"),
        (KeyboardInterrupt(), 130, "Stopped."),
        (typer.Abort(), 130, "Stopped."),
        (OSError(errno.ENOSPC, "No space left on device", "x.mp4"), 5, "x.mp4: No space left on device."),
        (FileNotFoundError(errno.ENOENT, "No such file or directory", "y"), 3, "y: No such file or directory."),
        (PermissionError(errno.EACCES, "Permission denied", "z"), 3, "z: Permission denied."),
    ],
)
def test_what_nobody_foresaw_is_one_sentence_too(
    error: BaseException,
    status: int,
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    fail_with(monkeypatch, error)
    assert cli.main(["doctor"]) == status
    told = capsys.readouterr().err
    assert words in told.splitlines()[0]
    assert "Traceback" not in told


def test_a_traceback_comes_when_asked_for(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    fail_with(monkeypatch, ValueError("bad"))
    monkeypatch.setenv("MIEN_DEBUG", "1")
    assert cli.main(["doctor"]) == 1
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize("place", [0, 1, 2])
def test_flags_of_all_commands_stand_anywhere(
    place: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def command(size: Annotated[str, typer.Option()] = "") -> None:
        """Say what was given."""
        console.event("given", size=size, offline=os.environ.get("MIEN_OFFLINE"))

    install(monkeypatch, "doctor", command=command)
    words = ["doctor", "--size=1"]
    assert cli.main([*words[:place], "--json", "--offline", *words[place:]]) == 0
    assert json.loads(capsys.readouterr().out) == {"event": "given", "size": "1", "offline": "1"}
    assert "MIEN_OFFLINE" not in os.environ


def test_text_that_looks_like_a_flag_is_text() -> None:
    assert cli._take_flags(["make", "--text", "--json"]) == (["make", "--text", "--json"], set())
    assert cli._take_flags(["make", "--", "--offline"]) == (["make", "--", "--offline"], set())
    assert cli._take_flags(["--json", "make"]) == (["make"], {"--json"})


def test_offline_that_was_set_outside_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIEN_OFFLINE", "1")
    assert cli.main(["--version", "--offline"]) == 0
    assert os.environ["MIEN_OFFLINE"] == "1"
    monkeypatch.setenv("MIEN_OFFLINE", "perhaps")
    assert cli.main(["models", "list"]) == 2


def test_a_command_that_returns_a_status_ends_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def command() -> None:
        """Leave."""
        raise typer.Exit(4)

    install(monkeypatch, "doctor", command=command)
    assert cli.main(["doctor"]) == 4


def _start(code: str) -> subprocess.Popen[str]:
    source = str(Path(mien.__file__).parents[1])
    return subprocess.Popen(
        [sys.executable, "-c", code],
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": source},
    )


_WAITS = """
import sys, time, types
from mien.apps import cli
module = types.ModuleType("mien.apps.cli.doctor")
def command():
    "Wait."
    print("ready", flush=True)
    time.sleep(60)
module.command = command
sys.modules[module.__name__] = module
sys.exit(cli.main(["doctor"]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_kill_end_with_130(number: signal.Signals) -> None:
    process = _start(_WAITS)
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (130, "", "mien: Stopped.\n")


_FULL_DISK = """
import shutil, sys, types
shutil.disk_usage = lambda path: types.SimpleNamespace(total=1, used=1, free=1)
sys.argv[1:] = ["make", "-p", {portrait!r}, "-t", "This goes on and on. " * 40, "-o", {out!r}]
from mien.apps.cli import run
run()
"""


def test_an_early_refusal_keeps_its_status_while_code_is_still_compiled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "empty"))
    process = _start(_FULL_DISK.format(portrait=str(models.path("astronaut")), out=str(tmp_path / "a.mp4")))
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (5, "")
    assert "free" in err and len(err.splitlines()) <= 3, err


_PRINTS = """
import sys, types
from mien.apps import cli
from mien.apps.cli import console
module = types.ModuleType("mien.apps.cli.doctor")
def command():
    "Print a lot."
    for i in range(100000):
        console.line(str(i))
    console.note("done")
module.command = command
sys.modules[module.__name__] = module
sys.exit(cli.main(["doctor"]))
"""


def test_a_reader_that_leaves_early_is_no_error() -> None:
    process = _start(_PRINTS)
    assert process.stdout and process.stderr
    assert process.stdout.readline() == "0\n"
    process.stdout.close()
    assert process.stderr.read() == "done\n"
    assert process.wait(timeout=30) == 0
    process.stderr.close()


def test_python_m_mien() -> None:
    done = subprocess.run([sys.executable, "-m", "mien", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"mien {mien.__version__}\n"


@given(st.lists(st.text(max_size=8), max_size=4))
def test_whatever_is_typed_never_raises(arguments: list[str]) -> None:
    assert cli.main(["models", "path", *arguments, "--no-such-option"]) == 2


@pytest.mark.parametrize("command", ["make", "motion"])
def test_a_console_that_lacks_letters_does_no_harm(command: str) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    shown = subprocess.run(
        [sys.executable, "-m", "mien", command, "--help"], env=environment, capture_output=True, check=False
    )
    assert shown.returncode == 0 and b"--voice" in shown.stdout
