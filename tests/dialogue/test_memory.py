"""What is kept of visitors: only what they may be known by, bounded, shown, and gone when it is erased."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from mien.dialogue.think.base import Piece, Question, Said, ThinkerInfo
from mien.dialogue.think.digest import digest, plain_digest, remember
from mien.dialogue.think.facts import Fact, facts_in, redacted
from mien.dialogue.think.memory import LONGEST_SAID, MOST_SAID, Memory
from mien.errors import InputError, NetworkError, OutputError
from mien.turn import Turn

HELLO = (Said("user", "My name is Anna and I love tea."), Said("assistant", "Nice to meet you."))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "data" / "memory.sqlite3"


@pytest.fixture
def memory(file: Path) -> Iterator[Memory]:
    with closing(Memory(file, mode="on")) as made:
        yield made


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        ("My name is Anna.", {"name": "Anna"}),
        ("Hi, I'm Anna Maria and I live in Berlin.", {"name": "Anna Maria", "lives in": "Berlin"}),
        ("call me bob", {"name": "bob"}),
        ("I am from New Zealand. I love green tea!", {"comes from": "New Zealand", "likes": "green tea"}),
        ("I'm allergic to nuts, and I don't eat meat.", {"is allergic to": "nuts", "dislikes": "meat"}),
        ("I work as a nurse.", {"works as": "nurse"}),
        ("我叫王芳,我住在上海。", {"name": "王芳", "lives in": "上海"}),
        ("叫我小李就行", {"name": "小李"}),
        ("我来自四川,我喜欢吃火锅", {"comes from": "四川", "likes": "吃火锅"}),
        ("我对花生过敏。", {"is allergic to": "花生"}),
        ("I am happy. What is my name?", {}),
        ("我叫什么名字?", {}),
        ("Do you like tea? What is your name?", {}),
        ("I'm sorry, I am not here", {}),
        ("你喜欢什么?", {}),
    ],
)
def test_facts_are_found_and_not_guessed(text: str, facts: dict[str, str]) -> None:
    assert {fact.key: fact.value for fact in facts_in(text)} == facts


@pytest.mark.parametrize(
    "secret",
    ["4111 1111 1111 1111", "4111111111111111", "+49 170 1234567", "anna@example.com", "AB1234567", "010-8888-6666"],
)
def test_numbers_and_addresses_are_not_kept(memory: Memory, file: Path, secret: str) -> None:
    memory.heard("v", Said("user", f"My name is Anna, take {secret} please."), Said("assistant", f"Yes, {secret}."))
    memory.learn("v", (Fact("card", secret),), f"Gave {secret}.")
    memory.close()
    assert secret not in redacted(f"a {secret} b")
    assert all(secret.encode() not in part.read_bytes() for part in file.parent.iterdir())
    assert redacted("Room 12, at 10:30 for 2024 euros") == "Room 12, at 10:30 for 2024 euros"


@pytest.mark.parametrize(("mode", "agrees", "keeps"), [
    ("off", False, False), ("off", True, False), ("ask", False, False), ("ask", True, True), ("on", False, True),
])  # fmt: skip
def test_nothing_is_kept_of_who_has_not_agreed(file: Path, mode: str, agrees: bool, keeps: bool) -> None:
    with closing(Memory(file, mode=mode)) as memory:
        if agrees:
            memory.agree("v")
        memory.heard("v", *HELLO)
        memory.learn("v", (Fact("likes", "cake"),), "A talk.")
        kept = memory.known("v")
        assert (kept is not None) == keeps
        if kept is not None:
            assert kept.known == ("likes: cake", "name: Anna", "earlier talks: A talk.") or set(kept.known) == {
                "likes: cake", "name: Anna", "earlier talks: A talk.",
            }  # fmt: skip
            memory.agree("v", False)
            assert memory.recall("v") is None
    assert keeps or not file.exists() or mode == "ask"


def test_the_file_is_its_owner_s_and_what_is_erased_is_gone(memory: Memory, file: Path) -> None:
    memory.heard("v1", Said("user", "My name is Xanthippe."))
    memory.heard("v2", *HELLO)
    assert all(part.stat().st_mode & 0o077 == 0 for part in file.parent.iterdir())
    assert [r.visitor for r in memory.visitors()] == ["v2", "v1"]
    assert memory.erase("v1")
    assert not memory.erase("v1")
    assert memory.recall("v1") is None
    assert memory.recall("v2") is not None
    assert all(b"Xanthippe" not in part.read_bytes() for part in file.parent.iterdir())
    assert memory.erase_all() == 1
    assert memory.visitors() == []


def test_what_is_exported_is_all_there_is(memory: Memory) -> None:
    memory.heard("v", *HELLO)
    exported = memory.recall("v").export()  # type: ignore[union-attr]
    assert exported["facts"] == {"name": "Anna", "likes": "tea"}
    assert exported["said"] == [{"role": s.role, "text": s.text} for s in HELLO]


def test_it_is_bounded(memory: Memory) -> None:
    for i in range(60):
        memory.heard("v", *(Said("user", f"{i} {j} " + "x" * 3_000) for j in range(4)))
    memory.learn("v", tuple(Fact(f"kind {i}", "y" * 500) for i in range(300)), "z" * 9_000)
    kept = memory.recall("v")
    assert kept is not None
    assert len(kept.said) == MOST_SAID
    assert kept.said[-1].text.startswith("59 3 ")
    assert max(len(s.text) for s in kept.said) <= LONGEST_SAID
    assert len(kept.facts) <= 40
    assert len(kept.summary) <= 1_500


def test_who_does_not_come_back_is_forgotten(file: Path) -> None:
    now = [1_000_000.0]
    with closing(Memory(file, mode="on", keep_days=30, clock=lambda: now[0])) as memory:
        memory.heard("old", *HELLO)
        now[0] += 20 * 86_400
        memory.heard("new", *HELLO)
    now[0] += 20 * 86_400
    with closing(Memory(file, mode="on", keep_days=30, clock=lambda: now[0])) as memory:
        assert [r.visitor for r in memory.visitors()] == ["new"]


def test_sessions_at_the_same_time_keep_their_own(file: Path) -> None:
    faults: list[BaseException] = []

    def talk(name: str) -> None:
        try:
            with closing(Memory(file, mode="on")) as memory:
                for i in range(10):
                    memory.heard(name, Said("user", f"{name} {i}"))
        except BaseException as error:
            faults.append(error)

    talkers = [threading.Thread(target=talk, args=(f"v{i}",)) for i in range(6)]
    for talker in talkers:
        talker.start()
    for talker in talkers:
        talker.join(30)
    assert not faults
    with closing(Memory(file, mode="on")) as memory:
        assert {r.visitor: [s.text for s in r.said] for r in memory.visitors()} == {
            f"v{i}": [f"v{i} {j}" for j in range(10)] for i in range(6)
        }


@pytest.mark.parametrize("name", ["", "x" * 200, "a\nb", "\0"])
def test_odd_names_are_refused(memory: Memory, name: str) -> None:
    with pytest.raises(InputError):
        memory.heard(name, *HELLO)


def test_names_are_never_part_of_a_command(memory: Memory) -> None:
    memory.heard("'; DROP TABLE visitors; --", *HELLO)
    assert memory.erase("'; DROP TABLE visitors; --")
    memory.heard("v", *HELLO)


def test_a_file_that_is_damaged_is_said(file: Path) -> None:
    file.parent.mkdir()
    file.write_bytes(b"no database " * 1_000)
    with pytest.raises(OutputError, match=r"memory\.sqlite3"), closing(Memory(file, mode="on")) as memory:
        memory.heard("v", *HELLO)


class _Model:
    """A language model that writes a summary."""

    def __init__(self, says: str) -> None:
        self.says, self.asked = says, ""

    @property
    def info(self) -> ThinkerInfo:
        return ThinkerInfo("model", streaming=True, writes=True)

    def answer(self, question: Question, turn: Turn) -> Iterator[Piece]:
        self.asked = question.text
        if not self.says:
            raise NetworkError("No answer.")
        yield Piece(self.says)

    def close(self) -> None:
        pass


def test_a_talk_is_put_in_a_few_words() -> None:
    model = _Model(
        "SUMMARY: Anna asked about tents, card 4111111111111111.\nFACT: name: Anna\nFACT: 喜欢：茶\nnonsense\nFACT: odd"
    )
    summary, facts = digest(model, HELLO, None, Turn())
    assert summary == "Anna asked about tents, card •••."
    assert facts == (Fact("name", "Anna"), Fact("喜欢", "茶"))
    assert "I love tea" in model.asked
    assert plain_digest((Said("user", "Where are you?"), Said("assistant", "Here?"), Said("user", "几点开门?"))) == (
        "asked: Where are you? / 几点开门?"
    )
    assert plain_digest(HELLO) == ""


@pytest.mark.parametrize(
    ("says", "known"),
    [("SUMMARY: Likes tents.\nFACT: wants: a tent", {"wants: a tent", "earlier talks: Likes tents."}),
     ("", {"earlier talks: asked: Where are tents?"})],
)  # fmt: skip
def test_a_model_that_fails_is_no_loss(memory: Memory, says: str, known: set[str]) -> None:
    remember(memory, "v", (*HELLO, Said("user", "Where are tents?")), _Model(says))
    kept = memory.known("v")
    assert kept is not None
    assert {"name: Anna", "likes: tea"} | known == set(kept.known)


def test_a_model_is_told_nothing_of_who_has_not_agreed(file: Path) -> None:
    model = _Model("SUMMARY: x")
    with closing(Memory(file, mode="ask")) as memory:
        remember(memory, "v", HELLO, model)
        assert memory.recall("v") is None
    assert not model.asked
