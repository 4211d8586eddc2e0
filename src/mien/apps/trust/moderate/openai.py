"""Any server with OpenAI's ``POST /moderations``: ``[trust] moderation_url``, with the key ``OPENAI_API_KEY``.

The key goes to OpenAI, to this machine, or to the host of ``OPENAI_BASE_URL``, as for language models.
"""

from __future__ import annotations

import json
import os
from typing import Any, Final

from mien import config
from mien.apps.trust.moderate.base import Outcome, Reason, Verdict
from mien.dialogue.speak import web
from mien.dialogue.speak.web_answer import Call
from mien.dialogue.think.link import Link, Patience
from mien.errors import BackendError, MissingError

KEY: Final = "OPENAI_API_KEY"
_OFFICIAL: Final = "api.openai.com"
_WHAT: Final = "The moderation server"
_PIECE: Final = 8000  # characters of one input
_NEVER: Final = frozenset({"sexual/minors"})
_PATIENCE: Final = Patience(20.0, 20.0)


class OpenaiModerator:
    """See :class:`mien.apps.trust.moderate.base.Moderator`. What the server flags is held; of minors, refused."""

    def __init__(self, settings: config.TrustConfig | None = None) -> None:
        self._settings = settings or config.load().trust
        self._address = self._settings.moderation_url.strip().rstrip("/")

    @property
    def leaves(self) -> str:
        """Where the words go."""
        return "" if web.is_loopback(self._address) else f"The script goes to {web.host_of(self._address)}."

    def check(self, text: str) -> Verdict:
        """Raises UsageError (address), MissingError (key), NetworkError and BackendError."""
        web.require_address(self._address, "[trust] moderation_url")
        host = web.host_of(self._address)
        if host == _OFFICIAL and not _key(self._address):
            raise MissingError(f"{_WHAT} needs a key.", hint=f"export {KEY}=…", code="missing.key")
        results = self._asked([text[i : i + _PIECE] for i in range(0, len(text), _PIECE)] or [""])
        names = dict.fromkeys(name for result in results for name in _flagged(result, host))
        reasons = [Reason(name, Outcome.REFUSE if name in _NEVER else Outcome.HOLD) for name in names]
        return Verdict(tuple(sorted(reasons, key=lambda r: -r.outcome)))

    def _asked(self, pieces: list[str]) -> list[Any]:
        body = {"input": pieces} | (
            {"model": self._settings.moderation_model} if self._settings.moderation_model else {}
        )
        call = Call(
            f"{self._address}/moderations",
            json.dumps(body).encode(),
            "application/json",
            _WHAT,
            _key(self._address),
            KEY,
        )
        link = Link(_PATIENCE)
        try:
            answer = "".join(link.events(call))
        finally:
            link.close()
        try:
            results = json.loads(answer)["results"]
        except (ValueError, KeyError, TypeError):
            results = None
        if not isinstance(results, list) or len(results) != len(pieces):
            raise BackendError(f"{_WHAT} at {web.host_of(self._address)} gave no verdict.", code="backend.answer")
        return results


def _flagged(result: Any, host: str) -> list[str]:
    """Names of the categories; a result that is flagged without naming one is "flagged"."""
    if not isinstance(result, dict) or not isinstance(result.get("flagged"), bool):
        raise BackendError(f"{_WHAT} at {host} gave no verdict.", code="backend.answer")
    categories = result.get("categories")
    named = [str(name) for name, on in categories.items() if on is True] if isinstance(categories, dict) else []
    return named or (["flagged"] if result["flagged"] else [])


def _key(address: str) -> str:
    """The key, where it may go."""
    base = os.environ.get("OPENAI_BASE_URL", "")
    trusted = {_OFFICIAL} | ({web.host_of(base)} if base else set())
    secret = os.environ.get(KEY, "").strip()
    return secret if web.is_loopback(address) or web.host_of(address) in trusted else ""
