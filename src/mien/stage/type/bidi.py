"""Text that runs right to left, and text in which both directions are mixed.

The bidirectional algorithm of Unicode (UAX #9) without explicit embeddings and isolates, whose characters are passed
over: rules P2 to P3, W1 to W7, N0 to N2, I1 to I2, L1 and L2. Shaping libraries apply it within one font; a line
of text is drawn with several.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Final, TypeVar

_T = TypeVar("_T")

_PAIRS: Final = {
    "(": ")",
    "[": "]",
    "{": "}",
    "⟨": "⟩",
    "〈": "〉",
    "《": "》",
    "「": "」",
    "『": "』",
    "【": "】",
    "（": "）",
}
_CLOSING: Final = {closing: opening for opening, closing in _PAIRS.items()}
_PASSED_OVER: Final = frozenset({"BN", "LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"})
_NEUTRAL: Final = frozenset({"B", "S", "WS", "ON"})
_SPACES: Final = frozenset({"B", "S", "WS"})


def has_rtl(text: str) -> bool:
    """Whether anything in it runs right to left."""
    return any(unicodedata.bidirectional(char) in ("R", "AL", "AN") for char in text)


def base_level(text: str) -> int:
    """1 where the first letter with a direction runs right to left (P2, P3)."""
    for char in text:
        kind = unicodedata.bidirectional(char)
        if kind in ("L", "R", "AL"):
            return int(kind != "L")
    return 0


def levels(text: str, base: int) -> list[int]:
    """The embedding level of every character: even runs left to right, odd right to left."""
    if not base and not has_rtl(text):
        return [0] * len(text)
    around = "R" if base else "L"
    kinds = [unicodedata.bidirectional(char) for char in text]
    seen = [i for i, kind in enumerate(kinds) if kind not in _PASSED_OVER]
    own = [kinds[i] for i in seen]
    _weak(own, around)
    _brackets([text[i] for i in seen], own, around)
    _neutrals(own, around)
    out = [base] * len(text)
    for i, kind in zip(seen, own, strict=True):
        out[i] = base + _RAISE[kind, base % 2]
    for i, kind in enumerate(kinds):
        if kind in _PASSED_OVER and i:
            out[i] = out[i - 1]
    return out


_RAISE: Final = {
    ("L", 0): 0, ("R", 0): 1, ("AN", 0): 2, ("EN", 0): 2,
    ("L", 1): 1, ("R", 1): 0, ("AN", 1): 1, ("EN", 1): 1,
}  # fmt: skip


def for_line(text: str, level: Sequence[int], base: int) -> list[int]:
    """Levels of one line: the space at its end goes with the paragraph (L1)."""
    out = list(level)
    for i in range(len(text) - 1, -1, -1):
        kind = unicodedata.bidirectional(text[i])
        if kind not in _SPACES and kind not in _PASSED_OVER:
            break
        out[i] = base
    return out


def visual(runs: Sequence[_T], level: Sequence[int]) -> list[_T]:
    """Runs from left to right as they are seen (L2)."""
    order = list(range(len(runs)))
    for floor in range(max(level, default=0), 0, -1):
        at = 0
        while at < len(order):
            if level[order[at]] < floor:
                at += 1
                continue
            end = at
            while end < len(order) and level[order[end]] >= floor:
                end += 1
            order[at:end] = order[at:end][::-1]
            at = end
    return [runs[i] for i in order]


def _weak(kinds: list[str], around: str) -> None:
    """W1 to W7, in place."""
    strong = around
    for i, kind in enumerate(kinds):  # W1 to W3
        if kind == "NSM":
            kinds[i] = kinds[i - 1] if i else around
        elif kind in ("L", "R", "AL"):
            strong = kind
        elif kind == "EN" and strong == "AL":
            kinds[i] = "AN"
    kinds[:] = ["R" if kind == "AL" else kind for kind in kinds]
    _signs(kinds)
    strong = around
    for i, kind in enumerate(kinds):  # W6, W7
        if kind in ("ES", "ET", "CS"):
            kinds[i] = "ON"
        elif kind in ("L", "R"):
            strong = kind
        elif kind == "EN" and strong == "L":
            kinds[i] = "L"


def _signs(kinds: list[str]) -> None:
    """W4 and W5, in place: separators within numbers, signs beside them."""
    for i in range(1, len(kinds) - 1):
        before, after = kinds[i - 1], kinds[i + 1]
        if before == after and ((kinds[i] in ("ES", "CS") and before == "EN") or (kinds[i] == "CS" and before == "AN")):
            kinds[i] = before
    for order in (range(len(kinds)), range(len(kinds) - 1, -1, -1)):
        last = ""
        for i in order:
            if kinds[i] == "ET" and last == "EN":
                kinds[i] = "EN"
            last = kinds[i]


def _direction(kind: str) -> str:
    return "R" if kind in ("R", "EN", "AN") else kind


def _brackets(chars: Sequence[str], kinds: list[str], around: str) -> None:
    """N0, in place: a pair takes the direction of what is in it, or before it."""
    waiting: list[tuple[str, int]] = []
    pairs = []
    for i, char in enumerate(chars):
        if kinds[i] != "ON":
            continue
        if char in _PAIRS:
            waiting.append((char, i))
        elif char in _CLOSING and any(opening == _CLOSING[char] for opening, _ in waiting):
            while waiting:
                opening, at = waiting.pop()
                if opening == _CLOSING[char]:
                    pairs.append((at, i))
                    break
    for first, last in sorted(pairs):
        inside = {_direction(kind) for kind in kinds[first + 1 : last]} & {"L", "R"}
        if around in inside:
            kinds[first] = kinds[last] = around
        elif inside:
            before = next((d for k in reversed(kinds[:first]) if (d := _direction(k)) in ("L", "R")), around)
            kinds[first] = kinds[last] = before if before in inside else around


def _neutrals(kinds: list[str], around: str) -> None:
    """N1 and N2, in place."""
    at = 0
    while at < len(kinds):
        if kinds[at] not in _NEUTRAL:
            at += 1
            continue
        end = at
        while end < len(kinds) and kinds[end] in _NEUTRAL:
            end += 1
        before = _direction(kinds[at - 1]) if at else around
        after = _direction(kinds[end]) if end < len(kinds) else around
        kinds[at:end] = [before if before == after else around] * (end - at)
        at = end
