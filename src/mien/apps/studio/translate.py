"""A project in another language: the words are exchanged where they stand, everything else stays as it is written."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from mien.apps.studio.check import check, guessed_seconds
from mien.apps.studio.load import load, read
from mien.apps.studio.model import Writer
from mien.apps.studio.person import LANGUAGE
from mien.apps.studio.project import Line
from mien.apps.studio.source import Node, ProjectError, parse, read_text
from mien.apps.studio.words import occurrences, script_of_line
from mien.apps.studio.write import quoted
from mien.dialogue.languages import mismatch, primary_subtag
from mien.dialogue.script import Say
from mien.dialogue.script import parse as parse_script
from mien.errors import BackendError, MienError, OutputError, UsageError

LONGER: Final = 1.15
"""How much longer than the original a translated script may take."""
_AT_ONCE: Final = 3_000
_VARIABLE: Final = re.compile(r"\$\$?\{[^{}\n]*\}")
_NOT_THERE: Final = "does not stand in your translation of its scene."
_NAMES: Final = {"zh": "Chinese (简体中文)", "en": "English"}


@dataclass(frozen=True, slots=True)
class Translated:
    """A translated project. texts: how many were exchanged. notes: what could not be kept."""

    path: Path
    texts: int
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Text:
    """A text of the project. key: its number. node: where it stands. kind: "script", "title" or "word".

    scene: its scene's number, -1 = none. counted: where a word's number stands, if it does.
    """

    key: str
    node: Node
    kind: str
    scene: int = -1
    counted: Node | None = None

    @property
    def number(self) -> int:
        """Of a word: which of those that are alike."""
        return int(self.counted.text or 1) if self.counted is not None else 1

    @property
    def words(self) -> str:
        """What is written."""
        return (self.node.text or "").strip()


@dataclass
class _Scene:
    """A scene's texts: scripts, titles, and words that its moments wait for."""

    texts: list[Text] = field(default_factory=list)

    @property
    def size(self) -> int:
        return sum(len(text.words) for text in self.texts)


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
    scenes, notes = _texts(root)
    found: dict[str, str] = {}
    with Writer(tell) as model:
        for group in _groups(scenes):
            found |= _asked(model, group, to, notes)
    edits = {node.span: to for node in _languages(root)}
    for scene in scenes:
        edits |= _edits(scene, found, notes)
    changed = _exchanged(source, file.suffix, edits)
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


def _texts(root: Node) -> tuple[list[_Scene], list[str]]:
    """The texts before the scenes, then those of each scene; and notes about recordings, which stay as they are."""
    counter = iter(range(1, 100_000))
    notes: list[str] = []
    made = [_Scene([Text(str(next(counter)), node, "title") for node in _of_the_project(root)])]
    scenes = root.get("scenes")
    for number, scene in enumerate(scenes.items or () if scenes is not None else ()):
        found = list(_of_a_scene(scene))
        made.append(_Scene([Text(str(next(counter)), node, kind, number, counted) for node, kind, counted in found]))
        if scene.get("audio") is not None:
            notes.append(f"Line {scene.mark.line}: this scene speaks with a recording, which stays as it is.")
    return made, notes


def _of_the_project(root: Node) -> Iterator[Node]:
    for key in ("title", "description"):
        if (node := root.get(key)) is not None and node.text is not None:
            yield node
    variables, used = root.get("variables"), _used(root.get("scenes"))
    for name, node in ((variables.fields or {}) if variables is not None else {}).items():
        if name in used and node.text:
            yield node


def _used(scenes: Node | None) -> set[str]:
    """Names of the variables that stand in words."""
    texts = (node.text or "" for scene in (scenes.items or () if scenes else ()) for node, _, _ in _of_a_scene(scene))
    return {found[2:-1] for text in texts for found in _VARIABLE.findall(text) if not found.startswith("$$")}


def _of_a_scene(scene: Node) -> Iterator[tuple[Node, str, Node | None]]:
    """Node, kind, and where a word's number stands."""
    for node in _spoken(scene):
        yield node, "script", None
    for layer in _items(scene, "layers"):
        third = layer.get("lower_third")
        shown = [layer.get("title"), *((third.get("name"), third.get("role")) if third is not None else ())]
        for node in shown:
            if node is not None and node.text is not None:
                yield node, "title", None
        for key in ("at", "until"):
            yield from _word(layer.get(key))
    for effect in _items(scene, "effects"):
        yield from _word(effect.get("at"))


def _spoken(scene: Node) -> Iterator[Node]:
    if (script := scene.get("script")) is not None:
        yield script
    for line in _items(scene, "dialogue"):
        for said in (line.fields or {}).values():
            node = said if said.text is not None else said.get("script")
            if node is not None:
                yield node


def _items(node: Node, key: str) -> tuple[Node, ...]:
    found = node.get(key)
    return (found.items or ()) if found is not None else ()


def _word(moment: Node | None) -> Iterator[tuple[Node, str, Node | None]]:
    word = moment.get("word") if moment is not None else None
    if moment is not None and word is not None:
        yield word, "word", moment.get("number")


def _groups(scenes: Sequence[_Scene]) -> Iterator[list[Text]]:
    """Texts that are asked for at once: whole scenes, as many as fit."""
    group: list[Text] = []
    size = 0
    for scene in scenes:
        if group and size + scene.size > _AT_ONCE:
            yield group
            group, size = [], 0
        group += scene.texts
        size += scene.size
    if group:
        yield group


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
        return guessed_seconds(_VARIABLE.sub("xxxx", script))
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
        elif text.kind == "title" and _variables(text.words) != _variables(given):
            wrong.append((f"Text {text.key}: {' '.join(_VARIABLE.findall(text.words))} must stay as it is.", False))
        elif text.kind == "word" and not _said(text, given, group, answer):
            wrong.append((f"Text {text.key}: '{given[:40]}' {_NOT_THERE}", True))
    return wrong


def _script_faults(original: str, given: str, to: str) -> Iterator[tuple[str, bool]]:
    if _variables(original) != _variables(given):
        yield f"{' '.join(_VARIABLE.findall(original)) or 'No variable'} must stay as it is.", False
        return
    try:
        plain = parse_script(_VARIABLE.sub("x", given)).plain.text
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


def _variables(text: str) -> Counter[str]:
    return Counter(_VARIABLE.findall(text))


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


def _edits(scene: _Scene, found: dict[str, str], notes: list[str]) -> dict[tuple[int, int], str]:
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


def _nearest(text: Text, scene: _Scene, found: dict[str, str]) -> str:
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


def _languages(node: Node) -> Iterator[Node]:
    """Every field that says the language."""
    for key, value in (node.fields or {}).items():
        if key == "language" and value.text is not None and value.text != "auto":
            yield value
        else:
            yield from _languages(value)
    for item in node.items or ():
        yield from _languages(item)


def _exchanged(source: str, ending: str, edits: dict[tuple[int, int], str]) -> str:
    """The source with other texts; blocks stay blocks."""
    text = source
    for start, stop in sorted(edits, reverse=True):
        old, new = text[start:stop], edits[start, stop]
        if ending.lower() != ".toml" and old[:1] in "|>":
            text = text[:start] + _block(text, start, old, new) + text[stop:]
        else:
            text = text[:start] + _as_before(old, new) + text[stop:]
    return text


def _as_before(old: str, new: str) -> str:
    """A word that stood without quotes stays so where it can."""
    if re.fullmatch(r"\d+", new) and re.fullmatch(r"\d+", old):
        return new
    plain = re.fullmatch(r"[^\W\d_][\w \-]*", new) and old[:1] not in "\"'" and new.lower() not in _RESERVED
    return new if plain else quoted(new, variables=True)


_RESERVED: Final = frozenset({"true", "false", "null", "none", "yes", "no", "on", "off", "y", "n"})


def _block(text: str, start: int, old: str, new: str) -> str:
    """A literal block, indented as the old one was."""
    line = text[text.rfind("\n", 0, start) + 1 : start]
    inner = re.search(r"\n([ ]*)\S", old)
    indent = len(inner[1]) if inner else len(line) - len(line.lstrip()) + 2
    end = "\n" if old.endswith("\n") else ""
    lines = [f"{' ' * indent}{one.strip()}" if one.strip() else "" for one in new.split("\n")]
    return "|\n" + "\n".join(lines) + end
