"""An alignment as text that other programs read: Praat's TextGrid, CSV, JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from typing import Any

from mien.dialogue.align.forced import Alignment
from mien.timeline import TICKS_PER_SECOND, to_seconds
from mien.types import Phone, Word


def to_textgrid(alignment: Alignment, text: str) -> str:
    """Praat's long text format with the tiers "words" and "phones" (Praat manual, "TextGrid file formats").

    Intervals follow each other from 0 to the recording's end; those without a sound have no label.
    """
    end = alignment.end
    words = _intervals(((w.start, w.end, text[w.char_start : w.char_end]) for w in alignment.words), end)
    phones = _intervals(((p.start, p.end, p.symbol) for p in alignment.phones if p.symbol), end)
    head = [
        'File type = "ooTextFile"', 'Object class = "TextGrid"', "",
        "xmin = 0", f"xmax = {_seconds(end)}", "tiers? <exists>", "size = 2", "item []:",
    ]  # fmt: skip
    return "\n".join([*head, *_tier(1, "words", words, end), *_tier(2, "phones", phones, end), ""])


def to_csv(alignment: Alignment, text: str) -> str:
    """A line for each word (RFC 4180): start, end (seconds), the word, its confidence, its characters in the text."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(("start", "end", "word", "confidence", "char_start", "char_end"))
    for word in _words(alignment, text):
        writer.writerow(word.values())
    return out.getvalue()


def to_json(alignment: Alignment, text: str, language: str) -> str:
    """Everything: ``text``, ``language``, ``seconds``, ``confidence``, ``words``, ``phones``, ``sentences``.

    language: of most of the words.
    """
    content: dict[str, Any] = {
        "format": "mien-alignment", "version": 1, "text": text, "language": language,
        "seconds": _round(alignment.end),
        "confidence": round(alignment.confidence, 3),
        "words": _words(alignment, text),
        "phones": [
            {"start": _round(p.start), "end": _round(p.end), "phone": p.symbol, "confidence": round(p.confidence, 3)}
            for p in alignment.phones if p.symbol
        ],
        "sentences": [
            {"start": _round(s.start), "end": _round(s.end), "char_start": s.char_start, "char_end": s.char_end}
            for s in alignment.sentences
        ],
    }  # fmt: skip
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def _words(alignment: Alignment, text: str) -> list[dict[str, Any]]:
    sure = word_confidences(alignment.words, alignment.phones)
    return [
        {
            "start": _round(w.start), "end": _round(w.end), "word": text[w.char_start : w.char_end],
            "confidence": round(c, 3), "char_start": w.char_start, "char_end": w.char_end,
        }
        for w, c in zip(alignment.words, sure, strict=True)
    ]  # fmt: skip


def word_confidences(words: Sequence[Word], phones: Sequence[Phone]) -> list[float]:
    """The mean over each word's phones, by their lengths. Both in order of time."""
    found = []
    first = 0
    for word in words:
        while first < len(phones) and phones[first].end <= word.start:
            first += 1
        total, length, i = 0.0, 0, first
        while i < len(phones) and phones[i].start < word.end:
            shared = min(phones[i].end, word.end) - max(phones[i].start, word.start)
            if phones[i].symbol:
                total, length = total + shared * phones[i].confidence, length + shared
            i += 1
        found.append(total / length if length else 0.0)
    return found


def _intervals(labelled: Iterable[tuple[int, int, str]], end: int) -> list[tuple[int, int, str]]:
    """The same with what is between them, from 0 to ``end``; nothing overlaps, nothing is empty."""
    out: list[tuple[int, int, str]] = []
    at = 0
    for first, last, label in labelled:
        start, stop = max(first, at), min(last, end)
        if stop <= start:
            continue
        if start > at:
            out.append((at, start, ""))
        out.append((start, stop, label))
        at = stop
    if at < end or not out:
        out.append((at, end, ""))
    return out


def _tier(number: int, name: str, intervals: list[tuple[int, int, str]], end: int) -> list[str]:
    lines = [
        f"    item [{number}]:", '        class = "IntervalTier"', f'        name = "{name}"',
        "        xmin = 0", f"        xmax = {_seconds(end)}", f"        intervals: size = {len(intervals)}",
    ]  # fmt: skip
    for k, (start, stop, label) in enumerate(intervals, 1):
        quoted = " ".join(label.split()).replace('"', '""')
        lines += [
            f"        intervals [{k}]:",
            f"            xmin = {_seconds(start)}",
            f"            xmax = {_seconds(stop)}",
            f'            text = "{quoted}"',
        ]
    return lines


def _seconds(tick: int) -> str:
    """Exact to the tick, without an exponent."""
    return f"{tick / TICKS_PER_SECOND:.9f}".rstrip("0").rstrip(".") or "0"


def _round(tick: int) -> float:
    return round(to_seconds(tick), 4)
