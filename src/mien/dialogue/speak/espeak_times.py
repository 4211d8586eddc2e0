"""From espeak-ng's events to phones and words with times, in samples of the job's own sound.

What the events do not say, the sound does. A stop's event marks its burst, so its closure lies in the phone before it:
it is found again as the quiet stretch before the burst (lips must be shut there, not when the burst has gone). Word
events come for pieces of words, or once for several hanzi: they are gathered to the tokens of the text, or shared out
by syllable.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.dialogue.languages import script_of
from mien.dialogue.speak.espeak_process import RawEvent

SILENCE: Final = ""
_SHORT_SILENCE = 0.070
_LONGEST_CLOSURE = 0.120
_SHORTEST_STOP = (
    0.050  # closure and burst: the espeak events of a stop after a pause or an obstruent have the burst only
)
_FRAME = 0.002
_STOPS = tuple("pbtdkɡgqcɟʈɖʔ")
_DROPPED = str.maketrans("", "", "ˈˌːˑ˥˦˧˨˩0123456789'_|-^*!?;\"")
_IPA: Final = {
    "s.": "ʂ", "z.": "ʐ", "ts.": "tʂ", "ts.h": "tʂʰ", "tsh": "tsʰ", "tɕh": "tɕʰ", "th": "tʰ", "kh": "kʰ", "ph": "pʰ",
    "i.": "ɨ", "o-": "ɤ", "u-": "ɯ", "i[": "ɹ̩",
}  # fmt: skip
_VOWELS = frozenset("aeiouyɑɒæɐəɚɛɜɝɪɨɔøœɵɤɯʊʌʉʏɶɘɞɿʅ")


@dataclass(frozen=True, slots=True)
class Span:
    """Samples start…end and what they are: an IPA symbol ("" is silence)."""

    start: int
    end: int
    symbol: str


@dataclass(frozen=True, slots=True)
class Token:
    """A word of the job's text: characters start…stop. single: one hanzi, which is one syllable."""

    start: int
    stop: int
    single: bool


def phones(events: tuple[RawEvent, ...], pcm: NDArray[np.int16], rate: int) -> list[Span]:
    """Phones that cover the sound from first to last sample without a gap."""
    raw = [(e.sample, e.symbol) for e in events if e.kind == 7 and not e.symbol.startswith("(")]
    bounds = [*accumulate((min(sample, len(pcm)) for sample, _ in raw), max), len(pcm)]
    spans = [Span(a, b, ipa(symbol)) for (a, b), (_, symbol) in zip(pairwise(bounds), raw, strict=True) if b > a]
    if not spans:
        return [Span(0, len(pcm), SILENCE)] if len(pcm) else []
    if spans[0].start > 0:
        spans.insert(0, Span(0, spans[0].start, SILENCE))
    return _with_closures(_without_short_silences(spans, rate), pcm, rate)


def ipa(symbol: str) -> str:
    """espeak-ng's spelling of a phone as plain IPA, without stress, length and tone."""
    bare = symbol.replace("ˈ", "").replace("ˌ", "").replace("ː", "")
    if bare in _IPA:
        return _IPA[bare]
    return bare.translate(_DROPPED).replace(".", "").strip()


def tokens(text: str) -> list[Token]:
    """Words of a text: what stands between spaces without its outer punctuation; every hanzi by itself."""
    return [Token(m.start(), m.end(), _is_han(m.group())) for m in _TOKEN.finditer(text)]


def words(events: tuple[RawEvent, ...], spoken: list[Span], found: list[Token]) -> list[tuple[int, int, Token]]:
    """Times of the tokens in samples, in order and without overlap; tokens that make no sound are left out."""
    sounding = [p for p in spoken if p.symbol != SILENCE]
    if not found or not sounding:
        return []
    firsts = _first_events(events, found) or {0: 0}
    firsts[0] = firsts.pop(min(firsts))
    keys = sorted(firsts)
    middles = [(p.start + p.end) / 2 for p in sounding]
    bounds = [*(bisect_left(middles, firsts[k]) for k in keys), len(sounding)]
    out: list[tuple[int, int, Token]] = []
    for (i, j), (k, stop) in zip(pairwise(bounds), pairwise([*keys, len(found)]), strict=True):
        if i < j:
            out += _share(sounding[i:j], found[k:stop])
    return out


_HAN = "\u2e80-\u2fdf\u3005\u3007\u3021-\u3029\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_MARKS = (
    "\u0300-\u036f\u0483-\u0487\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed\u0900-\u0903\u093a-\u0dff"
    "\u0e31-\u0e4e\u102b-\u109f\u200c\u200d"
)
_LETTERS = rf"(?:[^\W{_HAN}]|[{_MARKS}])+"
_TOKEN = re.compile(
    rf"\w+://\S*[\w/]|www\.\S*\w|[\w.+-]+@[\w-]+\.[\w.-]*\w"
    rf"|[{_HAN}]"
    rf"|(?:[$€£¥+#@-](?=\d))?{_LETTERS}(?:(?:['’./·\-‐‑&]|[,:](?=\d)){_LETTERS})*[%°€£¥]?"
    rf"|[%&@#+=€$£¥°]",
)


def _is_han(text: str) -> bool:
    return len(text) == 1 and script_of(text) == "Hani"


def _without_short_silences(spans: list[Span], rate: int) -> list[Span]:
    """Give silences under 70 ms to the stop that follows them (they are its closure), else to the phone before."""
    out: list[Span] = []
    for i, span in enumerate(spans):
        following = spans[i + 1] if i + 1 < len(spans) else None
        if span.symbol == SILENCE and out and out[-1].symbol == SILENCE:
            out[-1] = Span(out[-1].start, span.end, SILENCE)
        elif span.symbol != SILENCE or span.end - span.start >= _SHORT_SILENCE * rate or not (following or out):
            out.append(span)
        elif following and (not out or following.symbol.startswith(_STOPS)):
            spans[i + 1] = Span(span.start, following.end, following.symbol)
        else:
            out[-1] = Span(out[-1].start, span.end, out[-1].symbol)
    return out


def _with_closures(spans: list[Span], pcm: NDArray[np.int16], rate: int) -> list[Span]:
    """Give each stop the closure that precedes its burst: the quiet end of the phone before it, or of the pause."""
    frame = max(1, round(_FRAME * rate))
    usable = len(pcm) // frame
    level = np.sqrt(np.mean(pcm[: usable * frame].reshape(usable, frame).astype(np.float32) ** 2, axis=1))
    out = list(spans)
    for i in range(1, len(out)):
        before, stop = out[i - 1], out[i]
        if not stop.symbol.startswith(_STOPS):
            continue
        lacking = max(0, round(_SHORTEST_STOP * rate) - (stop.end - stop.start))
        moved = stop.start - min(lacking, (before.end - before.start) // 3)
        if before.symbol != SILENCE:
            moved = min(moved, _quiet_since(level, frame, before, rate))
        moved = max(moved, before.start + 1)
        out[i - 1], out[i] = Span(before.start, moved, before.symbol), Span(moved, stop.end, stop.symbol)
    return out


def _quiet_since(level: NDArray[np.float32], frame: int, before: Span, rate: int) -> int:
    """Sample since which the end of a phone is 18 dB below its loudest; at most its second half or 120 ms."""
    first = max((before.start + before.end) // 2, before.end - round(_LONGEST_CLOSURE * rate))
    k = min(before.end // frame, len(level))
    quiet = 0.12 * float(level[before.start // frame : max(k, before.start // frame + 1)].max(initial=0.0))
    while k > first // frame and level[k - 1] < quiet:
        k -= 1
    return min(max(k * frame, first), before.end)


def _first_events(events: tuple[RawEvent, ...], found: list[Token]) -> dict[int, int]:
    """For each token that has a word event: the sample of its first one. Kept in the order of the text."""
    starts: dict[int, int] = {}
    k = 0
    for event in events:
        if event.kind != 1:
            continue
        while k + 1 < len(found) and found[k + 1].start <= event.position:
            k += 1
        if k not in starts and (not starts or k > max(starts)):
            starts[k] = event.sample
    return starts


def _share(inside: list[Span], group: list[Token]) -> list[tuple[int, int, Token]]:
    """Share phones among tokens: at syllables when their number fits, else at phones in proportion to letters."""
    starts = _syllable_starts(inside) if all(t.single for t in group) else []
    if len(starts) != len(group):
        starts = _proportional(inside, group)
    bounds = [inside[0].start, *starts[1:], inside[-1].end]
    return [(a, _voiced_end(a, b, inside), t) for (a, b), t in zip(pairwise(bounds), group, strict=True) if b > a]


def _voiced_end(begin: int, end: int, inside: list[Span]) -> int:
    """End of the last sound in begin…end, so that a word does not cover the pause behind it."""
    return max((min(p.end, end) for p in inside if p.start < end and p.end > begin), default=end)


def _syllable_starts(inside: list[Span]) -> list[int]:
    """Sample at which each Chinese syllable starts: its vowel, or the consonant before the vowel."""
    starts: list[int] = []
    before: Span | None = None
    for phone in inside:
        vowel, after_vowel = phone.symbol[:1] in _VOWELS, before is not None and before.symbol[:1] in _VOWELS
        if vowel and not (after_vowel and before is not None and before.end == phone.start):
            onset = before is not None and not after_vowel and before.symbol != "ŋ"
            starts.append(before.start if onset and before is not None else phone.start)
        before = phone
    return starts


def _proportional(inside: list[Span], group: list[Token]) -> list[int]:
    """Where each token starts when its share goes by its letters: at the nearest phones if they suffice."""
    begin, end = inside[0].start, inside[-1].end
    weights = np.cumsum([0.0] + [float(t.stop - t.start) for t in group])
    wanted = [round(begin + float(w) * (end - begin) / float(weights[-1])) for w in weights[:-1]]
    nearest = [min((p.start for p in inside), key=lambda edge, w=w: abs(edge - w)) for w in wanted]  # type: ignore[misc]
    return nearest if all(a < b for a, b in pairwise([*nearest, end])) else wanted
