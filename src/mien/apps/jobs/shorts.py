"""Jobs of the kind "studio": one row, one short; the row's columns are the variables of a project (``${name}``)."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from mien import config
from mien.apps.jobs import films
from mien.apps.jobs.work import Made, Observe, Tell, Work, check_target
from mien.errors import InputError, UsageError

_KINDS: Final = (".mp4", ".m4v", ".mov", ".webm")
_OPTIONS: Final = ("output", "preset", "encoder")


def plan(values: Mapping[str, Any], base: Path) -> Work:
    """See :class:`~mien.apps.jobs.work.Kind`. values: also "template", the project file.

    Everything that ``mien studio check`` finds is refused. Files lie in the project's folder.
    """
    from mien.apps.studio.check import check
    from mien.apps.studio.load import load
    from mien.apps.studio.source import ProjectError
    from mien.apps.studio.workshops import kept_avatars
    from mien.portrait.store import library

    template = Path(values["template"]).absolute()
    variables = {name: _text(value) for name, value in values.items() if name not in ("template", *_OPTIONS)}
    output = base / Path(str(values["output"])).expanduser()
    if output.suffix.lower() not in _KINDS:
        raise UsageError(f"'{output.name}' is no film.", hint=f"End it with {', '.join(_KINDS)}.")
    loaded = load(template, variables)
    if problems := check(loaded).problems:
        raise ProjectError(str(template), list(problems))
    _check_variables(loaded.project.root, variables)
    captions = () if loaded.project.captions is None else loaded.project.captions.files
    targets: dict[str, Path] = {"film": output, **{kind: output.with_suffix(f".{kind}") for kind in captions}}
    files = (template, *dict.fromkeys(asset.path for asset in loaded.assets))
    for target in targets.values():
        check_target(target, files)
    arguments = {
        "project": {"file": str(template)},
        "assets": {path.relative_to(template.parent).as_posix(): {"file": str(path)} for path in files[1:]},
        "avatars": {name: {"file": str(library.folder() / name)} for name in kept_avatars(loaded.project)},
        "settings": films.written(config.load()),  # voices and faces are as the user has set them
        "values": dict(sorted(variables.items())), "preset": str(values.get("preset", "balanced")),
        "encoder": str(values.get("encoder", "software")), "kind": output.suffix.lower(),
    }  # fmt: skip
    return Work("studio", arguments, targets)


def perform(arguments: Mapping[str, Any], folder: Path, tell: Tell, observe: Observe) -> Made:
    """See :class:`~mien.apps.jobs.work.Kind`. What a killed render had finished is not drawn again."""
    from mien.apps.studio.render import Job, render

    apart = folder / "laid-out"
    project = _laid_out(Path(arguments["project"]["file"]), arguments["assets"], apart / "project")
    job = Job(project, tuple(arguments["values"].items()), False, arguments["preset"], arguments["encoder"])
    settings = films.read_settings(arguments["settings"], folder)
    with config.using(settings), _avatars(arguments["avatars"], apart / "data"):
        done = render(job, folder / f"film{arguments['kind']}", workers=1, observe=observe, tell=tell)
    shutil.rmtree(apart, ignore_errors=True)
    files = {"film": done.path, **{path.suffix[1:]: path for path in done.captions}}
    told = {
        "duration": round(done.duration, 3), "frames": done.frames, "fps": str(done.fps), "width": done.width,
        "height": done.height, "wall": round(done.seconds, 3), "drawn": done.drawn,
    }  # fmt: skip
    return Made(files, told)


def _laid_out(project: Path, assets: Mapping[str, Any], root: Path) -> Path:
    """The project with its files beside it: as it lies here, or put together where the files came one by one."""
    if all((project.parent / name) == Path(asset["file"]) for name, asset in assets.items()):
        return project
    for name, file in {project.name: str(project), **{name: asset["file"] for name, asset in assets.items()}}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, root / name)
    return root / project.name


@contextmanager
def _avatars(named: Mapping[str, Any], data: Path) -> Iterator[None]:
    """Kept avatars are found under their names: here, or on a machine to which they came as files."""
    from mien.portrait.store import library

    if all(Path(avatar["file"]) == library.folder() / name for name, avatar in named.items()):
        yield
        return
    for name, avatar in named.items():
        shutil.copytree(avatar["file"], data / "avatars" / name)
    before = os.environ.get("MIEN_DATA_DIR")
    os.environ["MIEN_DATA_DIR"] = str(data)
    try:
        yield
    finally:
        del os.environ["MIEN_DATA_DIR"]
        if before is not None:
            os.environ["MIEN_DATA_DIR"] = before


def _check_variables(root: Any, variables: Mapping[str, str]) -> None:
    """A column that no ``${name}`` uses is a slip of the pen."""
    used = _used(root)
    for name in variables:
        if name not in used:
            known = ", ".join(sorted(used)) or "none"
            raise InputError(f"The template has no ${{{name}}}.", hint=f"It has: {known}. Other columns: {_others()}.")


def _used(node: Any) -> set[str]:
    found = set(re.findall(r"(?<!\$)\$\{([^{}\n]{0,80})\}", node.text or ""))
    for inner in (*(node.fields or {}).values(), *(node.items or ())):
        found |= _used(inner)
    return found


def _others() -> str:
    return ", ".join(("id", "priority", "review", *_OPTIONS))


def _text(value: Any) -> str:
    """As a project file would have it."""
    return str(value).lower() if isinstance(value, bool) else str(value)
