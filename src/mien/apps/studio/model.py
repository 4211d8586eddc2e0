"""Asking a language model for texts as JSON: once, and a second time with what was wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

from mien import config
from mien.dialogue.think.openai import OpenaiThinker
from mien.errors import BackendError, MissingError
from mien.turn import Turn

LONGEST_ANSWER: Final = 20_000
"""Characters of the model's that are listened to."""
_MOST_FAULTS: Final = 12
_MANNER: Final = (
    "You write texts for short films in which a person talks. You answer with one JSON object and nothing else: no "
    "remarks, no Markdown."
)


class Writer:
    """A language model that writes. tell: told in a line what leaves this machine. A context: leaving it ends it."""

    def __init__(self, tell: Callable[[str], None], settings: config.ThinkConfig | None = None) -> None:
        """Raises MissingError where no model is set, with what sets one."""
        self._thinker = OpenaiThinker(settings or config.load().think)
        info = self._thinker.info
        if info.lacks:
            hint = f"{info.mend} (and MIEN_THINK_MODEL=…), or write the project yourself: mien studio new NAME"
            raise MissingError(info.lacks, hint=hint, code="missing.url")
        if info.leaves:
            tell(f"The words go to {self._thinker.address}.")

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *failure: object) -> None:
        self._thinker.close()

    def ask(self, wanted: str, faults: Callable[[Any], list[str]]) -> tuple[Any, list[str]]:
        """What the model answers to, as JSON, and what is still wrong with it after it was told once.

        faults: sentences about what is wrong with an answer. Raises BackendError where no JSON comes, and what asking
        raises.
        """
        messages = [{"role": "system", "content": _MANNER}, {"role": "user", "content": wanted}]
        said = self._said(messages)
        answer, wrong = _judged(said, faults)
        if not wrong:
            return answer, []
        told = "\n".join(f"- {fault}" for fault in wrong[:_MOST_FAULTS])
        again = f"This is not right yet:\n{told}\nAnswer with the whole JSON object again, mended."
        messages += [{"role": "assistant", "content": said[:LONGEST_ANSWER]}, {"role": "user", "content": again}]
        second, still = _judged(self._said(messages), faults)
        if second is None and answer is None:
            raise BackendError(
                "The language model did not answer with what was asked for, twice.",
                hint="Use a larger model: export MIEN_THINK_MODEL=…",
                code="backend.garbage",
            )
        return (answer, wrong) if second is None or len(wrong) < len(still) else (second, still)

    def _said(self, messages: list[dict[str, str]]) -> str:
        text = ""
        for piece in self._thinker.write(messages, Turn()):
            text += piece
            if len(text) > LONGEST_ANSWER:
                break
        return text


def _judged(said: str, faults: Callable[[Any], list[str]]) -> tuple[Any, list[str]]:
    """The JSON of an answer, and what is wrong with it; None where there is none."""
    start, stop = said.find("{"), said.rfind("}")
    try:
        answer = json.loads(said[start : stop + 1]) if 0 <= start < stop else None
    except (ValueError, RecursionError) as error:
        return None, [f"The answer is no JSON ({str(error)[:100]})."]
    if not isinstance(answer, dict):
        return None, ["The answer is no JSON object."]
    return answer, faults(answer)
