"""The command line. :func:`main` runs one command and returns its exit status (docs/cli.md has the table);
:func:`run` is ``mien`` as a process.

Only the module of the command that was asked for is imported, so help and errors come at once.
"""

from __future__ import annotations

import errno
import importlib
import io
import os
import re
import signal
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Annotated, Any, Final, NoReturn

import typer

import mien
from mien import config
from mien import models as model_files  # the command's module of that name becomes an attribute of this package
from mien.apps.cli import console
from mien.errors import InputError, Interrupted, MienError, OutputError, UsageError

COMMANDS: Final[dict[str, str]] = {
    "make": "Make a film: a portrait or an avatar, and words or a recorded voice.",
    "batch": "Make many films from a .csv, .jsonl or .yaml file; the same command resumes.",
    "mimic": "Make a portrait do what the face in a video does.",
    "motion": "Write the motion of a face as a file: from a voice, words or a video.",
    "align": "Find when the words of a transcript are said in a recording.",
    "hear": "Hear a recording as a live visitor: who speaks when, and what is said.",
    "avatar": "Create, show, list, remove, export and import avatars.",
    "voice": "List voices, say a sentence.",
    "studio": "Shorts from project files: begin, check, draft, translate, preview, render.",
    "serve": "Open the page: an avatar that listens, answers and can be interrupted.",
    "ask": "Ask a question: from documents, or of a language model.",
    "memory": "List, show, export and erase what is kept of visitors.",
    "verify": "Say what a picture or film tells of itself: invisible mark, Content Credentials, label.",
    "consent": "Record, show and check who agreed to the use of a face or a voice.",
    "review": "Look at what waits for a person: list, show, approve, reject.",
    "models": "List, fetch and check the model files.",
    "eval": "Measure films, backgrounds, and lips against real ones.",
    "train": "Make the network that listens; fit the phone table.",
    "doctor": "Say what is here, what is missing, and which command mends it.",
}
"""Each command and its line in ``mien --help``. Its module is ``mien.apps.cli.<name>``: ``app`` or ``command``."""

_TAKES_TEXT: Final = frozenset({"--text", "-t", "--"})
_NOT_A_NUMBER: Final = re.compile(r"Invalid value for '(.*?)': .*valid (integer|number|float).*")
_OUTPUT_FAULTS: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG})


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``mien`` with these arguments (default: the process's). Returns the exit status, never raises."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    _reopen_closed()
    words, flags = _take_flags(given)
    console.configure(as_json="--json" in flags)
    model_files.listen(_tell_fetch)
    try:
        with _offline("--offline" in flags), _terminate_as_interrupt():
            result = _application(words)(words or ["--help"], prog_name="mien", standalone_mode=False)
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
    except BaseException as error:
        return _report(error, words)
    if result == Interrupted.exit_status and isinstance(result, int):
        return _report(KeyboardInterrupt(), words)
    return result if isinstance(result, int) and not isinstance(result, bool) else 0


def run() -> NoReturn:
    """The process ``mien``: :func:`main`, then the end, with its status whatever still works in the background.

    A film that is refused early may leave a thread inside compiled code. Python unwinds such threads when it shuts
    down, and C++ answers that by aborting the process; others it waits for, and after a Ctrl-C nobody wants to.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a console that lacks a letter shows "?" for it
    status = main()
    if threading.active_count() > 1:
        atomic = sys.modules.get("mien.transmit.atomic")
        if atomic is not None:
            atomic.remove_unfinished()
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(status)
    sys.exit(status)


def _take_flags(arguments: list[str]) -> tuple[list[str], set[str]]:
    """Split off the flags that every command takes, wherever they stand; what follows ``--text`` or ``--`` is text."""
    words: list[str] = []
    flags: set[str] = set()
    for i, word in enumerate(arguments):
        if word == "--":
            return words + arguments[i:], flags
        if word in ("--json", "--offline") and (i == 0 or arguments[i - 1] not in _TAKES_TEXT):
            flags.add(word)
        else:
            words.append(word)
    return words, flags


def _application(words: Sequence[str]) -> typer.Typer:
    """The command tree; only the command named in ``words`` is imported, the others are known by name and help."""
    app = typer.Typer(
        callback=_root,
        help="One picture of a face plus words becomes a person who talks.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    wanted = _command_of(words).removeprefix("mien").strip()
    for name, about in COMMANDS.items():
        if name == wanted:
            _register(app, name, about)
        else:
            app.command(name, help=about)(_elsewhere)
    return app


def _register(app: typer.Typer, name: str, about: str) -> None:
    module = importlib.import_module(f"mien.apps.cli.{name}")
    group = getattr(module, "app", None)
    if isinstance(group, typer.Typer):
        app.add_typer(group, name=name, help=about)
    else:
        app.command(name)(module.command)


def _elsewhere() -> None:
    """Stands in the help for a command that was not asked for."""


def _version(wanted: bool) -> None:
    if wanted:
        console.event("version", plain=f"mien {mien.__version__}", version=mien.__version__)
        raise typer.Exit


def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON lines (any command, any place).")] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Fetch nothing (any command, any place).")] = False,
) -> None:
    """Options of all commands: documented here, taken out of the arguments in :func:`_take_flags`."""


def _tell_fetch(model: model_files.ModelFile, sentence: str) -> None:
    if console.is_json():
        console.event("fetch", name=model.name, size=model.size, licence=model.licence, source=model.source)
    else:
        console.note(sentence)


@contextmanager
def _offline(wanted: bool) -> Iterator[None]:
    """``--offline`` is ``MIEN_OFFLINE=1`` for this run and the processes it starts."""
    before = os.environ.get("MIEN_OFFLINE")
    if wanted:
        os.environ["MIEN_OFFLINE"] = "1"
    try:
        config.offline()
        yield
    finally:
        if wanted:
            os.environ.pop("MIEN_OFFLINE")
            if before is not None:
                os.environ["MIEN_OFFLINE"] = before


def _reopen_closed() -> None:
    """What was closed (``>&-``) becomes the null device, else the next file that is opened takes its place."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            descriptor = os.open(os.devnull, os.O_RDWR)
            os.set_inheritable(descriptor, descriptor == number)
            setattr(sys, name, os.fdopen(descriptor, "w" if number else "r", encoding="utf-8"))


@contextmanager
def _terminate_as_interrupt() -> Iterator[None]:
    """SIGTERM, and SIGHUP of a terminal that is closed, clean up as Ctrl-C does."""

    def stop(_signal: int, _frame: Any) -> None:
        raise KeyboardInterrupt

    asked = [signal.SIGTERM]
    if sys.platform != "win32" and signal.getsignal(signal.SIGHUP) == signal.SIG_DFL:  # ignored under nohup
        asked.append(signal.SIGHUP)
    try:
        before = [(number, signal.signal(number, stop)) for number in asked]
    except ValueError:  # not the main thread: whoever owns it decides
        yield
        return
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, handler)


def _report(error: BaseException, words: Sequence[str]) -> int:
    """Say in one sentence what failed and return the exit status. words: what was typed."""
    if os.environ.get("MIEN_DEBUG", "") not in ("", "0"):
        traceback.print_exception(error)
    told = _as_mien_error(error, _command_of(words))
    console.error(told)
    return told.exit_status


def _as_mien_error(error: BaseException, command: str) -> MienError:
    if isinstance(error, MienError):
        return error
    if isinstance(error, KeyboardInterrupt | typer.Abort):
        return Interrupted("Stopped.")
    format_message = getattr(error, "format_message", None)
    if callable(format_message):
        path = getattr(getattr(error, "ctx", None), "command_path", command)
        return _usage(str(format_message()), path)
    if isinstance(error, OSError) and error.strerror:
        return _os_error(error)
    first = next(iter(str(error).splitlines()), "")
    said = f"{type(error).__name__}: {first}" if first else type(error).__name__
    if isinstance(error, MemoryError):
        return MienError("There is not enough memory.", hint="Use a smaller --size, or close other programs.")
    return MienError(f"Something went wrong inside Mien ({said}).", hint="Set MIEN_DEBUG=1 and run again to see where.")


def _usage(message: str, path: str) -> UsageError:
    """What the argument parser said, as one sentence; the hint names the help of the command that it happened in."""
    sentence = _NOT_A_NUMBER.sub(r"\1 must be a \2.", " ".join(message.split())).replace(
        "be a integer", "be a whole number"
    )
    sentence = sentence or f"'{path}' needs to know what to do."
    return UsageError(sentence if sentence.endswith((".", "?")) else sentence + ".", hint=f"See: {path} --help")


def _command_of(words: Sequence[str]) -> str:
    first = next((word for word in words if not word.startswith("-")), "")
    return f"mien {first}" if first in COMMANDS else "mien"


def _os_error(error: OSError) -> MienError:
    place = f"{error.filename}: " if error.filename else ""
    message = f"{place}{error.strerror}."
    if error.errno in _OUTPUT_FAULTS:
        return OutputError(message, hint="Make room, or write elsewhere.")
    return InputError(message)
