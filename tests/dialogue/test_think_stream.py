"""What comes from a language model, however the network cuts it: events, thinking aloud, citations; and its tools."""

from __future__ import annotations

import contextlib
import json
import random
import time
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.dialogue.think.base import Piece
from mien.dialogue.think.chat import Reply
from mien.dialogue.think.events import EventReader
from mien.dialogue.think.passages import Passage
from mien.dialogue.think.plain import AnswerFilter
from mien.dialogue.think.tools import Tool, Toolbox, tool
from mien.errors import BackendError, NetworkError, UsageError

PASSAGES = [Passage("a.md", "line 1", "One."), Passage("b.md", "line 2", "Two.")]


def _cuts(length: int, chance: random.Random) -> list[tuple[int, int]]:
    places = sorted(chance.randrange(length + 1) for _ in range(chance.randrange(10)))
    return list(zip([0, *places], [*places, length], strict=True))


def _events(blocks: list[bytes]) -> list[str] | str:
    reader = EventReader("It")
    found: list[str] = []
    try:
        for block in blocks:
            found += reader.push(block)
        found += reader.close()
    except BackendError as error:
        return error.message
    return found


LINES = st.lists(
    st.sampled_from([b"data: a", b"data:b", b"data: {}", b": ping", b"event: x", b"id: 1", b"", b"",
                     b"data: \xe4\xbd\xa0", b"oops", b"data"]),
    max_size=12,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(LINES, st.sampled_from([b"\n", b"\r\n", b"\r"]), st.randoms(use_true_random=False))
def test_events_do_not_depend_on_blocks(lines: list[bytes], end: bytes, chance: random.Random) -> None:
    whole = end.join(lines)
    assert _events([whole[a:b] for a, b in _cuts(len(whole), chance)]) == _events([whole])


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"data: a\ndata: b\n\n", ["a\nb"]),
        (b"\xef\xbb\xbfdata:a\r\n\r\n: x\n\ndata: b", ["a", "b"]),
        (b"event: ping\n\ndata\n\n", [""]),
    ],
)
def test_events_are_those_of_the_standard(raw: bytes, expected: list[str]) -> None:
    assert _events([raw]) == expected


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["choices", "delta", "content", "tool_calls", "function", "arguments", "index", "error", "id",
                         "message", "type", "text", "finish_reason"]), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(JSON, JSON)
def test_no_event_does_harm(event: object, delta: object) -> None:
    for data in (event, {"id": "1", "choices": [{"delta": delta}]}, {"id": "1", "choices": event}):
        reply = Reply("It")
        with contextlib.suppress(BackendError, NetworkError):
            assert all(isinstance(words, str) for words in reply.read(json.dumps(data)))
            json.dumps(reply.as_sent())


def _filtered(pieces: list[str]) -> tuple[str, tuple[str, ...]]:
    sieve = AnswerFilter(PASSAGES)
    made: list[Piece] = [*(sieve.push(p) for p in pieces), sieve.close()]
    return "".join(p.text for p in made), tuple(c.source for p in made for c in p.citations)


WORDS = st.lists(
    st.sampled_from(["<think>", "</think>", "a", " ", "[1]", " [2, 1]", "[", "]", "9", "【1】", "[happy]",
                     "\n", "好。", ", "]),
    max_size=14,
).map("".join)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(WORDS, st.randoms(use_true_random=False))
def test_filtering_does_not_depend_on_pieces(text: str, chance: random.Random) -> None:
    whole = _filtered([text])
    assert _filtered([text[a:b] for a, b in _cuts(len(text), chance)]) == whole
    assert _filtered(list(text)) == whole


@pytest.mark.parametrize(
    ("text", "expected", "cited"),
    [
        ("<think>Hm [1].</think> So [1], yes [2].", "So, yes.", ("a.md", "b.md")),
        ("Yes [1][2] and [1].", "Yes and.", ("a.md", "b.md")),
        ("An odd [7] number, [happy]words[/happy].", "An odd number, [happy]words[/happy].", ()),
        ("<think>never ends", "", ()),
    ],
)
def test_numbers_become_citations(text: str, expected: str, cited: tuple[str, ...]) -> None:
    assert _filtered([text]) == (expected, cited)


def test_a_function_becomes_a_tool() -> None:
    def book(day: Literal["Monday", "Friday"], seats: int, names: list[str], note: str | None = None) -> dict[str, int]:
        """Book seats."""
        return {"seats": seats + len(names)}

    made = tool(book)
    assert made.name == "book"
    assert made.description == "Book seats."
    assert made.parameters["required"] == ["day", "seats", "names"]
    assert made.parameters["properties"]["day"] == {"type": "string", "enum": ["Monday", "Friday"]}
    assert made.parameters["properties"]["names"] == {"type": "array", "items": {"type": "string"}}
    box = Toolbox([made])
    assert box.call("book", '{"day": "Monday", "seats": 2, "names": ["a"]}', 5) == '{"seats": 3}'
    fine = '"day": "Monday", "names": []'
    for wrong in (f'{{{fine}, "seats": "2"}}', f'{{{fine}, "seats": true}}', f"{{{fine}}}", "[]", "[" * 30_000,
                  '{"day": "Sunday", "seats": 2, "names": []}'):  # fmt: skip
        assert "error" in box.call("book", wrong, 5)
    with pytest.raises(UsageError):
        Toolbox([made, made])


def test_tools_of_kinds_that_no_model_can_give_are_refused() -> None:
    def odd(what: object) -> str:
        return str(what)

    with pytest.raises(UsageError, match="odd"):
        tool(odd)


def test_a_slow_tool_is_left_to_itself() -> None:
    started = time.monotonic()
    slow = Tool("slow", "", {"type": "object", "properties": {}}, lambda: time.sleep(3))
    assert "longer" in Toolbox([slow]).call("slow", "{}", 0.1)
    assert time.monotonic() - started < 1
