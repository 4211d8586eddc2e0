"""What a measure says."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Measure:
    """One number about a film.

    name: dotted, stable, for programs. value: in ``unit``; nan where it could not be measured. wanted: the bound in
    words, "" for a number that is only reported. good: whether it is kept, None without a bound. note: how it came
    about, for people.
    """

    name: str
    value: float
    unit: str
    wanted: str = ""
    good: bool | None = None
    note: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON; a value that could not be measured is null."""
        value = round(self.value, 6) if math.isfinite(self.value) else None
        return {
            "name": self.name,
            "value": value,
            "unit": self.unit,
            "wanted": self.wanted,
            "good": self.good,
            "note": self.note,
        }


def at_most(name: str, value: float, bound: float, unit: str, note: str = "") -> Measure:
    """A measure whose size must not exceed a bound."""
    return Measure(name, value, unit, f"<= {bound:g}", abs(value) <= bound, note)


def at_least(name: str, value: float, bound: float, unit: str, note: str = "") -> Measure:
    """A measure that must reach a bound."""
    return Measure(name, value, unit, f">= {bound:g}", value >= bound, note)


def all_good(measures: Iterable[Measure]) -> bool:
    """Whether no measure misses its bound."""
    return all(m.good is not False for m in measures)
