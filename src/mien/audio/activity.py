"""From a detector's opinion of each moment to stretches of speech, so that no word is cut and no click talks."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

import numpy as np

from mien.types import Activity, FloatArray

SPEECH: Final = 0.5
"""Rows from here up are speech."""


@dataclass(frozen=True, slots=True)
class GateSettings:
    """Counts of rows of 20 ms.

    enter: chance from which speech begins. leave: below it, speech ends. lead: speech begins so long before it is
    noticed (soft first consonants). hold: it ends so long after it is last noticed (dying last syllables). shortest:
    what is shorter is a click or a breath. With lead and shortest 0 and 1 nothing waits.
    """

    enter: float = 0.5
    leave: float = 0.35
    lead: int = 9
    hold: int = 5
    shortest: int = 5

    @property
    def look_ahead(self) -> int:
        """Rows after a row that can still change it."""
        return self.lead + self.shortest - 1


class Gate:
    """Rows in, rows out: at least :data:`SPEECH` in speech and only there. Chunked equals whole."""

    def __init__(self, settings: GateSettings | None = None) -> None:
        self._settings = settings or GateSettings()
        self._start: int | None = None
        self._given = 0
        self._run: list[float] = []  # speech that is too short so far to be sure of
        self._speaking = False
        self._judged: deque[float] = deque()  # rows after judgement, from number _base on
        self._base = 0
        self._count = 0

    def push(self, activity: Activity) -> Activity:
        """The next rows; returns those that are final."""
        if self._start is None:
            self._start = activity.start
        for chance in activity.probability.tolist():
            self._judge(chance)
        return self._take(self._count - self._settings.lead)

    def close(self) -> Activity:
        """The rest of the rows."""
        self._refuse()
        return self._take(self._count)

    def _judge(self, chance: float) -> None:
        settings = self._settings
        if self._speaking:
            self._speaking = chance >= settings.leave
            self._settle(max(chance, SPEECH) if self._speaking else chance)
            return
        if chance < (settings.leave if self._run else settings.enter):
            self._refuse()
            self._settle(min(chance, settings.leave))
            return
        self._run.append(chance)
        if len(self._run) >= settings.shortest:
            self._speaking = True
            for held in self._run:
                self._settle(max(held, SPEECH))
            self._run.clear()

    def _refuse(self) -> None:
        """What seemed to be speech was too short."""
        for held in self._run:
            self._settle(min(held, self._settings.leave))
        self._run.clear()

    def _settle(self, chance: float) -> None:
        self._judged.append(chance)
        self._count += 1

    def _take(self, until: int) -> Activity:
        """Rows up to number ``until``: each the largest of those around it that it owes to lead and hold."""
        settings = self._settings
        start = (self._start or 0) + self._given * 960
        rows = max(0, until - self._given)
        known = np.array(self._judged, np.float32)
        out: FloatArray = np.zeros(rows, np.float32)
        for i in range(rows):
            row = self._given + i - self._base
            out[i] = known[max(0, row - settings.hold) : row + settings.lead + 1].max()
        self._given += rows
        while self._base < self._given - settings.hold:
            self._judged.popleft()
            self._base += 1
        return Activity(start, out)
