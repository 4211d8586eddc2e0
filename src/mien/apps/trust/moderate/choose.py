"""Which check judges scripts, and what follows of its verdict."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from mien import config, plugins
from mien.apps.trust.moderate.base import Moderator, Outcome, ScriptHeld, ScriptRefused, Verdict
from mien.errors import MienError

OFF: Final = "off"
_MARK: Final = re.compile(r"\[[^\[\]\n]{0,80}\]")


def judge(script: str, settings: config.TrustConfig, tell: Callable[[str], None] = lambda line: None) -> Verdict:
    """The verdict on a script, its marks left out. It passes where ``[trust] moderation`` is "off".

    tell: hears what leaves this machine. Raises MissingError for a check that is not here, MienError for one that
    cannot judge.
    """
    if settings.moderation == OFF:
        return Verdict()
    moderator: Moderator = plugins.load("moderate", settings.moderation)(settings)
    if moderator.leaves:
        tell(moderator.leaves)
    return moderator.check(_plain(script))


def require_pass(script: str, settings: config.TrustConfig, tell: Callable[[str], None] = lambda line: None) -> None:
    """Raise ScriptHeld or ScriptRefused for a script that may not be spoken right away; else as :func:`judge`."""
    verdict = judge(script, settings, tell)
    if verdict.outcome == Outcome.REFUSE:
        raise ScriptRefused(verdict.sentence(), hint="It is not spoken; change the words.")
    if verdict.outcome == Outcome.HOLD:
        raise ScriptHeld(
            verdict.sentence(), hint="A person decides: run it as a job with mien batch, then mien review approve."
        )


def _plain(script: str) -> str:
    """What is said and what is shown. Of a script with wrong marks, all that could be one is left out."""
    from mien.dialogue.script import parse

    try:
        return parse(script).plain.text
    except MienError:
        return _MARK.sub("", script)
