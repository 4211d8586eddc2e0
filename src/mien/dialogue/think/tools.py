"""Plain Python functions that a language model may call: schema, checked arguments, bounded time."""

from __future__ import annotations

import inspect
import json
import threading
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from mien.errors import UsageError

LONGEST_RESULT: Final = 8_000
"""Characters of what a tool gives back; the rest is cut."""

_KINDS: Final[dict[Any, str]] = {str: "string", int: "integer", float: "number", bool: "boolean"}
_LONGEST_ARGUMENTS: Final = 32_000


@dataclass(frozen=True)
class Tool:
    """parameters: JSON schema of an object. run: called with its properties by name, in a thread of its own."""

    name: str
    description: str
    parameters: Mapping[str, Any]
    run: Callable[..., object]

    def schema(self) -> dict[str, Any]:
        """As ``/chat/completions`` wants it."""
        described = {"name": self.name, "description": self.description, "parameters": dict(self.parameters)}
        return {"type": "function", "function": described}


def tool(function: Callable[..., object]) -> Tool:
    """A tool out of a function with a docstring and annotated parameters: str, int, float, bool, Literal, lists.

    Raises UsageError for any other annotation.
    """
    name = getattr(function, "__name__", "")
    hints = typing.get_type_hints(function)
    properties: dict[str, Any] = {}
    required = []
    for parameter in inspect.signature(function).parameters.values():
        properties[parameter.name] = _schema_of(hints.get(parameter.name, str), name)
        if parameter.default is parameter.empty:
            required.append(parameter.name)
    schema = {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
    return Tool(name, inspect.getdoc(function) or name, schema, function)


class Toolbox:
    """The tools of one thinker. Raises UsageError for two of one name."""

    def __init__(self, tools: Iterable[Tool] = ()) -> None:
        listed = list(tools)
        self._tools = {t.name: t for t in listed}
        if len(self._tools) < len(listed):
            raise UsageError("Two tools have the same name.", hint="Rename one of the functions.")

    def __len__(self) -> int:
        return len(self._tools)

    def schemas(self) -> list[dict[str, Any]]:
        """All of them, as ``/chat/completions`` wants them."""
        return [t.schema() for t in self._tools.values()]

    def call(self, name: str, arguments: str, seconds: float) -> str:
        """What a call gives, as text for the model; never raises: a fault is told to the model, which may mend it.

        A tool that takes longer than ``seconds`` is left to itself.
        """
        chosen = self._tools.get(name)
        if chosen is None:
            return _fault(f"there is no tool '{name[:80]}'; there are: {', '.join(self._tools)}")
        try:
            given = _checked(arguments, chosen.parameters)
        except ValueError as error:
            return _fault(str(error))
        return _run(chosen, given, seconds)


def time_now(utc_offset_hours: float | None = None) -> str:
    """The date, weekday and time now: here, or where the clock differs from UTC by the hours given."""
    from datetime import UTC, timedelta, timezone

    if utc_offset_hours is None:
        now = datetime.now().astimezone()
    elif -14 <= utc_offset_hours <= 14:
        now = datetime.now(UTC).astimezone(timezone(timedelta(hours=utc_offset_hours)))
    else:
        raise ValueError("utc_offset_hours goes from -14 to 14")
    return now.strftime("%A %Y-%m-%d %H:%M:%S UTC%z")


def _run(chosen: Tool, given: Mapping[str, Any], seconds: float) -> str:
    results: list[str] = []

    def work() -> None:
        try:
            result = chosen.run(**given)
            results.append(result if isinstance(result, str) else json.dumps(result, ensure_ascii=False, default=str))
        except Exception as error:  # whatever a tool does wrong, the conversation goes on
            results.append(_fault(f"{type(error).__name__}: {error}"))

    worker = threading.Thread(target=work, name=f"mien-tool-{chosen.name}", daemon=True)
    worker.start()
    worker.join(seconds)
    return results[0][:LONGEST_RESULT] if results else _fault(f"'{chosen.name}' took longer than {seconds:g} seconds")


def _fault(what: str) -> str:
    return json.dumps({"error": what[:500]}, ensure_ascii=False)


def _schema_of(annotation: Any, function: str) -> dict[str, Any]:
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if annotation in _KINDS:
        return {"type": _KINDS[annotation]}
    if origin is Literal:
        return {"type": _KINDS[type(inner[0])], "enum": list(inner)}
    if origin is list and inner:
        return {"type": "array", "items": _schema_of(inner[0], function)}
    if origin in (types.UnionType, typing.Union):
        kinds = [k for k in inner if k is not type(None)]
        if len(kinds) == 1:
            return _schema_of(kinds[0], function)
    raise UsageError(
        f"The tool '{function}' has a parameter of a kind that a model cannot give: {annotation}.",
        hint="Use str, int, float, bool, Literal, or a list of one of these.",
    )


def _checked(arguments: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments that fit the schema. Raises ValueError saying which does not."""
    if len(arguments) > _LONGEST_ARGUMENTS:
        raise ValueError("the arguments are too long")
    try:
        given = json.loads(arguments or "{}")
    except (ValueError, RecursionError):
        raise ValueError("the arguments are not valid JSON") from None
    properties = schema.get("properties", {})
    if not isinstance(given, dict):
        raise ValueError("the arguments must be an object")
    if missing := [name for name in schema.get("required", ()) if name not in given]:
        raise ValueError(f"missing: {', '.join(missing)}")
    if unknown := [name for name in given if name not in properties]:
        raise ValueError(f"unknown: {', '.join(unknown)}")
    for name, value in given.items():
        if not _fits(value, properties[name]):
            raise ValueError(f"'{name}' does not fit {json.dumps(properties[name], ensure_ascii=False)}")
    return given


def _fits(value: object, schema: Mapping[str, Any]) -> bool:
    kind = schema.get("type")
    if kind == "array":
        return isinstance(value, list) and all(_fits(item, schema.get("items", {})) for item in value)
    if kind in ("integer", "number") and isinstance(value, bool):
        return False
    wanted: dict[object, tuple[type, ...]] = {
        "string": (str,), "integer": (int,), "number": (int, float), "boolean": (bool,), "object": (dict,),
    }  # fmt: skip
    fine = kind not in wanted or isinstance(value, wanted[kind])
    return fine and ("enum" not in schema or value in schema["enum"])
