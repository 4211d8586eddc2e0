"""A project in another language: the words are exchanged where they stand, everything else stays as it is written."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from mien.apps.studio.check import check, guessed_seconds
from mien.apps.studio.load import load, read
from mien.apps.studio.model import Writer
from mien.apps.studio.person import LANGUAGE
from mien.apps.studio.project import Line
from mien.apps.studio.rewriting import exchanged
from mien.apps.studio.source import ProjectError, parse, read_text
from mien.apps.studio.texts import VARIABLE, Scene, Text, groups_of, languages_of, texts_of, variables_in
from mien.apps.studio.words import occurrences, script_of_line
from mien.dialogue.languages import mismatch, primary_subtag
from mien.dialogue.script import Say
from mien.dialogue.script import parse as parse_script
from mien.errors import BackendError, MienError, OutputError, UsageError

LONGER: Final = 1.15
"""How much longer than the original a translated script may take."""
_NOT_THERE: Final = "does not stand in your translation of its scene."
_NAMES: Final = {"zh": "Chinese (简体中文)", "en": "English"}


@dataclass(frozen=True, slots=True)
class Translated:
    """A translated project. texts: how many were exchanged. notes: what could not be kept."""

    path: Path
    texts: int
    notes: tuple[str, ...]


def translate(
    file: Path, to: str, out: Path | None = None, *, tell: Callable[[str], None] = lambda _line: None
) -> Translated:
    """Write a project in another language beside it. to: BCP 47 code. tell: told what leaves this machine.

    Raises UsageError, InputError, ProjectError, OutputError, MissingError (no model), BackendError, NetworkError.
    """
    if not re.fullmatch(LANGUAGE.pattern, to) or to == "auto":
        raise UsageError(f"'{to}' is no language.", hint="Write --to en, zh, de or another code.")
    target = out or file.with_name(f"{file.stem}.{to}{file.suffix}")
    _check_target(file, target)
    source = read_text(file)
    root = parse(source, file.name)
    read(root, file, outside=True, exist=False)  # what is wrong already is told before anything is asked
    scenes, notes = texts_of(root)
    found: dict[str, str] = {}
    with Writer(tell) as model:
        for group in groups_of(scenes):
            found |= _asked(model, group, to, notes)
    edits = {node.span: to for node in languages_of(root)}
    for scene in scenes:
        edits |= _edits(scene, found, notes)
    changed = exchanged(source, file.suffix, edits)
    read(parse(changed, target.name), target, outside=True, exist=False)
    _write(target, changed)
    return Translated(target, len(found), (*notes, *_what_now(target)))


def _what_now(target: Path) -> Iterator[str]:
    """What a check says of the translation, such as a voice that does not speak its language."""
    try:
        problems = check(load(target, outside=True)).problems
    except ProjectError as error:
        problems = error.problems
    for problem in problems:
        yield f"Line {problem.line}: {problem.message}"


def _check_target(file: Path, target: Path) -> None:
    if target.suffix.lower() != file.suffix.lower():
        raise UsageError(f"'{target.name}' must end in {file.suffix}, as the project does.", hint="Change --out.")
    if target.absolute().parent != file.absolute().parent:
        hint = f"Write --out {file.with_name(target.name)}"
        raise UsageError("A translation stands beside its project, whose files it names.", hint=hint)
    if target.exists():
        raise OutputError(f"'{target}' is there already.", hint="Choose another name with --out.")


def _write(target: Path, text: str) -> None:
    from mien.transmit.atomic import Staging

    staging = Staging(target)
    try:
        staging.path.write_text(text, encoding="utf-8", newline="\n")
        staging.commit()
    except BaseException:
        staging.abort()
        raise


def _asked(model: Writer, group: Sequence[Text], to: str, notes: list[str]) -> dict[str, str]:
    """The translations of a group. Raises BackendError where one is missing or its marks are broken twice."""
    answer, wrong = model.ask(_wanted(group, to), lambda given: [f for f, _ in _faults(given, group, to)])
    if answer is None:
        raise BackendError("The language model did not answer with translations.", hint="Ask again.")
    left = _faults(answer, group, to) if wrong else []
    fatal = [fault for fault, mild in left if not mild]
    if fatal:
        raise BackendError(
            f"The language model could not translate this: {fatal[0]}",
            hint="Ask again, or use a larger model: export MIEN_THINK_MODEL=…",
            code="backend.garbage",
        )
    by_key = {text.key: text for text in group}
    notes.extend(f"Line {by_key[_key(fault)].node.mark.line}: {fault.partition(': ')[2]}" for fault, _ in left)
    return {text.key: str(answer[text.key]).strip() for text in group if text.kind != "word" or text.key in answer}


def _key(fault: str) -> str:
    return fault.partition(":")[0].removeprefix("Text ")


def _wanted(group: Sequence[Text], to: str) -> str:
    """What the model is told."""
    language = _NAMES.get(primary_subtag(to), f"the language {to}")
    listed = {text.key: _told(text) for text in group}
    return (
        f"Translate the texts of a short film into {language}, as it is spoken there, not word by word. Scripts are "
        "spoken: each must take about as long to say as 'seconds' tells, so shorten where it has to be. Marks in "
        "brackets such as [happy], [/happy], [pause 400ms] and [cue name] stay as they are, around the words that "
        "carry them; [[ and ]] stand for brackets; ${name} stays as it is. A title is shown; keep it as short. For a "
        "text of kind 'word' give the word of your own translation of that scene's script that means the same, exactly "
        f"as it stands there.\nTexts:\n{json.dumps(listed, ensure_ascii=False, indent=0)}\n"
        'The JSON object has the same keys, each with its translation as a string: {"1": "…"}'
    )


def _told(text: Text) -> dict[str, Any]:
    about: dict[str, Any] = {"kind": text.kind, "text": text.words}
    if text.scene >= 0:
        about["scene"] = text.scene + 1
    if text.kind == "script":
        about["seconds"] = round(_seconds(text.words), 1)
    return about


def _seconds(script: str) -> float:
    try:
        return guessed_seconds(VARIABLE.sub("xxxx", script))
    except MienError:
        return 0.0


def _faults(answer: Any, group: Sequence[Text], to: str) -> list[tuple[str, bool]]:
    """What is wrong with translations, each with whether one can live with it."""
    wrong: list[tuple[str, bool]] = []
    for text in group:
        given = answer.get(text.key)
        if not isinstance(given, str) or not given.strip():
            wrong.append((f"Text {text.key}: there is no translation of it.", text.kind == "word"))
        elif text.kind == "script":
            wrong += [(f"Text {text.key}: {fault}", mild) for fault, mild in _script_faults(text.words, given, to)]
        elif text.kind == "title" and variables_in(text.words) != variables_in(given):
            wrong.append((f"Text {text.key}: {' '.join(VARIABLE.findall(text.words))} must stay as it is.", False))
        elif text.kind == "word" and not _said(text, given, group, answer):
            wrong.append((f"Text {text.key}: '{given[:40]}' {_NOT_THERE}", True))
    return wrong


def _script_faults(original: str, given: str, to: str) -> Iterator[tuple[str, bool]]:
    if variables_in(original) != variables_in(given):
        yield f"{' '.join(VARIABLE.findall(original)) or 'No variable'} must stay as it is.", False
        return
    try:
        plain = parse_script(VARIABLE.sub("x", given)).plain.text
    except MienError as error:
        yield str(error), False
        return
    if _marks(original) != _marks(given):
        yield f"its marks must be those of the original: {' '.join(_marks(original)) or 'none'}.", False
    if mismatch(plain, to):
        yield f"it is not written in {to}.", False
    seconds, allowed = _seconds(given), _seconds(original)
    if seconds > LONGER * allowed + 0.3:
        yield f"it takes about {seconds:.1f} s to say instead of {allowed:.1f} s.", True


def _marks(script: str) -> dict[str, int]:
    """Marks and how often they stand there."""
    return dict(Counter(re.findall(r"(?<!\[)\[[^\[\]]+\]", script.replace("[[", "").replace("]]", ""))))


def _scripts(group: Sequence[Text], scene: int, found: dict[str, Any]) -> list[Line]:
    return [
        Line(script=str(found.get(text.key, "")))
        for text in group
        if text.kind == "script" and text.scene == scene
    ]  # fmt: skip


def _said(text: Text, word: str, group: Sequence[Text], found: dict[str, Any]) -> bool:
    """Whether a word is said in its translated scene, as often as its moment needs."""
    try:
        lines = [script_of_line(line) for line in _scripts(group, text.scene, found)]
    except MienError:
        return True  # the script's own fault is told
    return len(occurrences(lines, word)) >= text.number


def _edits(scene: Scene, found: dict[str, str], notes: list[str]) -> dict[tuple[int, int], str]:
    """What stands where → what is written there instead."""
    edits = {}
    for text in scene.texts:
        given = found.get(text.key, "")
        if text.kind == "word" and not (given and _said(text, given, scene.texts, found)):
            line = f"Line {text.node.mark.line}: "
            notes[:] = [note for note in notes if not (note.startswith(line) and note.endswith(_NOT_THERE))]
            given = _nearest(text, scene, found)
            notes.append(f"{line}nothing means '{text.words}' there, so it comes at '{given}'; check it.")
            if text.counted is not None:
                edits[text.counted.span] = "1"
        edits[text.node.span] = given
    return edits


def _nearest(text: Text, scene: Scene, found: dict[str, str]) -> str:
    """A word of the translation at about the place that the original's has in its script."""
    scripts = [one for one in scene.texts if one.kind == "script"]
    before = [script_of_line(Line(script=one.words)) for one in scripts]
    spots = occurrences(before, text.words)
    spot = spots[min(text.number, len(spots)) - 1] if spots else None
    index = spot.line if spot is not None else 0
    original = before[index]
    total = len(original.source) if original is not None else 1
    share = spot.start / max(1, total) if spot is not None else 0.0
    says = [part for part in parse_script(found[scripts[index].key]).segments if isinstance(part, Say)]
    plain = "".join(part.text.text for part in says)
    words = [(match.start(), match[0]) for match in re.finditer(r"[\u3400-\u9fff\u3040-\u30ff]{1,2}|[^\W_]+", plain)]
    once = [(at, word) for at, word in words if len(occurrences([script_of_line(Line(script=plain))], word)) == 1]
    return min(once or words, key=lambda found_at: abs(found_at[0] - share * len(plain)))[1]
