"""Everything Mien refuses or fails at, in one tree.

Each error is one sentence for a person (``message``), one sentence that mends it (``hint``, may be empty), a
stable dotted ``code`` for programs, and whether trying again could help (``retryable``). The command line turns
the class into its exit status; ``docs/cli.md`` holds the table.
"""

from __future__ import annotations

from typing import ClassVar


class MienError(Exception):
    """Root of all errors that Mien raises on purpose. Exit status 1."""

    exit_status: ClassVar[int] = 1
    retryable: ClassVar[bool] = False
    default_code: ClassVar[str] = "internal"

    def __init__(self, message: str, *, hint: str = "", code: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code or self.default_code

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class UsageError(MienError):
    """The words of a command, a setting or an argument do not make sense. Exit status 2."""

    exit_status = 2
    default_code = "usage"


class InputError(MienError):
    """A file or text that was given cannot be used: unreadable, damaged, too large, empty. Exit status 3."""

    exit_status = 3
    default_code = "input"


class PortraitRefused(InputError):
    """The picture is readable but no avatar can be made of it (no face, profile, too small). Exit status 3."""

    default_code = "portrait.refused"


class MissingError(MienError):
    """Something asked for is not here: a model file, an avatar, a voice, an encoder. Exit status 4.

    The hint names the command that mends it.
    """

    exit_status = 4
    default_code = "missing"


class OutputError(MienError):
    """The result cannot be written: no permission, no space, a directory in the way. Exit status 5."""

    exit_status = 5
    default_code = "output"


class BackendError(MienError):
    """A back end (speech process, encoder) failed while working. Exit status 6; trying again may help."""

    exit_status = 6
    retryable = True
    default_code = "backend"


class NetworkError(MienError):
    """A download or a remote service failed. Exit status 7; trying again may help."""

    exit_status = 7
    retryable = True
    default_code = "network"


class Interrupted(MienError):
    """The user stopped the work (Ctrl-C, SIGTERM). Exit status 130."""

    exit_status = 130
    default_code = "interrupted"
