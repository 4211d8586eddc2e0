"""What stands before a render: the consent of the people in it, and a check of its words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mien import config
from mien.apps.trust.moderate.base import Outcome, ScriptRefused
from mien.apps.trust.moderate.choose import OFF, judge, require_pass
from mien.errors import InputError

if TYPE_CHECKING:
    from mien.apps.jobs.states import Job
    from mien.apps.studio.person import Person
    from mien.apps.studio.project import Project

_WORDS: Final = ("title", "script", "transcript", "role", "name")
_MOST_BYTES: Final = 4_000_000


def require_project(project: Project, settings: config.Settings, tell: Callable[[str], None]) -> None:
    """Raise ConsentMissing, ScriptHeld or ScriptRefused for a project that may not be rendered right away."""
    require_people(project, settings)
    require_pass(words_of(project), settings.trust, tell)


def require_people(project: Project, settings: config.Settings) -> None:
    """Where ``[trust] strict`` is set, everybody agreed who is seen or whose voice is cloned. Raises ConsentMissing."""
    from mien.casting import Subject, require_consent

    people = (person for person in _people(project) if person.portrait is not None or person.name)
    faces = [Subject(path=person.portrait, name=person.name) for person in people]
    require_consent(faces, settings.voices.reference, settings.trust)


def words_of(project: Project) -> str:
    """All that is said and shown in a project, a line each."""
    return "\n".join(dict.fromkeys(_texts(project)))


def words_of_job(job: Job) -> str:
    """All that is said and shown in what a job makes. Raises InputError when its files cannot be read any more."""
    return words_of(_project(job)) if job.kind == "studio" else _said(job.arguments)


def screen(tell: Callable[[str], None] = lambda line: None) -> Callable[[Job], str]:
    """For :class:`mien.apps.jobs.run.Run`: why a person must look at a job before it is rendered, "" = they need not.

    The settings are those that the job was planned with. Raises ConsentMissing and ScriptRefused for jobs that are not
    done at all.
    """

    def look(job: Job) -> str:
        settings = _settings(job)
        if settings.trust.moderation == OFF and not settings.trust.strict:
            return ""
        if job.kind == "studio":  # of other films, consent was looked at when they were planned
            require_people(_project(job), settings)
        verdict = judge(words_of_job(job), settings.trust, tell)
        if verdict.outcome == Outcome.REFUSE:
            raise ScriptRefused(verdict.sentence(), hint="Change the words.")
        return verdict.sentence()

    return look


def _settings(job: Job) -> config.Settings:
    given = job.arguments.get("settings", {})
    trust = config.TrustConfig(**given["trust"]) if "trust" in given else config.load().trust
    reference = given.get("voices", {}).get("reference", "")
    path = reference["file"] if isinstance(reference, Mapping) else reference
    return config.Settings(trust=trust, voices=config.VoicesConfig(reference=str(path)))


def _project(job: Job) -> Project:
    from mien.apps.studio.load import load

    return load(Path(job.arguments["project"]["file"]), dict(job.arguments["values"])).project


def _said(arguments: Mapping[str, Any]) -> str:
    """The text, or a recording's transcript."""
    if "text" in arguments:
        return str(arguments["text"])
    transcript = arguments.get("transcript")
    return _read(Path(transcript["file"])) if isinstance(transcript, Mapping) else str(transcript or "")


def _read(transcript: Path) -> str:
    try:
        with transcript.open("rb") as stream:
            text = stream.read(_MOST_BYTES + 1)
    except OSError as error:
        raise InputError(f"The transcript cannot be read: {error.strerror or error}.") from None
    if len(text) > _MOST_BYTES:  # what nobody looked at has not passed
        raise InputError(f"The transcript '{transcript.name}' is over {_MOST_BYTES // 10**6} MB.", hint="Shorten it.")
    return text.decode("utf-8", "replace")


def _people(project: Project) -> Iterator[Person]:
    for scene in project.scenes:
        yield from (person for person in scene.people.values() if not person.hidden)


def _texts(value: Any) -> Iterator[str]:
    """Words, wherever they stand. Names of avatars and voices are not: nobody sees them."""
    from mien.apps.studio.picture import LowerThird

    if is_dataclass(value):
        for field in fields(value):
            if field.name == "name" and not isinstance(value, LowerThird):
                continue
            inner = getattr(value, field.name)
            if isinstance(inner, str):
                if field.name in _WORDS and inner.strip():
                    yield inner
            elif isinstance(inner, Path):
                if field.name == "transcript":
                    yield _read(inner)
            else:
                yield from _texts(inner)
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, tuple | list):
        for inner in value:
            yield from _texts(inner)
