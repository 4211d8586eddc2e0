"""Counters, gauges and histograms in Prometheus' text format 0.0.4.

Written here, not taken from prometheus-client: that keeps its metrics in a registry of the process, and these belong to
one server; what is left of it is a page of code.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
SECONDS: Final = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 0.9, 1.1, 1.3, 1.6, 2.0, 3.0, 5.0, 10.0)
"""Bounds of the buckets of a turn's waits."""
SKEW: Final = (0.005, 0.01, 0.02, 0.03, 0.04, 0.06, 0.08, 0.12, 0.2, 0.5)
"""Bounds of the buckets of the time between picture and sound."""

Labels = tuple[tuple[str, str], ...]


@dataclass
class _Histogram:
    bounds: tuple[float, ...]
    counts: list[int] = field(default_factory=list)
    total: float = 0.0

    def __post_init__(self) -> None:
        self.counts = [0] * (len(self.bounds) + 1)


class Metrics:
    """What one server counts. Safe from any thread; quick enough to be called by a session's own threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counters: dict[str, dict[Labels, float]] = {}
        self._histograms: dict[str, dict[Labels, _Histogram]] = {}

    def count(self, name: str, by: float = 1, **labels: str) -> None:
        """Add to a counter."""
        key = tuple(sorted(labels.items()))
        with self._lock:
            family = self._counters.setdefault(name, {})
            family[key] = family.get(key, 0) + by

    def observe(self, name: str, value: float, bounds: tuple[float, ...] = SECONDS, **labels: str) -> None:
        """Put a value into a histogram; its bounds are those of the first call."""
        key = tuple(sorted(labels.items()))
        with self._lock:
            family = self._histograms.setdefault(name, {})
            histogram = family.setdefault(key, _Histogram(bounds))
            histogram.counts[bisect_left(histogram.bounds, value)] += 1
            histogram.total += value

    def with_live(self, live: Mapping[tuple[str, Labels], float]) -> dict[tuple[str, Labels], float]:
        """Values that are counted elsewhere, added to what was counted here under the same names."""
        names = {name for name, _ in live}
        with self._lock:
            both = {(name, key): v for name in names for key, v in self._counters.get(name, {}).items()}
        for total, value in live.items():
            both[total] = both.get(total, 0) + value
        return both

    def text(self, gauges: Iterable[Gauge] = ()) -> str:
        """Everything, and what is measured just now."""
        lines: list[str] = []
        told = set()
        for gauge in gauges:
            told.add(gauge.name)
            lines += gauge.lines()
        with self._lock:
            for name, family in sorted(self._counters.items()):
                if name in told:
                    continue
                lines += _heading(name, "counter")
                lines += [f"{name}{_braces(key)} {value:g}" for key, value in sorted(family.items())]
            for name, histograms in sorted(self._histograms.items()):
                lines += _heading(name, "histogram")
                for key, histogram in sorted(histograms.items()):
                    lines += _buckets(name, key, histogram)
        return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Gauge:
    """A family whose values are known when they are asked for. values: labels → value."""

    name: str
    values: Mapping[Labels, float]
    kind: str = "gauge"

    def lines(self) -> list[str]:
        """Its lines."""
        told = [f"{self.name}{_braces(key)} {value:g}" for key, value in sorted(self.values.items())]
        return [*_heading(self.name, self.kind), *told]


_HELP: Final = {
    "mien_sessions": "Sessions that are open.",
    "mien_sessions_most": "Sessions that may be open at once.",
    "mien_sessions_opened_total": "Sessions that were opened.",
    "mien_refused_total": "Sessions that were refused, by reason.",
    "mien_frames_total": "Moments shown to those who watch.",
    "mien_frames_repeated_total": "Moments with an old picture, because time was short.",
    "mien_turns_total": "Answers begun.",
    "mien_cuts_total": "Answers cut short.",
    "mien_clock_jumps_total": "Times a session's clock started anew.",
    "mien_turn_wait_seconds": "From the end of a question, or the text, to the first sound sent.",
    "mien_browser_wait_seconds": "What browsers measured of a turn, by kind.",
    "mien_av_skew_seconds": "Time between picture and sound as browsers measured it.",
    "mien_viewer_frames_total": "Pictures that went out, by kind of viewer.",
    "mien_viewer_lost_frames_total": "Pictures that viewers had to drop, by kind.",
    "mien_viewer_sent_bytes_total": "Bytes that viewers sent, by kind.",
    "mien_viewers": "Viewers, by kind and state.",
    "mien_queue": "Length of queues: the longest of all sessions.",
    "mien_errors_total": "Errors told to visitors, by code.",
    "mien_requests_total": "Requests, by kind of answer.",
    "mien_events_missed_total": "Events that slow pages missed.",
    "mien_microphone_lost_total": "Pieces of sound that came faster than they were heard.",
}


def _heading(name: str, kind: str) -> list[str]:
    return [f"# HELP {name} {_HELP.get(name, name)}", f"# TYPE {name} {kind}"]


def _buckets(name: str, key: Labels, histogram: _Histogram) -> list[str]:
    lines, so_far = [], 0
    for bound, count in zip((*histogram.bounds, float("inf")), histogram.counts, strict=True):
        so_far += count
        edge = "+Inf" if bound == float("inf") else f"{bound:g}"
        lines.append(f"{name}_bucket{_braces((*key, ('le', edge)))} {so_far}")
    return [*lines, f"{name}_sum{_braces(key)} {histogram.total:g}", f"{name}_count{_braces(key)} {so_far}"]


def _braces(labels: Labels) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
