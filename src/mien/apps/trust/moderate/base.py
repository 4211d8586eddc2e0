"""What a check of scripts is: the contract of the entry-point group ``mien.moderate``."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

from mien.errors import InputError


class Outcome(IntEnum):
    """What becomes of a script; the gravest of several counts."""

    PASS = 0
    HOLD = 1
    REFUSE = 2


@dataclass(frozen=True, slots=True)
class Reason:
    """Why. category: such as "fraud". start, end: characters of the plain text that was checked, half-open.

    What is about the text as a whole has start and end 0.
    """

    category: str
    outcome: Outcome
    start: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of a check, and its reasons: the gravest first, none when it passed."""

    reasons: tuple[Reason, ...] = ()

    @property
    def outcome(self) -> Outcome:
        """The gravest of the reasons."""
        return max((reason.outcome for reason in self.reasons), default=Outcome.PASS)

    @property
    def categories(self) -> tuple[str, ...]:
        """Each once, in order."""
        return tuple(dict.fromkeys(reason.category for reason in self.reasons))

    def sentence(self) -> str:
        """For who decides or is refused: what was found. Empty when it passed."""
        found = ", ".join(category.replace("_", " ") for category in self.categories)
        return f"The script seems to be about: {found}." if found else ""


class Moderator(Protocol):
    """A check of scripts. Made with the settings (:class:`mien.config.TrustConfig`) as its only argument."""

    @property
    def leaves(self) -> str:
        """What leaves this machine, one sentence; "" = nothing does."""
        ...

    def check(self, text: str) -> Verdict:
        """Judge a text without script marks. Raises MienError when it cannot be judged: then it has not passed."""
        ...


class ScriptHeld(InputError):
    """A person has to look at this script first. Exit status 3."""

    default_code = "script.held"


class ScriptRefused(InputError):
    """This script is not spoken. Exit status 3."""

    default_code = "script.refused"
