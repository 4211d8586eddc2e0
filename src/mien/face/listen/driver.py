"""The face driver for any voice: recorded, live or synthetic, in any language, with or without known words.

Streams in rows at 50 Hz. A row comes out once what is spoken 220 ms after it is known, so that its network hears how a
sound is let go before it says what the lips did; a prompt one waits for its network only, 60 or 0 ms, nods and blinks
a little later, and knows no phones ahead.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.errors import UsageError
from mien.face.base import FaceDriverInfo, FaceSettings
from mien.face.lips import Articulation
from mien.face.listen.acoustics import Acoustics
from mien.face.listen.calibrate import Calibration, Range
from mien.face.listen.contacts import AROUND, PromptContacts, closed_at_peaks, over
from mien.face.listen.features import Features, silence
from mien.face.listen.heads import APERTURE, CLOSED, HEADS, ROW, SPEAKING, TEETH
from mien.face.listen.mouth import Posture, blend, posture
from mien.face.listen.network import Network
from mien.face.listen.opinion import Opinions
from mien.face.listen.pauses import Pauses
from mien.face.motion import Motion
from mien.face.phones import LOOK_AHEAD as PHONES_AHEAD
from mien.face.prosody import Prosody
from mien.face.styles import resolve
from mien.types import ARKIT_SHAPES, FaceClip, FloatArray, SpeechPart

Rows = NDArray[np.float64]

_PROMPT_AHEAD, _PATIENT_AHEAD = 3, 8
"""Rows that the network hears beyond what it speaks of, when nothing else is asked for."""
_BLOCK: Final = 256
_SETTLE: Final = 50
_WORTH_KEEPING: Final = 150
"""Rows of speech, three seconds, from which on a calibration is kept."""
_EVENTS_LATE: Final = 13
"""Rows by which a prompt driver puts off nods and blinks, which are known that much after their moment."""
_DOUBT: Final = 0.6
_HEARSAY: Final = 0.5
"""Phones less sure than this were heard by a recogniser; a model of one's own knows better."""
_SURELY_SPOKEN: Final = (0.4, 0.9)
"""How sure the network must be that somebody near speaks: a recogniser hears phones in music and in others, too."""
_MOVING: Final = [i for i in range(HEADS) if i not in (CLOSED, TEETH)]
"""What rests in a pause: all but the contacts."""
_CLOSING, _OPENING = 0.14, 0.35
"""How far the gate moves in a row: shut 140 ms after the voice stopped, open 60 ms after it began."""


class ListenDriver:
    """Moves a face by sound: lips by a network, the rest as the phone driver has it. See FaceDriver in the base.

    prompt: for live use. look_ahead: of the network, rows, 8 (160 ms), 3 (60 ms) or 0; 3 is usual for a prompt one and
    8 else; a model named in the settings has its own.
    calibration: what an earlier stream learned about this voice, instead of what the settings name a file of. Raises
    UsageError for settings that make no sense, InputError for files that are something else.
    """

    def __init__(
        self,
        settings: FaceSettings,
        *,
        prompt: bool = False,
        look_ahead: int | None = None,
        calibration: Calibration | None = None,
    ) -> None:
        self._settings, self._style = settings, resolve(settings)
        self._kept = Path(settings.calibration) if settings.calibration else None
        known = calibration or (Calibration.load(self._kept) if self._kept and self._kept.exists() else Calibration())
        usual = _PROMPT_AHEAD if prompt else _PATIENT_AHEAD
        model = Path(settings.lip_model) if settings.lip_model else None
        self._network = Network(usual if look_ahead is None else look_ahead, model)
        # a model of one's own knows its person's lips better than a table does
        self._opinions = None if model else Opinions(self._network.look_ahead)
        self._features = Features(known.level, None if model else Acoustics())
        self._range, self._pauses, self._contacts = Range(known), Pauses(), PromptContacts()
        self._before = np.zeros(AROUND)
        self._prosody = Prosody()
        self._answers = _Pending(HEADS)
        self._gate, self._sure = _Track(), _Track()
        self._gate_known, self._open_by, self._sure_before = False, 0.0, 1.0
        self._start, self._end, self._done = 0, 0, 0
        patient = max(PHONES_AHEAD, (self._network.look_ahead + AROUND) * ROW)
        self._wait = self._network.look_ahead * ROW if prompt else patient
        self._late = _EVENTS_LATE if prompt else 0
        self._closed = False
        self._articulation: Articulation | None = None
        self._motion: Motion | None = None
        self._network.run(np.repeat(silence(known.level), _SETTLE, axis=0))  # a stream begins after silence
        self._skip = self._network.look_ahead - 1
        if self._skip < 0:
            self._answers.put(np.zeros((-self._skip, HEADS), np.float32))

    @property
    def info(self) -> FaceDriverInfo:
        """Needs no phones; waits as long as its network does."""
        return FaceDriverInfo(name="listen", needs_phones=False, look_ahead=self._wait)

    @property
    def calibration(self) -> Calibration:
        """What was learned about this voice so far."""
        return Calibration(self._features.level, self._range.millimetres, self._range.heard)

    def push(self, part: SpeechPart) -> None:
        """Take the next part. Raises UsageError for a gap before it or after :meth:`close`."""
        articulation, motion = self._open(part)
        for span in part.emotions:
            motion.feel(span)
        for phone in part.phones or ():
            articulation.add(phone)
            trusted = self._opinions is not None or phone.confidence > _HEARSAY
            sure = phone.confidence if trusted else 0.0
            self._sure.put_until(self._row(phone.start), min(sure, self._sure_before))
            self._sure.put_until(self._row(phone.end), sure)
            self._sure_before = sure
        self._end = part.audio.end
        if part.phones is None:
            self._sure.put_until(self._row(self._end), 0.0)
        if part.activity is not None:
            self._gate_known = True
            self._gate.put_until(self._row(part.activity.start), 1.0)
            self._gate.put(part.activity.probability)
        else:
            self._gate.put_until(self._row(self._end), 1.0)
        sound = _finite(part.audio.samples if part.heard is None else part.heard)
        for event in self._prosody.push(sound):
            motion.stress(replace(event, row=event.row + self._late))
        self._hear(sound)

    def close(self) -> None:
        """No more speech: the rest of the rows becomes readable. Idempotent."""
        if not self._closed and self._motion:
            for event in self._prosody.close():
                self._motion.stress(replace(event, row=event.row + self._late))
            self._hear(np.zeros(ROW * (self._network.look_ahead + 2), np.float32), ended=True)
        self._closed = True

    def read(self) -> FaceClip:
        """All rows that are final and were not read yet."""
        shapes, head = [np.zeros((0, len(ARKIT_SHAPES)), np.float32)], [np.zeros((0, 6), np.float32)]
        start = self._start + self._done * ROW
        while self._motion and (rows := min(_BLOCK, self._final() - self._done)) > 0:
            mouth = self._mouth(rows)
            gains = self._prosody.gains(rows)  # known two rows late, too late for a prompt driver
            if self._late:
                gains = np.ones(rows)
            s, h = self._motion.rows((mouth.target, mouth.closed, mouth.teeth, mouth.speaking), gains)
            shapes.append(s)
            head.append(h)
            self._done += rows
        if self._closed and self._kept and self._range.heard >= _WORTH_KEEPING:
            self.calibration.save(self._kept)
            self._kept = None
        return FaceClip(start, np.concatenate(shapes), np.concatenate(head))

    def _open(self, part: SpeechPart) -> tuple[Articulation, Motion]:
        if self._closed:
            raise UsageError("This face driver was closed.", hint="Make a new one for more speech.")
        if self._articulation is None or self._motion is None:
            self._start = self._end = part.audio.start
            self._articulation = Articulation(self._start, self._style.smoothing)
            self._motion = Motion(self._start, self._settings, self._style)
        if part.audio.start != self._end:
            raise UsageError(
                f"Speech goes on at tick {part.audio.start}, but it ended at {self._end}.",
                hint="Push the parts in order, with silence where nothing is said.",
            )
        return self._articulation, self._motion

    def _hear(self, samples: FloatArray, *, ended: bool = False) -> None:
        """ended: the sound is not a voice's, nor the silence around it; it only brings out the last answers."""
        answers = self._network.run(self._features.push(samples))
        if self._opinions is not None:
            answers = self._opinions.mixed(answers, self._features.lips)
        loudness = self._features.loudness
        moves, noise = self._pauses.held(len(loudness)) if ended else self._pauses.rows(loudness)
        answers[:, _MOVING] *= moves[:, None].astype(np.float32)
        answers[:, CLOSED] *= 1 + _DOUBT * noise  # noise makes the network doubt what it hears
        skipped = min(max(self._skip, 0), len(answers))
        self._skip -= skipped
        self._answers.put(answers[skipped:])

    def _row(self, tick: int) -> int:
        return -(-(tick - self._start) // ROW)

    def _final(self) -> int:
        """How many rows are final."""
        length = self._end - self._start
        if self._closed:
            return -(-length // ROW)
        ready = min(self._done + len(self._answers), (length - self._wait) // ROW + 1, length // ROW)
        if self._gate_known:
            ready = min(ready, self._gate.known)
        return max(ready, self._done)

    def _mouth(self, rows: int) -> Posture:
        gate = self._eased(self._gate.take(rows)) if self._gate_known else self._gate.take(rows)
        closed = self._closures(rows) * gate
        told = self._answers.take(rows) * gate[:, None]
        gains = self._range.gains(told[:, APERTURE] * 10, told[:, SPEAKING])
        heard = posture(told, closed, gains)
        assert self._articulation is not None
        known = Posture(*self._articulation.take(rows))
        sure = self._sure.take(rows)
        spoken = np.where(sure > _HEARSAY, 1.0, over(told[:, SPEAKING], *_SURELY_SPOKEN))
        return blend(heard, known, sure * spoken)

    def _closures(self, rows: int) -> Rows:
        """Closed lips of the next rows. A patient driver sees a little beyond them."""
        if self._late:
            return self._contacts.rows(self._answers.peek(rows)[:, CLOSED].astype(np.float64))
        ahead = np.zeros(rows + AROUND)
        known = self._answers.peek(rows + AROUND)[:, CLOSED]
        ahead[: len(known)] = known
        whole = np.concatenate([self._before, ahead])
        self._before = whole[rows : rows + AROUND]
        return closed_at_peaks(whole)

    def _eased(self, activity: Rows) -> Rows:
        out = np.empty(len(activity))
        for i, likely in enumerate(activity.tolist()):
            step = (1.0 if likely >= 0.5 else 0.0) - self._open_by
            self._open_by += min(max(step, -_CLOSING), _OPENING)
            out[i] = self._open_by
        return out


def _finite(sound: FloatArray) -> FloatArray:
    """The sound within -4…4: one wild sample of a broken stream would stay in the network's memory for good."""
    return np.clip(np.nan_to_num(sound, nan=0.0, posinf=0.0, neginf=0.0), -4.0, 4.0)


class _Pending:
    """Rows that wait to be taken; missing ones are zeros."""

    def __init__(self, columns: int) -> None:
        self._rows: deque[FloatArray] = deque()
        self._columns = columns

    def __len__(self) -> int:
        return len(self._rows)

    def put(self, rows: FloatArray) -> None:
        self._rows.extend(rows)

    def peek(self, count: int) -> FloatArray:
        """The next rows, as many as there are, which stay."""
        return np.array(list(islice(self._rows, count)), np.float32).reshape(-1, self._columns)

    def take(self, count: int) -> FloatArray:
        out = np.zeros((count, self._columns), np.float32)
        for i in range(min(count, len(self._rows))):
            out[i] = self._rows.popleft()
        return out


class _Track:
    """One number a row. known: rows put so far, taken ones included."""

    def __init__(self) -> None:
        self._values: deque[float] = deque()
        self._last = 0.0
        self.known = 0

    def put(self, values: FloatArray) -> None:
        self._values.extend(values.tolist())
        self.known += len(values)

    def put_until(self, row: int, value: float) -> None:
        """Fill up to a row; rows that are there already keep what they have."""
        if row > self.known:
            self.put(np.full(row - self.known, value, np.float32))

    def take(self, count: int) -> Rows:
        """The next rows; where nothing is known the last value holds."""
        out = np.empty(count)
        for i in range(count):
            if self._values:
                self._last = self._values.popleft()
            out[i] = self._last
        return out
