"""Functions that a client of the realtime API runs itself, offered to who thinks as tools.

A call waits in the thread of the answer until the client has told its result, and asked for the answer to go on; so the
answer stays one turn of the session while the client sees two responses.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from typing import Any, Final

from mien.apps.server.talk import name
from mien.dialogue.think.tools import Tool
from mien.errors import InputError

PATIENCE: Final = 7.5
"""Seconds that a result may take; then the model is told that there is none."""
_MOST: Final = 64
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_LONGEST: Final = 8_000


class _Call:
    """One that waits."""

    def __init__(self) -> None:
        self.result: str | None = None
        self.told = threading.Event()


class Calls:
    """The functions of one client. Safe from any thread. ask: told id, name and arguments (JSON) of a call, in the
    answer's thread; None of them is answered before :meth:`go_on`.
    """

    def __init__(self, ask: Callable[[str, str, str], object]) -> None:
        self.listed: list[dict[str, Any]] = []
        self._ask = ask
        self._tools: tuple[Tool, ...] = ()
        self._lock = threading.Lock()
        self._waiting: dict[str, _Call] = {}

    @property
    def tools(self) -> tuple[Tool, ...]:
        """As a question has them."""
        return self._tools

    @property
    def waiting(self) -> bool:
        """Whether an answer waits for the client."""
        return bool(self._waiting)

    def offer(self, listed: list[dict[str, Any]]) -> None:
        """As ``session.tools`` has them. Raises InputError."""
        if len(listed) > _MOST:
            raise InputError(f"More than {_MOST} tools are too many.", code="invalid_tools")
        tools = tuple(self._tool(one) for one in listed)
        if len({t.name for t in tools}) < len(tools):
            raise InputError("Two tools have the same name.", code="invalid_tools")
        self._tools, self.listed = tools, listed

    def result(self, call: str, output: str) -> None:
        """What a call gave. Raises InputError for one that nobody waits for."""
        with self._lock:
            waiting = self._waiting.get(call)
        if waiting is None:
            raise InputError("Nobody waits for the result of that call (any more).", code="invalid_call_id")
        waiting.result = output[:_LONGEST]

    def go_on(self) -> None:
        """The answer goes on with the results that were told."""
        with self._lock:
            told = [call for call in self._waiting.values() if call.result is not None]
        for call in told:
            call.told.set()

    def _tool(self, one: dict[str, Any]) -> Tool:
        if one.get("type") != "function" or not _NAME.fullmatch(str(one.get("name", ""))):
            raise InputError("A tool is {type: 'function', name, description, parameters}.", code="invalid_tools")
        parameters = one.get("parameters") or {"type": "object", "properties": {}}
        if not isinstance(parameters, dict) or not isinstance(parameters.get("properties", {}), dict):
            raise InputError(f"The parameters of '{one['name']}' are no JSON schema.", code="invalid_tools")
        called = one["name"]
        return Tool(called, str(one.get("description", "")), parameters, lambda **given: self._call(called, given))

    def _call(self, called: str, given: dict[str, Any]) -> str:
        """In a thread of the answer's."""
        number, call = name("call"), _Call()
        with self._lock:
            self._waiting[number] = call
        try:
            self._ask(number, called, json.dumps(given, ensure_ascii=False))
            if not call.told.wait(PATIENCE) or call.result is None:
                raise TimeoutError(f"the client gave no result within {PATIENCE:g} seconds")
            return call.result
        finally:
            with self._lock:
                del self._waiting[number]
