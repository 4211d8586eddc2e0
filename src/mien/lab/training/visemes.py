"""Fits the table of visemes to real lips: how far each opens the mouth, how wide, and how it pulls at its neighbours.

Films of talking people whose words are known give lips (:mod:`mien.lab.evaluate.truth`) and phones. Apertures and
widths are solved for by least squares with two beliefs: what was written by hand is not far off, and what a film never
says changes as its articulatory neighbours do (:data:`NEIGHBOURS`), so that the phones of other languages are carried
along. How each posture pulls is then searched coordinate by coordinate, the millimetres solved for anew at each step.

One person's corners of the mouth say less about other people's than their opening does: of the width only
:data:`WIDTH_SHARE` is taken over.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien.face.lips import CORNERS_FOLLOW
from mien.face.visemes import CHANNELS, WIDENS, make_gesture
from mien.lab.evaluate.baseline_phones import as_phones
from mien.lab.evaluate.truth_cache import track_folder
from mien.lab.training.visemes_model import Dominance, Film, Films, correlation
from mien.timeline import TICKS_PER_SECOND
from mien.transmit.atomic import write_text

Array = NDArray[np.float64]

WIDTH_SHARE: Final = 0.5
"""How much of the fitted width is taken over; the rest stays as written by hand."""
HELD_OUT: Final = 0.2
"""Share of the films that the table is judged on and not fitted to."""
LAGS: Final = (-0.04, -0.02, 0.0, 0.02, 0.04, 0.06)
"""Seconds by which real lips may come after the driver's: films have their own sync."""
BELIEF: Final = 30.0
"""Rows that the hand-written figure of a viseme counts for, and each tie to a neighbour."""
LEAST, MOST = 0.35, 1.25
"""Bounds of a fitted aperture, relative to the hand-written one."""
FEWEST: Final = 15
"""Occurrences from which on a viseme's dominance is searched for."""
_CAUTION: Final = 0.01
_FARTHEST: Final = np.array([[0.7], [0.25], [0.25]])
"""Natural logarithm of the largest factor on alpha, ahead and carry: quicker lips than these would jump."""
_CONTACTS: Final = ("lips", "lip_teeth")
"""They keep their aperture and their pull: contacts are what they are whatever the neighbours do."""

NEIGHBOURS: Final = {
    "lip_fricative": ("lip_teeth", "glide_round"), "hush_spread": ("hush", "sibilant"), "hush": ("sibilant",),
    "trill": ("lateral", "tongue_tip"), "guttural": ("velar",), "breath": ("velar",),
    "glide_front_round": ("glide_round", "glide_spread"), "glide_spread": ("close_front",),
    "close_central": ("near_close_front", "sibilant"), "close_front_round": ("close_back_round", "close_front"),
    "close_back": ("near_close_front", "near_close_back_round"), "near_close_back_round": ("close_back_round",),
    "mid_front_round": ("mid_front", "mid_back_round"), "open_mid_front_round": ("open_mid_front", "mid_back_round"),
    "schwa": ("open_mid_back", "near_close_front"), "mid_central_r": ("approximant_r", "open_mid_back"),
    "mid_back_round": ("open_mid_back_round",), "open_mid_back_round": ("near_close_back_round",),
    "open_back_round": ("open_mid_back_round", "open"), "near_open_front": ("open_mid_front",),
}  # fmt: skip
"""Visemes that few recordings hold, and those that are made most like them."""


def fit(
    clips: Path,
    out: Path,
    *,
    cache: Path,
    others: Path | None = None,
    task: Path | None = None,
    data: str = "",
    licence: str = "",
    seed: int = 0,
    sweeps: int = 3,
    tell: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Fit the table to the films of a folder and write it, with its card, to ``out`` (JSON); returns the card.

    clips: films with known words (:func:`mien.lab.evaluate.truth_cache.track_folder`). cache: folder where what was
    tracked is kept. others: films of other people, to see whether the table is good for them too; those whose names
    are among the clips are left out. task: the landmark
    net's file. data, licence: what the films are, for the card. sweeps: rounds of the search for dominance.
    Raises InputError when fewer than ten films can be used.
    """
    films = _films(track_folder(clips, cache, task, tell))
    if len(films) < 10:
        raise InputError(
            f"Only {len(films)} films in '{clips}' show lips and tell their words.",
            hint="Put NAME.txt with the English words, or NAME.align, beside each NAME.mp4.",
        )
    known = {film.name for film in films}
    strangers = _films(track_folder(others, cache / "others", task, tell)) if others else []
    strangers = [film for film in strangers if film.name not in known]
    order = np.random.default_rng(seed).permutation(len(films))
    split = round(HELD_OUT * len(films))
    hand = _hand()
    learnt = Films([films[i] for i in order[split:]], hand.names)
    table, lag = _fitted(learnt, hand, sweeps, tell)
    scores = {"held_out": _scores(Films([films[i] for i in order[:split]], hand.names), hand, table, lag)}
    if strangers:
        scores["other_people"] = _scores(Films(strangers, hand.names), hand, table, lag)
    card = {
        "data": data, "licence": licence, "seed": seed, "films": len(learnt.counts), "held_out": split,
        "other_people": len(strangers), "width_share": WIDTH_SHARE, "lips_after_driver_ms": round(1000 * lag),
        "correlation": scores, "closures": _closures(films),
        "occurrences": dict(zip(hand.names, learnt.heard().tolist(), strict=True)),
    }  # fmt: skip
    write_text(out, json.dumps({"card": card, "visemes": table.rows()}, indent=1, ensure_ascii=False) + "\n")
    return card


@dataclass(frozen=True)
class _Table:
    """names of the visemes; aperture, width: mm, (v,); and their dominance."""

    names: tuple[str, ...]
    aperture: Array
    width: Array
    dominance: Dominance

    def rows(self) -> dict[str, dict[str, float]]:
        d = self.dominance
        columns = zip(self.names, self.aperture, self.width, d.alpha, d.ahead, d.carry, strict=True)
        keys = ("aperture", "width", "alpha", "ahead", "carry")
        return {name: {k: round(float(v), 2) for k, v in zip(keys, row, strict=True)} for name, *row in columns}


def _hand() -> _Table:
    """The table as written by hand."""
    text = files("mien.face").joinpath("visemes.toml").read_text(encoding="utf-8")
    rows: dict[str, dict[str, Any]] = tomllib.loads(text)["viseme"]
    wide = np.array([WIDENS.get(c, 0.0) for c in CHANNELS])
    width = np.array([make_gesture(name, row).target @ wide for name, row in rows.items()])
    aperture, *pull = (np.array([r[k] for r in rows.values()]) for k in ("aperture", "alpha", "ahead", "carry"))
    return _Table(tuple(rows), aperture, width, Dominance(*pull))


def _films(tracked: Sequence[Path]) -> list[Film]:
    """Films whose phones are known and whose face is seen nearly always."""
    out = []
    for file in tracked:
        told = file.with_suffix(".json")
        if not told.exists():
            continue
        with np.load(file, allow_pickle=False) as saved:
            times, aperture, width = (saved[k].astype(np.float64) for k in ("times", "aperture_mm", "width_mm"))
        phones = [(float(a), float(b), str(name)) for a, b, name in json.loads(told.read_text(encoding="utf-8"))]
        seen, said = ~np.isnan(aperture), [p for p in phones if p[2]]
        if seen.mean() < 0.98 or not said:
            continue
        at = np.arange(int(times[-1] / Films.STEP) + 1) * Films.STEP
        spoken = (at > said[0][0] - 0.1) & (at < said[-1][1] + 0.1)
        aperture, width = (np.interp(at, times[seen], track[seen]) for track in (aperture, width))
        rest = np.median(width[~spoken]) if (~spoken).any() else np.median(width)
        out.append(Film(file.stem, aperture, width - rest, spoken, as_phones(phones)))
    return out


def _fitted(films: Films, hand: _Table, sweeps: int, tell: Callable[[str], None]) -> tuple[_Table, float]:
    """The fitted table and by how much later the real lips are."""
    lag = min(LAGS, key=lambda seconds: _solved(films, hand, hand.dominance, seconds)[0])
    tell(f"Lips come {1000 * lag:+.0f} ms after the driver's.")
    free = np.array([name not in _CONTACTS for name in hand.names])
    searched = np.flatnonzero((films.heard() >= FEWEST) & free)
    turn = np.zeros((3, len(hand.names)))

    def judged(turned: Array) -> float:
        caution = _CAUTION * float(films.counts.sum() * (turned**2).sum())
        return _solved(films, hand, _turned(hand, turned), lag)[0] + caution

    best, step = judged(turn), np.full(turn.shape, 0.35)
    for sweep in range(sweeps):
        for place in ((kind, k) for kind in range(3) for k in searched):
            for side in (1, -1):
                tried = turn.copy()
                tried[place] += side * step[place]
                tried = np.clip(tried, -_FARTHEST, _FARTHEST)
                error = judged(tried)
                if error < best:
                    best, turn = error, tried
                    break
            else:
                step[place] /= 2
        tell(f"Dominance, round {sweep + 1} of {sweeps}: error {best / films.counts.sum():.3f}")
    turn = _carried_along(hand, turn, searched)
    _, aperture, width = _solved(films, hand, _turned(hand, turn), lag)
    width = WIDTH_SHARE * width + (1 - WIDTH_SHARE) * hand.width
    table = _Table(hand.names, aperture, width, _turned(hand, turn))
    return replace(table, aperture=aperture * _moderation(films, hand, table)), lag


def _moderation(films: Films, hand: _Table, table: _Table) -> float:
    """Factor that gives the speech the mean opening it had: how wide these people open at all is their own."""
    opened = [
        float(np.tensordot(t.aperture, films.openness(films.shares(t.dominance, 0.0))[0], 1)[films.counts].mean())
        for t in (hand, table)
    ]
    return opened[0] / opened[1]


def _solved(films: Films, hand: _Table, dominance: Dominance, lag: float) -> tuple[float, Array, Array]:
    """Error (both measures in units of their variance), apertures and widths of the best table."""
    error, found = 0.0, []
    for truth, written, widths in ((films.aperture, hand.aperture, False), (films.width, hand.width, True)):
        shares = films.shares(dominance, lag + (CORNERS_FOLLOW if widths else 0.0))
        matrix, constant = films.spread(shares) if widths else films.openness(shares)
        a, y = matrix[:, films.counts].T, (truth - constant)[films.counts]
        bounds = (-16.0 + 0 * written, 8.0 + 0 * written) if widths else _aperture_bounds(hand)
        found.append(_least_squares(a, y, written, hand.names, bounds, relative=not widths))
        error += float(np.sum((y - a @ found[-1]) ** 2) / truth[films.counts].var())
    return error, found[0], found[1]


def _aperture_bounds(hand: _Table) -> tuple[Array, Array]:
    fixed = np.array([name in _CONTACTS for name in hand.names])
    return (np.where(fixed, 1.0, x) * hand.aperture for x in (LEAST, MOST))  # type: ignore[return-value]


def _least_squares(
    a: Array, y: Array, written: Array, names: Sequence[str], bounds: tuple[Array, Array], *, relative: bool
) -> Array:
    """Bounded least squares with both beliefs."""
    from scipy.optimize import lsq_linear

    normal, right = a.T @ a + BELIEF * np.eye(len(written)), a.T @ y + BELIEF * written
    for one, neighbours in NEIGHBOURS.items():
        for other in neighbours:
            i, j = names.index(one), names.index(other)
            tie = np.zeros(len(written))
            tie[i], tie[j] = 1.0, -(written[i] / max(written[j], 1.0) if relative else 1.0)
            normal += BELIEF * np.outer(tie, tie)
            right += BELIEF * tie * float(tie @ written)
    root = np.linalg.cholesky(normal).T
    low, high = bounds
    return np.asarray(lsq_linear(root, np.linalg.solve(root.T, right), (low - 1e-6, high + 1e-6)).x)


def _turned(hand: _Table, turn: Array) -> Dominance:
    """turn: natural logarithm of the factors on alpha, ahead and carry, (3, v)."""
    d = hand.dominance
    return Dominance(*(x * np.exp(t) for x, t in zip((d.alpha, d.ahead, d.carry), turn, strict=True)))


def _carried_along(hand: _Table, turn: Array, searched: NDArray[np.intp]) -> Array:
    """Visemes that were not heard follow their neighbours half-way."""
    out = turn.copy()
    for one, neighbours in NEIGHBOURS.items():
        if (i := hand.names.index(one)) not in searched:
            out[:, i] = 0.5 * turn[:, [hand.names.index(other) for other in neighbours]].mean(1)
    return out


def _closures(films: Sequence[Film]) -> dict[str, Any]:
    """Where real lips meet around m, b and p, and how near they come: medians over short ones within speech."""
    offsets, gaps = [], []
    for film in films:
        rows, first = np.arange(len(film.aperture)) * Films.STEP, np.flatnonzero(film.spoken)[0] * Films.STEP
        for phone in film.phones:
            start, end = phone.start / TICKS_PER_SECOND, phone.end / TICKS_PER_SECOND
            if phone.symbol in {"m", "b", "p"} and end - start < 0.2 and start > first + 0.15:
                at = np.arange(start - 0.12, end + 0.12, 0.004)
                gap = np.interp(at, rows, film.aperture)
                met = gap < gap.min() + 0.1 * np.ptp(gap)
                offsets.append(float(at[met].mean()) - (start + end) / 2)
                gaps.append(float(gap[(at >= start - 0.02) & (at <= end + 0.02)].min()))
    if not gaps:
        return {"count": 0}
    low, middle, high = (round(1000 * float(x)) for x in np.percentile(offsets, (25, 50, 75)))
    smallest = round(float(np.median(gaps)), 2)
    return {
        "count": len(gaps), "smallest_gap_mm": smallest, "lips_meet_after_its_middle_ms": middle,
        "quartiles_ms": [low, high],
    }  # fmt: skip


def _scores(films: Films, hand: _Table, table: _Table, lag: float) -> dict[str, dict[str, float]]:
    """Correlation with real lips before and after."""
    out: dict[str, dict[str, float]] = {}
    for key, truth, follow in (("aperture", films.aperture, 0.0), ("width", films.width, CORNERS_FOLLOW)):
        out[key] = {}
        for when, t in (("before", hand), ("after", table)):
            shares = films.shares(t.dominance, lag + follow)
            matrix, constant = films.spread(shares) if follow else films.openness(shares)
            made = np.tensordot(t.width if follow else t.aperture, matrix, 1) + constant
            out[key][when] = round(correlation(films, made, truth), 3)
    return out
