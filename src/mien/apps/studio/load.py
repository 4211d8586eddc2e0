"""From a project file to a :class:`~mien.apps.studio.project.Project`: variables filled in, defaults handed down."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from mien.apps.studio.kinds import Asset, Reader, Told, nearest
from mien.apps.studio.person import PERSON, avatar_fields
from mien.apps.studio.project import MOST_PEOPLE, PROJECT, Project
from mien.apps.studio.source import Mark, Node, Problem, ProjectError, merge, parse, read_text
from mien.apps.studio.values import shown

_VARIABLE: Final = re.compile(r"\$\$(?=\{)|\$\{([^{}\n]{0,80})\}")
_INHERITED: Final = {"background": "", "transition": "", "captions": "style", "logo": "picture"}
"""What a scene has of the project where it has none of its own, and the field that a single value of it means; with
one, a scene's own changes single fields of it.
"""
_WHO: Final = (frozenset({"portrait", "name", "hidden"}),)
_MOST_FILLED: Final = 2_000_000
"""Characters that variables may bring into a project."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A project and what was found on the way. assets: the files that it names, each place once."""

    project: Project
    assets: tuple[Asset, ...]


def load_project(
    path: str | Path, values: Mapping[str, str] | None = None, *, outside: bool = False, exist: bool = True
) -> Project:
    """The project of a file. Raises InputError, ProjectError (all problems at once).

    values: of the ``${name}`` in it, over its own variables. outside: files may lie outside the project's folder.
    exist: whether the files that it names must be there.
    """
    return load(path, values, outside=outside, exist=exist).project


def load(
    path: str | Path, values: Mapping[str, str] | None = None, *, outside: bool = False, exist: bool = True
) -> Loaded:
    """As :func:`load_project`, with the files that it names."""
    file = Path(path)
    text = read_text(file)
    return read(parse(text, file.name), file, values, outside=outside, exist=exist)


def read(
    root: Node, file: Path, values: Mapping[str, str] | None = None, *, outside: bool = False, exist: bool = True
) -> Loaded:
    """A tree as a project. file: its name, for errors and for where its files are. Raises ProjectError."""
    reader = Reader(file.absolute().parent, outside=outside, exist=exist)
    project: Project | None = None
    if root.fields is None:
        reader.note(root.mark, "", "this is no project; write fields such as scenes, or make one with mien studio new.")
    else:
        with suppress(Told):
            filled = _filled(root, values or {}, reader)
            project = PROJECT.read(_handed_down(filled, reader), reader)
    if reader.problems or project is None:
        raise ProjectError(str(file), reader.problems)
    project = replace(project, file=file, root=root)
    named = tuple({(asset.mark, asset.path): asset for asset in reader.assets}.values())
    wrong = list(_of_the_whole(project))
    if wrong:
        raise ProjectError(str(file), wrong)
    return Loaded(_numbered(project), named)


def find(root: Node, path: str) -> Mark:
    """Where a field stands, or what is nearest around it."""
    node, mark = root, root.mark
    for name, number in re.findall(r"([^.\[\]]+)|\[(\d+)\]", path):
        if number:
            items = node.items or ()
            inner = items[int(number)] if int(number) < len(items) else None
            at = None
        else:
            inner, at = (node.fields or {}).get(name), node.keys.get(name)
        if inner is None:
            break
        node, mark = inner, at or inner.mark
    return mark


def _filled(root: Node, values: Mapping[str, str], reader: Reader) -> Node:
    """``${name}`` replaced by its value; ``$${`` is ``${``."""
    own = root.get("variables")
    known = {key: node.text or "" for key, node in (own.fields or {}).items()} if own is not None else {}
    filling = _Filling({**known, **values}, reader)
    fields = {key: value if key == "variables" else filling.fill(value) for key, value in (root.fields or {}).items()}
    return replace(root, fields=fields)


class _Filling:
    """Puts values of variables into texts, as many characters as a project may have: a file of 1 MB could name a long
    value 200,000 times.
    """

    def __init__(self, known: Mapping[str, str], reader: Reader) -> None:
        self._known, self._reader, self._left = known, reader, _MOST_FILLED

    def fill(self, node: Node) -> Node:
        """Raises Told where that is too much."""
        if node.fields is not None:
            return replace(node, fields={key: self.fill(value) for key, value in node.fields.items()})
        if node.items is not None:
            return replace(node, items=tuple(self.fill(item) for item in node.items))
        if node.text is None or "${" not in node.text:
            return node
        made, at = [], 0
        for found in _VARIABLE.finditer(node.text):
            value = self._value(node, found)
            made += [node.text[at : found.start()], value]
            at, self._left = found.end(), self._left - len(value)
            if self._left < 0:
                message = f"its variables bring in over {_MOST_FILLED:,} characters; shorten their values."
                self._reader.note(node.mark, node.path, message)
                raise Told
        return replace(node, text="".join((*made, node.text[at:])))

    def _value(self, node: Node, found: re.Match[str]) -> str:
        name = found[1]
        if name is None:
            return "$"
        if name not in self._known:
            meant = nearest(name, self._known)
            right = (
                f"write ${{{meant}}}" if meant else "add it to variables, or write $${ for the characters themselves"
            )
            self._reader.note(node.mark, node.path, f"there is no variable {shown(name)}; {right}.")
        return self._known.get(name, "")


def _handed_down(root: Node, reader: Reader) -> Node:
    """The scenes complete: what the project sets for all, under what each says itself."""
    assert root.fields is not None
    scenes = root.get("scenes")
    people = _people(root)
    fields = dict(root.fields)
    default = _default_person(root)
    if default is not None and any(default.get(key) for key in ("portrait", "name", "hidden")):
        fields["avatar"] = default
    else:  # nobody yet, only how everybody looks; read with those who have it
        fields.pop("avatar", None)
    if people:
        cast = root.fields["cast"]
        fields["cast"] = replace(cast, fields=people)
    if scenes is not None and scenes.items is not None:
        fields["scenes"] = replace(scenes, items=tuple(_scene(one, root, people, reader) for one in scenes.items))
    return replace(root, fields=fields)


def _default_person(root: Node) -> Node | None:
    """The project's avatar with its voice and language; None where the project has none."""
    own = _expanded(root.get("avatar"), _cast_nodes(root))
    return None if own is None else merge(_manner(root), own)


def _manner(node: Node) -> Node:
    """Voice and language of a project or a scene, as fields of a person."""
    kept = {key: value for key in ("voice", "language") if (value := node.get(key)) is not None}
    return Node(node.mark, node.path, fields=kept)


def _cast_nodes(root: Node) -> Mapping[str, Node]:
    cast = root.get("cast")
    return (cast.fields or {}) if cast is not None else {}


def _people(root: Node) -> dict[str, Node]:
    """The cast, each with what the project's avatar and voice hand down."""
    base = _default_person(root) or _manner(root)
    made = {}
    for name, node in _cast_nodes(root).items():
        own = _expanded(node, {})
        made[name] = (merge(base, own, instead=_WHO) or node) if own is not None else node
    return made


def _expanded(node: Node | None, cast: Mapping[str, Node]) -> Node | None:
    """An avatar as fields; a name of the cast is that person."""
    if node is None or node.text is None:
        return node
    if node.text in cast:
        return _expanded(cast[node.text], {})
    return avatar_fields(node)


def _scene(scene: Node, root: Node, people: dict[str, Node], reader: Reader) -> Node:
    if scene.fields is None:
        return scene
    fields = dict(scene.fields)
    for key, short in _INHERITED.items():
        default, own = root.get(key), scene.get(key)
        inherited = merge(_long(default, short), _long(own, short)) if short else own or default
        if inherited is not None:
            fields[key] = inherited
    base = _default_person(root) or _manner(root)
    language = scene.get("language") or root.get("language")
    if language is not None:
        fields["language"] = language
    asked = scene.get("avatar")
    own_cast = _expanded(asked, people)
    lifted = merge(merge(base, own_cast, instead=_WHO), _manner(scene)) or base
    dialogue, named = scene.get("dialogue"), asked is not None or root.get("avatar") is not None
    _refuse_unused(scene, dialogue, reader)
    if dialogue is not None:
        fields.pop("avatar", None)
        fields["cast"] = _in_dialogue(scene, dialogue, people, reader)
    elif named or scene.get("script") or scene.get("audio"):
        at = asked or scene
        fields["avatar"] = replace(lifted, mark=at.mark, path=at.path)
    return replace(scene, fields=fields)


def _refuse_unused(scene: Node, dialogue: Node | None, reader: Reader) -> None:
    """Nothing that is written is passed over in silence."""
    wrong = {"cast": "a scene's cast goes with a dialogue; write dialogue, or avatar for one person."}
    if dialogue is not None:
        message = "a dialogue has its own people; change them under cast."
        wrong = {"avatar": message, "voice": message}
    captions = scene.get("captions")
    if captions is not None and (files := captions.get("files")) is not None:
        message = "files are of the whole film; write them under captions of the project."
        reader.note(captions.keys.get("files", files.mark), files.path, message)
    for key, message in wrong.items():
        if (node := scene.get(key)) is not None:
            reader.note(scene.keys.get(key, node.mark), node.path, message)


def _long(node: Node | None, key: str) -> Node | None:
    """A single value as the field that it means."""
    if node is None or node.text is None or node.off:
        return node
    return Node(node.mark, node.path, fields={key: node}, keys={key: node.mark})


def _in_dialogue(scene: Node, dialogue: Node, people: dict[str, Node], reader: Reader) -> Node:
    """Who is there: who speaks, and who the scene's own cast adds or changes, in the order of the project's cast, so
    that nobody changes sides between scenes.
    """
    own = scene.get("cast")
    changes = (own.fields or {}) if own is not None else {}
    speakers: dict[str, Node] = {}
    for line in dialogue.items or ():
        for name, node in (line.fields or {}).items():
            if name in people or name in changes:
                speakers.setdefault(name, node)
            else:
                known = ", ".join((*people, *changes)) or "nobody"
                right = f"write {nearest(name, people)}" if nearest(name, people) else f"the cast is {known}"
                reader.note(line.keys.get(name, line.mark), line.path, f"{shown(name)} is not in the cast; {right}.")
    made = {}
    there = {*speakers, *changes}
    for name in dict.fromkeys((*(one for one in people if one in there), *speakers, *changes)):
        change = _expanded(changes.get(name), people)
        base = people.get(name)
        made[name] = merge(merge(base, change, instead=_WHO), _manner_here(scene)) or speakers[name]
    at = own or dialogue
    return Node(at.mark, at.path, fields=made, keys=dict.fromkeys(made, at.mark))


def _manner_here(scene: Node) -> Node:
    """What a scene with a dialogue changes for all who speak in it: the language; voices are their own."""
    language = scene.get("language")
    return Node(scene.mark, scene.path, fields={} if language is None else {"language": language})


def _of_the_whole(project: Project) -> Iterator[Problem]:
    """What only the whole shows."""
    seen: dict[str, int] = {}
    for i, scene in enumerate(project.scenes):
        if scene.id and scene.id in seen:
            path = f"scenes[{i}].id"
            mark = find(project.root, path)
            first = find(project.root, f"scenes[{seen[scene.id]}].id").line
            message = f"{shown(scene.id)} is the name of the scene in line {first}, too; write another."
            yield Problem(mark.line, mark.column, path, message)
        seen.setdefault(scene.id, i)
        if len(scene.people) > MOST_PEOPLE:
            mark = find(project.root, f"scenes[{i}].dialogue")
            message = f"these are {len(scene.people)} people; write at most {MOST_PEOPLE} in a scene."
            yield Problem(mark.line, mark.column, f"scenes[{i}].dialogue", message)


def _numbered(project: Project) -> Project:
    """Scenes without a name get one: scene-1, scene-2 …"""
    taken = {scene.id for scene in project.scenes}
    scenes = []
    for number, scene in enumerate(project.scenes, 1):
        name = scene.id or f"scene-{number}"
        while not scene.id and name in taken:
            name += "-x"
        taken.add(name)
        scenes.append(replace(scene, id=name))
    return replace(project, scenes=tuple(scenes))


__all__ = ["PERSON", "Loaded", "find", "load", "load_project", "read"]
