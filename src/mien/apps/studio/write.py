"""From a topic to a project: a language model writes titles and scripts, a template gives the rest."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from mien.apps.studio.check import guessed_seconds
from mien.apps.studio.load import read
from mien.apps.studio.model import Writer
from mien.apps.studio.new import LANGUAGES, Created, begin, check_name, check_portraits, system_language, template_text
from mien.apps.studio.person import LANGUAGE
from mien.apps.studio.source import ProjectError, parse
from mien.dialogue.languages import mismatch, primary_subtag
from mien.dialogue.script import parse as parse_script
from mien.errors import BackendError, MienError, UsageError
from mien.types import EMOTION_NAMES

LONGEST: Final = 5.0
"""Minutes."""
TEMPLATES: Final = ("short", "talk")
_LONGEST_TOPIC: Final = 2_000
_TOLERANCE: Final = (0.7, 1.35)
_NAMES: Final = {"zh": "Chinese (简体中文)", "en": "English"}
_MOST_SCENES: Final = 40
_GROUND: Final = '["#0f3d3e", "#2f6f62", "#e2dcc8"]'
"""Behind everybody, whatever the topic is: the templates' pictures are of theirs."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What was written. seconds: about how long the film is. notes: what is not as it was asked for."""

    created: Created
    seconds: float
    scenes: int
    notes: tuple[str, ...]


def write(
    folder: Path,
    topic: str,
    *,
    minutes: float = 1.0,
    language: str = "auto",
    template: str = "short",
    portraits: Sequence[Path] = (),
    tell: Callable[[str], None] = lambda _line: None,
) -> Draft:
    """Draft a project in a new folder. language: BCP 47 code of its words, auto = the system's.

    tell: told in a line what leaves this machine.

    Raises UsageError, OutputError, MissingError (no model is set), BackendError, NetworkError.
    """
    language = system_language() if language == "auto" else language
    _check(topic, minutes, template, language)
    check_name(folder)
    check_portraits(portraits)
    head = _head(template, language)
    with Writer(tell) as model:
        wanted = _wanted(topic, minutes, language)
        answer, wrong = model.ask(wanted, lambda given: _faults(given, head, minutes, language))
    fatal = [fault for fault in wrong if not fault.startswith("Together")]
    if answer is None or fatal:
        raise BackendError(
            f"What the language model wrote is no project: {fatal[0] if fatal else 'it is no JSON.'}",
            hint="Ask again, or use a larger model: export MIEN_THINK_MODEL=…",
            code="backend.garbage",
        )
    text = _project(head, answer, language)
    scripts = [scene["script"] for scene in answer["scenes"]]
    created = begin(folder, text, portraits)
    return Draft(created, sum(map(guessed_seconds, scripts)), len(scripts), tuple(wrong))


def _check(topic: str, minutes: float, template: str, language: str) -> None:
    if not re.fullmatch(LANGUAGE.pattern, language):
        raise UsageError(f"'{language}' is no language.", hint="Write --language zh, en, de or another code.")
    if not topic.strip() or len(topic) > _LONGEST_TOPIC:
        raise UsageError(f"A topic has 1 to {_LONGEST_TOPIC:,} characters.", hint='Give it: --topic "How to make tea"')
    if not 0.1 <= minutes <= LONGEST:
        raise UsageError(f"{minutes:g} minutes are outside 0.1 to {LONGEST:g}.", hint="Write longer films in parts.")
    if template not in TEMPLATES:
        raise UsageError(f"There is no template '{template}' to write to.", hint=f"Use {' or '.join(TEMPLATES)}.")


def _wanted(topic: str, minutes: float, language: str) -> str:
    """What the model is told."""
    code = primary_subtag(language)
    seconds = minutes * 60
    amount = f"{seconds * 4.2:.0f} Chinese characters" if code == "zh" else f"{seconds * 2.4:.0f} words"
    scenes = max(2, min(_MOST_SCENES, round(seconds / 9)))
    feelings = ", ".join(name for name in EMOTION_NAMES if name != "neutral")
    example = {"title": "…", "scenes": [{"id": "hook", "title": "…", "script": "…"}]}
    return (
        f"Write a film of {seconds:.0f} seconds in {_NAMES.get(code, f'the language {language}')} about this topic:\n"
        f"{topic.strip()}\n\n"
        f"It has about {scenes} scenes and {amount} of speech in all, plain spoken language, one thought a scene; the "
        "first scene makes curious, the last one ends it. Each scene has an id (short, Latin letters), a title of at "
        "most six words that is shown, and a script that is spoken. In a script a feeling may be marked around words, "
        f"like [happy]Good news![/happy]; there are {feelings}. [pause 400ms] is a pause. No other brackets, no emoji, "
        f"no stage directions. Numbers are written as they are spoken.\nThe JSON object: {json.dumps(example)}"
    )


def _faults(answer: Any, head: str, minutes: float, language: str) -> list[str]:
    """What is wrong with the model's answer, for the model."""
    scenes = answer.get("scenes")
    if not isinstance(scenes, list) or not 1 <= len(scenes) <= _MOST_SCENES:
        return [f"'scenes' must be a list of 1 to {_MOST_SCENES} objects."]
    wrong, seconds = [], 0.0
    for number, scene in enumerate(scenes, 1):
        script = scene.get("script") if isinstance(scene, dict) else None
        if not isinstance(script, str) or not script.strip():
            wrong.append(f"Scene {number} has no text in 'script'.")
            continue
        try:
            plain = parse_script(script).plain.text
            seconds += guessed_seconds(script)
        except MienError as error:
            wrong.append(f"Scene {number}: {error}")
            continue
        if language != "auto" and mismatch(plain, language):
            wrong.append(f"Scene {number} is not written in {language}.")
    if wrong:
        return wrong
    try:
        read(parse(_project(head, answer, language), "draft.yaml"), Path("draft.yaml"), exist=False)
    except ProjectError as error:
        return list(error.sentences)
    asked = minutes * 60
    if not _TOLERANCE[0] * asked <= seconds <= _TOLERANCE[1] * asked:
        return [f"Together the scripts take about {seconds:.0f} seconds to say instead of {asked:.0f}."]
    return []


def _head(template: str, language: str) -> str:
    """The template without its scenes, and without what belongs to its own topic."""
    code = primary_subtag(language)
    text = template_text(template, code if code in LANGUAGES else "en")
    head = text[: text.index("scenes:\n")]
    head = re.sub(r"(?m)^background: .*$", f"background: {{gradient: {_GROUND}}}", head)
    return re.sub(r"(?m)^(#.*\n)?(variables|logo): .*\n", "", head).replace("\n\n\n", "\n\n")


def _project(head: str, answer: dict[str, Any], language: str) -> str:
    """The project's text."""
    title = _flat(answer.get("title") or answer["scenes"][0].get("title") or "…")
    head = re.sub(r"(?m)^title: .*$", lambda _: f"title: {quoted(title)}", head)
    head = re.sub(r"(?m)^language: .*$", lambda _: f"language: {language}", head)
    used: set[str] = set()
    scenes = [_scene(scene, number, used) for number, scene in enumerate(answer["scenes"], 1)]
    return f"{head}scenes:\n" + "\n".join(scenes)


def _scene(scene: dict[str, Any], number: int, used: set[str]) -> str:
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", str(scene.get("id") or "")).strip("-").lower()[:40]
    name = name if name and name not in used else f"scene-{number}"
    used.add(name)
    lines = [f"  - id: {quoted(name) if name.isdigit() else name}", f"    script: {quoted(scene['script'].strip())}"]
    if title := _flat(scene.get("title") or ""):
        place = "place: {y: 12%}"
        lines += [
            "    layers:",
            f"      - {{title: {quoted(title)}, at: 0.2s, for: 3s, enter: fade, exit: fade, {place}}}",
        ]
    return "\n".join(lines) + "\n"


def _flat(text: object) -> str:
    return " ".join(str(text).split())[:120]


def quoted(text: str, *, variables: bool = False) -> str:
    """A text as YAML and TOML have it in double quotes. variables: ``${name}`` in it is a variable's value."""
    lines = text.replace("\u2028", "\n").replace("\u2029", "\n").replace("\x85", "\n")
    kept = "".join(c for c in lines if c in "\n\t" or c.isprintable() or c in "\u200d\u3000\u00a0")
    return json.dumps(kept if variables else kept.replace("${", "$${"), ensure_ascii=False)


__all__ = ["Draft", "quoted", "write"]
