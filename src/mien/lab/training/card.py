"""The card of a model: from what it was made, how, and how good it is; nothing on it that was not measured."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mien

if TYPE_CHECKING:
    from mien.lab.training.kit import Material, Plan


def write_card(
    out: Path, plan: Plan, material: Material, scores: dict[str, Any], progress: dict[str, Any], licence: str
) -> dict[str, Any]:
    """Write ``card.json`` and ``card.md``; returns the card."""
    card: dict[str, Any] = {
        "name": "audio2face",
        "licence": licence,
        "made_with": f"mien {mien.__version__}",
        "recipe": asdict(plan.recipe),
        "data": _data(plan, material),
        "training": {"steps": progress["step"], "minutes": round(progress["minutes"], 1), "curve": progress["curve"]},
        "held_out": {name: len(clips) for name, clips in material.held_out.items()},
        "scores": scores,
        "files": {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(out.glob("*.onnx"))},
    }
    (out / "card.json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    (out / "card.md").write_text(_page(card), encoding="utf-8")
    return card


def _data(plan: Plan, material: Material) -> list[dict[str, Any]]:
    total = sum(s.rows * s.weight for s in material.shards)
    licences = Counter((s.folder, s.licence) for s in material.used)
    shards = [
        {"name": s.name, "minutes": round(s.rows / 3000, 1), "share": round(s.rows * s.weight / total, 3)}
        for s in material.shards
    ]
    files = [{"folder": f, "licence": text, "files": count} for (f, text), count in sorted(licences.items())]
    return [{"made_up_speech": "espeak-ng", "hours": plan.hours}, *files, *shards]


def _page(card: dict[str, Any]) -> str:
    lines = [
        f"# {card['name']}", "",
        f"Streaming network from sound to lips. Licence: {card['licence']}. Made with {card['made_with']}.", "",
        "## Data", "",
        *(f"- {', '.join(f'{k}: {v}' for k, v in entry.items())}" for entry in card["data"]), "",
        "## Training", "",
        "{steps} steps in {minutes} minutes".format(**card["training"]) + f", seed {card['recipe']['seed']}.", "",
        "| step | minutes | loss |", "|---|---|---|",
        *(f"| {s} | {m} | {loss} |" for s, m, loss in card["training"]["curve"][::10]), "",
        "## Correlation with real lips, clips held out, one lag for all", "",
        "| file | clips | aperture | lag ms | width | lag ms |", "|---|---|---|---|---|---|",
        *(
            f"| {file} | {name} | {s['aperture']:.3f} | {s['aperture_lag']} | {s['width']:.3f} | {s['width_lag']} |"
            for file, parts in card["scores"].items()
            for name, s in parts.items()
        ),
    ]  # fmt: skip
    return "\n".join(lines) + "\n"
