"""From nothing to a model: data, training, choice, export, card. Every stage keeps what it made."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, Final

import torch

from mien.errors import InputError
from mien.face.listen.network import LOOK_AHEADS, weights
from mien.lab.training.card import write_card
from mien.lab.training.clips import Clip
from mien.lab.training.export import export, imported, same_answers
from mien.lab.training.loop import Recipe, train
from mien.lab.training.manifest import Source, sources
from mien.lab.training.network import Listener
from mien.lab.training.real import FILMS, SOUNDS, lips_shard, phones_shard, track_films, voices_shard
from mien.lab.training.score import Score, score
from mien.lab.training.synthesis import Shard, load_shard, make_shards

LICENCE: Final = "Apache-2.0"
_ONE_SPEAKER: Final = 40
"""A folder with at least so many films is one speaker's: one in eight is held out. Smaller folders are, whole."""
_HOLD_OUT: Final = 8
_CLOSE: Final = 2e-5

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """What to make and from what.

    out: folder of everything that is made. hours: of made-up speech. shards: files they are spread over. data: folder
    with a manifest of licences, none = made-up speech alone. voices, phones, lips: shares of the batches that real
    voices with recognised phones, with known phones, and films' own lips make. videos: films of one person, for a
    personal model. base: a checkpoint to begin with; without, a personal model begins with the network that ships.
    """

    out: Path
    recipe: Recipe = field(default_factory=Recipe)
    hours: float = 6.0
    shards: int = 6
    data: Path | None = None
    voices: float = 0.18
    phones: float = 0.14
    lips: float = 0.45
    videos: Path | None = None
    base: Path | None = None


@dataclass(frozen=True)
class Material:
    """What a run learns from and is judged on. used: sources with their licences, for the card."""

    shards: list[Shard]
    held_out: dict[str, list[Clip]]
    used: list[Source]


def run(plan: Plan, tell: Tell) -> dict[str, Any]:
    """Make a model. Returns its card; the files are ``audio2face-*ms.onnx``, ``card.json`` and ``card.md`` in out.

    Raises InputError for data that cannot be used, MissingError for what is not installed.
    """
    material = gather(plan, tell)
    start = load_network(plan.base) if plan.base else None
    if start is None and plan.videos and not plan.data:
        start = shipped_network()
        tell("It begins with the network that Mien ships.")
    judge = partial(_worth, held_out=material.held_out) if material.held_out else None
    net = train(material.shards, plan.recipe, plan.out / "run", tell, start=start, judge=judge)
    return finish(net, plan, material, tell)


def gather(plan: Plan, tell: Tell) -> Material:
    """Make or find all the data of a plan."""
    made = make_shards(plan.out / "data", plan.hours, plan.recipe.seed, shards=plan.shards, tell=tell)
    shards = [load_shard(stem) for stem in made]
    rows = sum(shard.rows for shard in shards)
    extra: list[tuple[Path | None, float]] = []
    held_out: dict[str, list[Clip]] = {}
    used = sources(plan.data) if plan.data else []
    if used:
        extra += _real(plan, used, held_out, tell)
    if plan.videos:
        extra += _personal(plan, plan.videos, held_out, tell)
    given = [(stem, share) for stem, share in extra if stem is not None and share > 0]
    rest = 1 - sum(share for _, share in given)
    if rest <= 0:
        raise InputError("The shares of real data leave nothing for the rest.", hint="Keep their sum below 1.")
    for stem, share in given:
        shard = load_shard(stem)
        shards.append(replace(shard, weight=share / rest * rows / shard.rows))
    return Material(shards, held_out, used)


def finish(net: Listener, plan: Plan, material: Material, tell: Tell) -> dict[str, Any]:
    """Export both answers, check and score them, write the card."""
    scores: dict[str, dict[str, Any]] = {}
    for look_ahead in LOOK_AHEADS:
        file = plan.out / weights(look_ahead)
        export(net, look_ahead, file, {"licence": LICENCE, "seed": str(plan.recipe.seed)})
        error = same_answers(net, look_ahead, file)
        if error > _CLOSE:
            raise InputError(
                f"{file.name} answers differently than what was trained, by {error:.1e}.", hint="Report this."
            )
        scores[weights(look_ahead)] = {
            name: asdict(found) for name, found in _scores(net, material.held_out, look_ahead).items()
        }
        for name, found in _scores(net, material.held_out, look_ahead).items():
            tell(f"{file.name} on {name}: {found}.")
    progress = json.loads((plan.out / "run" / "progress.json").read_text(encoding="utf-8"))
    return write_card(plan.out, plan, material, scores, progress["progress"], LICENCE)


def load_network(checkpoint: Path) -> Listener:
    """The averaged network of a checkpoint. Raises InputError for any other file."""
    try:
        mean = torch.load(checkpoint, weights_only=True, map_location="cpu")["mean"]
        net = Listener(mean["norm.weight"].shape[0])
        net.load_state_dict(mean)
    except (OSError, KeyError, RuntimeError, ValueError, TypeError) as error:
        raise InputError(f"{checkpoint} is no checkpoint of this kit.", hint="Give a run's checkpoint.pt.") from error
    return net


def shipped_network() -> Listener:
    """The network of the files in the package."""
    with as_file(files("mien.face.listen").joinpath("weights")) as folder:
        return imported({look_ahead: folder / weights(look_ahead) for look_ahead in LOOK_AHEADS})


def _worth(net: Listener, held_out: dict[str, list[Clip]]) -> float:
    """Mean correlation over the groups of clips that were held out."""
    found = [s.total / 2 for s in _scores(net, held_out, LOOK_AHEADS[-1]).values()]
    return sum(found) / len(found)


def _scores(net: Listener, held_out: dict[str, list[Clip]], look_ahead: int) -> dict[str, Score]:
    return {name: score(net, clips, look_ahead) for name, clips in held_out.items() if clips}


def _real(
    plan: Plan, used: Sequence[Source], held_out: dict[str, list[Clip]], tell: Tell
) -> list[tuple[Path | None, float]]:
    """Shards of the licensed data; what is held out is added to held_out."""
    sounds = [s.path for s in used if s.path.suffix in SOUNDS]
    films: dict[str, list[Path]] = {}
    for source in used:
        if source.path.suffix in FILMS:
            films.setdefault(source.folder, []).append(source.path)
    learned: list[Clip] = []
    for folder, paths in films.items():
        clips = track_films(sorted(paths), plan.out / "clips", tell)
        teach, check = split(clips)
        held_out[folder] = check
        learned += teach
    heard = voices_shard(sounds, plan.out / "data" / "voices", tell) if sounds else None
    return [(heard, plan.voices), (phones_shard(learned, plan.out / "data" / "phones"), plan.phones)]


def _personal(plan: Plan, videos: Path, held_out: dict[str, list[Clip]], tell: Tell) -> list[tuple[Path | None, float]]:
    films = sorted(p for p in videos.iterdir() if p.suffix.lower() in FILMS) if videos.is_dir() else []
    if not films:
        raise InputError(f"There are no films in '{videos}'.", hint="Give a folder of films of one person talking.")
    clips = track_films(films, plan.out / "clips", tell)
    if not clips:
        raise InputError(f"No film in '{videos}' shows a face that talks.", hint="Give films with a face and sound.")
    teach, check = split(clips, always=True)
    held_out[videos.name] = check
    return [(lips_shard(teach, plan.out / "data" / "lips"), plan.lips)]


def split(clips: Sequence[Clip], *, always: bool = False) -> tuple[list[Clip], list[Clip]]:
    """Clips to learn from and clips to check on. always: also of few clips some teach."""
    if len(clips) < _ONE_SPEAKER and not always:
        return [], list(clips)
    return [c for i, c in enumerate(clips) if i % _HOLD_OUT], list(clips[::_HOLD_OUT])
