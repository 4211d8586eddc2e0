"""The words of a project, where they stand: what is spoken, what is shown, and what moments wait for."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from mien.apps.studio.source import Node

VARIABLE: Final = re.compile(r"\$\$?\{[^{}\n]*\}")
_AT_ONCE: Final = 3_000


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
class Scene:
    """A scene's texts: scripts, titles, and words that its moments wait for."""

    texts: list[Text] = field(default_factory=list)

    @property
    def size(self) -> int:
        return sum(len(text.words) for text in self.texts)


def texts_of(root: Node) -> tuple[list[Scene], list[str]]:
    """The texts before the scenes, then those of each scene; and notes about recordings, which stay as they are."""
    counter = iter(range(1, 100_000))
    notes: list[str] = []
    made = [Scene([Text(str(next(counter)), node, "title") for node in _of_the_project(root)])]
    scenes = root.get("scenes")
    for number, scene in enumerate(scenes.items or () if scenes is not None else ()):
        found = list(_of_a_scene(scene))
        made.append(Scene([Text(str(next(counter)), node, kind, number, counted) for node, kind, counted in found]))
        if scene.get("audio") is not None:
            notes.append(f"Line {scene.mark.line}: this scene speaks with a recording, which stays as it is.")
    return made, notes


def groups_of(scenes: Sequence[Scene]) -> Iterator[list[Text]]:
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


def languages_of(node: Node) -> Iterator[Node]:
    """Every field that says the language."""
    for key, value in (node.fields or {}).items():
        if key == "language" and value.text is not None and value.text != "auto":
            yield value
        else:
            yield from languages_of(value)
    for item in node.items or ():
        yield from languages_of(item)


def variables_in(text: str) -> Counter[str]:
    """``${name}`` in a text, and how often."""
    return Counter(VARIABLE.findall(text))


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
    return {found[2:-1] for text in texts for found in VARIABLE.findall(text) if not found.startswith("$$")}


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
