"""The training loop: batches, loss, a moving average of the weights, checkpoints that it goes on from."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy

from mien.face.listen.heads import APERTURE, CLOSED, HEADS, MOUTH, SPEAKING, TEETH, WIDTH
from mien.face.listen.network import LOOK_AHEADS
from mien.lab.training.augment import Augment, Harshness
from mien.lab.training.network import LIKELIHOODS, Listener, delayed
from mien.lab.training.synthesis import SAMPLES, Shard


@dataclass(frozen=True)
class Recipe:
    """Everything that decides what comes out, but for the data.

    minutes: of work at most. steps: at most, 0 = as many as the minutes allow; more than the default fits the labels of
    the real voices better and real lips worse. rows: 20 ms each, of a sample.
    """

    seed: int = 0
    minutes: float = 90.0
    steps: int = 6000
    width: int = 160
    batch: int = 16
    rows: int = 200
    learning_rate: float = 2e-3
    weight_decay: float = 1e-2
    dropout: float = 0.25
    smoothness: float = 4.0
    average: float = 0.998
    harshness: Harshness = field(default_factory=Harshness)


@dataclass
class Progress:
    """Where a run stands. curve: (step, minutes, loss) now and then. judged: (step, what the judge said)."""

    step: int = 0
    minutes: float = 0.0
    curve: list[tuple[int, float, float]] = field(default_factory=list)
    judged: list[tuple[int, float]] = field(default_factory=list)


_WEIGHTS: Final = torch.full((HEADS,), 0.25)
_WEIGHTS[MOUTH] = 1.0
for _head, _weight in ((APERTURE, 5.0), (WIDTH, 2.5), (CLOSED, 1.0), (TEETH, 0.3), (SPEAKING, 0.2)):
    _WEIGHTS[_head] = _weight
_CONTACTS: Final = torch.tensor([2.0, 2.0, 0.0])
"""What a contact (closed, teeth) is worth beyond: they are rare, short, and what a viewer misses first."""
_WARM_UP: Final = 100
_NOTED, _JUDGED = 200, 400
_SETTLE: Final = 20
"""Rows at the start of a sample that teach nothing: the memory begins empty there."""


def train(
    shards: Sequence[Shard],
    recipe: Recipe,
    folder: Path,
    tell: Callable[[str], None],
    *,
    start: Listener | None = None,
    judge: Callable[[Listener], float] | None = None,
) -> Listener:
    """Train until the minutes or steps are over, or go on where a run in this folder stopped.

    start: weights to begin with, for fine-tuning. judge: the larger, the better a network; asked now and then. Returns
    the network with the moving average of the weights, of the moment that was judged best, else of the end.
    """
    run = _Run(shards, recipe, folder, start)
    while not run.over():
        loss = run.step()
        if run.progress.step % _NOTED == 0:
            run.note(loss)
            tell(f"Step {run.progress.step}, {run.progress.minutes:.1f} min, loss {loss:.4f}.")
            run.save()
        if judge and run.progress.step % _JUDGED == 0:
            run.judge(judge)
    if judge:
        run.judge(judge)
    run.save()
    return run.averaged()


class _Run:
    def __init__(self, shards: Sequence[Shard], recipe: Recipe, folder: Path, start: Listener | None) -> None:
        torch.manual_seed(recipe.seed)
        self._shards, self._recipe, self._folder = shards, recipe, folder
        self._draw = np.random.default_rng(recipe.seed)
        weights = np.array([s.rows * s.weight for s in shards])
        self._odds = weights / weights.sum()
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.net = (start or Listener(recipe.width, recipe.dropout)).to(self._device)
        self._mean = {k: v.detach().cpu().clone() for k, v in self.net.state_dict().items()}
        self._optimiser = torch.optim.AdamW(
            self.net.parameters(), recipe.learning_rate, weight_decay=recipe.weight_decay
        )
        self._augment = Augment(recipe.harshness, torch.Generator().manual_seed(recipe.seed + 1))
        self.progress = Progress()
        self._loss = 0.0
        self._resume()

    def over(self) -> bool:
        """Whether the run has had its minutes or steps."""
        r, p = self._recipe, self.progress
        return p.minutes >= r.minutes or (r.steps > 0 and p.step >= r.steps)

    def step(self) -> float:
        """One batch. Returns the running mean of the loss."""
        began = time.perf_counter()
        for group in self._optimiser.param_groups:
            group["lr"] = self._rate()
        with torch.no_grad():
            features, labels = self._augment(*self._batch())
        answers = self.net(features.to(self._device))
        loss = _loss(answers, labels.to(self._device), self._recipe.smoothness)
        self._optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        self._optimiser.step()
        self._remember()
        self._loss = loss.item() if not self._loss else 0.98 * self._loss + 0.02 * loss.item()
        self.progress.step += 1
        self.progress.minutes += (time.perf_counter() - began) / 60
        return self._loss

    def note(self, loss: float) -> None:
        """Add a point to the curve."""
        p = self.progress
        p.curve.append((p.step, round(p.minutes, 2), round(loss, 5)))

    def judge(self, judge: Callable[[Listener], float]) -> None:
        """Ask how good the averaged network is; the best one is kept in a file."""
        found = judge(self._listener(self._mean))
        if not self.progress.judged or found > max(value for _, value in self.progress.judged):
            _replace({"mean": self._mean}, self._folder / "best.pt")
        self.progress.judged.append((self.progress.step, round(found, 4)))

    def averaged(self) -> Listener:
        """The network with averaged weights: the best judged, else the present one."""
        best = self._folder / "best.pt"
        return self._listener(torch.load(best, weights_only=True)["mean"] if self.progress.judged else self._mean)

    def _listener(self, weights: dict[str, Tensor]) -> Listener:
        out = Listener(self.net.width)
        out.load_state_dict(weights)
        return out.eval()

    def save(self) -> None:
        """A checkpoint that a later run goes on from; replaced in one move."""
        whole = {"net": self.net.state_dict(), "mean": self._mean, "optimiser": self._optimiser.state_dict()}
        _replace(whole, self._folder / "checkpoint.pt")
        state = {"progress": asdict(self.progress), "recipe": asdict(self._recipe)}
        (self._folder / "progress.json").write_text(json.dumps(state, indent=1), encoding="utf-8")

    def _resume(self) -> None:
        saved, told = self._folder / "checkpoint.pt", self._folder / "progress.json"
        if not (saved.exists() and told.exists()):
            return
        whole = torch.load(saved, weights_only=True, map_location=self._device)
        self.net.load_state_dict(whole["net"])
        self._mean = {name: value.cpu() for name, value in whole["mean"].items()}
        self._optimiser.load_state_dict(whole["optimiser"])
        self.progress = Progress(**json.loads(told.read_text(encoding="utf-8"))["progress"])
        self._draw = np.random.default_rng([self._recipe.seed, self.progress.step])

    def _rate(self) -> float:
        r, p = self._recipe, self.progress
        done = max(p.minutes / r.minutes, p.step / r.steps if r.steps else 0.0)
        return r.learning_rate * min(1.0, (p.step + 1) / _WARM_UP) * (0.5 + 0.5 * math.cos(math.pi * min(1.0, done)))

    def _batch(self) -> tuple[Tensor, Tensor]:
        rows, count = self._recipe.rows, self._recipe.batch
        sound = np.zeros((count, rows * SAMPLES), np.float32)
        labels = np.zeros((count, rows, HEADS), np.float32)
        for i in range(count):
            shard = self._shards[int(self._draw.choice(len(self._shards), p=self._odds))]
            at = int(self._draw.integers(0, shard.rows - rows))
            sound[i] = shard.sound[at * SAMPLES : (at + rows) * SAMPLES] / np.float32(32768)
            labels[i] = shard.labels[at : at + rows]
        return torch.from_numpy(sound), torch.from_numpy(labels)

    def _remember(self) -> None:
        keep = min(self._recipe.average, (self.progress.step + 1) / (self.progress.step + 10))
        with torch.no_grad():
            for name, value in self.net.state_dict().items():
                self._mean[name].lerp_(value.cpu(), 1 - keep)


def _replace(content: dict[str, Any], file: Path) -> None:
    """Save in one move, so that a run that is stopped leaves a whole file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    torch.save(content, file.with_suffix(".new"))
    file.with_suffix(".new").replace(file)


def _loss(answers: Tensor, labels: Tensor, smoothness: float) -> Tensor:
    """Squared error of what is measured, cross-entropy of what is likely, squared error of the change from row to row.

    What no label tells (nan) costs nothing.
    """
    total = torch.zeros((), device=answers.device)
    weights, contacts = _WEIGHTS.to(answers.device), _CONTACTS.to(answers.device)
    for i, look_ahead in enumerate(LOOK_AHEADS):
        wanted, said = delayed(labels, look_ahead)[:, _SETTLE:], answers[:, _SETTLE:, i]
        error = (said - wanted).nan_to_num(0.0)
        worth = weights * error**2
        truth = wanted[..., LIKELIHOODS]
        surprise = binary_cross_entropy(said[..., LIKELIHOODS], truth.nan_to_num(0.0).clamp(0, 1), reduction="none")
        worth[..., LIKELIHOODS] = (
            weights[LIKELIHOODS] * (1 + contacts * truth.nan_to_num(0.0)) * surprise * ~truth.isnan()
        )
        total = total + worth.mean() + smoothness * (error.diff(dim=1) ** 2 * weights).mean()
    return total
