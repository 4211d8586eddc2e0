"""Pieces of an answer become clauses: cut where people pause, clean of markup, marks whole."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.dialogue.script import parse
from mien.dialogue.text import is_speakable
from mien.dialogue.think.base import Citation, Piece
from mien.dialogue.think.segments import FIRST_LONGEST, HAN, Clause, Segmenter, segment

SAMPLES = [
    "Of course, I can help you with that. Our shop opens at nine in the morning, and it closes at six.",
    "Good question! The ticket costs 12.50 euros, which includes the tour, the map and a coffee in the garden.",
    "When you arrive at the station, take the tram number 4 to the harbour; it leaves every ten minutes.",
    "The savings account pays 1.75 percent a year and there is no fee as long as you keep it open.",
    "我们早上九点开门,晚上八点关门,周一休息。",
    "这个问题问得好!门票是十二块五,包括导览、地图和一杯咖啡。",
    "您到了车站以后,请坐四路电车到港口,每十分钟一班。",
    "储蓄账户的年利率是百分之一点七五,只要账户开着就不收任何手续费。",
]


def clauses(text: str) -> list[str]:
    return [clause.text for clause in segment([text])]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello. How are you?", ["Hello.", "How are you?"]),
        ("你好。你好吗?我很好!", ["你好。", "你好吗?", "我很好!"]),
        ("Pi is 3.14, not 3.", ["Pi is 3.14, not 3."]),
        ("Mr. Smith and Dr. Wu met at 9 a.m. on Monday.", ["Mr. Smith and Dr. Wu met at 9 a.m. on Monday."]),
        ("It costs 1,000 dollars at 10:30.", ["It costs 1,000 dollars at 10:30."]),
        ('He said "Yes." Then he left.', ['He said "Yes."', "Then he left."]),
        ("他说:“好的。”然后走了。", ["他说:“好的。”", "然后走了。"]),
        ("Really?! Wait... what?", ["Really?!", "Wait...", "what?"]),
        ("One line\nAnother line", ["One line", "Another line"]),
        ("Hi 😀! 👍 Good.", ["Hi !", "Good."]),
        ("😀🎉", []),
        ("...", []),
    ],
)
def test_clauses_end_where_people_pause(text: str, expected: list[str]) -> None:
    said = clauses(text)
    assert [re.sub(r" (?=[!])", "", s) for s in said] == [re.sub(r" (?=[!])", "", s) for s in expected]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("**Bold** and *soft* and `code` and ~~gone~~.", "Bold and soft and code and gone."),
        ("snake_case stays, _this_ does not. 3*4 stays.", "snake_case stays, this does not. 3*4 stays."),
        ("# Title\n\n- first\n* second\n1. third\n> quote", "Title first second third quote"),
        ("See [our page](https://example.com/a(b)) now.", None),
        ("See https://www.example.com/path?x=1. Then go.", "See example.com. Then go."),
        ("![a picture](x.png) Look.", None),
        ("Before.\n```python\nprint('never')\n```\nAfter.", "Before. After."),
        ("It is so [1], truly [^2] [citation needed].", "It is so, truly."),
        ("[wink]Hello[/wink] [HAPPY]you[/HAPPY]!", "Hello you!"),
        ("An array a[[0]] here.", "An array a[0] here."),
        ("5 < 6 and <b>bold</b>.", "5 < 6 and bold."),
        ("| a | b |\n|---|---|\n| 1 | 2 |", "a, b, 1, 2,"),
    ],
)
def test_markup_is_not_spoken(text: str, expected: str | None) -> None:
    said = " ".join(clauses(text))
    if expected is not None:
        assert said == expected
    assert not re.search(r"never|http|\.png|wink|citation|\*\*|```", said)


@pytest.mark.parametrize(
    ("text", "scripts"),
    [
        (
            "[happy]Good news. It is free.[/happy] Bye.",
            ["[happy]Good news.[/happy]", "[happy]It is free.[/happy]", "Bye."],
        ),
        ("[sad 0.5]Oh no! [happy]But wait.", ["[sad 0.5]Oh no![/sad]", "[sad 0.5][happy]But wait.[/happy][/sad]"]),
        ("Stay. [/happy] Go.", ["Stay.", "Go."]),
        ("[happy]One[/sad] two.[/happy] Three.", ["[happy]One two.[/happy]", "Three."]),
        ("Wait. [pause 300ms] Go.", ["Wait.", "[pause 300ms]Go."]),
        ("[happy]Welcome![/happy] [sad]Wait![/sad]", ["[happy]Welcome![/happy]", "[sad]Wait![/sad]"]),
        ("[happy 7]Odd.[/happy] [pause]Fine.", ["Odd.", "Fine."]),
    ],
)
def test_marks_are_whole_in_every_clause(text: str, scripts: list[str]) -> None:
    made = [clause.script for clause in segment([text])]
    assert [re.sub(r"\s+", " ", s) for s in made] == scripts
    for script in made:
        parse(script)


def _all(pieces: list[str]) -> list[Clause]:
    return list(segment(pieces))


TEXTS = st.text(
    st.sampled_from(list("ab Z9.,!?;:。,!?\"”[]/()*_`#-|<>\\~\n1你好😀éhtp:/w")) | st.characters(), max_size=200
) | st.lists(
    st.sampled_from([
        "[happy]", "[/happy]", "[sad 0.4]", "[/sad]", "[pause 1s]", "[cue a]", "[x]", "!", "![a](b)",
        "![", "[[", "]]", "Hello there. ",
        "你好,世界。", "3.14", "Mr. ", "http://a.b/c ", "\n- ", "```", "\n", "**", "[a](b)", " word", "|", ", ", "<b>",
    ]), max_size=30,
).map("".join)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(TEXTS, st.randoms(use_true_random=False))
def test_chunked_equals_whole_and_every_clause_is_a_script(text: str, chance: random.Random) -> None:
    cuts = sorted(chance.randrange(len(text) + 1) for _ in range(chance.randrange(12)))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    whole = _all([text])
    assert _all(pieces) == whole
    assert _all(list(text)) == whole
    for number, clause in enumerate(whole):
        assert clause.number == number
        assert is_speakable(clause.text)
        assert " ".join(parse(clause.script).plain.text.split()) == " ".join(clause.text.split())


@pytest.mark.parametrize("text", SAMPLES)
def test_speech_starts_early(text: str) -> None:
    segmenter = Segmenter()
    for i, char in enumerate(text):
        if first := segmenter.push(char):
            assert i <= 50  # characters of the stream until the first clause is out
            assert len(first[0].text) >= 4
            return
    pytest.fail("nothing was said before the end")


@pytest.mark.parametrize("text", ["word " * 200, "字" * 500, "x" * 500])
def test_the_first_clause_is_bounded_even_without_punctuation(text: str) -> None:
    first = clauses(text)[0]
    assert sum(HAN if ord(c) > 0x2E80 else 1 for c in first) <= FIRST_LONGEST
    assert "".join(clauses(text)).replace(" ", "") == text.replace(" ", "")


def test_citations_go_with_the_clause_they_came_with() -> None:
    cited = Citation("a.md", "line 1", "words")
    made = list(segment([Piece("One. "), Piece("Two", (cited,)), Piece(". Three.")]))
    assert [clause.citations for clause in made] == [(), (cited,), ()]
