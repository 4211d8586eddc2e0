"""Words and cues that moments of a project name, found in what a scene says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mien.apps.studio.kinds import nearest
from mien.apps.studio.project import Line
from mien.apps.studio.values import Moment, shown
from mien.dialogue.languages import script_of
from mien.dialogue.script import CuePoint, Say, Script, parse
from mien.dialogue.text import identity

_WITHOUT_SPACES = frozenset({"Hani", "Kana", "Thai", "Laoo", "Khmr", "Mymr"})


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a word stands. line: index of the scene's line. start, stop: characters of its source text, half-open."""

    line: int
    start: int
    stop: int


def script_of_line(line: Line) -> Script | None:
    """What a line says; None for a recording without words, or with words in a file."""
    if line.script:
        return parse(line.script)
    if isinstance(line.transcript, str):
        return Script(line.transcript, (Say(identity(line.transcript)),))
    return None


def occurrences(lines: Sequence[Script | None], word: str) -> list[Spot]:
    """Where a word or several stand in what is said, in order. Case and width of spaces do not matter; in scripts with
    spaces only whole words count.
    """
    wanted = " ".join(word.casefold().split())
    spots = []
    for number, script in enumerate(lines):
        if script is None or not wanted:
            continue
        text = script.plain.text
        flat = "".join(" " if c.isspace() else folded if len(folded := c.casefold()) == 1 else c for c in text)
        at = flat.find(wanted)
        while at >= 0:
            stop = at + len(wanted)
            if _whole(flat, at, stop):
                spots.append(Spot(number, script.plain.begin[at], script.plain.end[stop - 1]))
                at = flat.find(wanted, stop)
            else:
                at = flat.find(wanted, at + 1)
    return spots


def cues(lines: Sequence[Script | None]) -> dict[str, int]:
    """Names of the cues in what is said → index of their line."""
    return {
        segment.name: number
        for number, script in enumerate(lines)
        if script is not None
        for segment in script.segments
        if isinstance(segment, CuePoint)
    }


def trouble(moment: Moment, lines: Sequence[Script | None]) -> str:
    """Why a moment never comes, and what would be right, as one sentence; "" = it comes."""
    if not (moment.word or moment.cue):
        return ""
    if not lines:
        what = f"word {shown(moment.word)}" if moment.word else f"cue {shown(moment.cue)}"
        return f"nothing is said in this scene, so there is no {what}; write a time."
    return _word_trouble(moment, lines) if moment.word else _cue_trouble(moment.cue, cues(lines))


def _cue_trouble(name: str, known: dict[str, int]) -> str:
    meant = nearest(name, known)
    right = f"write {meant}" if meant else "put it into the script"
    return "" if name in known else f"the script has no [cue {name}]; {right}."


def _word_trouble(moment: Moment, lines: Sequence[Script | None]) -> str:
    found = len(occurrences(lines, moment.word))
    if found >= moment.number:
        return ""
    if None in lines and not found:
        return f"{shown(moment.word)} is looked for in a recording without words; give them with transcript."
    if not found:
        return f"{shown(moment.word)} is never said in this scene; write a word of its script, or a time."
    times = "once" if found == 1 else f"{found} times"
    return f"{shown(moment.word)} is said {times} in this scene, not {moment.number} times; write number: {found}."


def _whole(text: str, start: int, stop: int) -> bool:
    """Whether nothing of a longer word stands before or behind; always, in writing without spaces."""
    return not (_joined(text[start - 1 : start], text[start]) or _joined(text[stop - 1], text[stop : stop + 1]))


def _joined(left: str, right: str) -> bool:
    if not (left and right and left.isalnum() and right.isalnum()):
        return False
    return not ({script_of(left), script_of(right)} & _WITHOUT_SPACES)
