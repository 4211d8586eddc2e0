"""The server against its own description: schemathesis asks every operation what it allows and what it does not."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from typing import Any, Final

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode, openapi
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.core.result import Ok
from schemathesis.specs.openapi import checks
from tests.server.kit import Served, portrait, serving

EXAMPLES: Final = int(os.environ.get("MIEN_TEST_EXAMPLES", "6"))
"""Requests to each operation, of each kind."""
SECONDS: Final = 1.5 * EXAMPLES
"""For each kind; on a machine that is too busy, operations get fewer requests, two at least."""
PROJECT: Final = "tea"
CHECKS: Final = [
    checks.status_code_conformance, checks.content_type_conformance, checks.response_schema_conformance,
    checks.response_headers_conformance,
]  # fmt: skip


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server that sends nothing to other machines, with a project that nobody can render."""
    pictures = (portrait(tmp_path_factory.mktemp("portraits")),)
    studio = tmp_path_factory.mktemp("studio")
    (studio / PROJECT).mkdir()
    (studio / PROJECT / f"{PROJECT}.yaml").write_text("title: nothing\n")
    with serving(portraits=pictures, outside=False, studio=studio) as server:
        yield server


def operations(served: Served) -> list[Any]:
    schema = openapi.from_url(f"{served.url}/openapi.json")
    found = list(schema.get_all_operations())
    assert all(isinstance(one, Ok) for one in found), found
    return [one.ok() for one in found if isinstance(one, Ok)]


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_every_operation_answers_as_it_is_described(described: Served, mode: GenerationMode) -> None:
    every = operations(described)
    began = time.monotonic()
    asked: dict[str, int] = {}
    wrong: list[str] = []
    for number, operation in enumerate(every, 1):
        until = began + SECONDS * number / len(every)
        among = any(part in operation.path for part in ("{session}", "{project}"))
        for inside in (False, True) if among else (False,):
            probe = prober(described, until, asked, wrong)
            ask(operation, mode, described, probe, inside=inside)
    assert not wrong, "\n".join(wrong[:10])
    assert len(every) > 30 and len(asked) > len(every) // 2
    assert max(asked.values()) >= 2
    with described.client() as client:
        assert client.get("/health").json()["status"] == "ok"


def ask(
    operation: Any, mode: GenerationMode, served: Served, probe: Callable[[Any], None], *,
    inside: bool,
) -> None:  # fmt: skip
    """Ask one operation again and again. inside: of a session, or a project, that is there."""
    fixed = None
    if inside:
        fixed = {"session": served.session()} if "{session}" in operation.path else {"project": PROJECT}
    bounded = settings(
        max_examples=EXAMPLES, phases=[Phase.explicit, Phase.generate], database=None, derandomize=True, deadline=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip

    @bounded
    @given(case=operation.as_strategy(mode, path_parameters=fixed))
    def again_and_again(case: Any) -> None:
        probe(case)

    try:
        with contextlib.suppress(Unsatisfiable):  # nothing about it can be wrong
            again_and_again()
    finally:
        if fixed and "session" in fixed:
            close(served, fixed["session"])


def prober(served: Served, until: float, asked: dict[str, int], wrong: list[str]) -> Callable[[Any], None]:
    def probe(case: Any) -> None:
        label = f"{case.method} {case.path}"
        if time.monotonic() > until and asked.get(label, 0) > 1:
            return
        asked[label] = asked.get(label, 0) + 1
        answer = case.call(base_url=served.url, timeout=20)
        try:
            case.validate_response(answer, checks=CHECKS)
        except (Failure, FailureGroup) as fault:
            faults = fault.exceptions if isinstance(fault, FailureGroup) else [fault]
            wrong.extend(f"{label}: {type(f).__name__} {answer.status_code} {str(f)[:600]}" for f in faults)
        if answer.status_code == 500:
            wrong.append(f"{label}: {answer.status_code} {case.as_curl_command()[:600]}")
        if case.path == "/api/sessions" and answer.status_code == 201:
            close(served, answer.json()["id"])

    return probe


def close(served: Served, session: str) -> None:
    httpx.delete(f"{served.url}/api/sessions/{session}", timeout=20)
